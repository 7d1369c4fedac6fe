"""Sending more messages than one call of the API takes: up to 20 with each call, one after the other, within one web
request's budget. Each call is an event of its own, recorded before it's sent.

The first failure ends it, and so does the end of the budget. The messages that are left are in nobody's hands but the
caller's: nothing of them is stored here. After a call whose outcome is unknown, the conversation is read to tell which
of its messages arrived, so that the rest can be sent without adding anything twice.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from ..items.creation import same_items
from ..models import Action, Conversation, Credential, Event, Outcome
from ..openai.client import Json
from ..openai.errors import OpenAIError
from ..openai.objects import id_of
from ..openai.transport import Deadline
from .clients import calls_for
from .conversations import MAX_ITEMS, create_conversation
from .errors import AlreadySubmitted, ServiceError
from .items import NEWEST_FIRST, add_items, read_page
from .unresolved_events import resolve_by_note

LOOK_SHARE = 0.15  # of the budget, kept for a look at what arrived
MIN_SECONDS = 1.0  # for a call; with less left, the next one isn't begun


@dataclass
class Addition:
    """What became of the items that were to be added, of which the first `added` are in the conversation.

    kept: how many of these the server said it kept, None if it didn't say; failure: what ended it, if anything did;
    event: the one whose outcome is unknown; is_proved: the last call got no response, and a look showed that all of its
    items arrived; is_dropped: the server created the conversation without its first items; is_recorded: it's what the
    events of an earlier request say, not one's own; last_id: of the newest item, "" if there was none, None if that's
    unknown; calls: how many were sent; next_token: with which the rest is added, so that no two requests both add it.
    """

    conversation: Conversation
    total: int
    added: int = 0
    kept: int | None = 0
    failure: OpenAIError | ServiceError | None = None
    event: Event | None = None
    is_proved: bool = False
    is_dropped: bool = False
    is_recorded: bool = False
    last_id: str | None = None
    calls: int = 0
    next_token: str = ""
    deadline: Deadline = field(default_factory=lambda: Deadline(settings.REQUEST_BUDGET), repr=False)

    @property
    def rest(self) -> int:
        """How many items are left."""
        return self.total - self.added

    @property
    def is_complete(self) -> bool:
        return self.rest == 0

    @property
    def has_time(self) -> bool:
        """Whether the budget allows another call."""
        return self.seconds >= MIN_SECONDS

    @property
    def seconds(self) -> float:
        """What a call may take."""
        return self.deadline.remaining - settings.REQUEST_BUDGET * LOOK_SHARE

    def begin(self, token: str, *, is_all: bool) -> None:
        """Note the creation. Where the server dropped its items, those that follow would stand alone."""
        created = Event.objects.with_token(token)
        if created is not None:
            self.count(created)
            self.drop(created, is_all=is_all)

    def drop(self, created: Event, *, is_all: bool) -> None:
        """Begin anew if the server created the conversation without its items, and others would have followed."""
        if created.kept_count == 0 and created.item_count and not is_all:
            self.added, self.is_dropped = 0, True

    def count(self, event: Event) -> None:
        """Note a call that succeeded."""
        self.calls += 1
        self.added += event.item_count
        self.kept = None if self.kept is None or event.kept_count is None else self.kept + event.kept_count
        self.last_id = event.item_ids[-1] or None if event.item_ids else None


def create_with_items(
    *, actor: User, credential: Credential, items: Sequence[Json], metadata: Mapping[str, str], token: str
) -> Addition:
    """Create a conversation with the first 20 items, and add the others. Raises what `create_conversation` raises."""
    deadline = Deadline(settings.REQUEST_BUDGET)
    conversation = create_conversation(
        actor=actor, credential=credential, items=items[:MAX_ITEMS], metadata=metadata, token=token
    )
    addition = Addition(conversation, len(items), deadline=deadline)
    addition.begin(token, is_all=len(items) <= MAX_ITEMS)
    if not addition.is_dropped:
        _add_rest(addition, items, actor=actor, token=token)
    return addition


def add_all_items(*, actor: User, conversation: Conversation, items: Sequence[Json], token: str) -> Addition:
    """Add any number of items. Raises what `add_items` raises if not even the first could be added."""
    addition = Addition(conversation, len(items))
    if len(items) > MAX_ITEMS:
        addition.last_id = newest_id(addition)
    _add_rest(addition, items, actor=actor, token=token)
    if addition.failure is not None and addition.added == 0:
        raise addition.failure
    return addition


def recorded_addition(token: str, total: int, *, is_all: bool) -> Addition | None:
    """How far a form with this token got when it was sent before, from the events of its calls; None if its first call
    didn't succeed, and while one is under way. `is_all`: no items were to follow the first call."""
    events, last = _events_of(token)
    if not events or events[0].conversation is None or (last is not None and last.is_pending):
        return None
    addition = Addition(events[0].conversation, total, is_recorded=True)
    for event in events:
        addition.count(event)
    if events[0].action == Action.CREATE:
        addition.drop(events[0], is_all=is_all)
    if last is None:
        addition.next_token = token_of_call(token, len(events))
    elif last.outcome in (Outcome.UNKNOWN, Outcome.PENDING):
        addition.event = last
    return addition


def newest_id(addition: Addition) -> str | None:
    """The id of the conversation's newest item, "" if it has none, None if that can't be told."""
    with suppress(OpenAIError):
        calls = calls_for(addition.conversation.credential, seconds=addition.seconds)
        page = read_page(calls, addition.conversation.openai_id, order=NEWEST_FIRST, most=1)
        return (id_of(page.items[0]) or None) if page.items else ""
    return None


def add_batch(addition: Addition, batch: Sequence[Json], *, actor: User, token: str) -> bool:
    """Add up to 20 items; whether the next ones can follow. Raises AlreadySubmitted."""
    own_token = token_of_call(token, addition.calls)
    try:
        event = add_items(
            actor=actor,
            conversation=addition.conversation,
            items=batch,
            token=own_token,
            seconds=addition.seconds,
        )
    except AlreadySubmitted:
        raise
    except (OpenAIError, ServiceError) as error:
        addition.failure = error
        if isinstance(error, OpenAIError) and error.may_have_happened:
            addition.event = Event.objects.with_token(own_token)
            _look(addition, batch, actor)
        return False
    addition.count(event)
    return True


def token_of_call(token: str, number: int) -> str:
    """The token of a form's call, by its number: the form's own, then each from the one before it, so that a form which
    takes up the rest goes on in the same row."""
    for _ in range(number):
        token = hashlib.sha256(token.encode()).hexdigest()
    return token


def _events_of(token: str) -> tuple[list[Event], Event | None]:
    """The events of a form's calls that succeeded, and the one of the next call, None if it wasn't sent."""
    succeeded: list[Event] = []
    while True:
        event = Event.objects.with_token(token_of_call(token, len(succeeded)))
        if event is None or event.outcome != Outcome.SUCCEEDED:
            return succeeded, event
        succeeded.append(event)


def _add_rest(addition: Addition, items: Sequence[Json], *, actor: User, token: str) -> None:
    while addition.rest and (addition.has_time or addition.calls == 0):
        batch = items[addition.added : addition.added + MAX_ITEMS]
        if not add_batch(addition, batch, actor=actor, token=token):
            return


def _look(addition: Addition, batch: Sequence[Any], actor: User) -> None:
    """After a call without a response: how many of its items does the conversation have?"""
    if addition.last_id is None:
        return
    seconds = max(addition.deadline.remaining, settings.REQUEST_BUDGET * LOOK_SHARE)
    try:
        calls = calls_for(addition.conversation.credential, seconds=seconds)
        page = read_page(calls, addition.conversation.openai_id, after=addition.last_id)
    except OpenAIError:
        return
    arrived = same_items(batch, page.items)
    addition.added += arrived
    addition.kept = None if addition.kept is None else addition.kept + arrived
    if addition.event is not None and arrived == len(batch):
        note = f"No response came, but all {arrived} messages were found in the conversation afterwards."
        with suppress(ServiceError):
            resolve_by_note(actor=actor, event=addition.event, note=note)
        addition.event, addition.is_proved = None, True
