"""Events: what someone asked for, recorded before OpenAI is called, and how it ended.

A pending event is the lock on its conversation, unless it downloads the transcript. Values and messages are kept in
EventDetail, which purging and erasing delete; the event itself keeps key names, counts and ids.

    objects.start()         a pending event, committed before anything is sent
    objects.record_local()  something that needs no call: succeeded as it is recorded
    finish()                its outcome
    resolve(by=)            another event tells how an unresolved one ended
"""

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..metadata import Change, ChangeKind, compare
from .choices import ABOUT_ITEMS, PAST_TENSE, READS, Action, Outcome
from .conversation import Conversation
from .credential import Credential
from .event_detail import EventDetail
from .event_queryset import PENDING_FOR, EventQuerySet, Subject

MORE_KEYS = "… and "
MAX_KEPT_KEYS = 64  # key names that an event keeps of each kind of change
MAX_KEPT_KEY_LENGTH = 500  # characters of each
MAX_DETAIL_LENGTH = 256 * 1024  # characters of JSON that an event keeps of one map

RECORDED_MEANWHILE = ("attempts", "request_id", "item_count", "keys")  # set while it runs, saved when it finishes


def _first_keys(keys: list[str]) -> list[str]:
    """The first key names, shortened, and how many more there are."""
    kept = [key if len(key) <= MAX_KEPT_KEY_LENGTH else f"{key[:MAX_KEPT_KEY_LENGTH]}…" for key in keys[:MAX_KEPT_KEYS]]
    return [*kept, *([f"{MORE_KEYS}{len(keys) - MAX_KEPT_KEYS:,} more"] if len(keys) > MAX_KEPT_KEYS else [])]


class Event(models.Model):
    """Something that someone asked for, with its attempts and its outcome."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    token = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  None: not from a form
    created_at = models.DateTimeField("at", default=timezone.now)
    touched_at = models.DateTimeField(null=True, help_text="When long work was last known to be running.")
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
    kept_count = models.PositiveIntegerField(
        null=True, help_text="How many of the sent messages the server listed afterwards."
    )
    item_ids = models.JSONField(default=list, help_text="The ids of the items that it added or was to delete.")
    erasure = models.ForeignKey(
        "conversations.Erasure",
        null=True,
        on_delete=models.SET_NULL,
        related_name="events",
        help_text="The erasure that it’s part of.",
    )
    job = models.ForeignKey(
        "conversations.Job",
        null=True,
        on_delete=models.SET_NULL,
        related_name="events",
        db_index=False,
        help_text="The job that it’s part of.",
    )
    status = models.PositiveSmallIntegerField("HTTP status", null=True)
    code = models.CharField(max_length=200, blank=True)
    param = models.CharField(max_length=600, blank=True)
    request_id = models.CharField("request id", max_length=200, blank=True)
    resolved_by = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="resolves", db_index=False
    )

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
            models.Index(fields=["job"], condition=Q(job__isnull=False), name="event_by_job"),
            models.Index(fields=["resolved_by"], condition=Q(resolved_by__isnull=False), name="event_resolved"),
            models.Index(
                fields=["credential", "id"],
                condition=Q(outcome__in=["pending", "unknown"], resolved_by=None),
                name="event_unresolved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.get_outcome_display()}"

    @property
    def description(self) -> str:
        """What its actor did, or tried to do: it follows their name."""
        succeeded = self.outcome == Outcome.SUCCEEDED
        return PAST_TENSE[Action(self.action)] if succeeded else f"tried to {self.get_action_display()}"

    @property
    def subject(self) -> Subject:
        return Subject(self.credential, self.credential_name, self.base_url, self.openai_id, self.conversation)

    @property
    def is_reading(self) -> bool:
        """Whether it only reads, which changes nothing at OpenAI."""
        return self.action in READS

    @property
    def is_about_items(self) -> bool:
        """Whether it is about the conversation's items, which a read of the conversation doesn't show."""
        return self.action in ABOUT_ITEMS

    @property
    def is_pending(self) -> bool:
        """Whether somebody still waits for the response."""
        return self.outcome == Outcome.PENDING and not self.is_unresolved

    @property
    def is_unresolved(self) -> bool:
        """Whether its outcome is unknown, and nothing has resolved it."""
        seen_at = self.touched_at or self.created_at
        dead = self.outcome == Outcome.PENDING and seen_at < timezone.now() - PENDING_FOR
        return (dead or self.outcome == Outcome.UNKNOWN) and self.resolved_by_id is None

    @property
    def compared(self) -> list[Change]:
        """Each key of the metadata before and after with its change; empty once the details are deleted."""
        detail = getattr(self, "detail", None)
        if detail is None or detail.before is None or detail.after is None:
            return []
        is_whole = re.compile(rf"(?!{MORE_KEYS}).*[^…]", re.DOTALL).fullmatch
        refused = set(filter(is_whole, self.keys.get(ChangeKind.REFUSED, [])))
        found = compare(detail.before, detail.after)
        absent = refused - {change.key for change in found}
        marked = [replace(change, kind=ChangeKind.REFUSED) if change.key in refused else change for change in found]
        return marked + [Change(key, None, None, ChangeKind.REFUSED) for key in sorted(absent)]

    @property
    def changes(self) -> list[Change]:
        """The keys whose values it changed; empty once the details are deleted."""
        return [change for change in self.compared if change.before != change.after]

    def undeleted_keys(self, compared: list[Change]) -> list[str]:
        """The compared keys that it was to delete and that the server kept."""
        requested = getattr(getattr(self, "detail", None), "requested", None) or {}
        refused = (change for change in compared if change.kind is ChangeKind.REFUSED and change.after is not None)
        return [change.key for change in refused if change.key not in requested and change.before is not None]

    def record_changes(self, changes: list[Change]) -> None:
        """Keep which keys changed how, never their values; does not save."""
        by_kind: dict[ChangeKind, list[str]] = defaultdict(list)
        for change in changes:
            by_kind[change.kind].append(change.key)
        recorded = (ChangeKind.ADDED, ChangeKind.CHANGED, ChangeKind.REMOVED, ChangeKind.REFUSED)
        self.keys = {kind.value: _first_keys(by_kind[kind]) for kind in recorded if by_kind[kind]}

    def touch(self, *fields: str) -> None:
        """Show a sign of life: saves the time, and these fields as they are now."""
        self.touched_at = timezone.now()
        self.save(update_fields=["touched_at", *fields])

    def finish(
        self,
        outcome: Outcome,
        *,
        conversation: Conversation | None = None,
        status: int | None = None,
        code: str = "",
        param: str = "",
        request_id: str = "",
        item_ids: list[str] | None = None,
        kept_count: int | None = None,
        item_count: int | None = None,
    ) -> None:
        """Record its outcome, and what became known with it.

        Saves these fields, and those that were set while it ran, alone: another process may have resolved it since it
        was read here.
        """
        known: dict[str, Any] = {
            "status": status,
            "code": code[:200] or None,
            "param": param[:600] or None,
            "request_id": request_id[:200] or None,
            "item_ids": item_ids,
            "kept_count": kept_count,
            "item_count": item_count,
        }
        if conversation is not None:
            known |= {"conversation": conversation, "openai_id": conversation.openai_id}
        known = {name: value for name, value in known.items() if value is not None}
        for name, value in {"outcome": outcome, "finished_at": timezone.now(), **known}.items():
            setattr(self, name, value)
        self.save(update_fields={"outcome", "finished_at", *RECORDED_MEANWHILE, *known})

    def resolve(self, *, by: "Event") -> bool:
        """Record that `by` tells how this one ended, unless that is known; returns whether it was unresolved."""
        resolved = Event.objects.unresolved().filter(pk=self.pk).resolve(by=by)
        self.refresh_from_db(fields=["outcome", "resolved_by"])
        return bool(resolved)

    def keep_detail(
        self,
        *,
        before: Mapping[str, Any] | None = None,
        requested: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        message: str = "",
        note: str = "",
    ) -> None:
        """Keep values and messages beside it, where there are any; maps too large for a page are left out."""
        maps = {"before": before, "requested": requested, "after": after}
        given = {name: value for name, value in maps.items() if value is not None}
        kept: dict[str, Any] = {name: value if _is_short(value) else None for name, value in given.items()}
        kept |= {name: text for name, text in (("message", message), ("note", note)) if text}
        if any(value is not None for value in kept.values()):
            EventDetail.objects.update_or_create(event=self, defaults=kept)

    if TYPE_CHECKING:
        detail: "EventDetail"
        resolves: models.Manager["Event"]


def _is_short(metadata: Mapping[str, Any]) -> bool:
    return len(json.dumps(metadata)) <= MAX_DETAIL_LENGTH
