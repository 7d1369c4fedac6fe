"""JSON: documents of any size, and lines of JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import ijson

from .lines import is_blank, lines_of
from .recognising import OVERLAP, ids_in, ids_in_parts
from .records import Record, ids_of
from .shapes import ImportProblem, Numbered, once

MAX_LINE = 16 * 1024 * 1024  # characters
MAX_SILENCE = 8 * 1024 * 1024  # characters without the end of a value: one text, which is in memory as a whole
MAX_NESTING = 100_000  # levels
# Lists in an object whose elements are records of their own: what an API or an export puts around them.
WRAPPERS = frozenset(
    ("data", "items", "conversations", "results", "records", "rows", "traces", "sessions", "entries", "hits")
)
_OPENING, _CLOSING = frozenset(("start_map", "start_array")), frozenset(("end_map", "end_array"))
# What ijson raises for broken JSON, and for numbers that Python doesn't read.
JSON_ERRORS = (ijson.JSONError, ValueError, ArithmeticError, SystemError)

Event = tuple[str, Any]


class TooLarge(ValueError):
    """A value in JSON is too large to be in memory."""


class Parser:
    """Reads JSON that arrives in pieces."""

    def __init__(self) -> None:
        self._events = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events, multiple_values=True)
        self._silence = 0

    def feed(self, text: str) -> Iterator[Event]:
        """What begins or ends in the next piece. Raises JSON_ERRORS, for broken JSON after what comes before."""
        if not text:  # which would mean the end
            return
        problem: ijson.JSONError | None = None
        try:
            self._parser.send(text.encode("utf-8", errors="replace"))
        except ijson.JSONError as error:
            problem = error
        events = list(self._events)
        del self._events[:]
        yield from events
        if problem is not None:
            raise problem
        self._silence = 0 if events else self._silence + len(text)
        if self._silence > MAX_SILENCE:
            raise TooLarge("a text in it is too long")

    def end(self) -> list[Event]:
        """What ends with the file. Raises JSON_ERRORS."""
        self._parser.close()
        return list(self._events)


class Documents:
    """The ids of documents, by their events: each element of an array is a record, and so is each object, except that
    the elements of a list in WRAPPERS are records of their own, unless the object has given an id before."""

    def __init__(self) -> None:
        self.number = 0  # of the last record that began
        self._depth = 0
        self._base = 0  # depth at which records begin
        self._key = ""
        self._whole: Record | None = None  # the object around a list in WRAPPERS
        self._record: Record | None = None

    def read(self, events: Iterable[Event]) -> Numbered:
        """The ids of records, with their numbers; those of a large record come several times."""
        for event, value in events:
            if event == "map_key":
                self._key = value
                if "conv_" in value and self._record is not None:
                    self._record.search(value)
            elif event in _OPENING:
                self._open(event)
            elif event in _CLOSING:
                yield from self._close()
            else:
                yield from self._scalar(value)
        if self._record is not None and (ids := self._record.taken()):
            yield self.number, ids

    def rest(self) -> Numbered:
        """The ids of the record that isn't complete."""
        if self._record is not None:
            yield self.number, self._record.finished()

    def _open(self, event: str) -> None:
        is_array = event == "start_array"
        if self._depth > MAX_NESTING:
            raise TooLarge("it’s nested too deeply")
        if self._depth == 0 and is_array:
            self._base = 1
        elif self._depth == 1 and self._base == 0 and is_array and self._is_wrapper():
            self._whole, self._record, self._base = self._record, None, 2
            self.number -= 1  # its elements are counted instead
        elif self._record is None:
            self.number += 1
            self._record = Record()
            self._record.open("")
        else:
            self._record.open("" if is_array else self._key)
        self._depth += 1
        self._key = ""

    def _is_wrapper(self) -> bool:
        return self._key in WRAPPERS and self._record is not None and not self._record.has_named

    def _close(self) -> Numbered:
        self._depth -= 1
        self._key = ""
        if self._record is None:  # the array around the records
            self._record, self._whole, self._base = self._whole, None, 0
            self.number += self.number == 0
            return
        self._record.close()
        if self._depth == self._base:
            yield self.number, self._record.finished()
            self._record = None

    def _scalar(self, value: Any) -> Numbered:
        if self._record is None:
            self.number += 1
            record = Record()
            if isinstance(value, str):
                record.text("", value)
            yield self.number, record.finished()
        elif isinstance(value, str):
            self._record.text(self._key, value)
            self._key = ""


def ids_of_documents(pieces: Iterable[str], *, is_cut: bool = False) -> Numbered:
    """The ids of each record in JSON of any size. Raises ImportProblem for broken JSON."""
    parser, documents = Parser(), Documents()
    try:
        for piece in pieces:
            yield from documents.read(parser.feed(piece))
        if not is_cut:
            yield from documents.read(parser.end())
    except JSON_ERRORS as error:
        if not is_cut:
            raise ImportProblem(_broken(error, documents.number)) from None
    yield from documents.rest()


def ids_of_lines(pieces: Iterable[str]) -> Numbered:
    """The ids of each line of JSON. Raises ImportProblem for a line that is too long."""
    for number, line in enumerate(lines_of(pieces), start=1):
        if isinstance(line, str):
            if not is_blank(line):
                yield number, ids_of_line(line)
        else:
            yield number, once(_of_long_line(line, number))


def ids_of_line(line: str) -> list[str]:
    """The ids in a line of JSON; a line that isn't JSON is searched as text."""
    try:
        return ids_of(json.loads(line, parse_int=float))
    except (ValueError, RecursionError):
        return ids_in(line)


def _of_long_line(parts: Iterator[str], number: int) -> Iterator[str]:
    """The ids of a long line; if a part of it isn't JSON, the rest is searched as text."""
    parser, documents, before = Parser(), Documents(), ""
    parts = _limited(parts, number)
    part = ""
    try:
        for part in parts:
            yield from (each for _, ids in documents.read(parser.feed(part)) for each in ids)
            before = part[-OVERLAP:]
        yield from (each for _, ids in documents.read(parser.end()) for each in ids)
    except JSON_ERRORS:
        yield from (each for _, ids in documents.rest() for each in ids)
        yield from ids_in_parts(_chained(before, part, parts))


def _chained(before: str, part: str, others: Iterator[str]) -> Iterator[str]:
    yield before + part
    yield from others


def _limited(parts: Iterable[str], number: int) -> Iterator[str]:
    length = 0
    for part in parts:
        length += len(part)
        if length > MAX_LINE:
            megabytes = MAX_LINE // 1024 // 1024
            raise ImportProblem(
                f"Line {number:,} is longer than {megabytes} million characters. Divide it, or import it as text."
            )
        yield part


def _broken(error: BaseException, number: int) -> str:
    """What is wrong with a document, and near which record."""
    place = f"in record {number:,}" if number else "at its beginning"
    if isinstance(error, TooLarge):
        return f"This JSON can’t be read {place}: {error}. Save it as one JSON object per line, and import that."
    if "premature EOF" in str(error) or "incomplete" in str(error).lower():
        return f"This JSON is incomplete: it ends {place}. Save the file again, and import that."
    reason = str(error).split("\n", 1)[0].strip(" .") if isinstance(error, ijson.JSONError) else "a number is too large"
    return f"This isn’t valid JSON ({reason}, {place}). Correct it, and import it again."
