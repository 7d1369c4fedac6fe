"""How events are started, found and resolved."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import F, Func, OuterRef, Q, Subquery
from django.utils import timezone

from .choices import ABOUT_ITEMS, Action, Outcome
from .conversation import Conversation
from .credential import Credential
from .event_detail import EventDetail
from .record_queryset import RecordQuerySet

if TYPE_CHECKING:
    from .erasure import Erasure
    from .event import Event
    from .job import Job

PENDING_FOR = timedelta(seconds=120)  # longer than any request lives: after this nobody waits for a response
LISTED = (  # what the list of events and the list of downloads show of each
    *("created_at", "touched_at", "actor_name", "action", "outcome", "resolved_by", "credential_name", "openai_id"),
    *("item_count", "code", "request_id", "detail__message", "conversation__credential"),
)

# A literal: SQLite uses a partial index only where the statement's own text states the index's condition.
_IS_OPEN = Func(
    F("outcome"), template="(%(expressions)s IN ('pending', 'unknown'))", output_field=models.BooleanField()
)


class Subject(NamedTuple):
    """What an event is about: a conversation of a server, and the credential that reaches it."""

    credential: Credential | None  # None: deleted since
    credential_name: str
    base_url: str
    openai_id: str = ""  # "": not created yet
    conversation: Conversation | None = None  # None: not in the index

    @classmethod
    def through(
        cls, credential: Credential, openai_id: str = "", conversation: Conversation | None = None
    ) -> "Subject":
        """A conversation that is reached through this credential."""
        return cls(credential, credential.name, credential.base_url, openai_id, conversation)

    @classmethod
    def of(cls, conversation: Conversation) -> "Subject":
        """A conversation of the index, with the credential that it belongs to."""
        return cls.through(conversation.credential, conversation.openai_id, conversation)


def no_check() -> None:
    """The check of an event that needs none."""


def _stale() -> Q:
    limit = timezone.now() - PENDING_FOR
    return Q(outcome=Outcome.PENDING) & (Q(touched_at=None, created_at__lt=limit) | Q(touched_at__lt=limit))


class EventQuerySet(RecordQuerySet["Event"]):
    """What people asked for."""

    def start(
        self,
        *,
        actor: User,
        action: Action,
        subject: Subject,
        token: str | None = None,
        item_count: int = 0,
        erasure: "Erasure | None" = None,
        job: "Job | None" = None,
        check: Callable[[], None] = no_check,
    ) -> "Event":
        """A pending event, committed: from now on it holds the lock on its conversation.

        `check` runs under that lock; what it raises undoes the event. Raises IntegrityError where the token was used,
        or another event holds the lock.
        """
        # The names are copied: the record outlives the user and the credential.
        event = self.model(
            actor=actor,
            actor_name=actor.get_username(),
            action=action,
            token=token,
            item_count=item_count,
            erasure=erasure,
            job=job,
            **subject._asdict(),
        )
        with transaction.atomic(durable=True):
            if event.openai_id:
                # Its process died: it gives up the lock, and stays unresolved until a read or a person resolves it.
                self.lock_holders(event.base_url, event.openai_id).stale().update(outcome=Outcome.UNKNOWN)
            event.save(force_insert=True)
            check()
        return event

    def record_local(self, *, actor: User, action: Action, subject: Subject) -> "Event":
        """Something that needed no call: it has succeeded as it is recorded."""
        return self.create(
            actor=actor,
            actor_name=actor.get_username(),
            action=action,
            outcome=Outcome.SUCCEEDED,
            finished_at=timezone.now(),
            **subject._asdict(),
        )

    def record_read(
        self,
        *,
        job: "Job",
        subject: Subject,
        status: int,
        request_id: str,
        outcome: Outcome = Outcome.SUCCEEDED,
        code: str = "",
    ) -> "Event":
        """What a job's read found, once its response is there: a read changes nothing that a crash could hide."""
        now = timezone.now()
        attempt = {"id": "", "method": "GET", "at": now.isoformat(), "status": status, "request_id": request_id[:200]}
        return self.create(
            actor=job.actor,
            actor_name=job.actor_name,
            action=Action.REFRESH,
            outcome=outcome,
            finished_at=now,
            status=status if outcome == Outcome.REFUSED else None,
            code=code[:200],
            request_id=request_id[:200],
            attempts=[attempt],
            job=job,
            **subject._asdict(),
        )

    def unfinished_business(self, base_urls: Iterable[str], openai_ids: Iterable[str]) -> "EventQuerySet":
        """The pending and the unresolved events of many conversations."""
        return self.filter(_IS_OPEN, resolved_by=None, base_url__in=set(base_urls), openai_id__in=set(openai_ids))

    def for_list(self) -> "EventQuerySet":
        """Newest first, with what a row shows, and none of the values of the event or its conversation."""
        return self.select_related("detail", "conversation").only(*LISTED).order_by("-pk")

    def for_timeline(self) -> "EventQuerySet":
        """Newest first, with the metadata before and after each."""
        without = ("attempts", "item_ids", "detail__requested", "detail__note")
        return self.select_related("detail").defer(*without).order_by("-pk")

    def for_page(self) -> "EventQuerySet":
        """With everything that the page of one event shows."""
        without = ("detail__requested", "conversation__metadata", "conversation__our_metadata")
        return self.select_related("detail", "conversation", "resolved_by", "erasure", "job").defer(*without)

    def lock_holders(self, base_url: str, openai_id: str) -> "EventQuerySet":
        """The event that holds the lock on a conversation, if any."""
        return self.pending().filter(base_url=base_url, openai_id=openai_id).exclude(action=Action.EXPORT)

    def pending(self) -> "EventQuerySet":
        """Those that have not finished."""
        return self.filter(outcome=Outcome.PENDING)

    def last_used(self, credential_ids: Iterable[int]) -> dict[int, datetime]:
        """When the newest event of each credential began, by its primary key; without those that have none."""
        newest = Subquery(self.filter(credential=OuterRef("pk")).order_by("-pk").values("created_at")[:1])
        rows = Credential.objects.with_keys(credential_ids).annotate(at=newest).values_list("pk", "at")
        return {pk: at for pk, at in rows if at is not None}

    def exports(self) -> "EventQuerySet":
        """Downloads of transcripts."""
        return self.filter(action=Action.EXPORT)

    def by(self, user: User) -> "EventQuerySet":
        """Those of one actor."""
        return self.filter(actor=user)

    def with_remote_id(self, base_url: str, openai_id: str) -> "EventQuerySet":
        """Those about one conversation of a server, whether or not it was in the index then."""
        return self.filter(base_url=base_url, openai_id=openai_id)

    def with_token(self, token: str) -> "Event | None":
        """The event that a form with this token started."""
        return self.filter(token=token).first() if token else None

    def about(self, conversation: Conversation) -> "EventQuerySet":
        """Those of one conversation of the index."""
        return self.filter(conversation=conversation)

    def succeeded(self, pk: int) -> "Event | None":
        """The one with this key, if it succeeded."""
        return self.filter(pk=pk, outcome=Outcome.SUCCEEDED).first()

    def stale(self) -> "EventQuerySet":
        """Pending for so long that no response will come: the process died."""
        return self.filter(_stale())

    def unresolved(self) -> "EventQuerySet":
        """Those whose outcome is unknown, and that nothing has resolved."""
        return self.filter(_IS_OPEN, _stale() | Q(outcome=Outcome.UNKNOWN), resolved_by=None)

    def resolve(self, *, by: "Event", outcome: Outcome = Outcome.UNKNOWN) -> int:
        """Record that `by` tells how these ended; returns their number."""
        return self.update(outcome=outcome, resolved_by=by)

    def removal_was_sent(self, base_url: str, openai_id: str) -> bool:
        """Whether a DELETE that may have worked was sent since the last response with status 200, which proved that the
        conversation existed."""
        there, sent = False, False
        events = self.with_remote_id(base_url, openai_id).exclude(action=Action.DELETE_ITEMS)
        for event in events.order_by("pk"):
            for attempt in event.attempts:
                if attempt["method"] == "DELETE":
                    sent = sent or (there and event.outcome not in (Outcome.REFUSED, Outcome.FAILED))
                elif attempt.get("status") == 200 and not attempt.get("is_unusable"):
                    there, sent = True, False
        return sent

    def has_requested(self, base_url: str, openai_id: str, metadata: Mapping[str, Any]) -> bool:
        """Whether an unresolved change of ours requested exactly this metadata: then it was carried out."""
        unresolved = self.resolvable_by_reading(base_url, openai_id).select_related("detail")
        return any(event.detail.requested == metadata for event in unresolved.exclude(detail=None))

    def forget_details(self) -> None:
        """Delete the values and messages that they keep."""
        EventDetail.objects.filter(event__in=self).delete()

    def resolvable_by_reading(self, base_url: str, openai_id: str) -> "EventQuerySet":
        """Unresolved changes of one conversation whose outcome the response to a read tells."""
        return self.unresolved().with_remote_id(base_url, openai_id).exclude(action__in=ABOUT_ITEMS)

    def unknown_deletions(self) -> "EventQuerySet":
        """Deletions of items whose outcome is unknown."""
        return self.unresolved().filter(action=Action.DELETE_ITEMS)
