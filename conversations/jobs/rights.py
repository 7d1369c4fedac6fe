"""Whether the person behind a job may still do it. Asked when a job is made, and before each batch."""

from ..models import Credential, Job
from .kinds import KINDS


def problem_with(job: Job, credential: Credential | None) -> str:
    """Why the job may not go on with a credential; "" if it may."""
    if credential is None:
        return "The credential was deleted."
    if job.is_automatic:
        return ""
    if job.actor is None or not job.actor.is_active:
        return f"{job.actor_name} no longer has an active account."
    if not job.actor.has_perm(KINDS[job.kind].permission):
        return f"{job.actor_name} may no longer do this."
    if not Credential.objects.visible_to(job.actor).filter(pk=credential.pk).exists():
        return f"{job.actor_name} may no longer use the credential “{credential.name}”."
    return ""
