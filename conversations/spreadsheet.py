"""CSV as spreadsheets read it: RFC 4180, and no cell that one would take for a formula. Pure."""

import csv
from collections.abc import Iterable
from io import StringIO

# Excel reads a CSV file without it as the system's old encoding, and breaks every letter beyond ASCII. Spreadsheets
# leave it out of the first cell; programs read the file as "utf-8-sig".
BYTE_ORDER_MARK = "\ufeff"
FORMULA = frozenset("=+-@\t\r")  # what makes a spreadsheet take a cell for a formula


def lines(rows: Iterable[Iterable[str]]) -> str:
    """The lines of some rows; a cell that begins like a formula gets an apostrophe in front."""
    buffer = StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(map(_safe, row) for row in rows)
    return buffer.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell[:1] in FORMULA else cell
