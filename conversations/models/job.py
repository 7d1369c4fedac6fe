"""Jobs: long work on many conversations, as it was asked for and as far as it is.

    draft ──▶ queued ──▶ running ──▶ finished
                  │      ▲   │  │
                  │      │   ▼  ▼
                  │    paused   stopping ──▶ stopped
                  ▼
               failed: its items could not be listed

Every change of the state names the states that it may come from, in one statement, so that two people who press two
buttons at once can't undo each other. Which of a job's items are done is told by the items.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from .choices import RETRYABLE, JobKind, JobOutcome, JobState
from .credential import Credential
from .shared_queryset import SharedQuerySet, sees_all_credentials

if TYPE_CHECKING:
    from .erasure import ErasureQuerySet
    from .event_queryset import EventQuerySet
    from .job_batch import JobBatchQuerySet
    from .job_item import JobItemQuerySet

PREPARATION_LEASE = timedelta(seconds=60)  # how long a worker that prepares a job may show no sign of life
ENOUGH = 50  # conversations of a job, from which a rate can be told
UNDER_WAY = [JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.STOPPING]
ENDED = [JobState.FINISHED, JobState.STOPPED, JobState.FAILED]
IN_WORK = [JobState.QUEUED, JobState.RUNNING, JobState.STOPPING]  # what workers look after


class JobQuerySet(SharedQuerySet["Job"]):
    """Jobs, by who may see them and what they wait for."""

    def for_list(self, user: User, *, with_automatic: bool) -> "JobQuerySet":
        """Newest first, without drafts of others. Without the automatic ones, those of them that failed or are under
        way are still there."""
        rows = self.exclude(~Q(actor=user), state=JobState.DRAFT)
        rows = rows if with_automatic else rows.exclude(is_automatic=True, state=JobState.FINISHED)
        return rows.prefetch_related("credentials").order_by("-pk")

    def with_token(self, token: str) -> "Job | None":
        """The job that a form with this token made."""
        return self.filter(token=token).first() if token else None

    def under_way(self) -> "JobQuerySet":
        """Those that have begun, or wait to begin, and have not ended."""
        return self.filter(state__in=UNDER_WAY)

    def of(self, actor: User) -> "JobQuerySet":
        """Those that somebody asked for."""
        return self.filter(actor=actor, is_automatic=False)

    def in_work(self) -> "JobQuerySet":
        """Those that workers look after, the oldest first."""
        return self.filter(state__in=IN_WORK).order_by("pk")

    def drafts_of(self, user: User) -> "JobQuerySet":
        """Those that the user prepared and never started, the newest first."""
        return self.filter(state=JobState.DRAFT, actor=user).order_by("-pk")

    def for_attention(self, since: datetime) -> "JobQuerySet":
        """Those that are paused, and those that failed, or stopped by themselves, since then; the newest first."""
        ended = Q(state=JobState.FAILED) | (Q(state=JobState.STOPPED) & ~Q(message=""))
        return self.filter(Q(state=JobState.PAUSED) | (ended & Q(finished_at__gte=since))).order_by("-pk")

    def next_due(self) -> datetime | None:
        """When the first preparation may be taken over that a worker holds."""
        held = self.filter(state=JobState.QUEUED, leased_until__gt=timezone.now())
        return held.aggregate(first=models.Min("leased_until"))["first"]

    def automatic_for(self, credential: Credential, kind: str, source: str) -> "JobQuerySet":
        """Those that Convadmin made by itself for a credential, from one source of items."""
        return self.filter(is_automatic=True, kind=kind, parameters__source=source, credentials=credential)

    def seconds_an_item(self, kind: str, credential: Credential) -> float | None:
        """How long the last job of a kind took for each conversation of a credential; None where there was none, or
        too few conversations to tell."""
        ended = self.filter(kind=kind, state=JobState.FINISHED, total__gte=ENOUGH, done_before=0)
        # Of that credential alone: annotated before it is filtered by it, so that all are counted.
        alone = ended.annotate(count=models.Count("credentials")).filter(count=1, credentials=credential)
        job = alone.order_by("-pk").first()
        if job is None or job.finished_at is None or job.running_since is None or not job.total:
            return None
        return (job.finished_at - job.running_since).total_seconds() / job.total

    def move(self, pk: int, *, to: JobState, out_of: Iterable[JobState], **more: Any) -> bool:
        """Change the state of a job, if it is in one of the states `out_of`; returns whether it was."""
        return bool(self.filter(pk=pk, state__in=list(out_of)).update(state=to, **more))


class Job(models.Model):
    """Something to be done with many conversations."""

    kind = models.CharField(max_length=10, choices=JobKind)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150)
    is_automatic = models.BooleanField("made by a schedule or for an application", default=False)
    credentials = models.ManyToManyField(Credential, related_name="jobs", help_text="In the order of their keys.")
    reason = models.CharField(max_length=500, blank=True)
    query = models.TextField(blank=True, help_text="The search, as text, whose result it works on.")
    parameters = models.JSONField(default=dict)
    message = models.TextField(blank=True, help_text="Why it paused, stopped or failed by itself.")
    undoes = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="undone_by",
        help_text="The job whose edits it undoes.",
    )
    rule = models.ForeignKey(
        "conversations.RetentionRule",
        null=True,
        on_delete=models.SET_NULL,
        related_name="jobs",
        help_text="The rule that made it.",
    )
    request = models.ForeignKey(
        "conversations.ErasureRequest",
        null=True,
        on_delete=models.SET_NULL,
        related_name="jobs",
        help_text="The erasure request that it’s part of.",
    )
    token = models.CharField(max_length=64, default=uuid.uuid4, unique=True, editable=False)
    total = models.PositiveIntegerField("items", null=True, help_text="None until all of them are listed.")
    created_at = models.DateTimeField(default=timezone.now)
    running_since = models.DateTimeField(null=True, help_text="When it began, or was resumed.")
    done_before = models.PositiveIntegerField(default=0, help_text="How many items were done at that time.")
    finished_at = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(
        default=0, help_text="Counts the workers that prepared it; only the last may store."
    )
    leased_until = models.DateTimeField(null=True, help_text="Until when a worker prepares it.")

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "id"], name="job_by_state")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        """Its page in the dashboard."""
        return reverse("job_detail", args=[self.pk])

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def can_pause(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    @property
    def can_resume(self) -> bool:
        return self.state == JobState.PAUSED

    @property
    def can_stop(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)

    @property
    def resumed_state(self) -> JobState:
        """The state in which it goes on: its items may still have to be listed."""
        return JobState.QUEUED if self.total is None else JobState.RUNNING

    def is_wholly_visible_to(self, user: User | AnonymousUser) -> bool:
        """Whether the user may use all of its credentials now: their own job may have some that they no longer may."""
        return sees_all_credentials(user, self)

    @property
    def is_sealed(self) -> bool:
        """Whether it is part of a signed-off request, whose document has to stay true."""
        return self.request is not None and self.request.is_signed

    def numbers(self) -> "JobNumbers":
        """How many of its items have which outcome, counted now."""
        counts = self.items.values_list("outcome").annotate(count=models.Count("pk")).order_by()
        return JobNumbers(Counter(dict(counts)), self.total)

    def take_preparation(self) -> bool:
        """Take the lease for preparing it, which lists its items; False where another worker holds it."""
        now = timezone.now()
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        taken = Job.objects.filter(free, pk=self.pk, fence=self.fence, state=JobState.QUEUED).update(
            fence=F("fence") + 1, leased_until=now + PREPARATION_LEASE
        )
        self.fence += taken
        return bool(taken)

    def keep_preparation(self, **more: Any) -> bool:
        """Extend the lease, within the caller's transaction; False where another worker took it, or the job was
        paused or stopped: then nothing may be stored."""
        until = timezone.now() + PREPARATION_LEASE
        mine = Job.objects.filter(pk=self.pk, fence=self.fence, state=JobState.QUEUED)
        return bool(mine.update(leased_until=until, **more))

    if TYPE_CHECKING:
        items: JobItemQuerySet
        batches: JobBatchQuerySet
        events: EventQuerySet
        erasures: ErasureQuerySet


class JobNumbers:
    """How many items of a job have which outcome."""

    def __init__(self, counts: Mapping[str, int], total: int | None) -> None:
        self.waiting = counts.get("", 0)
        self.by_outcome = {outcome: counts[outcome] for outcome in JobOutcome if counts.get(outcome)}
        self.done = sum(self.by_outcome.values())
        self.total = self.done + self.waiting
        self.is_complete = total is not None

    @property
    def failed(self) -> int:
        """How many were not done, for whatever reason but a hold."""
        return self.retryable - self.by_outcome.get(JobOutcome.HELD, 0)

    @property
    def retryable(self) -> int:
        """How many can be tried again."""
        return sum(self.by_outcome.get(outcome, 0) for outcome in RETRYABLE)

    @property
    def percent(self) -> int:
        """How much is done, rounded down."""
        return self.done * 100 // self.total if self.total else 0
