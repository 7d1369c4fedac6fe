"""Erasures: every item of a conversation is deleted, then the conversation; a receipt remains.

An Erasure is the work and its receipt in one. It holds ids, counts, times, request ids, who and why, and no text of
any message. Each item has an ErasedItem, which is saved before its deletion is sent and again when the response comes,
so that a process may die at any time.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Func, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from .choices import Outcome, Stage
from .conversation import Conversation
from .credential import Credential
from .erased_item import ErasedItem, ListedItem, Numbers
from .evidence import EvidenceField, timestamp
from .record_queryset import RecordQuerySet

if TYPE_CHECKING:
    from .erased_item import ErasedItemQuerySet
    from .event import EventQuerySet
    from .job import Job


# A literal: SQLite uses a partial index only where the statement's own text states the index's condition.
_IS_OPEN = Func(F("stage"), template="(%(expressions)s IN ('running', 'stopped'))", output_field=models.BooleanField())


class LeaseLost(Exception):
    """Another process took over the work on an erasure: what this one knows may be outdated, and is not stored."""


class ErasureQuerySet(RecordQuerySet["Erasure"]):
    """Erasures: running, stopped, finished and given up."""

    def for_list(self) -> "ErasureQuerySet":
        """Newest first, with the conversation but none of its values."""
        without = ("conversation__metadata", "conversation__our_metadata")
        return self.select_related("conversation").defer(*without).order_by("-pk")

    def unfinished(self) -> "ErasureQuerySet":
        """Those that can continue."""
        return self.filter(_IS_OPEN)

    def about(self, conversation: Conversation) -> "ErasureQuerySet":
        """Those of one conversation."""
        return self.filter(base_url=conversation.base_url, openai_id=conversation.openai_id)

    def erased_among(self, conversation_ids: Iterable[int]) -> set[int]:
        """Those of these conversations that were erased, by primary key."""
        rows = self.filter(stage=Stage.FINISHED, conversation__in=list(conversation_ids))
        return set(rows.values_list("conversation_id", flat=True))

    def finished_by(self, job: "Job") -> "Erasure | None":
        """The finished one that is part of a job."""
        return self.filter(job=job, stage=Stage.FINISHED).first()

    def close(self, why: str) -> None:
        """Give up those that are not finished."""
        for erasure in self.unfinished():
            erasure.give_up(why)

    def summaries(self) -> "ErasureQuerySet":
        """With what a row of the list shows; `done_count` is the number of items that are done."""
        row = self.only("created_at", "actor_name", "openai_id", "reason", "stage")
        return row.annotate(done_count=ErasedItem.objects.number_done(OuterRef("pk")))

    def running(self, pk: int, lease: str | None = None) -> "ErasureQuerySet":
        """The one with this key, unless it was stopped or finished meanwhile or, given a lease, taken over."""
        running = self.filter(pk=pk, stage=Stage.RUNNING)
        return running if lease is None else running.filter(lease=lease)

    def lease(self, pk: int, seconds: float) -> str:
        """Lease a running erasure for this many seconds; returns the key of the lease, "" where another process has it.

        One process works on an erasure at a time; if it dies, another may take over once the lease has expired.
        """
        key, now = uuid.uuid4().hex, timezone.now()
        # One UPDATE decides who gets the lease: two processes can't both match.
        free = self.running(pk).filter(Q(lease="") | Q(leased_until__lt=now))
        taken = free.update(lease=key, leased_until=now + timedelta(seconds=seconds))
        return key if taken else ""

    def release(self, lease: str) -> None:
        """Let another process take over."""
        self.filter(lease=lease).update(lease="", leased_until=None)


class Erasure(models.Model):
    """The erasing of one conversation, and its receipt."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.SET_NULL, related_name="erasures")
    credential = models.ForeignKey(
        Credential, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )  # the first of an index's columns
    credential_name = models.CharField(max_length=100)
    base_url = models.CharField("base URL", max_length=300)
    openai_id = models.CharField("id at OpenAI", max_length=255)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField("asked for by", max_length=150)
    reason = models.TextField()
    job = models.ForeignKey(
        "conversations.Job",
        null=True,
        on_delete=models.SET_NULL,
        related_name="erasures",
        help_text="The job that it’s part of.",
    )
    receipt_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of its receipt, in a job.")
    keys = models.JSONField("metadata keys", default=list)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.RUNNING)
    created_at = models.DateTimeField("started", default=timezone.now)
    finished_at = models.DateTimeField("finished", null=True)
    failure = models.JSONField("last failure", default=dict)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField("wait until", null=True)
    after = models.CharField("listed as far as", max_length=255, blank=True)
    has_deleted = models.BooleanField(default=False, help_text="Since items were last listed from the start.")
    first_read = EvidenceField()
    empty_listing = EvidenceField()
    deletion = EvidenceField("deletion of the conversation")
    last_read = EvidenceField()
    lease = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["base_url", "openai_id"],
                condition=Q(stage__in=["running", "stopped"]),
                name="one_open_erasure_a_conversation",
            )
        ]
        indexes = [
            models.Index(fields=["credential", "id"], name="erasure_by_credential"),
            models.Index(fields=["openai_id", "base_url"], name="erasure_by_address"),
            models.Index(
                fields=["credential", "id"], condition=Q(stage__in=["running", "stopped"]), name="erasure_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"Erasure of {self.openai_id}"

    def get_absolute_url(self) -> str:
        """Its page: progress and receipt."""
        return reverse("erasure_detail", args=[self.pk])

    @property
    def is_running(self) -> bool:
        return self.stage == Stage.RUNNING

    @property
    def is_stopped(self) -> bool:
        return self.stage == Stage.STOPPED

    @property
    def is_finished(self) -> bool:
        return self.stage == Stage.FINISHED

    @property
    def is_closed(self) -> bool:
        return self.stage == Stage.CLOSED

    @property
    def is_leased(self) -> bool:
        """Whether a process may be at work on it."""
        return self.lease != "" and self.leased_until is not None and self.leased_until > timezone.now()

    @property
    def row(self) -> Conversation | None:
        """The conversation in the index; after a purge it may have been added again, by another credential too."""
        return Conversation.objects.with_remote_id(self.base_url, self.openai_id).first()

    def locked_row(self) -> Conversation | None:
        """The same, locked until the transaction ends. It is always locked before the erasure itself."""
        return Conversation.objects.with_remote_id(self.base_url, self.openai_id).locked().first()

    @property
    def numbers(self) -> "Numbers":
        """How many items had which outcome so far."""
        counted = self.items.values_list("outcome").annotate(models.Count("pk"))
        return Numbers(Counter(dict(counted.order_by("outcome"))))

    def should_continue(self) -> bool:
        """Whether nobody has stopped it since it was read here."""
        return Erasure.objects.running(self.pk).exists()

    @contextmanager
    def leased(self, lease: str) -> Iterator[None]:
        """A transaction in which nobody can take over the work; raises LeaseLost where somebody has."""
        with transaction.atomic():
            if not Erasure.objects.select_for_update().filter(pk=self.pk, lease=lease).only("pk"):
                raise LeaseLost
            yield

    def keep(self, **fields: Any) -> None:
        """Set these fields and save them alone."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    def give_up(self, why: str) -> None:
        """End it unfinished."""
        self.keep(stage=Stage.CLOSED, failure={"message": why, "at": timestamp()}, finished_at=timezone.now())
        self.close_runs(Outcome.STOPPED)
        self.events.unresolved().update(outcome=Outcome.STOPPED)
        self.items.forget_messages()

    def close_runs(self, outcome: Outcome, *, status: int | None = None, code: str = "", request_id: str = "") -> None:
        """Finish the events of its runs, with the number of items that are done since each started."""
        for event in self.events.pending():
            done = self.items.done_since(event.created_at)
            event.finish(outcome, item_count=done, status=status, code=code, request_id=request_id)

    def enter(self, items: Iterable[ListedItem]) -> list["ErasedItem"]:
        """The rows of listed items; those listed before keep what is known of them."""
        listed = {item.item_id: item for item in items}
        rows = [ErasedItem(erasure=self, item_id=item.item_id, type=item.type) for item in listed.values()]
        ErasedItem.objects.bulk_create(rows, ignore_conflicts=True)
        known = {row.item_id: row for row in self.items.filter(item_id__in=list(listed))}
        return [known[item_id] for item_id in listed if item_id in known]

    if TYPE_CHECKING:
        items: "ErasedItemQuerySet"
        events: EventQuerySet
