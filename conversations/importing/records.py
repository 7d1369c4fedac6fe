"""Ids in a value of JSON, by the keys that known formats have. A value is read piece by piece, whatever its size."""

from typing import Any

from .recognising import ids_in, is_of_something_else, is_token, looks_like_conv
from .shapes import MAX_REMEMBERED

MAX_DEPTH = 500  # levels whose keys are known; deeper ones are only searched as text
_KEYS = frozenset(
    ("conversation_id", "conversationId", "openai_conversation_id", "gen_ai.conversation.id", "conversation")
)
_SESSION_KEYS = frozenset(("sessionId", "session_id"))  # Langfuse's; they contain other ids, too
_EMBEDDED_KEYS = frozenset(("metadata", "attributes"))  # may contain JSON in a string, as in Langfuse's exports
_PARENTS = frozenset(("conversation", "gen_ai.conversation"))  # of an `id`
_KNOWN = _KEYS | _SESSION_KEYS | _EMBEDDED_KEYS | {"key", "value", "stringValue", "id", "object"}


class _Level:
    """An object that is being read: the key that it stands under, and its `key` and `value` if it's an attribute."""

    __slots__ = ("attribute", "name", "value")

    def __init__(self, name: str) -> None:
        self.name = name
        self.attribute = ""
        self.value = ""


class Record:
    """Collects the ids of a record from its strings, in the order in which they are read.

    An id under a known key counts. The record's own id, and ids in other text, count only without any of those, unless
    the record is a conversation.
    """

    def __init__(self) -> None:
        self.has_named = False
        self._levels: list[_Level] = []
        self._depth = 0
        self._named: list[str] = []
        self._in_text: dict[str, None] = {}
        self._own = ""
        self._object = ""

    def open(self, key: str) -> None:
        """An object or array begins under a key; in an array, the key is empty."""
        self._depth += 1
        if self._depth <= MAX_DEPTH:
            self._levels.append(_Level(key))

    def close(self) -> None:
        """The last object or array that began ends."""
        if self._depth <= MAX_DEPTH:
            level = self._levels.pop()
            if level.attribute in _KEYS and is_token(level.value):
                self._name(level.value)
        self._depth -= 1

    def text(self, key: str, text: str) -> None:
        """A string under a key; in an array, the key is empty."""
        if self._depth == 0:
            self._own = text.strip()
        elif key in _KNOWN and self._depth <= MAX_DEPTH:
            self._text_under(key, text.strip())
        if "conv_" in text or "/conversations/" in text:
            self.search(text)

    def search(self, text: str) -> None:
        """Any other text, such as the name of a key."""
        if not self.has_named:
            self._in_text.update(dict.fromkeys(ids_in(text)))

    def _text_under(self, key: str, text: str) -> None:
        level = self._levels[-1]
        for each in _ids_under(key, text, level.name):
            self._name(each)
        if key == "key":
            level.attribute = text
        elif key == "value":
            level.value = text
        elif key == "stringValue" and level.name == "value":
            self._levels[-2].value = text
        elif key == "id" and self._depth == 1:
            self._own = text
        elif key == "object" and self._depth == 1:
            self._object = text

    def _name(self, text: str) -> None:
        self._named.append(text)
        self.has_named = True
        self._in_text.clear()

    def taken(self) -> list[str]:
        """Ids that count already, so that those of a huge record needn't be kept; each comes once."""
        if len(self._in_text) >= MAX_REMEMBERED:  # a record that consists of text
            self._named.extend(self._in_text)
            self._in_text.clear()
        if len(self._named) < MAX_REMEMBERED:
            return []
        named, self._named = self._named, []
        return named

    def finished(self) -> list[str]:
        """The ids at the end of the record, without those taken before."""
        own = [self._own] if self._is_own_id() else []
        return list(dict.fromkeys([*own, *(self._named or ([] if own else self._in_text))]))

    def _is_own_id(self) -> bool:
        if not is_token(self._own):
            return False
        if self._object == "conversation" or looks_like_conv(self._own):
            return True
        is_something_else = bool(self._object) or is_of_something_else(self._own)
        return not self.has_named and not is_something_else


def _ids_under(key: str, text: str, name: str) -> list[str]:
    """The ids in a string that stands under a key, in an object that stands under a name."""
    if key in _KEYS or (key == "id" and name in _PARENTS):
        return [text] if is_token(text) else []
    if key in _SESSION_KEYS:
        return [text] if looks_like_conv(text) else []
    return ids_in(text) if key in _EMBEDDED_KEYS else []


def ids_of(value: Any) -> list[str]:
    """The ids in a value of JSON, each once. Raises RecursionError for one that is nested too deeply."""
    record = Record()
    _read(record, "", value)
    return record.finished()


def _read(record: Record, key: str, value: Any) -> None:
    if isinstance(value, str):
        record.text(key, value)
    elif isinstance(value, dict):
        record.open(key)
        for name, inner in value.items():
            if "conv_" in name:
                record.search(name)
            if isinstance(inner, str):
                record.text(name, inner)
            elif isinstance(inner, dict | list):
                _read(record, name, inner)
        record.close()
    elif isinstance(value, list):
        record.open("")
        for inner in value:
            _read(record, "", inner)
        record.close()
