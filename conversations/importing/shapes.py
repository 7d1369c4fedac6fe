"""How a file is read, what its beginning looks like, and what was found in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

MAX_REMEMBERED = 50_000  # ids of one line or record that are remembered, so that each comes once

Numbered = Iterator[tuple[int, Iterable[str]]]  # the ids of each line, row or record, with its number


class ImportProblem(Exception):
    """A file can't be imported; the text says why, and what to do instead."""


class Format(StrEnum):
    """What a file contains. LIST: one id per line; TEXT: anything that has ids somewhere."""

    CSV = "csv"
    JSON = "json"
    JSON_LINES = "jsonl"
    LIST = "list"
    TEXT = "text"


@dataclass(frozen=True)
class Shape:
    """How a file is read. Of a table: delimiter, the column that has the ids, and whether the first row has names."""

    format: Format
    delimiter: str = ""
    column: int | None = None
    has_header: bool = False


@dataclass(frozen=True)
class Preview:
    """The beginning of a file. `description`: of its shape, for people; `columns`: the names of a table's columns;
    `rows`: the first rows, lines or records, shortened; `ids`: those that are found in them."""

    shape: Shape
    description: str
    columns: list[str]
    rows: list[list[str]]
    ids: list[str]


@dataclass
class Tally:
    """What was read so far. `lines`: lines, rows or records that aren't blank, without the header; `found`: ids,
    repeated ones included; `without_id`: lines in which no id was found."""

    lines: int = 0
    found: int = 0
    without_id: int = 0


@dataclass(frozen=True, slots=True)
class FoundId:
    """An id, and the number of its line, row or record, from 1."""

    id: str
    line: int


def once(ids: Iterable[str]) -> Iterator[str]:
    """Each id once, in order. Of very many, only some are remembered, so that memory stays small."""
    known: set[str] = set()
    for each in ids:
        if each not in known:
            if len(known) >= MAX_REMEMBERED:
                known.clear()
            known.add(each)
            yield each
