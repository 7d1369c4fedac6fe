"""Legal holds: placing and lifting them, and whether a conversation is held.

Whoever is about to change a conversation asks `refuse_held()`, under the lock of the event (see `recording.start`), and
again just before something is sent: no change begins once a hold is placed. A hold by a search counts for what matches
now, and for what has matched once: that is noted whenever a row is about to change, and by a worker every few minutes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from ..models import Action, Conversation, Credential, Erasure, Event, HeldConversation, Hold, Outcome, export_file
from ..models.choices import Stage
from ..models.event_queryset import Subject
from ..models.evidence import timestamp
from ..models.index.sql_helpers import batches
from ..query import parse_bounded
from ..search import Search
from .errors import Held, ServiceError

CHUNK = 2_000  # conversations that are noted with one statement


def place_hold(*, actor: User, conversations: Sequence[Conversation], reason: str, token: str | None = None) -> Hold:
    """Hold these conversations from now on. A running erasure of one stops before its next deletion.

    Raises ServiceError where one of them was purged meanwhile.
    """
    with transaction.atomic():
        rows = list(Conversation.objects.locked().filter(pk__in=[row.pk for row in conversations]))
        if len(rows) < len(conversations):
            raise ServiceError("One of these conversations was just purged. Nothing is on hold yet: choose again.")
        hold = _new_hold(actor, reason, token, {row.credential for row in rows})
        HeldConversation.objects.keep(hold, [row.pk for row in rows])
        _record(hold, actor, Action.HOLD, reason, map(Subject.of, rows))
        _stop_erasures(hold)
    return hold


def place_search_hold(
    *, actor: User, query: str, credentials: Sequence[Credential], reason: str, token: str | None = None
) -> Hold:
    """Hold whatever a search finds among the conversations of these credentials, now and later.

    Raises ValueError for a query with problems.
    """
    if parse_bounded(query).problems:
        raise ValueError(f"The search isn’t understood: {query}")
    with transaction.atomic():
        hold = _new_hold(actor, reason, token, credentials, is_search=True, query=query)
        _record(hold, actor, Action.HOLD, reason, map(Subject.through, credentials))
        _stop_erasures(hold)
    return hold


def lift_hold(*, actor: User, hold: Hold, reason: str) -> bool:
    """End a hold; returns whether it was active."""
    with transaction.atomic():
        lifted = Hold.objects.active().filter(pk=hold.pk)
        if not lifted.update(lifted_at=timezone.now(), lifted_by_name=actor.get_username(), lift_reason=reason):
            return False
        _record(hold, actor, Action.LIFT_HOLD, reason, _subjects(hold))
        hold.held.all().delete()
    hold.refresh_from_db()
    return True


def holds_on(conversation: Conversation) -> list[Hold]:
    """The active holds that apply to a conversation; nothing is noted."""
    return _holds_on(conversation.pk, conversation.credential_id, conversation.sort_key)


def refuse_held(base_url: str, openai_id: str) -> None:
    """Raise Held where a hold applies to the conversation that this server knows by this id."""
    if not Hold.objects.active().exists():  # the usual case, asked for at each change
        return
    row = _row_of(base_url, openai_id)
    holds = _holds_on(*row) if row is not None else []
    if holds:
        raise Held(holds)


def note_matches(rows: Sequence[Conversation]) -> None:
    """Note which holds apply to rows that are about to change: afterwards their searches may not find them."""
    keys = {row.sort_key: row.pk for row in rows}
    for hold in Hold.objects.active().searches().on({row.credential_id for row in rows}):
        HeldConversation.objects.keep(hold, [keys[sort_key] for sort_key in search_of(hold).among(keys)])


def held_among(rows: Mapping[int, int], credential_ids: Iterable[int]) -> set[int]:
    """The keys of those rows to which a hold applies. `rows`: primary keys by sort key."""
    held: set[int] = set()
    for keys in batches(list(rows.values()), CHUNK):
        noted = HeldConversation.objects.filter(hold__lifted_at=None, conversation__in=keys)
        held.update(noted.values_list("conversation_id", flat=True))
    for hold in Hold.objects.active().searches().on(credential_ids):
        held |= {rows[sort_key] for sort_key in search_of(hold).among(rows)}
    return held


def sweep(hold: Hold) -> None:
    """Note everything that the search of a hold finds now."""
    sort_keys = search_of(hold).sort_keys()
    while chunk := list(islice(sort_keys, CHUNK)):
        found = Conversation.objects.filter(sort_key__in=chunk).values_list("pk", flat=True)
        if not HeldConversation.objects.keep(hold, list(found)):
            return
    Hold.objects.filter(pk=hold.pk).update(swept_at=timezone.now())


def search_of(hold: Hold) -> Search:
    """The search of a hold, among the conversations of its credentials."""
    return Search(parse_bounded(hold.query), list(hold.credentials.all()), timezone.now())


def purge_conversation(*, conversation: Conversation) -> None:
    """Delete a conversation from the index. Raises Held."""
    with transaction.atomic():
        refuse_held(conversation.base_url, conversation.openai_id)
        export_file.forget(conversation)
        conversation.purge()


def _new_hold(
    actor: User,
    reason: str,
    token: str | None,
    credentials: Iterable[Credential],
    *,
    is_search: bool = False,
    query: str = "",
) -> Hold:
    known = {"token": token} if token else {}
    name = actor.get_username()
    hold = Hold.objects.create(actor=actor, actor_name=name, reason=reason, is_search=is_search, query=query, **known)
    hold.credentials.set(credentials)
    return hold


def _subjects(hold: Hold) -> Iterator[Subject]:
    """What events about a hold are about: each chosen conversation, or the credentials of its search."""
    if hold.is_search:
        yield from map(Subject.through, hold.credentials.all())
        return
    rows = Conversation.objects.filter(holds__hold=hold).select_related("credential")
    yield from map(Subject.of, rows.defer("metadata", "our_metadata"))


def _record(hold: Hold, actor: User, action: Action, reason: str, subjects: Iterable[Subject]) -> None:
    for subject in subjects:
        event = Event.objects.record_local(actor=actor, action=action, subject=subject)
        event.keep_detail(note=f"{hold}: {reason}")


def _row_of(base_url: str, openai_id: str) -> tuple[int, int, int] | None:
    row = Conversation.objects.with_remote_id(base_url, openai_id)
    return row.values_list("pk", "credential_id", "sort_key").first()


def _holds_on(pk: int, credential_id: int, sort_key: int) -> list[Hold]:
    noted = list(Hold.objects.active().filter(held__conversation=pk))
    known = {hold.pk for hold in noted}
    others = Hold.objects.active().searches().on([credential_id]).exclude(pk__in=known)
    return noted + [hold for hold in others if search_of(hold).among([sort_key])]


def _stop_erasures(hold: Hold) -> None:
    """Stop the running erasures of what the hold applies to: they look at their stage before each deletion."""
    failure = {"message": str(Held([hold])), "is_requested": True, "at": timestamp()}
    for erasure in Erasure.objects.filter(stage=Stage.RUNNING, credential__in=hold.credentials.all()):
        row = _row_of(erasure.base_url, erasure.openai_id)
        if row is not None and hold in _holds_on(*row):
            Erasure.objects.running(erasure.pk).update(stage=Stage.STOPPED, failure=failure)
            if not erasure.is_leased:  # otherwise whoever works on it ends the run
                erasure.close_runs(Outcome.STOPPED)
