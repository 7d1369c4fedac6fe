"""Items of jobs: the conversations that a job works on, and what became of each."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import F, Func
from django.utils import timezone

from .choices import RETRYABLE, JobOutcome
from .conversation import Conversation
from .credential import Credential
from .fields import CodePointCharField
from .job import Job, JobNumbers
from .job_batch import JobBatch

# A literal: SQLite uses a partial index only where the statement's own text states the index's condition.
_IS_WAITING = Func(F("outcome"), template="(%(expressions)s = '')", output_field=models.BooleanField())

MAX_MESSAGE = 1_000  # characters of a server's words that an item keeps


class JobItemQuerySet(models.QuerySet["JobItem"]):
    """Items, by their outcome."""

    def visible_to(self, user: User | AnonymousUser) -> "JobItemQuerySet":
        """Those of the credentials that the user may use."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(credential__in=Credential.objects.visible_to(user))

    def waiting(self) -> "JobItemQuerySet":
        """Those without an outcome."""
        return self.filter(_IS_WAITING)

    def failed(self) -> "JobItemQuerySet":
        """Those that can be tried again."""
        return self.filter(outcome__in=RETRYABLE)

    def with_outcome(self, outcome: str) -> "JobItemQuerySet":
        """Those with this outcome; all of them for ""."""
        return self.filter(outcome=outcome) if outcome else self

    def numbers_of(self, jobs: Iterable[Job]) -> dict[int, JobNumbers]:
        """How many items of each of these jobs have which outcome, counted with one statement, by the job's key."""
        totals = {job.pk: job.total for job in jobs}
        counts: dict[int, dict[str, int]] = {pk: {} for pk in totals}
        rows = self.filter(job__in=list(totals)).values_list("job", "outcome").annotate(count=models.Count("pk"))
        for pk, outcome, count in rows.order_by():
            counts[pk][outcome] = count
        return {pk: JobNumbers(own, totals[pk]) for pk, own in counts.items()}

    def skip(self, message: str, outcome: JobOutcome = JobOutcome.SKIPPED) -> int:
        """End those that wait; returns their number."""
        return self.waiting().update(outcome=outcome, message=message, finished_at=timezone.now())

    def finish(self, items: list[Any]) -> None:
        """Save the outcomes of these, those that still wait included."""
        fields = ["outcome", "attempts", "message", "request_id", "status", "finished_at", "size"]
        fields += ["conversation", "credential"]
        # Ten times as fast as bulk_update(), which writes a condition for each row and field.
        self.model.objects.bulk_create(items, update_conflicts=True, unique_fields=["id"], update_fields=fields)


class JobItem(models.Model):
    """One conversation of a job, known by the id that the job was given."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items", db_index=False)
    batch = models.ForeignKey(JobBatch, null=True, on_delete=models.CASCADE, related_name="items", db_index=False)
    openai_id = CodePointCharField("id at OpenAI", max_length=255)
    credential = models.ForeignKey(Credential, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.SET_NULL, related_name="job_items")
    line = models.PositiveIntegerField(null=True, help_text="Where the id stands in the imported file.")
    attempts = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=10, choices=JobOutcome, blank=True)
    message = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField("HTTP status", null=True)
    request_id = models.CharField("request id", max_length=200, blank=True)
    size = models.PositiveBigIntegerField(null=True, help_text="Bytes of its exported file.")
    finished_at = models.DateTimeField(null=True)

    objects = JobItemQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["job", "credential", "openai_id"], name="item_once"),
        ]
        indexes = [
            models.Index(fields=["job", "id"], name="item_by_job"),
            models.Index(fields=["job", "outcome", "id"], name="item_by_outcome"),
            models.Index(fields=["batch"], condition=models.Q(outcome=""), name="item_waiting"),
        ]

    def __str__(self) -> str:
        return self.openai_id

    def end(
        self,
        outcome: JobOutcome,
        *,
        message: str = "",
        status: int | None = None,
        request_id: str = "",
        conversation: Conversation | None = None,
        credential: Credential | None = None,
    ) -> None:
        """Set its outcome, and what became known with it; does not save."""
        self.outcome, self.finished_at = outcome, timezone.now()
        self.message, self.status, self.request_id = message[:MAX_MESSAGE], status, request_id[:200]
        # Without reading the ones that it has, which would be a query for each item.
        if conversation is not None:
            self.conversation = conversation
        if credential is not None:
            self.credential = credential
