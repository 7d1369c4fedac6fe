"""Transferring many conversations to another credential of the same server, each proved by a read through it."""

from django.contrib.auth.models import User

from ...models import Action, Conversation, Credential, Job, JobOutcome
from ...services.conversations import transfer_conversation
from ...services.errors import ServiceError
from ..tasks import Task
from .recorded import Done, Recorded

OTHER_SERVER = "The chosen credential is one of another server."


class Transfer(Recorded):
    """`parameters["to"]`: the key of the credential."""

    permission = "conversations.change_conversation"
    action = Action.TRANSFER

    def act(self, task: Task, actor: User, conversation: Conversation) -> Done:
        target = _target(task.job, actor)
        if conversation.credential_id == target.pk:
            return Done(JobOutcome.UNCHANGED)
        if conversation.base_url != target.base_url:
            return Done(JobOutcome.IMPOSSIBLE, OTHER_SERVER)
        transfer_conversation(actor=actor, conversation=conversation, credential=target, job=task.job)
        return Done(JobOutcome.TRANSFERRED)

    def done_before(self, task: Task, conversation: Conversation) -> Done | None:
        is_there = conversation.credential_id == task.job.parameters["to"]
        return Done(JobOutcome.TRANSFERRED) if is_there and self.has_done(task.job, conversation) else None


def _target(job: Job, actor: User) -> Credential:
    usable = Credential.objects.visible_to(actor).active().with_keys([job.parameters["to"]])
    target = usable.first()
    if target is None:
        raise ServiceError("The chosen credential was deleted or is inactive, or its actor may no longer use it.")
    return target
