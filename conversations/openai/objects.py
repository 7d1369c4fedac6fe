"""What the eight calls answer, as values: a conversation, a page of items, a deletion. Pure.

Source: the Conversations endpoints of OpenAI's API reference. Other servers of the API leave fields out, write times in
other forms and say "no more" where there is more; what is certain is read, and nothing else is concluded.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .decoding import Answer, Json
from .errors import NotDone
from .ids import is_legal_id, is_legal_item_id

LATEST = 2**40  # Unix seconds; later ones are absurd
MILLISECONDS_FROM = 10**11  # a larger number counts milliseconds: in seconds it is past the year 5000
SHOWN_OF_VALUE = 200  # characters of a value that is told in an error


@dataclass(frozen=True)
class RemoteConversation:
    """A server's answer about a conversation.

    created_at: Unix seconds, None where it is missing or unusable; metadata: as sent, None where the answer holds no
    map of it; metadata_problem: then, what it holds in its place.
    """

    id: str
    created_at: int | None
    metadata: Json | None
    metadata_problem: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class ItemPage:
    """One page of a conversation's items; an entry that is no object, which other servers send, stands as it came.

    last_id: the `after` of the next page, "" if there is none; has_more: whether to ask for that: the server says so,
    says nothing, or gave as many items as it was asked for; says_more: its own word, None where it says nothing;
    is_cut: whether it says that there is more, and gives no way to it.
    """

    items: list[Any]
    last_id: str
    has_more: bool
    says_more: bool | None = None
    is_cut: bool = False
    request_id: str = ""


def read_conversation(answer: Answer, expected_id: str = "") -> RemoteConversation:
    """The conversation in an answer; raises BadResponse where it holds none, or another than was asked for."""
    content = answer.content
    conversation_id = content.get("id")
    if not isinstance(conversation_id, str) or not is_legal_id(conversation_id):
        raise answer.bad("The answer holds no conversation id.")
    if expected_id and conversation_id != expected_id:
        raise answer.bad("The answer is about another conversation.")
    metadata, problem = _metadata(content)
    return RemoteConversation(
        id=conversation_id,
        created_at=unix_seconds(content.get("created_at")),
        metadata=metadata,
        metadata_problem=problem,
        request_id=answer.request_id,
    )


def read_page(answer: Answer, limit: int) -> ItemPage:
    """The page of items in an answer to a call that asked for `limit`; raises BadResponse where it holds no list."""
    content = answer.content
    items = content.get("data", ...)
    items = [] if items is None else items
    if not isinstance(items, list):
        raise answer.bad("The answer holds no list of items.")
    last_id = next(filter(None, map(_usable_id, (content.get("last_id"), id_of(items[-1])))), "") if items else ""
    told = content.get("has_more")
    says_more = told if isinstance(told, bool) else None
    is_more_likely = says_more is not False or len(items) >= limit
    return ItemPage(
        items=items,
        last_id=last_id,
        has_more=last_id != "" and is_more_likely,
        says_more=says_more,
        is_cut=says_more is True and last_id == "",
        request_id=answer.request_id,
    )


def read_item(answer: Answer) -> Json:
    """The item in an answer; raises BadResponse where it holds nothing."""
    if not answer.content:
        raise answer.bad("The answer holds no item.")
    return answer.content


def read_deletion(answer: Answer, deleted_id: str, conversation_id: str = "") -> bool:
    """Whether an answer confirms a deletion: `deleted` is true of this id or, for an item, it is the conversation.

    An empty answer, or any other, confirms nothing: only a read or a listing tells. Raises NotDone where it says that
    nothing was deleted, BadResponse where it speaks of something else.
    """
    content = answer.content
    if content.get("deleted") is False:
        message = "The server answers that it was not deleted."
        raise NotDone(message, status=answer.status, request_id=answer.request_id)
    if content.get("id", deleted_id) not in (deleted_id, conversation_id):
        raise answer.bad("The answer to the deletion is about something else.")
    is_conversation = conversation_id != "" and content.get("id") == conversation_id
    return content.get("deleted") is True or (is_conversation and "deleted" not in content)


def id_of(item: Any) -> str:
    """The id of an item, "" where it has none that is text."""
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def unix_seconds(value: Any) -> int | None:
    """A time in Unix seconds: given so, in milliseconds, as a fraction or as ISO 8601 text; None for anything else."""
    if isinstance(value, str):
        value = float(value) if re.fullmatch(r"\d{1,16}(\.\d+)?", value) else _iso_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    seconds = value / 1000 if value >= MILLISECONDS_FROM else value
    return int(seconds) if 0 <= seconds <= LATEST else None


def _iso_seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _metadata(content: Json) -> tuple[Json | None, str]:
    """The map, or what stands in its place; null is an empty one."""
    if "metadata" not in content:
        return None, "The answer holds no metadata."
    value = content["metadata"]
    if value is None or isinstance(value, dict):
        return value or {}, ""
    shown = str(value)
    shown = shown if len(shown) <= SHOWN_OF_VALUE else f"{shown[:SHOWN_OF_VALUE]}…"
    return None, f"The answer holds metadata that is no map of keys and values: {shown}"


def _usable_id(value: Any) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if is_legal_item_id(text) else ""
