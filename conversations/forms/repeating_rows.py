"""Rows of a form that can be added, removed and moved, and those of metadata pairs.

A row is a few fields whose names repeat from row to row; they are read in order. Adding, removing and moving a row are
submit buttons of the same form, named `do`.
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

MAX_FILLED = 100  # pairs of pasted JSON that become rows; a form with thousands of fields would be refused unread

_VERB = re.compile(r"(add|remove|up|down)-(\w+?)(?:-(\d+))?")


def as_typed(text: str) -> str:
    """`text` as it was typed: browsers send line ends as two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass
class Row:
    """One row, and what is wrong with it."""

    errors: list[str] = field(default_factory=list, kw_only=True)


RowType = TypeVar("RowType", bound=Row)


class Rows(Generic[RowType]):
    """Rows of one kind, and what is wrong with them as a whole."""

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
        raise NotImplementedError

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= self.limit

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or any(row.errors for row in self.rows)

    def act(self, do: str) -> bool:
        """Carry out a button of these rows (`add-pair`, `up-message-2`); False if it is another one."""
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
    """One metadata pair; `stored`: the stored key, as JSON, if the row came from the index."""

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
        columns = (data.getlist(name) for name in ("key", "value", "stored"))
        return cls(
            [PairRow(as_typed(key), as_typed(value), stored) for key, value, stored in zip(*columns, strict=False)]
        )

    @classmethod
    def from_map(cls, metadata: Mapping[str, Any]) -> "MetadataRows":
        """A row for each pair of a map from the index."""
        return cls([PairRow(as_typed(key), as_typed(as_text(metadata[key])), json.dumps(key)) for key in metadata])

    def fill(self, text: str) -> str | None:
        """Fill the rows from a JSON object, and keep rows with other keys; returns what is wrong with the JSON."""
        try:
            pairs = pairs_from_json(text)
        except ValueError as error:
            return str(replace_unstorable(str(error)))
        if len(pairs) > MAX_FILLED:
            return f"These are {len(pairs)} pairs. OpenAI keeps only {MAX_PAIRS}. Leave some out."
        if not all(is_storable(key + value) for key, value in pairs):
            return "A key or value contains a NUL or a broken character, which can’t be stored. Remove it."
        # A row that is filled again keeps its stored key, so that an untouched key goes back exactly.
        stored = {row.key: row.stored for row in self.rows}
        filled = [PairRow(as_typed(key), as_typed(value), stored.get(as_typed(key), "")) for key, value in pairs]
        names = {row.key for row in filled}
        self.rows = [*(row for row in self.rows if not row.is_blank and row.key not in names), *filled]
        return None

    def clean(self, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The map that was typed; faults are noted on their rows. `stored` is what the form was opened with: untouched
        keys and values come back exactly as they are there."""
        stored = stored or {}
        pairs = [(row, *_restored(row, stored)) for row in self.rows if not row.is_blank]
        times = Counter(key for _, key, _ in pairs)
        for row, key, value in pairs:
            row.errors += _faults(key, value, times[key], stored)
        if len(pairs) > self.limit:
            self.errors.append(
                f"There are {len(pairs)} pairs. OpenAI keeps only {self.limit}. Remove {len(pairs) - self.limit}."
            )
        return {key: value for _, key, value in pairs}

    def refuse_keys(self, hidden: Collection[str]) -> None:
        """Note on rows whose key is among the pairs that have no row."""
        for row in self.rows:
            if row.key in hidden:
                row.errors.append(f"One of the pairs that aren’t shown here already has the key “{row.key[:80]}”.")

    @property
    def repeats_key(self) -> bool:
        """Whether a key is in two rows; a map can hold only one."""
        return len(self.draft()) < sum(not row.is_blank for row in self.rows)

    def draft(self) -> dict[str, str]:
        """What was typed, unchecked, for a preview."""
        return {row.key: row.value for row in self.rows if not row.is_blank}

    def merge(self, opened: Mapping[str, Any], changes: Iterable[Change]) -> None:
        """Take over what changed elsewhere, except for keys whose row was edited: what was typed stays."""
        for change in changes:
            row = self.row_of(as_typed(change.key))
            typed = row.value if row else None
            untouched = as_typed(as_text(opened[change.key])) if change.key in opened else None
            # A three-way merge by key: the row against what the form was opened with, None where the key isn't there.
            # If they differ, this person changed, added or removed the key too, and has to see the conflict.
            if typed != untouched:
                continue
            if row:
                self.rows.remove(row)
            if change.after is not None:  # it was added or changed elsewhere; else it was removed there
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
        faults.append(f"The key “{key}” is used more than once. Use each key once." if key else None)
    return [fault for fault in faults if fault]
