"""All conversations that match a search as a file, written while they're read.

The search has no time limit here. Rows are read in batches, with one statement each: no cursor and no transaction stays
open, and only a few batches are in memory. A row that is purged before its batch is read, or transferred to a
credential that the user may not see, is left out (R23).

    CSV          RFC 4180, for spreadsheets, with an apostrophe in front of what could be a formula
    JSON         one array
    JSON Lines   one object per line

JSON has the metadata as OpenAI returned it. CSV can have one column per key, where a missing key looks like an empty
value.
"""

import json
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import chain, groupby, islice
from typing import Any

from ..metadata import as_text
from ..models import Conversation
from ..query import Query
from ..search import Search
from ..search.counts import keys_of
from .csv import BYTE_ORDER_MARK, lines

CONTENT_TYPES = {"csv": "text/csv", "json": "application/json", "jsonl": "application/x-ndjson"}  # by format
METADATA = ("columns", "json")  # how CSV contains metadata

BATCH = 1_000  # rows that are read with one statement and written at once
BATCHES_FOR_KEYS = 2  # if a result is no larger, its own keys are the columns; otherwise those of the index
MAX_KEY_COLUMNS = 200
MAX_NAME_LENGTH = 80  # characters of the query in the file name

# nginx uses HTTP/1.0 by default, where a closed connection looks like the end of the file. The open quote makes the
# file invalid as JSON and CSV; a spreadsheet shows it as the last row.
TRUNCATED = '"This file is incomplete: the export was cut off here.'

FIELDS = ("id", "credential", "state", "created", "last_read", "added_by", "origin", "url")
READ = (
    "sort_key", "openai_id", "credential__name", "state", "created_at", "read_at", "added_by__username", "origin",
)  # fmt: skip

Batches = Iterable[list[Conversation]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What a file should contain.

    metadata: one of METADATA, for CSV; columns: keys whose columns come first; site: the beginning of all URLs, such as
    https://convadmin.example.
    """

    search: Search
    format: str = "csv"
    metadata: str = "columns"
    columns: tuple[str, ...] = ()
    oldest_first: bool = False
    site: str = ""
    batch: int = BATCH

    @property
    def content_type(self) -> str:
        return f"{CONTENT_TYPES[self.format]}; charset=utf-8"

    def chunks(self) -> Iterator[str]:
        """The text of the file, one batch at a time. After an error, the file ends with TRUNCATED, and the exception is
        raised so that the web server closes the connection."""
        is_begun = False
        try:
            for chunk in {"csv": self._csv, "json": self._json, "jsonl": self._jsonl}[self.format]():
                yield chunk
                is_begun = True
        except Exception:
            logger.exception("An export was cut off. Its file is incomplete.")
            if is_begun:
                yield TRUNCATED
            raise

    def _batches(self) -> Iterator[list[Conversation]]:
        rows = self.search.visible.with_short_metadata().only(*READ).select_related("credential", "added_by")
        # A conversation that is transferred meanwhile may appear twice in a row, once for each credential.
        sort_keys = (sort_key for sort_key, _ in groupby(self.search.sort_keys(oldest_first=self.oldest_first)))
        while batch := list(islice(sort_keys, self.batch)):
            yield from _split_large(rows.by_sort_keys(batch))

    def _json(self) -> Iterator[str]:
        yield "["
        separator = "\n"
        for batch in self._batches():
            if batch:
                yield separator + ",\n".join(map(self._object, batch))
                separator = ",\n"
        yield "\n]\n"

    def _jsonl(self) -> Iterator[str]:
        for batch in self._batches():
            yield "".join(f"{self._object(row)}\n" for row in batch)

    def _object(self, row: Conversation) -> str:
        return _as_json(dict(zip(FIELDS, self._values(row), strict=True)) | {"metadata": row.whole_metadata})

    def _csv(self) -> Iterator[str]:
        columns, batches = self._columns(self._batches())
        names = [name.replace("_", " ") for name in FIELDS]
        yield BYTE_ORDER_MARK + lines([[*names, *columns.names]])
        for batch in batches:
            yield lines([*self._values(row), *columns.values(row.whole_metadata)] for row in batch)

    def _columns(self, batches: Iterator[list[Conversation]]) -> tuple["Columns", Batches]:
        """The columns of the metadata, and all batches. The first few are read here to find the keys."""
        if self.metadata == "json":
            return Columns(rest="metadata"), batches
        head = list(islice(batches, BATCHES_FOR_KEYS + 1))
        is_all = len(head) <= BATCHES_FOR_KEYS
        counts = _keys_in(head) if is_all else keys_of([plan.credential_id for plan in self.search.plans])
        frequent = sorted(counts, key=lambda key: (-counts[key], key))
        keys = list(dict.fromkeys([*self.columns, *frequent]))
        # Rows may have keys that the index doesn't: keys that are too long for it, or added meanwhile.
        is_whole = is_all and len(keys) <= MAX_KEY_COLUMNS
        columns = Columns(tuple(keys[:MAX_KEY_COLUMNS]), rest="" if is_whole else "other metadata")
        return columns, chain(head, batches)

    def _values(self, row: Conversation) -> list[str]:
        """The values of FIELDS for a conversation."""
        return [
            row.openai_id,
            row.credential.name,
            row.state,
            _timestamp(row.created_at),
            _timestamp(row.read_at),
            row.added_by.get_username() if row.added_by else "",
            row.origin,
            self.site + row.get_absolute_url(),
        ]


@dataclass(frozen=True)
class Columns:
    """The metadata columns of CSV: one for each of `keys`, and one named `rest`, if any, for all other keys as JSON."""

    keys: tuple[str, ...] = ()
    rest: str = ""

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.keys)

    @property
    def names(self) -> list[str]:
        # The prefix tells a key "state" from the state.
        return [*(f"metadata.{key}" for key in self.keys), *([self.rest] if self.rest else [])]

    def values(self, metadata: Mapping[str, Any]) -> list[str]:
        values = [as_text(metadata[key]) if key in metadata else "" for key in self.keys]
        if not self.rest:
            return values
        others = {key: value for key, value in metadata.items() if key not in self._known}
        return [*values, _as_json(others) if others else ""]


def problems_with(format_: str, metadata: str) -> list[str]:
    """What can't be exported, and what to request instead."""
    known = {"format": (format_, CONTENT_TYPES), "metadata": (metadata, METADATA)}
    return [
        f"{name}={value} is unknown. Use {' or '.join(f'{name}={choice}' for choice in choices)}."
        for name, (value, choices) in known.items()
        if value not in choices
    ]


def file_name(query: Query, extension: str, day: date) -> str:
    """A file name with the query, in ASCII, which every system accepts."""
    plain = (_plain(str(clause).removeprefix("-"), negated=clause.negated) for clause in query.clauses)
    shown = " ".join(filter(None, plain))[:MAX_NAME_LENGTH].rstrip(" -.")
    return " ".join(part for part in ("conversations", shown, f"{day:%Y-%m-%d}.{extension}") if part)


def _plain(text: str, *, negated: bool) -> str:
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", ascii_).strip("-.")
    return f"not-{plain}" if plain and negated else plain


def _split_large(rows: list[Conversation]) -> Batches:
    """The rows in their order, in batches. Each row with large metadata is one of its own, to limit memory."""
    for is_large, group in groupby(rows, key=lambda row: row.short_metadata is None):
        batch = list(group)
        yield from ([row] for row in batch) if is_large else [batch]


def _keys_in(batches: Batches) -> Counter[str]:
    return Counter(key for batch in batches for row in batch for key in row.whole_metadata)


def _timestamp(time: datetime | None) -> str:
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
