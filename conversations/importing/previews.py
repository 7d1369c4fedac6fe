"""What a person sees of a file before the import."""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from .decoding import EMPTY, text_of
from .guessing import guess
from .lines import lines_of
from .reading import ids_by_line, read_ids
from .shapes import Format, ImportProblem, Preview, Shape, Tally
from .tables import MAX_NAME, Rows, is_blank_row

HEAD = 256 * 1024  # bytes; a beginning of as many is cut
MAX_TEXT = 512 * 1024  # characters of the beginning, which may be compressed
SHOWN = 10  # rows, and ids
SHOWN_LENGTH = 200  # characters of a cell
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_DESCRIPTIONS = {
    Format.JSON: "A JSON document",
    Format.JSON_LINES: "One JSON object per line",
    Format.LIST: "A list with one id per line",
    Format.TEXT: "Text in which ids are found",
}
_SKIPPED = " \t\n\r,"  # between the elements of an array, and between documents


def preview(head: bytes, shape: Shape | None = None) -> Preview:
    """The preview of a file by its beginning, which may be cut anywhere; with `shape`, read in that way.

    Raises ImportProblem for a file that can't be imported.
    """
    text = _beginning(head)
    lines = [line for line in _whole_lines(text) if line.strip()]
    if not lines:
        raise ImportProblem(EMPTY)
    shape = shape or guess(text, lines)
    if shape.format == Format.CSV:
        return _of_table(text, shape)
    rows = _documents(text) if shape.format == Format.JSON else lines
    shown = [[_short(row)] for row in islice(rows, SHOWN)]
    return Preview(shape, _DESCRIPTIONS[Format(shape.format)], [], shown, _first_ids(text, shape))


def ids_in_text(text: str) -> list[str]:
    """The ids in text that was pasted, in any format, each once. Raises ImportProblem if there are none."""
    content = text.encode("utf-8", errors="replace")
    shape = preview(content[:HEAD]).shape
    if shape.format == Format.CSV and shape.column is None:
        shape = Shape(Format.TEXT)
    return list(dict.fromkeys(found.id for found in read_ids([content], shape, Tally())))


def _beginning(head: bytes) -> str:
    """The text at the beginning, without the last line if that is cut."""
    pieces, length = [], 0
    for piece in text_of([head], is_cut=True):
        pieces.append(piece)
        length += len(piece)
        if length > MAX_TEXT:
            break
    text = "".join(pieces)
    is_cut = length > MAX_TEXT or len(head) >= HEAD
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[: end + 1] if is_cut and text[: max(end, 0)].strip() else text


def _whole_lines(text: str) -> Iterator[str]:
    return (line if isinstance(line, str) else "".join(line) for line in lines_of([text]))


def _of_table(text: str, shape: Shape) -> Preview:
    rows = []
    with suppress(ImportProblem):  # further down, where nothing is shown
        for row in islice(_filled(Rows(lines_of([text]), shape.delimiter)), SHOWN + 1):
            rows.append(row)
    shown = rows[1:] if shape.has_header else rows[:SHOWN]
    width = max(map(len, rows), default=0)
    names = [cell.strip()[:MAX_NAME] for cell in rows[0]] if shape.has_header and rows else []
    names += [f"Column {number + 1}" for number in range(len(names), width)]
    description = f"A table separated by {DELIMITER_NAMES.get(shape.delimiter, 'another character')}"
    if width < 2:
        description = "A table with one column"
    described = f"{description}, with a header row" if shape.has_header else description
    cut = [[cell[:SHOWN_LENGTH] for cell in row] for row in shown]
    return Preview(shape, described, names, cut, [] if shape.column is None else _first_ids(text, shape))


def _filled(rows: Rows) -> Iterator[list[str]]:
    return (row for row in rows if not is_blank_row(row))


def _first_ids(text: str, shape: Shape) -> list[str]:
    """The ids in the rows that are shown."""
    found: dict[str, None] = {}
    numbers: set[int] = set()
    with suppress(ImportProblem):  # the beginning may have no ids, or end in the middle of a record
        for number, ids in ids_by_line([text], shape, is_cut=True):
            numbers.add(number)
            if len(numbers) > SHOWN:
                break
            found.update(dict.fromkeys(islice(ids, SHOWN)))
    return list(found)[:SHOWN]


def _documents(text: str) -> Iterator[str]:
    """The text of each record at the beginning; of one that is cut, what there is."""
    decoder = json.JSONDecoder(parse_int=float)
    position = len(text) - len(text.lstrip())
    position += text.startswith("[", position)
    while (position := _next(text, position)) < len(text) and text[position] != "]":
        try:
            _, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = len(text)
        yield text[position:end]
        position = end


def _next(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SKIPPED:
        position += 1
    return position


def _short(row: str) -> str:
    return " ".join(row[: SHOWN_LENGTH * 10].split())[:SHOWN_LENGTH]
