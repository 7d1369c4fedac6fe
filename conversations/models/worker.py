"""Workers: the processes that do the jobs, and when each last showed a sign of life."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

SEEN_EVERY = 5  # seconds between two signs of life
ALIVE_FOR = timedelta(seconds=30)  # after its last sign of life, a worker counts as running
FORGOTTEN_AFTER = timedelta(days=1)


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Workers, by whether they run."""

    def running(self) -> "WorkerQuerySet":
        """Those that showed a sign of life a moment ago."""
        return self.filter(seen_at__gte=timezone.now() - ALIVE_FOR)

    def forget_dead(self) -> None:
        """Delete those that ended long ago without a word."""
        self.filter(seen_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()


class Worker(models.Model):
    """A process that does jobs."""

    host = models.CharField(max_length=255)
    process_id = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["host", "process_id"]

    def __str__(self) -> str:
        return f"{self.host} ({self.process_id})"

    def show_sign_of_life(self) -> None:
        self.seen_at = timezone.now()
        self.save()
