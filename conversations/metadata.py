"""Metadata as OpenAI defines it: limits, text that can be stored, reading JSON, and the difference of two maps.

Pure: no Django, no network. Limits are those of the Conversations API (16 pairs, keys of 64 and values of
512 characters, counted as code points; empty strings are legal).
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
SHOWN_PAIRS = 64  # on a page
SHOWN_LENGTH = 2_000  # characters of a value on a page

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether every database can hold `text`: neither U+0000 nor a lone surrogate (PostgreSQL refuses both)."""
    return "\0" not in text if text.isascii() else _UNSTORABLE.search(text) is None


def replace_unstorable(value: Any) -> Any:
    """`value`, as read from JSON, with each character or number that no database holds replaced by U+FFFD."""
    if isinstance(value, str):
        if is_storable(value):
            return value
        return "".join(character if is_storable(character) else REPLACEMENT for character in value)
    if isinstance(value, Mapping):
        return {replace_unstorable(key): replace_unstorable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [replace_unstorable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):  # 1e999 is legal JSON, and read as infinity
        return REPLACEMENT
    return value


def as_text(value: Any) -> str:
    """A metadata value as text: strings as they are, what other servers hold besides as its JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Shown:
    """The part of a map that a page holds: its first pairs, long values shortened.

    pairs: key, value as text, and whether that is shortened; more: how many pairs are left out.
    """

    pairs: list[tuple[str, str, bool]]
    more: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.more == 0 and not any(is_cut for _, _, is_cut in self.pairs)


def shown(metadata: Mapping[str, Any]) -> Shown:
    """What a page shows of a map; other servers of the API know no limits, and pages do."""
    texts = ((key, as_text(metadata[key])) for key in islice(metadata, SHOWN_PAIRS))
    pairs = [(key, text[:SHOWN_LENGTH], len(text) > SHOWN_LENGTH) for key, text in texts]
    return Shown(pairs, len(metadata) - len(pairs))


def digest(metadata: Mapping[str, Any]) -> str:
    """A short text that tells whether two maps are the same, in the same order."""
    return hashlib.sha256(json.dumps(metadata).encode()).hexdigest()


def fold(text: str) -> str:
    """`text` for comparing without case: NFC, then casefold."""
    if text.isascii():  # the same, at a fraction of the cost
        return text.lower()
    return unicodedata.normalize("NFC", text).casefold()


def problem_with_key(key: str) -> str | None:
    """What is wrong with a key that someone typed, and what to do; None if nothing is."""
    if key == "":
        return "Give the key a name, or remove the row."
    if not is_storable(key):
        return "The key holds a NUL or a broken character. Type it again."
    if len(key) > MAX_KEY_LENGTH:
        return f"The key has {len(key)} characters. Shorten it to {MAX_KEY_LENGTH}."
    return None


def problem_with_value(value: str) -> str | None:
    """What is wrong with a value that someone typed, and what to do; None if nothing is."""
    if not is_storable(value):
        return "The value holds a NUL or a broken character. Type it again."
    if len(value) > MAX_VALUE_LENGTH:
        return f"The value has {len(value)} characters. Shorten it to {MAX_VALUE_LENGTH}."
    return None


def pairs_from_json(text: str) -> list[tuple[str, str]]:
    """The pairs of a JSON object in its order, duplicates included; numbers and booleans become text.

    Raises ValueError with a sentence that says what to write instead.
    """
    try:
        # Numbers stay as they were typed: 1.10 is no 1.1 to whoever wrote a version.
        pairs = json.loads(text, object_pairs_hook=_Pairs, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This is not JSON ({error}). Paste an object such as {{“tenant”: “acme”}}.") from None
    if not isinstance(pairs, _Pairs):
        raise ValueError("Paste a JSON object, in braces, not a list or a single value.")
    return [(key, _scalar_text(key, value)) for key, value in pairs]


class _Pairs(list[tuple[str, Any]]):
    """What an object of JSON is read into, so that a key that stands twice is not lost."""


def _scalar_text(key: str, value: Any) -> str:
    if value is None or isinstance(value, list):
        kind = "null" if value is None else "an object" if isinstance(value, _Pairs) else "a list"
        raise ValueError(f"The value of “{key}” is {kind}. Metadata values are text: put it in quotes.")
    return as_text(value)


class ChangeKind(StrEnum):
    """How a key changed between two maps."""

    KEPT = "kept"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Change:
    """One key of two maps: its value before and after, as text (None: not there), and how it changed."""

    key: str
    before: str | None
    after: str | None
    kind: ChangeKind


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Each key that differs between the two maps, in the order of `before`, then of `after`."""
    return [change for change in compare(before, after) if change.kind is not ChangeKind.KEPT]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """How each key of the two maps changed, in the order of `before`, then of `after`."""
    return [_change(key, before, after) for key in _keys(before, after)]


def compare_with_response(
    before: Mapping[str, Any], requested: Mapping[str, Any], response: Mapping[str, Any]
) -> list[Change]:
    """What an update did to each key: as `compare(before, response)`, but REFUSED where the response differs from what
    was requested."""
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
