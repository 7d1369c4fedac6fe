"""Preparing a job: its items are listed once, in batches, and stay what they are.

Each chunk is stored in a transaction that also extends the lease, so that a worker that was taken for dead stores
nothing more. A worker that takes the job over begins again: nothing is left half done.
"""

import logging
from collections.abc import Iterator, Sequence

from django.db import DatabaseError, transaction
from django.utils import timezone

from ..models import ImportPart, Job, JobBatch, JobItem, JobState
from ..models.index import sql_helpers
from .kinds import KINDS
from .kinds.base import JobProblem, NewItem

COLUMNS = {
    "job_id": "bigint", "batch_id": "bigint", "openai_id": "text", "credential_id": "bigint",
    "conversation_id": "bigint", "line": "integer", "attempts": "smallint", "outcome": "text", "message": "text",
    "request_id": "text",
}  # fmt: skip
logger = logging.getLogger(__name__)

NOTHING = "There was nothing to do: no conversation matches."


def prepare(job: Job) -> Iterator[None]:
    """Prepare a job whose preparation the caller has taken; yields after each chunk, so that the caller can do
    something else in between. Stops if another worker takes it over, or if the job is paused or stopped."""
    preparation = _Preparation(job)
    try:
        yield from preparation.run()
    except JobProblem as problem:
        _fail(job, str(problem))
    except DatabaseError:
        raise  # the lease runs out, and another worker begins again
    except Exception as error:
        logger.exception("Job %s couldn't be prepared.", job.pk)
        _fail(job, f"Convadmin failed ({type(error).__name__}). The log of the worker says more.")


def _fail(job: Job, message: str) -> None:
    with transaction.atomic():
        _discard_items(job)
        if job.keep_preparation(message=message, finished_at=timezone.now()):
            Job.objects.move(job.pk, to=JobState.FAILED, out_of=[JobState.QUEUED], leased_until=None)


class ItemWriter:
    """Writes the items of a job into batches: the last batch of a credential is filled up before the next is begun."""

    def __init__(self, job: Job) -> None:
        kind = KINDS[job.kind]
        self._job = job
        self._size = kind.batch_size if kind.calls_server(job) else 10 * kind.batch_size
        self._number = 0
        self._open: dict[int, tuple[int, int]] = {}  # by credential: key of its last batch, and free places in it

    def write(self, items: Sequence[NewItem]) -> None:
        """Add items, in the caller's transaction."""
        rows = [
            [self._job.pk, batch, item.openai_id, item.credential_id, item.conversation_id, item.line, 0, "", "", ""]
            for batch, item in zip(self._places([item.credential_id for item in items]), items, strict=True)
        ]
        if rows:
            sql_helpers.insert_missing(JobItem._meta.db_table, COLUMNS, rows)

    def _places(self, owners: Sequence[int]) -> list[int]:
        """The key of a batch for each item; batches are made as they are needed."""
        places = []
        for owner in owners:
            batch, free = self._open.get(owner, (0, 0))
            if not free:
                batch, free = self._new_batch(owner), self._size
            self._open[owner] = batch, free - 1
            places.append(batch)
        return places

    def _new_batch(self, owner: int) -> int:
        self._number += 1
        return JobBatch.objects.create(job=self._job, number=self._number, credential_id=owner).pk


class _Preparation:
    """Lists the items of a job under a lease."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._writer = ItemWriter(job)

    def run(self) -> Iterator[None]:
        _discard_items(self._job)
        for chunk in KINDS[self._job.kind].items(self._job):
            with transaction.atomic():
                if not self._job.keep_preparation():
                    return
                self._writer.write(chunk)
            yield
        self._finish()

    def _finish(self) -> None:
        with transaction.atomic():
            total = self._job.items.count()
            if not self._job.keep_preparation(total=total, parameters=self._job.parameters):
                return
            now = timezone.now()
            state = JobState.RUNNING if total else JobState.FINISHED
            more = {} if total else {"message": NOTHING, "finished_at": now}
            Job.objects.move(
                self._job.pk, to=state, out_of=[JobState.QUEUED], running_since=now, leased_until=None, **more
            )
            ImportPart.objects.filter(job=self._job).delete()


def _discard_items(job: Job) -> None:
    """Delete what an earlier worker has listed."""
    with transaction.atomic():
        if job.keep_preparation():
            job.items.all().delete()
            job.batches.all().delete()
