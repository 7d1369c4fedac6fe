"""From text to lines, where a long line comes in parts."""

import re
from collections.abc import Iterable, Iterator

PART = 256 * 1024  # characters; a longer line comes in parts of about this size

_BREAK = re.compile(r"\r\n|\n|\r")

Line = str | Iterator[str]  # a line without its end, or the parts of a long one


def lines_of(pieces: Iterable[str]) -> Iterator[Line]:
    """The lines of a text, which end with LF, CRLF or CR. The parts of a long one are read before the next line."""
    parts = _parts_of(_with_plain_breaks(pieces))
    for text, goes_on in parts:
        if not goes_on:
            yield text
            continue
        long_line = _rest_of_line(text, parts)
        yield long_line
        for _ in long_line:  # what the reader left of it
            pass


def is_blank(line: Line) -> bool:
    """Whether there is nothing to read in a line."""
    return isinstance(line, str) and (not line or line.isspace())


def _rest_of_line(first: str, parts: Iterator[tuple[str, bool]]) -> Iterator[str]:
    yield first
    for text, goes_on in parts:
        yield text
        if not goes_on:
            return


def _parts_of(pieces: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each line, or part of one, and whether the line goes on after it."""
    kept: list[str] = []
    length = 0
    for piece in pieces:
        first, *others = piece.split("\n")
        kept.append(first)
        length += len(first)
        if others:
            yield "".join(kept), False
            for line in others[:-1]:
                yield line, False
            kept, length = others[-1:], len(others[-1])
        if length > PART:
            yield "".join(kept), True
            kept, length = [], 0
    yield "".join(kept), False


def _with_plain_breaks(pieces: Iterable[str]) -> Iterator[str]:
    """The text with LF alone at the end of each line."""
    ends_with_return = False
    for piece in pieces:
        text = piece.removeprefix("\n") if ends_with_return else piece
        ends_with_return = piece.endswith("\r") if piece else ends_with_return
        yield _BREAK.sub("\n", text) if "\r" in text else text
