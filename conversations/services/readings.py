"""Storing what many reads returned, at once: what jobs do instead of `get_conversation` and `refresh_conversation`.

A single read holds the lock on its conversation. A job's reads hold none: a conversation that changed here since its
read was sent, or that somebody is changing, keeps what it has, and has to be read again. Where a read found what the
row holds, only the time of the read is stored; everything else goes the way of a single read, with an event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from ..models import Action, Conversation, Credential, Event, Job, JobOutcome, Outcome, State
from ..models.conversation_queryset import reindexed
from ..models.event_queryset import Subject
from ..openai.client import RemoteConversation
from ..openai.errors import NotFound
from .holds import note_matches
from .recording import store, store_not_found

CHANGED_MEANWHILE = "It changed here while it was read, or someone is changing it."
FOREIGN = "It’s in the index under another credential."
GONE = "It was purged from the index meanwhile."
RESPONSE_FIELDS = [
    *("sort_key", "created_at", "is_created_known", "metadata", "is_metadata_known", "is_altered", "our_metadata"),
    *("state", "read_at", "checked_at"),
]

Key = tuple[str, str]  # base URL and id


@dataclass
class Reading:
    """A server's response about a conversation. `was_known`: the index had it when the read was sent, last checked at
    that time."""

    credential: Credential
    openai_id: str
    response: RemoteConversation | NotFound
    checked_at: datetime | None = None
    was_known: bool = False

    @property
    def key(self) -> Key:
        return self.credential.base_url, self.openai_id


@dataclass
class Stored:
    """What a reading led to. `outcome` is None where it has to be read again."""

    outcome: JobOutcome | None
    message: str = ""
    conversation: Conversation | None = None


def store_readings(readings: Sequence[Reading], *, job: Job, origin: str | None) -> list[Stored]:
    """Store these readings in the caller's transaction; returns what each led to, in the same order.

    `origin`: of the conversations that are added; None where unknown ones are not to be added.
    """
    store_ = _Store(readings, job=job, origin=origin)
    results = [store_.take(reading) for reading in readings]
    store_.finish()
    # Somebody else added it at the same moment: the next read finds it known.
    return [
        result if result.conversation is None or result.conversation.pk else Stored(None, CHANGED_MEANWHILE)
        for result in results
    ]


class _Store:
    """Sorts readings by what has to be stored of them, and stores what can be stored together."""

    def __init__(self, readings: Sequence[Reading], *, job: Job, origin: str | None) -> None:
        self._job = job
        self._origin = origin
        self._rows = _locked_rows(reading.key for reading in readings)
        events = Event.objects.unfinished_business(*_split(reading.key for reading in readings))
        pending = [event for event in events if event.is_pending and event.action != Action.EXPORT]
        self._busy = {(event.base_url, event.openai_id) for event in pending}
        self._unresolved = {(event.base_url, event.openai_id) for event in events if not event.is_pending}
        self._unchanged: list[int] = []
        self._still_missing: list[int] = []
        self._first: list[tuple[Conversation, RemoteConversation]] = []
        self._new: list[Conversation] = []

    def take(self, reading: Reading) -> Stored:
        row = self._rows.get(reading.key)
        if reading.key in self._busy or (row is not None) is not reading.was_known:
            is_gone = row is None and reading.was_known
            return Stored(JobOutcome.FAILED, GONE) if is_gone else Stored(None, CHANGED_MEANWHILE)
        if row is None:
            return self._add(reading)
        if row.checked_at != reading.checked_at:
            return Stored(None, CHANGED_MEANWHILE)
        if isinstance(reading.response, NotFound):
            return self._mark_missing(row, reading.response)
        if self._origin is not None and row.credential_id != reading.credential.pk:
            return Stored(JobOutcome.KNOWN, FOREIGN)
        return self._update(row, reading.response)

    def finish(self) -> None:
        """Store what was put off until all readings were taken."""
        now = timezone.now()
        Conversation.objects.filter(pk__in=self._unchanged).update(read_at=now, checked_at=now)
        Conversation.objects.filter(pk__in=self._still_missing).update(checked_at=now)
        Conversation.objects.add_many(self._new)
        if not self._first:
            return
        rows = [row for row, _ in self._first]
        note_matches(rows)
        with reindexed(rows):
            for row, remote in self._first:
                row.set_response(remote.metadata or {}, is_own_change=False, created_at=remote.created_at)
            Conversation.objects.save_many(rows, RESPONSE_FIELDS)

    def _add(self, reading: Reading) -> Stored:
        remote = reading.response
        if isinstance(remote, NotFound):
            return Stored(JobOutcome.UNKNOWN_ID, remote.message)
        if self._origin is None:
            return Stored(JobOutcome.FAILED, GONE)
        row = Conversation.unread(reading.credential, reading.openai_id, origin=self._origin, added_by=self._job.actor)
        if remote.metadata is None:
            row.set_created_at(remote.created_at)
        else:
            row.set_new_response(remote.metadata, created_at=remote.created_at)
        self._new.append(row)
        return Stored(JobOutcome.ADDED, conversation=row)

    def _update(self, row: Conversation, remote: RemoteConversation) -> Stored:
        if remote.metadata is None:  # as in a list without metadata: it says only that the conversation exists
            return Stored(JobOutcome.UNCHANGED, conversation=row)
        has_business = (row.base_url, row.openai_id) in self._unresolved
        if row.is_as_read(remote.metadata, remote.created_at) and not has_business:
            self._unchanged.append(row.pk)
            return Stored(JobOutcome.UNCHANGED, conversation=row)
        if row.state == State.UNREAD and not has_business:
            self._first.append((row, remote))
            return Stored(JobOutcome.CHANGED, conversation=row)
        was_gone, metadata = row.state in (State.MISSING, State.REMOVED), row.metadata
        event = Event.objects.record_read(
            job=self._job, subject=Subject.of(row), status=200, request_id=remote.request_id
        )
        row = store(event, row, remote, is_own_change=False)
        is_same = row.metadata == metadata
        outcome = JobOutcome.RESTORED if was_gone else JobOutcome.UNCHANGED if is_same else JobOutcome.CHANGED
        return Stored(outcome, conversation=row)

    def _mark_missing(self, row: Conversation, error: NotFound) -> Stored:
        if row.state in (State.MISSING, State.REMOVED) and (row.base_url, row.openai_id) not in self._unresolved:
            self._still_missing.append(row.pk)
        else:
            event = Event.objects.record_read(
                job=self._job,
                subject=Subject.of(row),
                status=404,
                request_id=error.request_id,
                outcome=Outcome.REFUSED,
                code=error.code,
            )
            event.keep_detail(message=error.message)
            store_not_found(event)
        return Stored(JobOutcome.MISSING, error.message, row)


def _locked_rows(keys: Iterable[Key]) -> dict[Key, Conversation]:
    """The rows with these keys, locked until the transaction ends, in one order, so that workers can't deadlock."""
    wanted = set(keys)
    found = Conversation.objects.with_remote_ids(*_split(wanted)).order_by("pk").locked()
    return {(row.base_url, row.openai_id): row for row in found if (row.base_url, row.openai_id) in wanted}


def _split(keys: Iterable[Key]) -> tuple[set[str], set[str]]:
    pairs = list(keys)
    return {base_url for base_url, _ in pairs}, {openai_id for _, openai_id in pairs}
