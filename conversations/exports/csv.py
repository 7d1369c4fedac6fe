"""CSV as spreadsheets read it: RFC 4180, and no cell that one would take for a formula. Pure."""

import csv
import json
import re
from collections.abc import Iterable
from io import StringIO

# Excel reads a CSV file without it as the system's old encoding, and breaks every letter beyond ASCII. Spreadsheets
# leave it out of the first cell; programs read the file as "utf-8-sig".
BYTE_ORDER_MARK = "\ufeff"
_BREAKS = r";\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"  # where some program or other begins a cell, whatever the quotes say
_FORMULA = re.compile(rf"(^|[{_BREAKS}])([^\S{_BREAKS}]*)([=+\-@＝＋－＠])")
_SKIPPED = ("\t", "\r", "\n")  # at the start of a cell


def lines(rows: Iterable[Iterable[str]]) -> str:
    """The lines of some rows; what a spreadsheet could take for the beginning of a formula gets an apostrophe in
    front: at the start of a cell, and within it after a semicolon, tab or line break. JSON gets its own escapes there,
    and stays what it is."""
    buffer = StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(map(_safe, row) for row in rows)
    return buffer.getvalue()


def _safe(cell: str) -> str:
    if _FORMULA.search(cell):
        cell = _escaped_json(cell) or _FORMULA.sub(r"\1'\2\3", cell)
    return f"'{cell}" if cell.startswith(_SKIPPED) else cell


def _escaped_json(cell: str) -> str | None:
    """The cell in escapes, if it is an object or array of JSON; None otherwise."""
    if cell[:1] not in {"{", "["}:
        return None
    escaped = _FORMULA.sub(lambda match: f"{match[1]}{match[2]}\\u{ord(match[3]):04x}", cell)
    try:
        return escaped if json.loads(escaped) == json.loads(cell) else None
    except (ValueError, RecursionError):
        return None
