"""A transcript as a file, a page of items at a time: JSON and JSON Lines as OpenAI gave them, Markdown, CSV. Pure.

    JSON         one object in the form of OpenAI's own list, with all items in `data`
    JSON Lines   an item a line
    Markdown     a heading an item, its texts in fences: exact, and nothing in them is taken for Markdown or HTML
    CSV          RFC 4180, for spreadsheets; a cell that one would take for a formula gets an apostrophe in front

A file that breaks off ends in a sentence that says so and why; in JSON, JSON Lines and CSV that sentence stands in a
quote that is never closed, so that no program takes the file for whole.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..items.blocks import Block
from ..items.kinds import DisplayedItem, displayed
from ..metadata import REPLACEMENT, replace_unstorable
from .csv import BYTE_ORDER_MARK, lines

Item = Any  # what a list holds, be it an item or not

BROKEN_OFF = "This file is not whole: the transcript broke off here"
COLUMNS = ("position", "id", "type", "role or kind", "name", "status", "call id", "text", "json")
_FENCES = re.compile("`{3,}")
_HALVES = re.compile("[\ud800-\udfff]")


class JsonFile:
    """One JSON object, in the form of the API's list."""

    extension, content_type, label = "json", "application/json", "JSON"

    def __init__(self, openai_id: str) -> None:
        self._first_id: Any = None
        self._last_id: Any = None
        self._is_begun = False

    def head(self) -> str:
        """What stands before the items."""
        return '{"object": "list", "data": ['

    def page(self, items: Iterable[Item]) -> str:
        """Some items."""
        listed = list(items)
        if not listed:
            return ""
        separator = ",\n" if self._is_begun else "\n"
        self._first_id = self._first_id if self._is_begun else _id(listed[0])
        self._last_id, self._is_begun = _id(listed[-1]), True
        return separator + ",\n".join(map(as_json, listed))

    def foot(self) -> str:
        """What stands after the last item."""
        ends = {"first_id": self._first_id, "last_id": self._last_id, "has_more": False}
        return "\n], " + as_json(ends)[1:] + "\n"

    def broken(self, why: str) -> str:
        """The end of a file that is not whole."""
        return _open_quote(why)


class JsonLinesFile(JsonFile):
    """A JSON object a line."""

    extension, content_type, label = "jsonl", "application/x-ndjson", "JSON Lines"

    def head(self) -> str:
        """Nothing stands before the items."""
        return ""

    def page(self, items: Iterable[Item]) -> str:
        """Some items."""
        return "".join(f"{as_json(item)}\n" for item in items)

    def foot(self) -> str:
        """Nothing stands after the last item."""
        return ""


class CsvFile:
    """A row an item."""

    extension, content_type, label = "csv", "text/csv", "CSV"

    def __init__(self, openai_id: str) -> None:
        self._position = 0

    def head(self) -> str:
        """The names of the columns."""
        return BYTE_ORDER_MARK + lines([COLUMNS])

    def page(self, items: Iterable[Item]) -> str:
        """Some items."""
        return _encodable(lines(map(self._row, items)))

    def _row(self, item: Item) -> tuple[str, ...]:
        self._position += 1
        shown = displayed(item)
        kind = shown.label.lower() if shown.type == "message" else shown.type
        known = (shown.id, shown.type, kind, shown.name, shown.status, shown.call_id, shown.text)
        return (str(self._position), *known, as_json(item))

    def foot(self) -> str:
        """Nothing stands after the last item."""
        return ""

    def broken(self, why: str) -> str:
        """The end of a file that is not whole."""
        return _open_quote(why)


class MarkdownFile:
    """A heading an item."""

    extension, content_type, label = "md", "text/markdown", "Markdown"

    def __init__(self, openai_id: str) -> None:
        self._openai_id = openai_id

    def head(self) -> str:
        """The title."""
        return f"# Conversation {_inline(self._openai_id)}\n"

    def page(self, items: Iterable[Item]) -> str:
        """Some items."""
        return _encodable("".join(_markdown(displayed(item)) for item in items))

    def foot(self) -> str:
        """A sign that it is whole."""
        return "\n---\n\nEnd of the transcript.\n"

    def broken(self, why: str) -> str:
        """The end of a file that is not whole."""
        return f"\n---\n\n**{BROKEN_OFF}.**\n\n{_fenced(why)}"


File = JsonFile | JsonLinesFile | MarkdownFile | CsvFile
FORMATS: dict[str, type[File]] = {each.extension: each for each in (MarkdownFile, JsonFile, JsonLinesFile, CsvFile)}


def _id(item: Item) -> Any:
    return item.get("id") if isinstance(item, Mapping) else None


def as_json(item: Any) -> str:
    """An item as OpenAI gave it; broken characters stay escaped, numbers beyond all bounds become U+FFFD."""
    try:
        text = json.dumps(item, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return as_json(replace_unstorable(item))
    return json.dumps(item) if _HALVES.search(text) else text


def _encodable(text: str) -> str:
    """The text with U+FFFD for each half of a character, which no file can hold."""
    return _HALVES.sub(REPLACEMENT, text)


def _open_quote(why: str) -> str:
    words = why.replace('"', "”").replace("\r", " ").replace("\n", " ")
    return f'"{BROKEN_OFF}. {words}'


def _markdown(item: DisplayedItem) -> str:
    about = [_inline(fact) for fact in (item.name, item.status, item.call_id, item.id) if fact]
    parts = [f"\n## {_plain(item.label)}\n", *([f"\n{', '.join(about)}\n"] if about else [])]
    return "".join([*parts, *map(_block, item.blocks)])


def _block(block: Block) -> str:
    caption = f"\n{_plain(block.caption)}:\n" if block.caption else ""
    return f"{caption}\n{_fenced(block.text)}"


def _fenced(text: str) -> str:
    longest = max(map(len, _FENCES.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def _inline(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', '’')}`"


def _plain(text: str) -> str:
    """A label without anything that Markdown or HTML would take for its own."""
    return re.sub(r"[^\w .,:–-]|_", " ", " ".join(text.split()))
