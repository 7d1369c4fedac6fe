"""The ids of a whole file, one after the other."""

from collections.abc import Callable, Iterable, Iterator

from . import tables
from .decoding import OVERLAP, lines_of, text_of
from .documents import ids_of_line, records_of
from .previews import ids_in_line_of_list
from .recognising import ids_in, ids_of
from .shapes import MAX_LINE, Format, FoundId, ImportProblem, Shape, Tally

NOTHING = "No ids were found. The id of a conversation looks like conv_68a1…, or stands in a column or key of its own."

Numbered = Iterator[list[str]]  # the ids of each line, row or record


def read_ids(chunks: Iterable[bytes], shape: Shape, tally: Tally) -> Iterator[FoundId]:
    """The ids of a file, with the lines that they are in; one that a line has twice comes once. Counts in `tally`.

    Raises ImportProblem where the file can't be read, at the end too, if it has no ids.
    """
    pieces = text_of(chunks)
    for ids in _READERS[shape.format](pieces, shape):
        tally.lines += 1
        if not ids:
            tally.without_id += 1
        for each in dict.fromkeys(ids):
            tally.found += 1
            yield FoundId(each, tally.lines)
    if not tally.found:
        raise ImportProblem(_nothing_in(shape))


def _nothing_in(shape: Shape) -> str:
    if shape.format == Format.CSV:
        return f"No ids were found in column {(shape.column or 0) + 1}. Choose another column."
    return NOTHING


def _of_table(pieces: Iterable[str], shape: Shape) -> Numbered:
    if shape.column is None:
        raise ImportProblem("Choose the column that has the ids.")
    rows = tables.rows_of(_whole(pieces), shape.delimiter)
    if shape.has_header:
        next(rows, None)
    for row in rows:
        yield tables.ids_in_cell(row[shape.column]) if shape.column < len(row) else []


def _of_document(pieces: Iterable[str], shape: Shape) -> Numbered:
    return map(ids_of, records_of(pieces))


def _of_json_lines(pieces: Iterable[str], shape: Shape) -> Numbered:
    return (ids_of_line(line) for line in _whole(pieces) if line.strip())


def _of_list(pieces: Iterable[str], shape: Shape) -> Numbered:
    return _of_lines(pieces, ids_in_line_of_list)


def _of_text(pieces: Iterable[str], shape: Shape) -> Numbered:
    return _of_lines(pieces, ids_in)


def _of_lines(pieces: Iterable[str], find: Callable[[str], list[str]]) -> Numbered:
    """The ids of each line; in a part of a long one, those that aren't whole in the next part."""
    for line in lines_of(pieces, limit=MAX_LINE):
        if line.goes_on:
            yield ids_in(line.text, before=len(line.text) - OVERLAP)
        elif line.text.strip():
            yield find(line.text)


def _whole(pieces: Iterable[str]) -> Iterator[str]:
    """The lines. Raises ImportProblem for one that is too long to be read as one."""
    for number, line in enumerate(lines_of(pieces, limit=MAX_LINE), start=1):
        if line.goes_on:
            megabytes = MAX_LINE // 1024 // 1024
            raise ImportProblem(f"Line {number:,} is longer than {megabytes} MB. Divide it, or import it as text.")
        yield line.text


_READERS = {
    Format.CSV: _of_table,
    Format.JSON: _of_document,
    Format.JSON_LINES: _of_json_lines,
    Format.LIST: _of_list,
    Format.TEXT: _of_text,
}
