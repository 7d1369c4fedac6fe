"""Rows of a form that grow, shrink and move: metadata pairs and messages.

Each row is a few fields of the same name, read in the order in which they stand. Adding, removing and moving
a row are submit buttons of the same form, named `do`.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.http import QueryDict

from ..metadata import (
    MAX_KEY_LENGTH,
    MAX_PAIRS,
    MAX_VALUE_LENGTH,
    Change,
    as_text,
    is_storable,
    pairs_from_json,
    problem_with_key,
    problem_with_value,
    replace_unstorable,
)

MAX_MESSAGES = 20
MOST_FILLED = 100  # pairs that pasted JSON may make rows of; thousands of fields would be refused unread
ROLES = ["user", "system", "developer", "assistant"]

_ITEM = re.compile(r"items\[(\d{1,4})\]")
_VERB = re.compile(r"(add|remove|up|down)-(\w+?)(?:-(\d+))?")


def as_typed(text: str) -> str:
    """`text` as a browser sends it back from a text area, with line ends made one character again."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass
class Row:
    """One row, with what is wrong with it."""

    errors: list[str] = field(default_factory=list, kw_only=True)


RowType = TypeVar("RowType", bound=Row)


class Rows(Generic[RowType]):
    """Rows of one kind, with what is wrong with them as a whole."""

    noun: str
    limit: int

    def __init__(self, rows: list[RowType]) -> None:
        self.rows = rows
        self.errors: list[str] = []

    def __iter__(self) -> Iterator[RowType]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def new_row(self) -> RowType:
        """An empty row."""
        raise NotImplementedError

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= self.limit

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(row.errors for row in self.rows)

    def act(self, do: str) -> bool:
        """Do what a button of these rows asks (`add-pair`, `up-message-2`); False if it is none of theirs."""
        match = _VERB.fullmatch(do)
        if match is None or match[2] != self.noun:
            return False
        if match[1] == "add":
            self.rows += [] if self.is_full else [self.new_row()]
        elif match[3] is not None and len(match[3]) < 5 and int(match[3]) < len(self.rows):
            self._move(match[1], int(match[3]))
        return True

    def _move(self, verb: str, position: int) -> None:
        row = self.rows.pop(position)
        if verb != "remove":
            self.rows.insert(max(0, position + (1 if verb == "down" else -1)), row)


@dataclass
class PairRow(Row):
    """One metadata pair; `stored` is the key as it was stored, in JSON, where the row came from the index."""

    key: str = ""
    value: str = ""
    stored: str = ""

    @property
    def has_lines_in_key(self) -> bool:
        """Whether the key has several lines, which a one-line field would lose."""
        return "\n" in self.key

    @property
    def is_blank(self) -> bool:
        return not (self.key or self.value or self.stored)


class MetadataRows(Rows[PairRow]):
    """Metadata as rows of key and value."""

    noun = "pair"
    limit = MAX_PAIRS
    max_key, max_value = MAX_KEY_LENGTH, MAX_VALUE_LENGTH

    def new_row(self) -> PairRow:
        return PairRow()

    @classmethod
    def from_data(cls, data: QueryDict) -> "MetadataRows":
        """The rows that were sent."""
        columns = (data.getlist(name) for name in ("key", "value", "stored"))
        return cls(
            [PairRow(as_typed(key), as_typed(value), stored) for key, value, stored in zip(*columns, strict=False)]
        )

    @classmethod
    def from_map(cls, metadata: Mapping[str, Any]) -> "MetadataRows":
        """A row for each pair of a map from the index."""
        return cls([PairRow(as_typed(key), as_typed(as_text(metadata[key])), json.dumps(key)) for key in metadata])

    def fill(self, text: str) -> str | None:
        """Fill the rows from a JSON object, keeping those with other keys; gives what is wrong with it."""
        try:
            pairs = pairs_from_json(text)
        except ValueError as error:
            return str(replace_unstorable(str(error)))
        if len(pairs) > MOST_FILLED:
            return f"There are {len(pairs)} pairs. OpenAI keeps {MAX_PAIRS}: leave some out."
        if not all(is_storable(key + value) for key, value in pairs):
            return "A key or value holds a NUL or a broken character, which cannot be kept. Take it out."
        stored = {row.key: row.stored for row in self.rows}
        filled = [PairRow(as_typed(key), as_typed(value), stored.get(as_typed(key), "")) for key, value in pairs]
        names = {row.key for row in filled}
        self.rows = [*(row for row in self.rows if not row.is_blank and row.key not in names), *filled]
        return None

    def clean(self, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The map that was typed, each fault noted on its row. `stored` is what the form was opened with: a
        key or value that was left alone comes back exactly as it stands there."""
        stored = stored or {}
        pairs = [(row, *_restored(row, stored)) for row in self.rows if not row.is_blank]
        times = Counter(key for _, key, _ in pairs)
        for row, key, value in pairs:
            row.errors += _faults(key, value, times[key], stored)
        if len(pairs) > self.limit:
            self.errors.append(
                f"There are {len(pairs)} pairs. OpenAI keeps {self.limit}: remove {len(pairs) - self.limit}."
            )
        return {key: value for _, key, value in pairs}

    def refuse_keys(self, hidden: Collection[str]) -> None:
        """Note on a row that its key stands among the pairs that have no row."""
        for row in self.rows:
            if row.key in hidden:
                row.errors.append(f"The key “{row.key[:80]}” stands among the pairs that are not shown here.")

    @property
    def repeats_key(self) -> bool:
        """Whether a key stands in two rows, of which a map can hold one."""
        return len(self.draft()) < sum(not row.is_blank for row in self.rows)

    def draft(self) -> dict[str, str]:
        """What was typed, as it stands, for a preview."""
        return {row.key: row.value for row in self.rows if not row.is_blank}

    def merge(self, opened: Mapping[str, Any], changes: Iterable[Change]) -> None:
        """Take over what changed elsewhere, where nobody typed anything else; what was typed stays."""
        for change in changes:
            row = self.row_of(as_typed(change.key))
            typed = row.value if row else None
            if typed != (as_typed(as_text(opened[change.key])) if change.key in opened else None):
                continue
            if row:
                self.rows.remove(row)
            if change.after is not None:
                self.rows.append(PairRow(as_typed(change.key), as_typed(change.after), json.dumps(change.key)))

    def row_of(self, key: str) -> PairRow | None:
        return next((row for row in self.rows if row.key == key), None)


def _restored(row: PairRow, stored: Mapping[str, Any]) -> tuple[str, Any]:
    key = row.key
    origin = _stored_key(row.stored)
    if origin in stored and as_typed(origin) == key:
        key = origin
    if key in stored and as_typed(as_text(stored[key])) == row.value:
        return key, stored[key]
    return key, row.value


def _stored_key(text: str) -> str:
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return key if isinstance(key, str) else ""


def _faults(key: str, value: Any, times: int, stored: Mapping[str, Any]) -> list[str]:
    is_untouched = key in stored and value == stored[key]
    faults = [] if is_untouched else [problem_with_key(key), problem_with_value(as_text(value))]
    if times > 1:
        faults.append(f"The key “{key}” is used twice. Each key may stand once." if key else None)
    return [fault for fault in faults if fault]


@dataclass
class MessageRow(Row):
    """One message: who says it, and what."""

    role: str = "user"
    text: str = ""


class MessageRows(Rows[MessageRow]):
    """Messages in the order in which they are said."""

    noun = "message"
    limit = MAX_MESSAGES
    roles = ROLES

    def new_row(self) -> MessageRow:
        return MessageRow()

    @classmethod
    def from_data(cls, data: QueryDict) -> "MessageRows":
        """The rows that were sent."""
        pairs = zip(data.getlist("role"), data.getlist("text"), strict=False)
        return cls([MessageRow(role, as_typed(text)) for role, text in pairs])

    def clean(self) -> list[dict[str, str]]:
        """The messages as items of the API; a row without text is none. Each fault is noted on its row."""
        for row in self._said():
            if row.role not in ROLES:
                row.errors.append("Choose a role.")
            if not is_storable(row.text):
                row.errors.append("The text holds a NUL or a broken character. Type it again.")
        if len(self._said()) > MAX_MESSAGES:
            self.errors.append(f"There are {len(self._said())} messages. OpenAI takes {MAX_MESSAGES} at a time.")
        return self.draft()

    def draft(self) -> list[dict[str, str]]:
        """The messages as they stand, for a preview."""
        return [{"type": "message", "role": row.role, "content": row.text} for row in self._said()]

    def row_of_param(self, param: str) -> MessageRow | None:
        """The row that was sent as the item that OpenAI names, such as items[2].content."""
        named, said = _ITEM.match(param), self._said()
        return said[int(named[1])] if named and int(named[1]) < len(said) else None

    def _said(self) -> list[MessageRow]:
        return [row for row in self.rows if row.text]
