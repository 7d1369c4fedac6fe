"""Turns responses into values: a conversation, a page of items, whether a deletion is confirmed. Pure.

Source: the Conversations endpoints in OpenAI's API reference. Compatible servers leave fields out, write times in other
formats, and say that there are no more items when there are: nothing is concluded from what a response doesn't say.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .decoding import Json, Response
from .errors import NotDeleted
from .ids import is_legal_id, is_legal_item_id

MAX_UNIX_SECONDS = 2**40
MIN_MILLISECONDS = 10**11  # numbers from here on are milliseconds: as seconds, they'd be past the year 5000
MAX_SHOWN_VALUE = 200  # characters of an unexpected value that an error message quotes


@dataclass(frozen=True)
class RemoteConversation:
    """A conversation as a server returned it.

    created_at: Unix seconds, None if missing or unusable; metadata: None if missing or not an object;
    metadata_problem: what the response holds instead of metadata, for people.
    """

    id: str
    created_at: int | None
    metadata: Json | None
    metadata_problem: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class ItemPage:
    """One page of a conversation's items, as returned. Some servers return entries that aren't objects.

    last_id: the `after` of the next page, or ""; has_more: whether to request that page, because the server says that
    there are more items, says nothing, or returned a full page; claims_more: `has_more` in the response, None if it's
    missing; is_cut: the server says that there are more items, but there is no id to continue after.
    """

    items: list[Any]
    last_id: str
    has_more: bool
    claims_more: bool | None = None
    is_cut: bool = False
    request_id: str = ""


@dataclass(frozen=True)
class ConversationPage:
    """One page of a server's list of conversations. Entries that aren't conversations are left out; `last_id` and
    `has_more` are those of an ItemPage."""

    conversations: list[RemoteConversation]
    last_id: str
    has_more: bool


def read_list(response: Response, limit: int) -> ConversationPage:
    """The page of conversations in a response to a request for up to `limit`. Raises BadResponse without a list."""
    page = read_page(response, limit)
    found = [
        _conversation(entry["id"], entry, response.request_id)
        for entry in page.items
        if isinstance(entry, dict) and isinstance(entry.get("id"), str) and is_legal_id(entry["id"])
    ]
    return ConversationPage(found, page.last_id, page.has_more)


def read_conversation(response: Response, expected_id: str = "") -> RemoteConversation:
    """The conversation in a response. Raises BadResponse if there is none, or if its id isn't `expected_id`."""
    content = response.content
    conversation_id = content.get("id")
    if not isinstance(conversation_id, str) or not is_legal_id(conversation_id):
        raise response.error("The response contains no conversation id.")
    if expected_id and conversation_id != expected_id:
        raise response.error("The response is about another conversation.")
    return _conversation(conversation_id, content, response.request_id)


def _conversation(conversation_id: str, content: Json, request_id: str) -> RemoteConversation:
    metadata, problem = _metadata(content)
    return RemoteConversation(
        id=conversation_id,
        created_at=unix_seconds(content.get("created_at")),
        metadata=metadata,
        metadata_problem=problem,
        request_id=request_id,
    )


def read_page(response: Response, limit: int) -> ItemPage:
    """The page of items in a response to a request for up to `limit`. Raises BadResponse if there is no list."""
    content = response.content
    items = content.get("data", ...)
    items = [] if items is None else items
    if not isinstance(items, list):
        raise response.error("The response contains no list of items.")
    # Some servers leave `last_id` out, or set it to null: then the last item's own id is the cursor.
    last_id = next(filter(None, map(_usable_id, (content.get("last_id"), id_of(items[-1])))), "") if items else ""
    claim = content.get("has_more")
    claims_more = claim if isinstance(claim, bool) else None
    is_more_likely = claims_more is not False or len(items) >= limit
    return ItemPage(
        items=items,
        last_id=last_id,
        has_more=last_id != "" and is_more_likely,
        claims_more=claims_more,
        is_cut=claims_more is True and last_id == "",
        request_id=response.request_id,
    )


def read_item(response: Response) -> Json:
    """The item in a response. Raises BadResponse if the response is empty."""
    if not response.content:
        raise response.error("The response contains no item.")
    return response.content


def read_deletion(response: Response, deleted_id: str, conversation_id: str = "") -> bool:
    """Whether a response confirms a deletion: it says `deleted: true` or, for an item, it is the conversation.

    Anything else, such as an empty response, confirms nothing. Raises NotDeleted if it says `deleted: false`,
    BadResponse if it's about another id.
    """
    content = response.content
    if content.get("deleted") is False:
        message = "The server says that it wasn’t deleted."
        raise NotDeleted(message, status=response.status, request_id=response.request_id)
    if content.get("id", deleted_id) not in (deleted_id, conversation_id):
        raise response.error("The response to the deletion is about something else.")
    is_conversation = conversation_id != "" and content.get("id") == conversation_id
    return content.get("deleted") is True or (is_conversation and "deleted" not in content)


def id_of(item: Any) -> str:
    """The id of an item, "" if it has none or if that isn't a string."""
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def unix_seconds(value: Any) -> int | None:
    """A time in Unix seconds, from seconds, milliseconds or ISO 8601. None for anything else."""
    if isinstance(value, str):
        value = float(value) if re.fullmatch(r"\d{1,16}(\.\d+)?", value) else _iso_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    seconds = value / 1000 if value >= MIN_MILLISECONDS else value
    return int(seconds) if 0 <= seconds <= MAX_UNIX_SECONDS else None


def _iso_seconds(text: str) -> float | None:
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _metadata(content: Json) -> tuple[Json | None, str]:
    """The metadata, and what's wrong with it. null counts as empty."""
    if "metadata" not in content:
        return None, "The response contains no metadata."
    value = content["metadata"]
    if value is None or isinstance(value, dict):
        return value or {}, ""
    shown = str(value)
    shown = shown if len(shown) <= MAX_SHOWN_VALUE else f"{shown[:MAX_SHOWN_VALUE]}…"
    return None, f"The response contains metadata that isn’t a map of keys and values: {shown}"


def _usable_id(value: Any) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if is_legal_item_id(text) else ""
