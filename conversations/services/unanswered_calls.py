"""Calls without an output, which make every later response fail: finding them, and reading one to add its output."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..items.unanswered_calls import Unanswered, is_call
from ..models import Conversation
from ..openai.client import Calls, Json
from ..openai.errors import OpenAIError
from ..openai.ids import is_legal_item_id
from .clients import calls_for
from .errors import CredentialUnusable, ServiceError
from .items import Items, list_items, retrieve_item

MAX_PAGES = 20
MAX_SECONDS = 10.0  # after which no further page is read
HASTE = 5.0  # seconds within which a page has to come for the next one to be read as well


class NeedsNoOutput(ServiceError):
    """The item isn't a call that the application has to answer."""

    def __init__(self) -> None:
        super().__init__("This item isn’t a call that needs an output.")


@dataclass(frozen=True)
class Look:
    """The calls without an output among `count` items. `rest`: the id after which items were not read, "" if all were;
    `is_cut`: the server says that there are more items, but doesn't return them."""

    calls: list[Json]
    count: int
    rest: str
    is_cut: bool = False


def find_unanswered(*, conversation: Conversation, after: str = "", include: Sequence[str] = ()) -> Look:
    """Search the transcript for calls without an output, from the beginning or after an item: at most 20 pages, and no
    further one after 10 seconds. Raises OpenAIError or CredentialUnusable if not even one page could be read."""
    found, count, started = Unanswered(), 0, time.monotonic()
    calls = calls_for(conversation.credential)
    for _ in range(MAX_PAGES):
        try:
            page = list_items(conversation=conversation, after=after, include=include, calls=calls)
        except OpenAIError:
            if not count:
                raise
            break
        found.read(page.items)
        count += len(page.items)
        is_stuck = page.later == after
        after = page.later
        if not after or is_stuck or time.monotonic() - started > MAX_SECONDS:
            break
    return Look([dict(call) for call in found.calls], count, after, page.is_cut)


def list_with_unanswered(
    *,
    conversation: Conversation,
    newest_first: bool,
    after: str,
    before: str,
    include: Sequence[str],
    calls: Calls,
) -> tuple[Items, frozenset[str]]:
    """A page of items as `list_items` returns it, and the ids of the calls on it that certainly have no output.

    That is certain where the transcript ends with the page, or within 100 items after it, which are read once.
    """
    started = time.monotonic()
    page = list_items(
        conversation=conversation,
        newest_first=newest_first,
        after=after,
        before=before,
        include=include,
        calls=calls,
    )
    found = Unanswered()
    found.read(page.items)
    own = frozenset(str(call["id"]) for call in found.calls if isinstance(call.get("id"), str))
    if not own or (_ends(page, newest_first, after, before) and not page.is_cut):
        return page, own
    if time.monotonic() - started > HASTE or not _read_on(calls, conversation, page, newest_first, found):
        return page, frozenset()
    return page, own & {str(call.get("id")) for call in found.calls}


def retrieve_call(*, conversation: Conversation, item_id: str) -> Json:
    """A call that the application has to answer. Raises NeedsNoOutput for any other item, OpenAIError or
    CredentialUnusable."""
    item = retrieve_item(conversation=conversation, item_id=item_id)
    if not is_call(item):
        raise NeedsNoOutput
    return item


def _ends(page: Items, newest_first: bool, after: str, before: str) -> bool:
    """Whether no item is newer than those of the page."""
    return not (page.earlier or after) if newest_first else not (page.later or before)


def _read_on(calls: Calls, conversation: Conversation, page: Items, newest_first: bool, found: Unanswered) -> bool:
    """Read the items after the page; True if the transcript ends with them."""
    ids = [item.get("id") if isinstance(item, dict) else None for item in page.items]
    newest = ids[0 if newest_first else -1]
    if not isinstance(newest, str) or not is_legal_item_id(newest):
        return False
    try:
        following = list_items(conversation=conversation, after=newest, calls=calls)
    except (OpenAIError, CredentialUnusable):
        return False
    found.read(following.items)
    return not following.later and not following.is_cut
