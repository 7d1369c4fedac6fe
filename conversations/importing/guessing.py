"""The shape of a file, by its beginning."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

import ijson

from .documents import JSON_ERRORS, Parser
from .recognising import ids_in, is_token, looks_like_conv, looks_like_id, unwrapped
from .shapes import Format, ImportProblem, Shape
from .tables import MAX_NAME, Rows, is_blank_row

DELIMITERS = ",;\t|"
SAMPLE = 100  # lines
TABLE_SAMPLE = 30  # rows
NAMES = (  # of the column that has the ids, the best first
    "conversation_id",
    "gen_ai_conversation_id",
    "openai_id",
    "openai_conversation_id",
    "conversation",
    "id",
)
_JSON_EVENTS = frozenset(("map_key", "string", "start_map"))
_SEPARATORS = re.compile(r"[\s.-]+")
_DELIMITER = re.compile(r"[,;\t|]")


def guess(text: str, lines: Sequence[str]) -> Shape:
    """The shape of the file that begins with this text; `lines`: those that aren't blank."""
    if text.lstrip()[:1] in {"{", "["} and (shape := _json(text, lines)):
        return shape
    if _is_single_column(lines):
        return Shape(Format.CSV, ",", 0, has_header=True)
    if _is_list(lines):
        return Shape(Format.LIST)
    return _table(lines) or Shape(Format.TEXT)


def _json(text: str, lines: Sequence[str]) -> Shape | None:
    """Whether it is JSON, and which; lines of a log may begin with a bracket, too."""
    if _is_json(lines[0]):
        begins_again = len(lines) > 1 and lines[1].lstrip()[:1] in {"{", "["}
        if begins_again or (len(lines) == 1 and lines[0].lstrip().startswith("{")):
            return Shape(Format.JSON_LINES)
        if len(lines) > 1 and _is_broken(text):
            return Shape(Format.JSON_LINES) if sum(map(_is_json, lines[:SAMPLE])) * 2 >= len(lines[:SAMPLE]) else None
        return Shape(Format.JSON)
    return None if _is_broken(text, tolerant=True) else Shape(Format.JSON)


def _is_json(line: str) -> bool:
    """Whether a line is a whole object or array."""
    try:
        return isinstance(json.loads(line, parse_int=float), dict | list)
    except (ValueError, RecursionError):
        return False


def _is_broken(text: str, *, tolerant: bool = False) -> bool:
    """Whether it isn't JSON. `tolerant`: a document that is broken after some keys or texts is one, too."""
    has_read = False
    try:
        for position, (kind, _) in enumerate(Parser().feed(text)):
            has_read = has_read or (position > 0 and kind in _JSON_EVENTS)
    except ijson.JSONError:
        return not (tolerant and has_read)
    except JSON_ERRORS:  # such as a number of thousands of digits
        return False
    return False


def _is_single_column(lines: Sequence[str]) -> bool:
    """Whether it's the name of a column of ids, and then ids."""
    name, *others = map(unwrapped, lines[:SAMPLE])
    return _normalized(name) in NAMES and bool(others) and all(map(_is_lone_token, others))


def _is_list(lines: Sequence[str]) -> bool:
    tokens = [_is_lone_token(unwrapped(line)) for line in lines[:SAMPLE]]
    # A short list may have a title.
    return sum(tokens) >= 0.9 * len(tokens) or (len(tokens) > 2 and all(tokens[1:]))


def _is_lone_token(text: str) -> bool:
    return is_token(text) and _DELIMITER.search(text) is None


def _table(lines: Sequence[str]) -> Shape | None:
    samples = {delimiter: _sample(lines, delimiter) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda each: _consistency(samples[each]))
    rows = samples[delimiter]
    if _consistency(rows) < 0.8:
        return None
    has_header = _is_header(rows[0])
    column = _column(rows[0] if has_header else [], rows[1:] if has_header else rows)
    # Prose and logs have commas, too, and ids among other words.
    if column is None and (len(rows) < 2 or not has_header or any(map(ids_in, lines[:SAMPLE]))):
        return None
    # Ids with commas between them: a table without names would have them in one column.
    if not has_header and sum(_likeness(rows, each)[0] > 0 for each in range(max(map(len, rows)))) > 1:
        return None
    return Shape(Format.CSV, delimiter, column, has_header)


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The first rows; one that can't be read ends them."""
    rows: list[list[str]] = []
    with suppress(ImportProblem):
        rows.extend(islice((row for row in Rows(lines, delimiter) if not is_blank_row(row)), TABLE_SAMPLE))
    return rows


def _consistency(rows: Sequence[Sequence[str]]) -> float:
    """The share of the rows that have as many cells as the first one, and a little for each cell; 0 for one cell."""
    if not rows or len(rows[0]) < 2:
        return 0.0
    return sum(len(row) == len(rows[0]) for row in rows) / len(rows) + min(len(rows[0]), 100) / 10_000


def _is_header(row: Sequence[str]) -> bool:
    names = [cell.strip() for cell in row if cell.strip()]
    return bool(names) and not any(map(_is_value, names))


def _is_value(cell: str) -> bool:
    return looks_like_id(cell) or bool(ids_in(cell)) or cell[:1].isdigit() or len(cell) > MAX_NAME


def _column(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """The column that has the ids: by its name, or because most of its cells look like ids."""
    normalized = [_normalized(name) for name in names]
    best = _most_likely(rows)
    for name in NAMES:
        if name in normalized:
            column = normalized.index(name)
            # Tables of anything have an `id`.
            if name != "id" or best is None or any(is_token(cell) for cell in _cells(rows, column)):
                return column
    return best


def _most_likely(rows: Sequence[Sequence[str]]) -> int | None:
    width = max(map(len, rows), default=0)
    best = max(range(width), key=lambda column: _likeness(rows, column), default=0)
    return best if width and _likeness(rows, best) > (0, 0) else None


def _likeness(rows: Sequence[Sequence[str]], column: int) -> tuple[int, int]:
    """How many cells have OpenAI's form, and how many are any id: users and requests may have UUIDs, too."""
    cells = list(_cells(rows, column))
    return sum(map(looks_like_conv, cells)), sum(map(looks_like_id, cells))


def _cells(rows: Sequence[Sequence[str]], column: int) -> list[str]:
    return [unwrapped(row[column]) for row in rows if column < len(row)]


def _normalized(name: str) -> str:
    return _SEPARATORS.sub("_", unwrapped(name).lower())
