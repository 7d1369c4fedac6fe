"""Tables: CSV with any of the usual delimiters."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from .recognising import ids_in, is_token, looks_like_id
from .shapes import MAX_LINE, Format, ImportProblem, Shape

DELIMITERS = ",;\t|"
SAMPLE = 20  # rows by which the delimiter is told
NAMES = (  # of the column that has the ids, the best first
    "conversation_id",
    "gen_ai_conversation_id",
    "openai_id",
    "openai_conversation_id",
    "conversation",
    "id",
)

csv.field_size_limit(MAX_LINE)


def rows_of(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The rows of a table; blank ones are left out. Raises ImportProblem."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ImportProblem(
                f"Line {reader.line_num:,} can’t be read as a row of a table ({error}). Correct it, or import the text."
            ) from None
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield row


def guess(lines: Sequence[str]) -> Shape | None:
    """The shape of the table that these lines begin, or None."""
    best = max(DELIMITERS, key=lambda delimiter: _consistency(lines, delimiter))
    if _consistency(lines, best) < 0.8:
        return _single_column(lines)
    rows = _sample(lines, best)
    has_header = _is_header(rows[0])
    column = _column(rows[0] if has_header else [], rows[1:] if has_header else rows)
    return Shape(Format.CSV, best, column, has_header)


def names_of(row: Sequence[str], *, has_header: bool) -> list[str]:
    """The names of the columns, by the first row."""
    return [cell.strip()[:80] for cell in row] if has_header else [f"Column {number + 1}" for number in range(len(row))]


def ids_in_cell(cell: str) -> list[str]:
    """The ids in a cell: the whole of it, or those in its text."""
    text = cell.strip().lstrip("'")
    return [text] if is_token(text) and "://" not in text else ids_in(text)


def _single_column(lines: Sequence[str]) -> Shape | None:
    """A table of one column: a name that a column of ids has, and ids under it."""
    rows = [line.strip().strip('"') for line in lines if line.strip()]
    if len(rows) > 1 and _normalized(rows[0]) in NAMES and all(map(is_token, rows[1:SAMPLE])):
        return Shape(Format.CSV, ",", 0, has_header=True)
    return None


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The first rows; what can't be read ends them."""
    rows: list[list[str]] = []
    try:
        for row in rows_of(lines, delimiter):
            rows.append(row)
            if len(rows) > SAMPLE:
                break
    except ImportProblem:
        pass
    return rows


def _consistency(lines: Sequence[str], delimiter: str) -> float:
    """The share of the first rows that have as many cells as the first one; 0 where that is one cell."""
    rows = _sample(lines, delimiter)
    if len(rows) < 1 or len(rows[0]) < 2:
        return 0.0
    return sum(len(row) == len(rows[0]) for row in rows) / len(rows)


def _is_header(row: Sequence[str]) -> bool:
    names = [cell.strip() for cell in row if cell.strip()]
    return bool(names) and not any(looks_like_id(name) or name[:1].isdigit() or len(name) > 80 for name in names)


def _column(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """The column that has the ids: by its name, or because most of its cells look like ids."""
    normalized = [_normalized(name) for name in names]
    for name in NAMES:
        if name in normalized and (name != "id" or not rows or _likeness(rows, normalized.index(name)) > 0):
            return normalized.index(name)
    width = max(map(len, rows), default=0)
    best = max(range(width), key=lambda column: _likeness(rows, column), default=None)
    return best if best is not None and _likeness(rows, best) > 0 else None


def _likeness(rows: Sequence[Sequence[str]], column: int) -> int:
    cells = (row[column].strip() for row in rows if column < len(row))
    return sum(looks_like_id(cell) for cell in cells)


def _normalized(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.strip().lower().lstrip("\ufeff"))
