"""CSV for spreadsheets: RFC 4180, without cells that they would take for formulas. Pure."""

import csv
import json
import re
from collections.abc import Iterable
from io import StringIO

# Without it, Excel decodes CSV as the system's legacy code page. Spreadsheets remove it; Python does with "utf-8-sig".
BYTE_ORDER_MARK = "\ufeff"
_BREAKS = r";\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"  # some programs start a cell after these, even inside quotes
_FORMULA = re.compile(rf"(^|[{_BREAKS}])([^\S{_BREAKS}]*)([=+\-@＝＋－＠])")
_SKIPPED = ("\t", "\r", "\n")  # spreadsheets ignore these at the start of a cell


def lines(rows: Iterable[Iterable[str]]) -> str:
    """The rows as CSV. An apostrophe goes in front of what a spreadsheet could take for the start of a formula: at the
    start of a cell, or after a semicolon, tab or line break. In a cell with JSON, it's escaped instead."""
    buffer = StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(map(_safe, row) for row in rows)
    return buffer.getvalue()


def _safe(cell: str) -> str:
    if _FORMULA.search(cell):
        cell = _escaped_json(cell) or _FORMULA.sub(r"\1'\2\3", cell)
    return f"'{cell}" if cell.startswith(_SKIPPED) else cell


def _escaped_json(cell: str) -> str | None:
    """The cell with JSON escapes, if it's a JSON object or array; otherwise None."""
    if cell[:1] not in {"{", "["}:
        return None
    escaped = _FORMULA.sub(lambda match: f"{match[1]}{match[2]}\\u{ord(match[3]):04x}", cell)
    try:
        return escaped if json.loads(escaped) == json.loads(cell) else None  # only inside strings it means the same
    except (ValueError, RecursionError):
        return None
