"""Copying a conversation: its items are read from OpenAI and created in a new one, 20 with each call.

One web request copies as much as its budget allows. What it got to is a position in the original, with which the next
request goes on; no content is kept in between. The original isn't changed, so one on legal hold can be copied.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from ..items import displayed
from ..items.creation import creatable
from ..models import Conversation, Credential, Event
from ..openai.client import Calls, Json
from ..openai.errors import InvalidRequest, OpenAIError
from ..openai.ids import is_legal_item_id
from ..openai.objects import id_of
from ..openai.transport import Deadline
from .additions import Addition, add_batch, newest_id, recorded_addition
from .clients import calls_for
from .conversations import MAX_ITEMS, create_conversation
from .errors import ServiceError
from .items import all_pages

INCLUDE = ("message.input_image.image_url",)  # without it, OpenAI leaves out what a picture is
LOOK_BUDGET = 0.5  # of a web request's, for reading what can be copied
MAX_REASONS = 100  # that a page lists


@dataclass(frozen=True)
class Position:
    """How far a copy got: after the item with this id and `skip` more, which have none, with so many copied and left
    out before."""

    after: str = ""
    skip: int = 0
    copied: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class _Entry:
    """An item of the original as it can be created, None if it can't, and the position after it."""

    item: Json | None
    position: Position
    raw: Any = field(repr=False)
    reasons: tuple[str, ...] = ()


@dataclass
class Plan:
    """What a copy would have. counts: by type; left_out: number, name and reason of the first hundred things that can't
    be created; read: how many items were looked at; is_whole: these are all.
    """

    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[tuple[int, str, str]] = field(default_factory=list)
    more_left_out: int = 0
    read: int = 0
    is_whole: bool = False

    @property
    def kinds(self) -> list[tuple[str, int]]:
        """How many items of each type, the most first."""
        return self.counts.most_common()

    @property
    def total(self) -> int:
        """How many items can be copied."""
        return self.counts.total()


@dataclass
class Copy:
    """How far a copy got. is_reading: what failed was reading the original."""

    addition: Addition
    position: Position = field(default_factory=Position)
    is_complete: bool = False
    is_reading: bool = False


def plan_copy(*, source: Conversation) -> Plan:
    """What can be copied, as far as there's time to look. Raises OpenAIError or CredentialUnusable."""
    plan = Plan()
    deadline = Deadline(settings.REQUEST_BUDGET * LOOK_BUDGET)
    for entry in _entries(source, Position(), calls_for(source.credential)):
        plan.read += 1
        shown = displayed(entry.raw)
        if entry.item is not None:
            plan.counts[shown.type.replace("_", " ")] += 1
        for reason in entry.reasons:
            if len(plan.left_out) < MAX_REASONS:
                plan.left_out.append((plan.read, shown.label, reason))
            else:
                plan.more_left_out += 1
        if deadline.remaining < 0:
            return plan
    plan.is_whole = True
    return plan


def start_copy(
    *, actor: User, source: Conversation, credential: Credential, metadata: Mapping[str, str], token: str
) -> Copy:
    """Create the copy with the first 20 items, and go on. Raises what reading and `create_conversation` raise."""
    deadline = Deadline(settings.REQUEST_BUDGET)
    entries = _entries(source, Position(), calls_for(source.credential, seconds=deadline.remaining))
    first = _next(entries)
    conversation = create_conversation(
        actor=actor,
        credential=credential,
        items=_items(first),
        metadata=metadata,
        token=token,
        seconds=deadline.remaining,
    )
    copy = Copy(Addition(conversation, 0, deadline=deadline))
    copy.addition.begin(token, is_all=False)
    created = Event.objects.with_token(token)
    if created is not None and created.credential_id == source.credential_id:  # others may not know the original
        created.keep_detail(note=f"Copied from {source.openai_id}.")
    if not copy.addition.is_dropped:
        copy.position = _end(first, Position())
        _go_on(copy, entries, actor=actor, token=token)
    return copy


def continue_copy(*, actor: User, source: Conversation, target: Conversation, position: Position, token: str) -> Copy:
    """Go on from where an earlier request got to. Raises ServiceError for a copy into itself, and AlreadySubmitted."""
    if target == source:
        raise ServiceError("A conversation can’t be copied into itself. Nothing was sent.")
    copy = Copy(Addition(target, 0), position)
    copy.addition.last_id = newest_id(copy.addition)
    entries = _entries(source, position, calls_for(source.credential, seconds=copy.addition.seconds))
    _go_on(copy, entries, actor=actor, token=token)
    return copy


def recorded_copy(*, source: Conversation, position: Position, token: str) -> Copy | None:
    """How far a form with this token, which began at a position, got when it was sent before; None where
    `recorded_addition` gives None. Raises OpenAIError or CredentialUnusable if the original can't be read."""
    addition = recorded_addition(token, 0, is_all=False)
    if addition is None:
        return None
    entries = _entries(source, position, calls_for(source.credential))
    reached = _after(entries, addition.added, position)
    return Copy(addition, reached, is_complete=not _items(_next(entries)))


def _go_on(copy: Copy, entries: Iterator[_Entry], *, actor: User, token: str) -> None:
    addition = copy.addition
    while addition.has_time:
        try:
            batch = _next(entries)
        except OpenAIError as error:
            addition.failure, copy.is_reading = error, True
            return
        items = _items(batch)
        if not items:
            copy.position, copy.is_complete = _end(batch, copy.position), True
            return
        before = addition.added
        is_added = add_batch(addition, items, actor=actor, token=token)
        arrived = addition.added - before
        copy.position = _end(batch, copy.position) if arrived == len(items) else _after(batch, arrived, copy.position)
        if not is_added:
            return


def _next(entries: Iterator[_Entry]) -> list[_Entry]:
    """The entries up to the next 20 items that can be created, or to the end."""
    taken: list[_Entry] = []
    count = 0
    for entry in entries:
        taken.append(entry)
        count += entry.item is not None
        if count == MAX_ITEMS:
            break
    return taken


def _items(batch: list[_Entry]) -> list[Json]:
    return [entry.item for entry in batch if entry.item is not None]


def _end(batch: list[_Entry], before: Position) -> Position:
    return batch[-1].position if batch else before


def _after(entries: Iterable[_Entry], count: int, before: Position) -> Position:
    """The position after so many of the entries that can be created."""
    created = (entry for entry in entries if entry.item is not None)
    arrived = list(islice(created, count))
    return arrived[-1].position if arrived else before


def _entries(source: Conversation, position: Position, calls: Calls) -> Iterator[_Entry]:
    skip = position.skip
    for raw in _raw_items(source, position.after, calls):
        if skip:
            skip -= 1
            continue
        made = creatable(raw)
        item_id = id_of(raw)
        is_usable = is_legal_item_id(item_id)
        position = Position(
            item_id if is_usable else position.after,
            0 if is_usable else position.skip + 1,
            position.copied + (made.item is not None),
            position.left_out + (made.item is None),
        )
        yield _Entry(made.item, position, raw, made.left_out)


def _raw_items(source: Conversation, after: str, calls: Calls) -> Iterator[Any]:
    """All items after the one with this id, oldest first."""
    is_begun = False
    try:
        for page in all_pages(source, INCLUDE, after=after, calls=calls):
            is_begun = True
            yield from _beyond(page.items, after)
    except InvalidRequest:
        if is_begun:
            raise
        # Some servers don't know `include`.
        for page in all_pages(source, after=after, calls=calls):
            yield from _beyond(page.items, after)


def _beyond(items: list[Any], after: str) -> list[Any]:
    """The items after the one with this id, which some servers return again."""
    ids = [id_of(item) for item in items]
    return items[ids.index(after) + 1 :] if after and after in ids else items
