"""What is inside a conversation: reading it, adding messages to it, deleting items of it. Nothing of it is stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ..items import partner_of
from ..metadata import storable
from ..models import Action, Conversation, Event, Outcome
from ..openai.client import Calls, ItemPage, Json
from ..openai.errors import EndlessList, NotConfirmed, NotFound, OpenAIError, TooLarge
from ..openai.objects import id_of, is_legal_item_id
from .clients import calls_for
from .recording import recorded, write_detail
from .rows import begin_on, done_if_gone

ITEMS_A_PAGE = 100
FEWER = (20, 4, 1)  # items asked for where an answer was too large
OLDEST_FIRST, NEWEST_FIRST = "asc", "desc"  # as the API names the orders


@dataclass(frozen=True)
class Items:
    """Some items in the order that was asked for, each as JSON; `earlier` and `later`: the ids before and after which
    there may be others, "" where there are none; `is_cut`: the server says that there are, and gives no way to them."""

    items: list[Any]
    earlier: str
    later: str
    is_cut: bool = False


def list_items(
    *,
    conversation: Conversation,
    newest_first: bool = False,
    after: str = "",
    before: str = "",
    include: Sequence[str] = (),
    calls: Calls | None = None,
) -> Items:
    """Up to 100 items after or before one, fewer where they are large. Raises OpenAIError or CredentialUnusable.

    The API pages forth only: what is before an item is read in the other order, and turned round. `calls`: those of
    the same web request, whose time they share.
    """
    order = NEWEST_FIRST if newest_first != bool(before) else OLDEST_FIRST
    calls = calls or calls_for(conversation.credential)
    place = before or after
    page = read_page(calls, conversation.openai_id, order=order, after=place, include=include)
    page = _one_page(page, place)
    items: list[Any] = storable(page.items)  # a lone surrogate cannot stand in a page either
    first_id = _first_id(items)
    next_id = page.last_id if _goes_on(calls, conversation.openai_id, page, order) else ""
    if before:
        return Items(items[::-1], earlier=next_id, later=first_id, is_cut=page.is_cut)
    return Items(items, earlier=first_id if after else "", later=next_id, is_cut=page.is_cut)


def _one_page(page: ItemPage, after: str) -> ItemPage:
    """As many items as were asked for, and only those after the one that was named, of a server that gives more."""
    start = next((place for place, item in enumerate(page.items, start=1) if after and id_of(item) == after), 0)
    if start and start == len(page.items):  # nothing new
        return replace(page, items=[], last_id="", has_more=False, is_cut=page.says_more is True)
    page = replace(page, items=page.items[start:])
    if len(page.items) <= ITEMS_A_PAGE:
        return page
    items = page.items[:ITEMS_A_PAGE]
    last_id = _first_id(items[::-1])
    return replace(page, items=items, last_id=last_id, has_more=last_id != "", says_more=True, is_cut=last_id == "")


def _first_id(items: Sequence[Any]) -> str:
    found = id_of(items[0]) if items else ""
    return found if is_legal_item_id(found) else ""


def count_items(*, conversation: Conversation) -> tuple[int, bool]:
    """How many items it holds, up to 100, and whether there are more. Raises OpenAIError or CredentialUnusable."""
    calls = calls_for(conversation.credential)
    page = read_page(calls, conversation.openai_id)
    return len(page.items), page.is_cut or _goes_on(calls, conversation.openai_id, page)


def _goes_on(calls: Calls, openai_id: str, page: ItemPage, order: str = OLDEST_FIRST) -> bool:
    """Whether items follow a page. Some servers say so of none: where a page is full, one item more is asked for."""
    if not page.has_more or page.says_more is not False:
        return page.has_more
    try:
        following = _one_page(read_page(calls, openai_id, order=order, after=page.last_id, most=1), page.last_id)
    except OpenAIError:
        return True  # that is for the next page to tell
    return not {*map(id_of, following.items)} <= {*map(id_of, page.items)}


def all_pages(conversation: Conversation, include: Sequence[str] = ()) -> Iterator[ItemPage]:
    """All items, oldest first, a page at a time, as OpenAI gave them; each page has a web request's time of its own.

    A page that brings no new item is the last, whatever the server says. Raises OpenAIError or CredentialUnusable;
    EndlessList where the server says that there is more than it gives.
    """
    seen: set[str] = set()
    after, has_more = "", True
    while has_more:
        page = read_page(calls_for(conversation.credential), conversation.openai_id, after=after, include=include)
        new = [item for item in page.items if not id_of(item) or id_of(item) not in seen]
        is_new = page.last_id not in seen and bool(new)
        seen |= {page.last_id, *map(id_of, page.items)}
        yield replace(page, items=new)
        if page.is_cut:
            raise EndlessList("The server says that there are more items, and does not give them.", status=200)
        if not is_new and page.says_more:
            raise EndlessList("The server gives the same items again and again.", status=200)
        after, has_more = page.last_id, page.has_more and is_new


def read_page(
    calls: Calls,
    openai_id: str,
    *,
    order: str = OLDEST_FIRST,
    after: str = "",
    include: Sequence[str] = (),
    most: int = ITEMS_A_PAGE,
) -> ItemPage:
    """One page of at most so many items, of fewer where they are too large to be read at once. Raises OpenAIError."""
    limits = [most, *(fewer for fewer in FEWER if fewer < most)]
    for limit in limits:
        try:
            return calls.list_items(openai_id, limit=limit, order=order, after=after, include=include)
        except TooLarge:
            if limit == limits[-1]:
                raise
    raise AssertionError("The last limit returns or raises.")


def retrieve_item(*, conversation: Conversation, item_id: str, include: Sequence[str] = ()) -> Json:
    """One item. Raises OpenAIError or CredentialUnusable."""
    item: Json = storable(
        calls_for(conversation.credential).retrieve_item(conversation.openai_id, item_id, include=include)
    )
    return item


def find_partner(*, conversation: Conversation, item: Json) -> Json | None:
    """The other half of a call and its output, looked for among the 100 items after a call or before an output.

    Raises OpenAIError or CredentialUnusable.
    """
    side = partner_of(item)
    if side is None:
        return None
    order = OLDEST_FIRST if side.is_later else NEWEST_FIRST
    calls = calls_for(conversation.credential)
    page = read_page(calls, conversation.openai_id, order=order, after=id_of(item))
    return next((storable(other) for other in page.items if side.is_met_by(other)), None)


def add_items(*, actor: User, conversation: Conversation, items: Sequence[Json], token: str | None = None) -> Event:
    """Add 1–20 items; gives the event, which holds the ids that OpenAI gave them, and how many it answered with.

    An OpenAIError with `may_have_happened` means that they may be there all the same: no answer tells.
    """
    event, calls = begin_on(conversation, actor, Action.ADD_ITEMS, token=token, item_count=len(items))
    with recorded(event, changes=True):
        added = calls.create_items(conversation.openai_id, items)
    count = len(added.items)  # one server answers with all items that there are
    item_ids = [storable(id_of(item)) for item in added.items] if count <= len(items) else []
    event.finish(Outcome.SUCCEEDED, item_ids=item_ids, kept_count=min(count, len(items)))
    return event


def delete_items(
    *, actor: User, conversation: Conversation, item_ids: Sequence[str], token: str | None = None
) -> Event:
    """Delete items, one after the other; gives the event.

    A 404 counts as done where an earlier deletion of ours may have been carried out. Where an answer confirms nothing,
    a read has to. What fails ends it, and its event says how many were deleted before.
    """
    event, calls = begin_on(conversation, actor, Action.DELETE_ITEMS, token=token)
    earlier = list(Event.objects.at_address(conversation.base_url, conversation.openai_id).unknown_deletions())
    known = {item_id for before in earlier for item_id in before.item_ids}
    settled = [before.pk for before in earlier if set(before.item_ids) <= set(item_ids)]
    for item_id in item_ids:
        event.item_ids.append(item_id)  # known to be sent, before it is
        event.save(update_fields=["item_ids"])
        try:
            with recorded(event, changes=True), done_if_gone(is_repeat=item_id in known):
                if not calls.delete_item(conversation.openai_id, item_id):
                    _prove_item_gone(calls, conversation.openai_id, item_id)
        except OpenAIError as error:
            _note_partial(event, error, len(item_ids))
            raise
        event.item_count += 1
    with transaction.atomic():
        event.finish(Outcome.SUCCEEDED)
        Event.objects.filter(pk__in=settled).update(outcome=Outcome.UNKNOWN, settled_by=event)
    return event


def _prove_item_gone(calls: Calls, openai_id: str, item_id: str) -> None:
    """A deletion was accepted and not confirmed: gone is what a read answers 404 while the conversation's items can be
    listed. Raises the OpenAIError that leaves it open, with `may_have_happened`."""
    try:
        calls.retrieve_item(openai_id, item_id)
    except NotFound:
        read_page(calls, openai_id, most=1)
    except OpenAIError as error:
        error.may_have_happened = True
        raise
    else:
        raise NotConfirmed("The server accepted the deletion, and still gives the item.", status=200)


def _note_partial(event: Event, error: OpenAIError, number: int) -> None:
    if event.item_count:
        words = f"{event.item_count} of {number} items was deleted before OpenAI said:"
        write_detail(event, message=f"{words} {error.message}")
        error.message = f"{words} {error.message}"
