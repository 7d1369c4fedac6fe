"""Guesses how a file is read from its beginning, and shows that."""

import json
from collections.abc import Callable, Sequence
from itertools import islice

from . import tables
from .decoding import lines_of, text_of
from .documents import ids_of_line, may_be_json, records_of
from .recognising import ids_in, ids_of, is_token, unquoted
from .shapes import MAX_LINE, Format, ImportProblem, Preview, Shape

SHOWN_ROWS = 10
SHOWN_LENGTH = 200  # characters of a cell
SAMPLE = 100  # lines by which a list is told
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def preview(head: bytes, shape: Shape | None = None) -> Preview:
    """The preview of a file by its beginning, which may be cut anywhere; with `shape`, read in that way. Raises
    ImportProblem for what can't be imported."""
    text = "".join(text_of([head], is_cut=True))
    if not text.strip():
        raise ImportProblem("It’s empty. Choose a file that contains ids.")
    lines = _whole_lines(text)
    shape = shape or _guess(text, lines)
    if shape.format == Format.CSV:
        return _table_preview(shape, lines)
    if shape.format == Format.JSON:
        return _document_preview(shape, text)
    shown = [line for line in lines if line.strip()][:SHOWN_ROWS]
    ids = [each for line in shown for each in _FINDERS[shape.format](line)]
    return Preview(shape, _DESCRIPTIONS[shape.format], [], [[line[:SHOWN_LENGTH]] for line in shown], ids[:SHOWN_ROWS])


_DESCRIPTIONS = {
    Format.JSON: "A JSON document",
    Format.JSON_LINES: "A JSON object in each line",
    Format.LIST: "A list with an id in each line",
    Format.TEXT: "Text in which ids are found",
}


def _ids_in_line(line: str) -> list[str]:
    return ids_in(line)


def ids_in_line_of_list(line: str) -> list[str]:
    """The ids in a line of a list: the whole of it, or those in its text."""
    text = unquoted(line)
    return [text] if is_token(text) else ids_in(line)


_FINDERS: dict[Format, Callable[[str], list[str]]] = {
    Format.JSON_LINES: ids_of_line,
    Format.LIST: ids_in_line_of_list,
    Format.TEXT: _ids_in_line,
}


def _whole_lines(text: str) -> list[str]:
    """The lines, without the last one where others are before it: it may be cut."""
    lines = [line.text for line in lines_of([text], limit=MAX_LINE)]
    return lines[:-1] if len(lines) > 1 and not text.endswith(("\n", "\r")) and len(text) > 200_000 else lines


def _guess(text: str, lines: Sequence[str]) -> Shape:
    filled = [line.strip() for line in lines if line.strip()]
    if filled[0].startswith(("{", "[")) and may_be_json(text):
        return Shape(Format.JSON_LINES if _are_json_lines(filled) else Format.JSON)
    table = tables.guess(lines)
    is_list = sum(is_token(unquoted(line)) for line in filled[:SAMPLE]) >= 0.9 * len(filled[:SAMPLE])
    if is_list and table is None:
        return Shape(Format.LIST)
    # Prose has commas, too: without a column of ids it's a table only if it has rows, and no ids anywhere.
    if table is not None and table.column is None and (len(filled) < 2 or ids_in(text)):
        table = None
    return table or Shape(Format.TEXT)


def _are_json_lines(lines: Sequence[str]) -> bool:
    """Whether the first lines are JSON objects, each by itself."""
    if not lines[0].startswith("{") or not _is_json(lines[0]):
        return False
    return len(lines) == 1 or lines[1].startswith("{")


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _table_preview(shape: Shape, lines: Sequence[str]) -> Preview:
    rows = list(islice(tables.rows_of(lines, shape.delimiter), SHOWN_ROWS + 1))
    names = tables.names_of(max(rows, key=len) if not shape.has_header else rows[0], has_header=shape.has_header)
    shown = rows[1:] if shape.has_header else rows[:SHOWN_ROWS]
    cells = [row[shape.column] for row in shown if shape.column is not None and shape.column < len(row)]
    ids = [each for cell in cells for each in tables.ids_in_cell(cell)]
    description = f"A table, separated by {DELIMITER_NAMES[shape.delimiter]}"
    shortened = [[cell[:SHOWN_LENGTH] for cell in row] for row in shown]
    return Preview(shape, description, names, shortened, ids[:SHOWN_ROWS])


def _document_preview(shape: Shape, text: str) -> Preview:
    """The first records; where the beginning ends in the middle of one, those before it."""
    rows: list[list[str]] = []
    ids: list[str] = []
    try:
        for record in islice(records_of([text]), SHOWN_ROWS):
            rows.append([json.dumps(record, ensure_ascii=False, default=str)[:SHOWN_LENGTH]])
            ids += ids_of(record)
    except ImportProblem:
        rows = rows or [[text[:SHOWN_LENGTH]]]
        ids = ids or ids_in(text)
    return Preview(shape, _DESCRIPTIONS[Format.JSON], [], rows, ids[:SHOWN_ROWS])
