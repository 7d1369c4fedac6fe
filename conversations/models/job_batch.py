"""Batches: the items of a job that one worker takes at once, under a lease with a fencing number.

A worker that takes a batch counts its fencing number up, and shows it with everything that it stores. One whose lease
has run out and was taken over shows an old number, and can store nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from .choices import JobState
from .credential import Credential
from .job import Job

if TYPE_CHECKING:
    from .job_item import JobItemQuerySet

LEASE = timedelta(seconds=60)
CANDIDATES = 8  # batches that a worker looks at, so that several workers rarely reach for the same one


class LeaseLost(Exception):
    """Another worker has taken the batch over: nothing of it may be stored."""


class JobBatchQuerySet(models.QuerySet["JobBatch"]):
    """Batches, by what a worker may do with them."""

    def unfinished(self) -> "JobBatchQuerySet":
        return self.filter(is_done=False)

    def leased(self, now: datetime) -> "JobBatchQuerySet":
        """Those that a living worker holds."""
        return self.unfinished().filter(leased_until__gte=now)

    def free(self, now: datetime) -> "JobBatchQuerySet":
        """Those that a worker may take: nobody holds them, or who did shows no sign of life."""
        is_free = Q(leased_until=None) | Q(leased_until__lt=now)
        is_due = Q(not_before=None) | Q(not_before__lte=now)
        return self.unfinished().filter(is_free, is_due)

    def take(self, job: Job, *, except_of: Collection[int]) -> "JobBatch | None":
        """A batch of the job, now leased to the caller; None where there is none to be had.

        `except_of`: keys of credentials whose batches are left to others.
        """
        now = timezone.now()
        free = self.filter(job=job).exclude(credential__in=except_of).free(now)
        for batch in free.order_by("number")[:CANDIDATES]:
            batch.job = job
            if (
                self.filter(pk=batch.pk, fence=batch.fence)
                .free(now)
                .update(fence=F("fence") + 1, leased_until=now + LEASE)
            ):
                batch.fence += 1
                return batch
        return None

    def next_due(self) -> datetime | None:
        """When the first batch may be taken that waits for its time or its credential, or that a worker holds."""
        waiting = self.unfinished().filter(job__state=JobState.RUNNING)
        now = timezone.now()
        times = (
            waiting.filter(**{f"{field}__gt": now}).aggregate(first=models.Min(field))["first"]
            for field in ("not_before", "leased_until", "credential__paused_until")
        )
        return min(filter(None, times), default=None)


class JobBatch(models.Model):
    """Some items of a job, all of one credential."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="batches", db_index=False)
    number = models.PositiveIntegerField()
    credential = models.ForeignKey(Credential, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    is_done = models.BooleanField(default=False)
    fence = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)

    objects = JobBatchQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="batch_once")]
        indexes = [models.Index(fields=["job", "number"], condition=Q(is_done=False), name="batch_unfinished")]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"

    def keep(self) -> None:
        """Extend the lease. In a transaction this also keeps others from taking the batch before its end.

        Raises LeaseLost.
        """
        self._update(leased_until=timezone.now() + LEASE)

    def release(self, *, wait: float = 0) -> None:
        """Leave it to the next worker, not before `wait` seconds have passed; it is done once no item of it waits.

        Raises LeaseLost.
        """
        not_before = timezone.now() + timedelta(seconds=wait) if wait else None
        self._update(leased_until=None, is_done=not self.items.waiting().exists(), not_before=not_before)

    def _update(self, **values: object) -> None:
        if not JobBatch.objects.filter(pk=self.pk, fence=self.fence).update(**values):
            raise LeaseLost(str(self))

    if TYPE_CHECKING:
        items: JobItemQuerySet
