"""A search result as a file: all that matches, as CSV, JSON or JSON Lines, written while it is read.

What matches is walked without a limit of time, and its rows are read a batch at a time, each with one statement: no
cursor and no transaction stays open, and no more than a few batches are ever held. A row that was removed from the
index, or handed over to a credential that may not be seen, before its batch is read is left out (R23).

    CSV          RFC 4180, for spreadsheets; a cell that one would take for a formula gets an apostrophe in front
    JSON         one array
    JSON Lines   an object a line

JSON holds metadata as OpenAI gave it. In CSV each key can have a column; there a key that is not borne and one with
an empty value look alike.
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
METADATA = ("columns", "json")  # how CSV holds it

BATCH = 1_000  # rows read with one statement, and written at once
BATCHES_FOR_KEYS = 2  # whose keys are the columns, where they are all
MOST_KEY_COLUMNS = 200
LONGEST_NAME = 80  # characters of a query in the name of a file

# A proxy that speaks HTTP/1.0 to us, as nginx does unless told otherwise, takes a connection that is cut for a whole
# file. The open quote makes it no JSON and no CSV; in a spreadsheet it is the last row.
BROKEN_OFF = '"This file is not whole: the export broke off here.'

FIELDS = ("id", "credential", "state", "created", "last_read", "added_by", "origin", "url")
READ = (
    "sort_key", "openai_id", "credential__name", "state", "created_at", "read_at", "added_by__username", "origin",
)  # fmt: skip

Batches = Iterable[list[Conversation]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What a file shall hold: of which search, in which format, in which order.

    `metadata`: one of METADATA, for CSV; `columns`: keys whose columns come first; `site`: what the URLs of
    pages begin with, such as https://convadmin.example.
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
        """The media type of the file."""
        return f"{CONTENT_TYPES[self.format]}; charset=utf-8"

    def chunks(self) -> Iterator[str]:
        """The text of the file, a batch of rows at a time. What fails is raised, so that the server cuts the
        connection; a file that was begun then ends in a mark."""
        is_begun = False
        try:
            for chunk in {"csv": self._csv, "json": self._json, "jsonl": self._jsonl}[self.format]():
                yield chunk
                is_begun = True
        except Exception:
            logger.exception("An export broke off; its file is not whole.")
            if is_begun:
                yield BROKEN_OFF
            raise

    def _batches(self) -> Iterator[list[Conversation]]:
        rows = self.search.visible.with_short_metadata().only(*READ).select_related("credential", "added_by")
        # One that is handed over meanwhile can be met twice in a row, with the old credential and with the new one.
        sort_keys = (sort_key for sort_key, _ in groupby(self.search.sort_keys(oldest_first=self.oldest_first)))
        while batch := list(islice(sort_keys, self.batch)):
            yield from _apart(rows.by_sort_keys(batch))

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
        """The columns of the metadata, and the batches, of which the first few were read to find them."""
        if self.metadata == "json":
            return Columns(rest="metadata"), batches
        head = list(islice(batches, BATCHES_FOR_KEYS + 1))
        is_all = len(head) <= BATCHES_FOR_KEYS
        numbers = _keys_in(head) if is_all else keys_of([plan.credential_id for plan in self.search.plans])
        frequent = sorted(numbers, key=lambda key: (-numbers[key], key))
        keys = list(dict.fromkeys([*self.columns, *frequent]))
        # Keys of the index are not all that a row may bear: some are too long for it, others come meanwhile.
        is_whole = is_all and len(keys) <= MOST_KEY_COLUMNS
        columns = Columns(tuple(keys[:MOST_KEY_COLUMNS]), rest="" if is_whole else "other metadata")
        return columns, chain(head, batches)

    def _values(self, row: Conversation) -> list[str]:
        """What is said of a conversation besides its metadata, as FIELDS names it."""
        return [
            row.openai_id,
            row.credential.name,
            row.state,
            _moment(row.created_at),
            _moment(row.read_at),
            row.added_by.get_username() if row.added_by else "",
            row.origin,
            self.site + row.get_absolute_url(),
        ]


@dataclass(frozen=True)
class Columns:
    """The columns of metadata in CSV: one a key, and one named `rest`, unless that is empty, with all else as JSON."""

    keys: tuple[str, ...] = ()
    rest: str = ""

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.keys)

    @property
    def names(self) -> list[str]:
        """Their names; a key's is marked as such, so that a key "state" is not taken for the state."""
        return [*(f"metadata.{key}" for key in self.keys), *([self.rest] if self.rest else [])]

    def values(self, metadata: Mapping[str, Any]) -> list[str]:
        """What a conversation's metadata puts into them."""
        values = [as_text(metadata[key]) if key in metadata else "" for key in self.keys]
        if not self.rest:
            return values
        left = {key: value for key, value in metadata.items() if key not in self._known}
        return [*values, _as_json(left) if left else ""]


def problems_with(format_: str, metadata: str) -> list[str]:
    """What cannot be written, and what to ask for instead."""
    known = {"format": (format_, CONTENT_TYPES), "metadata": (metadata, METADATA)}
    return [
        f"{name}={value} is unknown. Write {' or '.join(f'{name}={choice}' for choice in choices)}."
        for name, (value, choices) in known.items()
        if value not in choices
    ]


def file_name(query: Query, extension: str, day: date) -> str:
    """A name for the file that says what is in it, in letters that every system takes."""
    plain = (_plain(str(clause).removeprefix("-"), negated=clause.negated) for clause in query.clauses)
    shown = " ".join(filter(None, plain))[:LONGEST_NAME].rstrip(" -.")
    return " ".join(part for part in ("conversations", shown, f"{day:%Y-%m-%d}.{extension}") if part)


def _plain(text: str, *, negated: bool) -> str:
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", ascii_).strip("-.")
    return f"not-{plain}" if plain and negated else plain


def _apart(rows: list[Conversation]) -> Batches:
    """The rows in their order, each with large metadata by itself: a thousand of them at once could fill the memory."""
    for is_large, group in groupby(rows, key=lambda row: row.short_metadata is None):
        own = list(group)
        yield from ([row] for row in own) if is_large else [own]


def _keys_in(batches: Batches) -> Counter[str]:
    return Counter(key for batch in batches for row in batch for key in row.whole_metadata)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
