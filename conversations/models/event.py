"""Events: what someone asked for, written down before OpenAI is called, and what became of it.

A pending event is the lock on its conversation, unless it is about its transcript as a file. Values and words stand
in EventDetail, which purging and erasing delete; the event itself keeps key names, counts and ids.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone

from ..metadata import Change, Fate, compare
from .conversation import Conversation
from .credential import Credential
from .fields import OrderedJSONField
from .record import RecordQuerySet

MORE_KEYS = "… and "
KEPT_KEYS, KEPT_LENGTH = 64, 500  # names of keys that an event keeps of each fate, and their characters
PENDING_FOR = timedelta(seconds=120)  # longer than any request lives: after this nobody waits for an answer


class Action(models.TextChoices):
    """What someone asked for."""

    CREATE = "create", "create"
    GET = "get", "get"
    REFRESH = "refresh", "refresh"
    UPDATE = "update", "edit metadata"
    REMOVE = "remove", "remove"
    KEEP = "keep", "keep OpenAI’s metadata"
    HAND_OVER = "hand_over", "hand over"
    SETTLE = "settle", "settle"
    ADD_ITEMS = "add_items", "add messages"
    DELETE_ITEMS = "delete_items", "delete items"
    EXPORT = "export", "download the transcript"
    ERASE = "erase", "erase"


NOTED = ("attempts", "request_id", "item_count", "keys")  # while its work goes on, and saved when it ends
READS = {Action.GET, Action.REFRESH, Action.EXPORT}
ABOUT_ITEMS = {Action.ADD_ITEMS, Action.DELETE_ITEMS, Action.ERASE}  # of which reading the conversation tells nothing
DONE = {
    Action.CREATE: "created it",
    Action.GET: "got it by its id",
    Action.REFRESH: "refreshed it",
    Action.UPDATE: "edited its metadata",
    Action.REMOVE: "removed it",
    Action.KEEP: "kept OpenAI’s metadata",
    Action.HAND_OVER: "handed it over",
    Action.SETTLE: "settled an attempt",
    Action.ADD_ITEMS: "added messages",
    Action.DELETE_ITEMS: "deleted items",
    Action.EXPORT: "downloaded the transcript",
    Action.ERASE: "erased it",
}
ROW = (  # what the list of events and the list of downloads show of each
    *("created_at", "touched_at", "actor_name", "action", "outcome", "settled_by", "credential_name", "openai_id"),
    *("item_count", "code", "request_id", "detail__message", "conversation__credential"),
)


class Outcome(models.TextChoices):
    """What became of it; `unknown`: it was sent and no answer came; `stopped`: long work that was not finished."""

    PENDING = "pending", "Under way"
    SUCCEEDED = "succeeded", "Succeeded"
    REFUSED = "refused", "Refused by OpenAI"
    FAILED = "failed", "Not sent"
    UNKNOWN = "unknown", "Unknown"
    STOPPED = "stopped", "Stopped"


# A literal: SQLite takes an index with a condition only where the statement's own text states that condition.
_IS_OPEN = Func(
    F("outcome"), template="(%(expressions)s IN ('pending', 'unknown'))", output_field=models.BooleanField()
)


def _first_keys(keys: list[str]) -> list[str]:
    """Key names as they are kept: the first ones, shortened, and how many there are besides."""
    kept = [key if len(key) <= KEPT_LENGTH else f"{key[:KEPT_LENGTH]}…" for key in keys[:KEPT_KEYS]]
    return [*kept, *([f"{MORE_KEYS}{len(keys) - KEPT_KEYS:,} more"] if len(keys) > KEPT_KEYS else [])]


def _stale() -> Q:
    limit = timezone.now() - PENDING_FOR
    return Q(outcome=Outcome.PENDING) & (Q(touched_at=None, created_at__lt=limit) | Q(touched_at__lt=limit))


class EventQuerySet(RecordQuerySet["Event"]):
    """What was asked for."""

    def for_list(self) -> "EventQuerySet":
        """Newest first, with what a row shows, and nothing of the values that an event or its conversation holds."""
        return self.select_related("detail", "conversation").only(*ROW).order_by("-pk")

    def for_timeline(self) -> "EventQuerySet":
        """Newest first, with the metadata before and after each."""
        without = ("attempts", "item_ids", "detail__wanted", "detail__note")
        return self.select_related("detail").defer(*without).order_by("-pk")

    def for_page(self) -> "EventQuerySet":
        """With all that the page of one tells."""
        without = ("detail__wanted", "conversation__metadata", "conversation__our_metadata")
        return self.select_related("detail", "conversation", "settled_by", "erasure").defer(*without)

    def open_at(self, base_url: str, openai_id: str) -> "EventQuerySet":
        """The event that holds the lock on a conversation, if any."""
        return self.pending().filter(base_url=base_url, openai_id=openai_id).exclude(action=Action.EXPORT)

    def pending(self) -> "EventQuerySet":
        """Those that were not closed yet."""
        return self.filter(outcome=Outcome.PENDING)

    def exports(self) -> "EventQuerySet":
        """Downloads of transcripts."""
        return self.filter(action=Action.EXPORT)

    def by(self, user: User) -> "EventQuerySet":
        """What this user asked for."""
        return self.filter(actor=user)

    def at_address(self, base_url: str, openai_id: str) -> "EventQuerySet":
        """Those about one conversation, whether or not the index held it then."""
        return self.filter(base_url=base_url, openai_id=openai_id)

    def with_token(self, token: str) -> "Event | None":
        """The event that a form with this token began."""
        return self.filter(token=token).first() if token else None

    def about(self, conversation: Conversation) -> "EventQuerySet":
        """Those of one conversation."""
        return self.filter(conversation=conversation)

    def succeeded(self, pk: int) -> "Event | None":
        """The one with this key, if it succeeded."""
        return self.filter(pk=pk, outcome=Outcome.SUCCEEDED).first()

    def stale(self) -> "EventQuerySet":
        """Pending for so long that no answer will come: the process died in between."""
        return self.filter(_stale())

    def unresolved(self) -> "EventQuerySet":
        """Those of which nobody knows yet what they did."""
        return self.filter(_IS_OPEN, _stale() | Q(outcome=Outcome.UNKNOWN), settled_by=None)

    def resolve(self, event: "Event", by: "Event") -> bool:
        """Say that `by` tells what became of `event`, unless that is known already; whether it was unresolved."""
        resolved = self.unresolved().filter(pk=event.pk).update(outcome=Outcome.UNKNOWN, settled_by=by)
        event.refresh_from_db(fields=["outcome", "settled_by"])
        return bool(resolved)

    def removal_was_sent(self, base_url: str, openai_id: str) -> bool:
        """Whether a DELETE of the conversation that may have been done was sent after the last call that was
        answered 200, which showed that it was there."""
        there, sent = False, False
        events = self.at_address(base_url, openai_id).exclude(action=Action.DELETE_ITEMS)
        for event in events.order_by("pk"):
            for attempt in event.attempts:
                if attempt["method"] == "DELETE":
                    sent = sent or (there and event.outcome not in (Outcome.REFUSED, Outcome.FAILED))
                elif attempt.get("status") == 200 and not attempt.get("is_unusable"):
                    there, sent = True, False
        return sent

    def wanted(self, base_url: str, openai_id: str, metadata: Mapping[str, Any]) -> bool:
        """Whether an unresolved change of ours wanted just this metadata: then it was carried out."""
        unresolved = self.settleable_by_reading(base_url, openai_id).select_related("detail")
        return any(event.detail.wanted == metadata for event in unresolved.exclude(detail=None))

    def forget_details(self) -> None:
        """Delete the values and words that they hold."""
        EventDetail.objects.filter(event__in=self).delete()

    def settleable_by_reading(self, base_url: str, openai_id: str) -> "EventQuerySet":
        """Unresolved changes of one conversation: an answer to a read tells what became of them."""
        return self.unresolved().at_address(base_url, openai_id).exclude(action__in=ABOUT_ITEMS)

    def unknown_deletions(self) -> "EventQuerySet":
        """Deletions of items of which nobody knows whether they were carried out."""
        return self.unresolved().filter(action=Action.DELETE_ITEMS)


class Event(models.Model):
    """One thing that someone asked for, its attempts, and its outcome."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    token = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  None: not from a form
    created_at = models.DateTimeField("at", default=timezone.now)
    touched_at = models.DateTimeField(null=True, help_text="Of long work: its last sign of life.")
    finished_at = models.DateTimeField(null=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=12, choices=Action)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.PENDING)
    credential = models.ForeignKey(
        Credential, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )  # an index below begins with it, and so with the two others
    credential_name = models.CharField(max_length=100)
    base_url = models.CharField("base URL", max_length=300)
    openai_id = models.CharField("id at OpenAI", max_length=255, blank=True)
    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.SET_NULL, related_name="events", db_index=False
    )
    attempts = models.JSONField(default=list)
    keys = models.JSONField(default=dict)
    item_count = models.PositiveIntegerField(default=0)
    kept_count = models.PositiveIntegerField(null=True, help_text="Of the messages sent, as the server showed then.")
    item_ids = models.JSONField(default=list, help_text="Of the items that it added, or shall delete.")
    erasure = models.ForeignKey(
        "conversations.Erasure",
        null=True,
        on_delete=models.SET_NULL,
        related_name="events",
        help_text="It is a part of.",
    )
    status = models.PositiveSmallIntegerField("HTTP status", null=True)
    code = models.CharField(max_length=200, blank=True)
    param = models.CharField(max_length=600, blank=True)
    request_id = models.CharField("request id", max_length=200, blank=True)
    settled_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="settles", db_index=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["base_url", "openai_id"],
                condition=Q(outcome="pending") & ~Q(openai_id="") & ~Q(action="export"),
                name="one_open_event_a_conversation",
            )
        ]
        indexes = [
            models.Index(fields=["credential", "id"], name="event_by_credential"),
            models.Index(fields=["conversation", "-id"], name="event_by_conversation"),
            models.Index(fields=["openai_id", "base_url"], name="event_by_address"),
            models.Index(fields=["settled_by"], condition=Q(settled_by__isnull=False), name="event_settled"),
            models.Index(
                fields=["credential", "id"],
                condition=Q(outcome__in=["pending", "unknown"], settled_by=None),
                name="event_unresolved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.get_outcome_display()}"

    @property
    def in_words(self) -> str:
        """What its actor did, or tried to do."""
        done = self.outcome == Outcome.SUCCEEDED
        return DONE[Action(self.action)] if done else f"tried to {self.get_action_display()}"

    @property
    def is_reading(self) -> bool:
        """Whether all that it asked for is a read, which changes nothing at OpenAI."""
        return self.action in READS

    @property
    def is_about_items(self) -> bool:
        """Whether it concerns what is inside the conversation, of which reading the conversation tells nothing."""
        return self.action in ABOUT_ITEMS

    @property
    def is_pending(self) -> bool:
        """Somebody still waits for the answer."""
        return self.outcome == Outcome.PENDING and not self.is_unresolved

    @property
    def is_unresolved(self) -> bool:
        """Nobody knows what it did, and nobody has said so either."""
        seen_at = self.touched_at or self.created_at
        dead = self.outcome == Outcome.PENDING and seen_at < timezone.now() - PENDING_FOR
        return (dead or self.outcome == Outcome.UNKNOWN) and self.settled_by_id is None

    @property
    def told(self) -> list[Change]:
        """Each key with its fate, as far as the detail is still kept, for the page after a change."""
        detail = getattr(self, "detail", None)
        if detail is None or detail.before is None or detail.after is None:
            return []
        refused = {key for key in self.keys.get(Fate.REFUSED, []) if not key.startswith(MORE_KEYS) and key[-1:] != "…"}
        found = compare(detail.before, detail.after)
        absent = refused - {change.key for change in found}
        told = [replace(change, fate=Fate.REFUSED) if change.key in refused else change for change in found]
        return told + [Change(key, None, None, Fate.REFUSED) for key in sorted(absent)]

    @property
    def changes(self) -> list[Change]:
        """Key by key what it changed, as far as the detail is still kept."""
        return [change for change in self.told if change.before != change.after]

    def kept_keys(self, told: list[Change]) -> list[str]:
        """The keys among what is told that were to go, and that the server keeps as they were."""
        wanted = getattr(getattr(self, "detail", None), "wanted", None) or {}
        refused = (change for change in told if change.fate is Fate.REFUSED and change.after is not None)
        return [change.key for change in refused if change.key not in wanted and change.before is not None]

    def note_keys(self, changes: list[Change]) -> None:
        """Keep which keys had which fate, never their values; does not save."""
        by_fate: dict[Fate, list[str]] = defaultdict(list)
        for change in changes:
            by_fate[change.fate].append(change.key)
        noted = (Fate.ADDED, Fate.CHANGED, Fate.REMOVED, Fate.REFUSED)
        self.keys = {fate.value: _first_keys(by_fate[fate]) for fate in noted if by_fate[fate]}

    def touch(self, *fields: str) -> None:
        """Say that its work goes on, in a write of its own, with these fields as they are now."""
        self.touched_at = timezone.now()
        self.save(update_fields=["touched_at", *fields])

    def finish(self, outcome: str, **facts: Any) -> None:
        """Close it with its outcome and what else became known; saves these, and what was noted on the way alone:
        another process may have settled it since it was read here."""
        self.outcome, self.finished_at = outcome, timezone.now()
        for name, value in facts.items():
            setattr(self, name, value)
        self.save(update_fields={"outcome", "finished_at", *NOTED, *facts})

    if TYPE_CHECKING:
        detail: "EventDetail"
        settles: models.Manager["Event"]


class EventDetail(models.Model):
    """What an event holds of content: metadata before, as it was wanted, and after; OpenAI's words; a note."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="detail")
    before = OrderedJSONField(null=True)
    wanted = OrderedJSONField(null=True)
    after = OrderedJSONField(null=True)
    message = models.TextField(blank=True)
    note = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"Detail of event {self.event_id}"
