"""Ids in text, and in the objects of JSON."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

MAX_ID = 255  # characters
MIN_ID = 8  # characters of an id that has no prefix by which it could be told
MAX_DEPTH = 60  # levels of JSON that are looked through
CONVERSATION_KEYS = (
    "conversation_id",
    "conversationId",
    "openai_conversation_id",
    "gen_ai.conversation.id",
)
SESSION_KEYS = ("sessionId", "session_id")  # of Langfuse; these hold other ids too
_PLAIN = re.compile(r"(?<![A-Za-z0-9_])conv_[A-Za-z0-9_-]{8,250}")
_IN_URL = re.compile(r"/conversations/([^/?#\"'\s<>)\]},;\\]+)")
_OTHER_PREFIX = re.compile(r"[A-Za-z]{2,12}[_-]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UNUSABLE = re.compile("[/\0-\x20\x7f-\x9f\ud800-\udfff\ufffd]|\\s")


def is_token(text: str) -> bool:
    """Whether the whole text may be an id: one word with a digit, long enough, and without what ids never have."""
    return MIN_ID <= len(text) <= MAX_ID and _UNUSABLE.search(text) is None and any(letter.isdigit() for letter in text)


def looks_like_id(text: str) -> bool:
    """Whether it is an id by its form: OpenAI's, or a UUID."""
    return is_token(text) and (text.startswith("conv_") or _UUID.fullmatch(text) is not None)


def ids_in(text: str, *, before: int | None = None) -> list[str]:
    """The ids in any text, each once: those that begin with conv_, and those in URLs of conversations.

    `before`: only those that begin before this position.
    """
    end = len(text) if before is None else before
    found: dict[str, None] = {}
    if "conv_" in text:
        found = dict.fromkeys(match[0] for match in _PLAIN.finditer(text) if match.start() < end)
    if "/conversations/" in text:
        in_urls = (unquote(match[1]) for match in _IN_URL.finditer(text) if match.start() < end)
        found |= dict.fromkeys(part for part in in_urls if is_token(part))
    return list(found)


def unquoted(text: str) -> str:
    """A line of a list without what often stands around an id."""
    return text.strip(" \t,;\"'`")


def ids_of(record: Any) -> list[str]:
    """The ids in a value of JSON, each once: under the keys that conversations have in known formats; otherwise the
    record's own id; otherwise any in its text."""
    found = dict.fromkeys(_named(record, 0))
    own = _own_id(record, is_only=not found)
    if own:
        found = {own: None, **found}
    return list(found or dict.fromkeys(each for text in _texts(record, 0) for each in ids_in(text)))


def _named(value: Any, depth: int) -> Iterator[str]:
    """The ids under keys that name a conversation, at any depth."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value:
            yield from _named(each, depth + 1)
    elif isinstance(value, dict):
        yield from filter(None, (_of_attribute(value), _of_conversation(value)))
        for key, inner in value.items():
            if isinstance(inner, str):
                yield from _of_pair(key, inner)
            else:
                yield from _named(inner, depth + 1)


def _of_pair(key: str, text: str) -> Iterator[str]:
    if (key in CONVERSATION_KEYS and is_token(text)) or (key in SESSION_KEYS and looks_like_id(text)):
        yield text
    elif key in ("metadata", "attributes") and "conv_" in text:  # JSON in a string, as in tables of Langfuse
        yield from ids_in(text)


def _of_conversation(value: Mapping[str, Any]) -> str:
    """`conversation: "…"`, `conversation: {"id": "…"}`, or gen_ai: {conversation: {id}}."""
    inner = value.get("conversation")
    text = inner.get("id") if isinstance(inner, dict) else inner
    return text if isinstance(text, str) and is_token(text) else ""


def _of_attribute(value: Mapping[str, Any]) -> str:
    """An attribute of OpenTelemetry: {"key": "gen_ai.conversation.id", "value": {"stringValue": "…"}}."""
    if value.get("key") not in CONVERSATION_KEYS:
        return ""
    inner = value.get("value")
    text = inner.get("stringValue") if isinstance(inner, dict) else inner
    return text if isinstance(text, str) and is_token(text) else ""


def _own_id(record: Any, *, is_only: bool) -> str:
    """The record's own id, if it is a conversation's."""
    own = record.get("id") if isinstance(record, dict) else None
    if not isinstance(own, str) or not is_token(own):
        return ""
    is_conversation = record.get("object") == "conversation" or own.startswith("conv_")
    is_other = _OTHER_PREFIX.match(own) is not None and _UUID.fullmatch(own) is None
    return own if is_conversation or (is_only and "object" not in record and not is_other) else ""


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict) and depth <= MAX_DEPTH:
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each, depth + 1)
