"""The items of a conversation: reading, adding and deleting them. Their content is never stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ..items import partner_of
from ..metadata import replace_unstorable
from ..models import Action, Conversation, Event, Outcome
from ..openai.client import Calls, ItemPage, Json
from ..openai.errors import EndlessList, NotConfirmed, NotFound, OpenAIError, TooLarge
from ..openai.ids import is_legal_item_id
from ..openai.objects import id_of
from .clients import calls_for
from .recording import accept_not_found, recorded, refuse_newly_held, start_on

ITEMS_A_PAGE = 100
FEWER = (20, 4, 1)  # items to ask for after a response that was too large
OLDEST_FIRST, NEWEST_FIRST = "asc", "desc"  # as the API names the orders


@dataclass(frozen=True)
class Items:
    """Some items in the requested order, as JSON. `earlier`, `later`: the ids before and after which there may be more,
    "" where there are none; `is_cut`: the server says that there are more, and gives no way to read them."""

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

    The API only pages forward: what comes before an item is read in the opposite order and reversed. `calls`: those of
    the same web request, whose budget they share.
    """
    # Paging backward is paging forward in the opposite order.
    order = NEWEST_FIRST if newest_first != bool(before) else OLDEST_FIRST
    calls = calls or calls_for(conversation.credential)
    cursor = before or after
    page = read_page(calls, conversation.openai_id, order=order, after=cursor, include=include)
    page = _trimmed(page, cursor)
    items: list[Any] = replace_unstorable(page.items)  # a page can't contain a lone surrogate either
    first_id = _first_id(items)
    next_id = page.last_id if _has_more(calls, conversation.openai_id, page, order) else ""
    if before:
        return Items(items[::-1], earlier=next_id, later=first_id, is_cut=page.is_cut)
    return Items(items, earlier=first_id if after else "", later=next_id, is_cut=page.is_cut)


def _trimmed(page: ItemPage, after: str) -> ItemPage:
    """At most as many items as were asked for, and only those after the cursor: some servers return more."""
    start = next((number for number, item in enumerate(page.items, start=1) if after and id_of(item) == after), 0)
    if start and start == len(page.items):  # nothing new
        return replace(page, items=[], last_id="", has_more=False, is_cut=page.claims_more is True)
    page = replace(page, items=page.items[start:])
    if len(page.items) <= ITEMS_A_PAGE:
        return page
    items = page.items[:ITEMS_A_PAGE]
    last_id = _first_id(items[::-1])
    return replace(page, items=items, last_id=last_id, has_more=last_id != "", claims_more=True, is_cut=last_id == "")


def _first_id(items: Sequence[Any]) -> str:
    found = id_of(items[0]) if items else ""
    return found if is_legal_item_id(found) else ""


def count_items(*, conversation: Conversation) -> tuple[int, bool]:
    """How many items it holds, up to 100, and whether there are more. Raises OpenAIError or CredentialUnusable."""
    calls = calls_for(conversation.credential)
    page = read_page(calls, conversation.openai_id)
    return len(page.items), page.is_cut or _has_more(calls, conversation.openai_id, page)


def _has_more(calls: Calls, openai_id: str, page: ItemPage, order: str = OLDEST_FIRST) -> bool:
    """Whether items follow a page. Some servers never say so: after a full page, one more item is asked for."""
    if not page.has_more or page.claims_more is not False:
        return page.has_more
    try:
        following = _trimmed(read_page(calls, openai_id, order=order, after=page.last_id, most=1), page.last_id)
    except OpenAIError:
        return True  # the next page will report the error
    return not {*map(id_of, following.items)} <= {*map(id_of, page.items)}


def all_pages(
    conversation: Conversation, include: Sequence[str] = (), *, after: str = "", calls: Calls | None = None
) -> Iterator[ItemPage]:
    """All items after one, oldest first, a page at a time, as OpenAI gave them; each page has a web request's budget,
    unless they share that of `calls`.

    A page without a new item is the last, whatever the server says. Raises OpenAIError or CredentialUnusable;
    EndlessList where the server says that there are more items than it returns.
    """
    seen: set[str] = set()
    has_more = True
    while has_more:
        own = calls or calls_for(conversation.credential)
        page = read_page(own, conversation.openai_id, after=after, include=include)
        new = [item for item in page.items if not id_of(item) or id_of(item) not in seen]
        is_new = page.last_id not in seen and bool(new)
        seen |= {page.last_id, *map(id_of, page.items)}
        yield replace(page, items=new)
        if page.is_cut:
            raise EndlessList("The server says that there are more items, but doesn’t return them.", status=200)
        if not is_new and page.claims_more:
            raise EndlessList("The server returns the same items again and again.", status=200)
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
    """One page of at most `most` items, fewer where they are too large to read at once. Raises OpenAIError."""
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
    item: Json = replace_unstorable(
        calls_for(conversation.credential).retrieve_item(conversation.openai_id, item_id, include=include)
    )
    return item


def find_partner(*, conversation: Conversation, item: Json) -> Json | None:
    """The output of a call, or the call of an output, if it is among the 100 items after the call or before the output.

    Raises OpenAIError or CredentialUnusable.
    """
    side = partner_of(item)
    if side is None:
        return None
    order = OLDEST_FIRST if side.is_later else NEWEST_FIRST
    calls = calls_for(conversation.credential)
    page = read_page(calls, conversation.openai_id, order=order, after=id_of(item))
    return next((replace_unstorable(other) for other in page.items if side.matches(other)), None)


def add_items(
    *,
    actor: User,
    conversation: Conversation,
    items: Sequence[Json],
    token: str | None = None,
    seconds: float | None = None,
) -> Event:
    """Add 1–20 items; returns the event, which holds their ids and how many of them the response held.

    An OpenAIError with `may_have_happened` means that they may have been added all the same. `seconds`: what is left of
    the web request's budget.
    """
    event, calls = start_on(
        conversation,
        actor=actor,
        action=Action.ADD_ITEMS,
        token=token,
        item_count=len(items),
        seconds=seconds,
    )
    with recorded(event, changes=True):
        added = calls.create_items(conversation.openai_id, items)
    count = len(added.items)  # one server returns all items of the conversation
    item_ids = [replace_unstorable(id_of(item)) for item in added.items] if count <= len(items) else []
    event.finish(Outcome.SUCCEEDED, item_ids=item_ids, kept_count=min(count, len(items)))
    return event


def delete_items(
    *, actor: User, conversation: Conversation, item_ids: Sequence[str], token: str | None = None
) -> Event:
    """Delete items, one after the other; returns the event.

    A 404 counts as success where an earlier deletion of ours may have been carried out. Where a response confirms
    nothing, a read has to. The first failure ends it; the event records how many were deleted before.
    """
    event, calls = start_on(conversation, actor=actor, action=Action.DELETE_ITEMS, token=token)
    earlier = list(Event.objects.with_remote_id(conversation.base_url, conversation.openai_id).unknown_deletions())
    # A 404 now may be the success of a deletion whose response never came.
    known = {item_id for before in earlier for item_id in before.item_ids}
    repeated = [before.pk for before in earlier if set(before.item_ids) <= set(item_ids)]
    for item_id in item_ids:
        refuse_newly_held(event)
        event.item_ids.append(item_id)  # recorded before it is sent
        event.save(update_fields=["item_ids"])
        try:
            with recorded(event, changes=True), accept_not_found(is_repeat=item_id in known):
                if not calls.delete_item(conversation.openai_id, item_id):
                    _prove_item_gone(calls, conversation.openai_id, item_id)
        except OpenAIError as error:
            _report_partial(event, error, len(item_ids))
            raise
        event.item_count += 1
    with transaction.atomic():
        event.finish(Outcome.SUCCEEDED)
        Event.objects.filter(pk__in=repeated).resolve(by=event)
    return event


def _prove_item_gone(calls: Calls, openai_id: str, item_id: str) -> None:
    """A deletion was accepted and not confirmed: only a 404 to a read proves it, as long as the items can be listed.
    Raises the OpenAIError that leaves it open, with `may_have_happened`."""
    try:
        calls.retrieve_item(openai_id, item_id)
    except NotFound:
        read_page(calls, openai_id, most=1)
    except OpenAIError as error:
        error.may_have_happened = True
        raise
    else:
        raise NotConfirmed("The server accepted the deletion, but still returns the item.", status=200)


def _report_partial(event: Event, error: OpenAIError, number: int) -> None:
    if event.item_count:
        were = "was" if event.item_count == 1 else "were"
        error.message = f"{event.item_count} of {number} items {were} deleted before the server said: {error.message}"
        event.keep_detail(message=error.message)
