"""How a file is read, what its beginning looks like, and what was found in it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MAX_LINE = 16 * 1024 * 1024  # characters of a line that are read as one


class ImportProblem(Exception):
    """A file can't be imported; the text says why, and what to do instead."""


class Format(StrEnum):
    """What a file holds. LIST: an id in each line; TEXT: anything that has ids somewhere."""

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
    `rows`: the first rows or lines, shortened; `ids`: those that are found in them."""

    shape: Shape
    description: str
    columns: list[str]
    rows: list[list[str]]
    ids: list[str]


@dataclass
class Tally:
    """What was read so far. `lines`: lines, rows or records; `found`: ids, repeated ones included; `without_id`: lines
    that hold something, but no id."""

    lines: int = 0
    found: int = 0
    without_id: int = 0


class FoundId(NamedTuple):
    """An id, and the number of its line, row or record, from 1."""

    id: str
    line: int
