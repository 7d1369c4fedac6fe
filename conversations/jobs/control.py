"""What people do with a job: make, start, pause, resume, stop and retry it; and how it ends by itself.

Each function returns whether it did something: another person, or the job itself, may have been faster.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from ..models import Credential, ErasureRequest, Job, JobKind, JobOutcome, JobState, RetentionRule, export_file
from ..models.job import ENDED
from ..models.job_item import JobItemQuerySet
from ..query import Query, parse
from .queue import wake

STOPPED = "The job was stopped before."


def create(
    *,
    kind: str,
    credentials: Sequence[Credential],
    actor: User | None,
    actor_name: str = "",
    query: str = "",
    parameters: Mapping[str, Any] | None = None,
    reason: str = "",
    token: str | None = None,
    is_draft: bool = False,
    undoes: Job | None = None,
    rule: RetentionRule | None = None,
    request: ErasureRequest | None = None,
) -> Job:
    """A job, queued unless it is a draft. Without an actor it is automatic, on behalf of `actor_name`."""
    known = {"token": token} if token else {}
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            state=JobState.DRAFT if is_draft else JobState.QUEUED,
            actor=actor,
            actor_name=actor.get_username() if actor else actor_name,
            is_automatic=actor is None,
            query=query,
            parameters=dict(parameters or {}),
            reason=reason,
            undoes=undoes,
            rule=rule,
            request=request,
            **known,
        )
        job.credentials.set(credentials)
    if not is_draft:
        wake()
    return job


def start(job: Job) -> bool:
    """Let a draft begin, with its parameters and reason as they are now; its items may be listed already.

    A search for what is erased would keep its values for good: of it, only the keys stay (R28).
    """
    if job.is_sealed:
        return False
    if job.kind == JobKind.ERASE and job.query:
        job.parameters = {**job.parameters, "searched": searched(parse(job.query))}
        job.query = ""
    more = {"parameters": job.parameters, "reason": job.reason, "query": job.query, "running_since": timezone.now()}
    return _move(job, job.resumed_state, [JobState.DRAFT], **more)


def pause(job: Job, *, message: str = "") -> bool:
    """Take no further items; those that are being called are finished."""
    return _move(job, JobState.PAUSED, [JobState.QUEUED, JobState.RUNNING], message=message, leased_until=None)


def resume(job: Job) -> bool:
    """Go on with a paused job."""
    job.refresh_from_db()
    return _move(job, job.resumed_state, [JobState.PAUSED], message="", **_from_now(job))


def stop(job: Job, *, message: str = "") -> bool:
    """End the job: what has not begun isn't done any more."""
    moved = _move(
        job, JobState.STOPPING, [JobState.QUEUED, JobState.RUNNING, JobState.PAUSED], message=message, leased_until=None
    )
    if moved:
        finish_stopping(job)
    return moved


def retry(job: Job) -> bool:
    """Do again what failed, was not permitted, or was not done: at any time, once the job's items are listed."""
    with transaction.atomic():
        job.refresh_from_db(from_queryset=Job.objects.select_for_update())
        if job.is_sealed:
            return False
        failed = _to_do_again(job)
        batches = set(failed.values_list("batch", flat=True))
        if not job.has_ended and not batches:
            return False
        if not Job.objects.move(
            job.pk,
            to=job.resumed_state,
            out_of=[*ENDED, JobState.RUNNING, JobState.PAUSED],
            message="",
            finished_at=None,
            **_from_now(job),
        ):
            return False
        failed.update(outcome="", attempts=0, message="", status=None, request_id="", finished_at=None)
        # A batch that a worker holds stays with it, and is taken again afterwards.
        job.batches.filter(pk__in=batches, is_done=True).update(is_done=False, not_before=None)
    wake()
    return True


def _to_do_again(job: Job) -> JobItemQuerySet:
    """What a retry does; of an export whose files are deleted, all of it."""
    if job.kind == JobKind.EXPORT and not export_file.folder_of(job.pk).exists():
        return job.items.failed() | job.items.with_outcome(JobOutcome.EXPORTED)
    return job.items.failed()


def discard(job: Job) -> bool:
    """Delete a draft, with its file."""
    deleted, _ = Job.objects.filter(pk=job.pk, state=JobState.DRAFT).delete()
    return bool(deleted)


def finish_if_done(job: Job) -> bool:
    """Finish a running job none of whose batches is left."""
    if job.batches.unfinished().exists():
        return False
    return _move(job, JobState.FINISHED, [JobState.RUNNING], finished_at=timezone.now())


def finish_stopping(job: Job) -> bool:
    """End a job that is being stopped, once no worker holds any of it: what is left was not done."""
    with transaction.atomic():
        if job.batches.leased(timezone.now()).exists():
            return False
        if not Job.objects.move(job.pk, to=JobState.STOPPED, out_of=[JobState.STOPPING], finished_at=timezone.now()):
            return False
        job.items.skip(STOPPED)
        job.batches.unfinished().update(is_done=True)
    return True


def searched(query: Query) -> list[str]:
    """What a search asks about, without its values."""
    return list(dict.fromkeys(clause.label().subject for clause in query.clauses))


def _move(job: Job, to: JobState, out_of: Sequence[JobState], **more: Any) -> bool:
    moved = Job.objects.move(job.pk, to=to, out_of=out_of, **more)
    if moved:
        transaction.on_commit(wake)
    return moved


def _from_now(job: Job) -> dict[str, Any]:
    """What the rate and the time left are counted from."""
    return {"running_since": timezone.now(), "done_before": job.numbers().done}
