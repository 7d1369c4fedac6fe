"""Metadata: OpenAI's limits, what databases can store, reading JSON, and comparing two versions. Pure.

The Conversations API allows 16 pairs, keys of 64 and values of 512 characters (code points), and empty strings.
Compatible servers may exceed these limits, and have values that aren't strings.
"""

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

MAX_PAIRS = 16
MAX_KEY_LENGTH = 64
MAX_VALUE_LENGTH = 512
SHOWN_PAIRS = 64  # at most, on a page
SHOWN_LENGTH = 2_000  # characters of a value, on a page

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether every database can store `text`. PostgreSQL refuses U+0000 and lone surrogates."""
    return "\0" not in text if text.isascii() else _UNSTORABLE.search(text) is None


def replace_unstorable(value: Any) -> Any:
    """`value`, as read from JSON, with U+FFFD for characters and numbers that not every database can store."""
    if isinstance(value, str):
        if is_storable(value):
            return value
        return "".join(character if is_storable(character) else REPLACEMENT for character in value)
    if isinstance(value, Mapping):
        return {replace_unstorable(key): replace_unstorable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_unstorable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is valid JSON, and read as infinity
        return REPLACEMENT
    return value


def as_text(value: Any) -> str:
    """A metadata value as text: a string as it is, any other value of a compatible server as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Shown:
    """The part of some metadata that a page shows.

    pairs: key, value as text, and whether the value is shortened; more: how many further pairs there are.
    """

    pairs: list[tuple[str, str, bool]]
    more: int

    @property
    def is_whole(self) -> bool:
        return self.more == 0 and not any(is_cut for _, _, is_cut in self.pairs)


def shown(metadata: Mapping[str, Any]) -> Shown:
    """The part of `metadata` that a page shows. Compatible servers may have no limits, but a page needs some."""
    texts = ((key, as_text(metadata[key])) for key in islice(metadata, SHOWN_PAIRS))
    pairs = [(key, text[:SHOWN_LENGTH], len(text) > SHOWN_LENGTH) for key, text in texts]
    return Shown(pairs, len(metadata) - len(pairs))


def digest(metadata: Mapping[str, Any]) -> str:
    """A hash that is the same for the same pairs in the same order."""
    return hashlib.sha256(json.dumps(metadata).encode()).hexdigest()


def fold(text: str) -> str:
    """`text` for comparisons that ignore case: NFC, then casefold."""
    if text.isascii():  # much faster, with the same result
        return text.lower()
    return unicodedata.normalize("NFC", text).casefold()


def problem_with_key(key: str) -> str | None:
    """What's wrong with a key that someone typed, and what to do; None if nothing is."""
    if key == "":
        return "Enter a key, or remove the row."
    if not is_storable(key):
        return "The key contains a NUL or a broken character. Enter it again."
    if len(key) > MAX_KEY_LENGTH:
        return f"The key has {len(key)} characters. Shorten it to {MAX_KEY_LENGTH}."
    return None


def problem_with_value(value: str) -> str | None:
    """What's wrong with a value that someone typed, and what to do; None if nothing is."""
    if not is_storable(value):
        return "The value contains a NUL or a broken character. Enter it again."
    if len(value) > MAX_VALUE_LENGTH:
        return f"The value has {len(value)} characters. Shorten it to {MAX_VALUE_LENGTH}."
    return None


def pairs_from_json(text: str) -> list[tuple[str, str]]:
    """The pairs of a JSON object in their order, including duplicate keys. Numbers and booleans become text.

    Raises ValueError with a sentence that says what to write instead.
    """
    try:
        # Numbers stay as they were typed: as a version, 1.10 isn't 1.1.
        pairs = json.loads(text, object_pairs_hook=_Pairs, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'This isn’t valid JSON ({error}). Paste an object like {{"tenant": "acme"}}.') from None
    if not isinstance(pairs, _Pairs):
        raise ValueError("Paste a JSON object in braces, not a list or a single value.")
    return [(key, _scalar_text(key, value)) for key, value in pairs]


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as a list, which keeps duplicate keys."""


def _scalar_text(key: str, value: Any) -> str:
    if value is None or isinstance(value, list):
        kind = "null" if value is None else "an object" if isinstance(value, _Pairs) else "a list"
        raise ValueError(f"The value of “{key}” is {kind}. Metadata values are text. Put it in quotes.")
    return as_text(value)


class ChangeKind(StrEnum):
    """How a key changed. REFUSED: not as requested."""

    KEPT = "kept"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Change:
    """How one key changed. before, after: its value as text, None without the key."""

    key: str
    before: str | None
    after: str | None
    kind: ChangeKind


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The keys that changed, in the order of `before`, then of `after`."""
    return [change for change in compare(before, after) if change.kind is not ChangeKind.KEPT]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """All keys, changed or not, in the order of `before`, then of `after`."""
    return [_change(key, before, after) for key in _keys(before, after)]


def compare_with_response(
    before: Mapping[str, Any], requested: Mapping[str, Any], response: Mapping[str, Any]
) -> list[Change]:
    """Like `compare(before, response)`, but with REFUSED for keys that the response doesn't have as requested."""
    changes = []
    for key in _keys(before, requested, response):
        change = _change(key, before, response)
        is_met = (key in requested) == (key in response) and requested.get(key) == response.get(key)
        changes.append(change if is_met else Change(key, change.before, change.after, ChangeKind.REFUSED))
    return changes


def _keys(*maps: Mapping[str, Any]) -> Iterable[str]:
    return dict.fromkeys(key for each in maps for key in each)


def _change(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    old = as_text(before[key]) if key in before else None
    new = as_text(after[key]) if key in after else None
    return Change(key, old, new, _kind(key, before, after))


def _kind(key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> ChangeKind:
    if key not in after:
        return ChangeKind.REMOVED
    if key not in before:
        return ChangeKind.ADDED
    return ChangeKind.KEPT if before[key] == after[key] else ChangeKind.CHANGED
