"""Tables: CSV with any of the usual delimiters."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from .lines import Line, lines_of
from .recognising import ids_in_entry
from .shapes import ImportProblem, Numbered, Shape

MAX_ROW = 4 * 1024 * 1024  # characters; a cell of as many needs several times as many bytes
MAX_CELLS = 400_000
MAX_NAME = 80  # characters of a column's name

csv.field_size_limit(16 * 1024 * 1024)


class Rows:
    """The rows of a table, blank ones included. Raises ImportProblem for one that is too long."""

    def __init__(self, lines: Iterable[Line], delimiter: str) -> None:
        self._lines = iter(lines)
        self._delimiter = delimiter or ","
        self._line_number = 0
        self._length = 0  # of the row that is being read, which may have many lines
        self._reader = csv.reader(self._whole_lines(), delimiter=self._delimiter)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        self._length = 0
        try:
            return next(self._reader)
        except csv.Error as error:
            raise ImportProblem(
                f"Line {self._line_number:,} can’t be read as a row of a table ({error}). "
                "Correct it, or import the table as text."
            ) from None

    def _whole_lines(self) -> Iterator[str]:
        for line in self._lines:
            self._line_number += 1
            text = line if isinstance(line, str) else "".join(self._counted(line))
            if len(text) > MAX_CELLS and text.count(self._delimiter) > MAX_CELLS:
                raise ImportProblem(self._too_long(f"has more than {MAX_CELLS:,} cells"))
            self._length += len(text) + 1
            if self._length > MAX_ROW:
                raise ImportProblem(self._too_long())
            yield text + "\n"

    def _counted(self, parts: Iterable[str]) -> Iterator[str]:
        length = 0
        for part in parts:
            length += len(part)
            if length > MAX_ROW:
                raise ImportProblem(self._too_long())
            yield part

    def _too_long(self, what: str = f"ends a row of more than {MAX_ROW // 1024 // 1024} million characters") -> str:
        return (
            f"Line {self._line_number:,} {what}; maybe a quote is opened there, or before, and not closed. "
            "Correct it, or save the column with the ids alone, and import that."
        )


def ids_of_rows(pieces: Iterable[str], shape: Shape) -> Numbered:
    """The ids of each row that isn't blank, in the chosen column. Raises ImportProblem, at the end if it has no ids."""
    if shape.column is None:
        raise ImportProblem("Choose the column that contains the ids.")
    has_rows = has_ids = False
    name = f"Column {shape.column + 1}"
    for number, row in enumerate(Rows(lines_of(pieces), shape.delimiter), start=1):
        cell = row[shape.column] if shape.column < len(row) else ""
        if number == 1 and shape.has_header:
            name = cell.strip()[:MAX_NAME] or name
        elif not is_blank_row(row):
            ids = ids_in_entry(cell)
            has_rows, has_ids = True, has_ids or bool(ids)
            yield number, ids
    if has_rows and not has_ids:
        raise ImportProblem(f"No ids were found in the column “{name}”. Choose another column.")


def is_blank_row(row: Sequence[str]) -> bool:
    """Whether no cell of a row contains anything."""
    return not any(cell and not cell.isspace() for cell in row)
