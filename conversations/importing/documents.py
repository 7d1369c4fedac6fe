"""JSON: one document of any size, or an object a line."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import ijson

from .recognising import ids_in, ids_of
from .shapes import MAX_LINE, ImportProblem

HEAD = 64 * 1024  # characters of a large document in which its list begins
_NOT_SPACE = re.compile(r"[\s]*")


class TextFile:
    """Pieces of text as the file of bytes that ijson reads."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes; b"" at the end."""
        while len(self._rest) < max(size, 1):
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece.encode(errors="replace")
        part, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return part


def ids_of_line(line: str) -> list[str]:
    """The ids in a line of JSON; a line that isn't JSON is searched as text."""
    try:
        return ids_of(json.loads(line, parse_int=str, parse_float=str))
    except (ValueError, RecursionError):
        return ids_in(line)


def may_be_json(beginning: str) -> bool:
    """Whether a text that begins so may be JSON."""
    try:
        for _ in ijson.basic_parse(TextFile([beginning]), multiple_values=True):
            pass
    except ijson.IncompleteJSONError as error:
        return "incomplete" in str(error).lower() or "premature" in str(error).lower()
    except ijson.JSONError:
        return False
    except ValueError:  # such as a number of thousands of digits
        return True
    return True


def records_of(pieces: Iterable[str]) -> Iterator[Any]:
    """The records of a document, one at a time: the elements of a list, or of the first list in an object, and what
    else the object has. Raises ImportProblem for what isn't JSON."""
    source = iter(pieces)
    head: list[str] = []
    size = 0
    for piece in source:
        head.append(piece)
        size += len(piece)
        if size > MAX_LINE:
            break
    try:
        if size <= MAX_LINE:
            yield from _records_of_small("".join(head))
        else:
            path = _path_of_records("".join(head)[:HEAD])
            yield from ijson.items(TextFile(chain(head, source)), path, multiple_values=True, use_float=True)
    except (ijson.JSONError, ValueError, RecursionError) as error:
        raise ImportProblem(f"This isn’t valid JSON ({_short(error)}). Correct it, or import it as text.") from None


def _records_of_small(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    position = 0
    while True:
        position = _NOT_SPACE.match(text, position).end()  # type: ignore[union-attr]
        if position == len(text):
            return
        document, position = decoder.raw_decode(text, position)
        yield from _records_in(document)


def _records_in(document: Any) -> Iterator[Any]:
    if isinstance(document, list):
        yield from document
        return
    lists = {key: value for key, value in document.items() if _is_list_of_records(value)} if _is_map(document) else {}
    for value in lists.values():
        yield from value
    rest = {key: value for key, value in document.items() if key not in lists} if lists else document
    if not lists or ids_of(rest):
        yield rest


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list_of_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_map, value))


def _path_of_records(head: str) -> str:
    """Where the records of a large document are, as ijson names it."""
    if head.lstrip().startswith("["):
        return "item"
    try:
        for prefix, event, _ in ijson.parse(TextFile([head])):
            if event == "start_array" and prefix and "." not in prefix:
                return f"{prefix}.item"
    except ijson.IncompleteJSONError:
        pass
    raise ImportProblem("This JSON is one large object without a list. Import it as text, or extract the ids before.")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
