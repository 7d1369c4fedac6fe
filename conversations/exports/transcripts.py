"""The items of a conversation as a file, one page of items at a time. Pure.

    JSON         one object like OpenAI's list, with all items in `data`
    JSON Lines   one item per line
    Markdown     one heading per item, with its text in code fences, where nothing is taken for Markdown or HTML
    CSV          RFC 4180, for spreadsheets, with an apostrophe in front of what could be a formula

Each class writes a file: head(), page() for each page of items, and foot(), or truncated() after an error.

A truncated file ends with a sentence that says so and why. In JSON, JSON Lines and CSV it follows a quote that is never
closed, so that no program takes the file for a complete one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..items.blocks import Block
from ..items.kinds import DisplayedItem, displayed
from ..metadata import REPLACEMENT, replace_unstorable
from .csv import BYTE_ORDER_MARK, lines

Item = Any  # an entry of a list, which may not be an object

TRUNCATED = "This file is incomplete: the transcript was cut off here"
COLUMNS = ("position", "id", "type", "role or kind", "name", "status", "call id", "text", "json")
_FENCES = re.compile("`{3,}")
_SURROGATES = re.compile("[\ud800-\udfff]")


class JsonFile:
    """One JSON object, like the API's list."""

    extension, content_type, label = "json", "application/json", "JSON"

    def __init__(self, openai_id: str) -> None:
        self._first_id: Any = None
        self._last_id: Any = None
        self._is_begun = False

    def head(self) -> str:
        return '{"object": "list", "data": ['

    def page(self, items: Iterable[Item]) -> str:
        listed = list(items)
        if not listed:
            return ""
        separator = ",\n" if self._is_begun else "\n"
        self._first_id = self._first_id if self._is_begun else _id(listed[0])
        self._last_id, self._is_begun = _id(listed[-1]), True
        return separator + ",\n".join(map(as_json, listed))

    def foot(self) -> str:
        ends = {"first_id": self._first_id, "last_id": self._last_id, "has_more": False}
        return "\n], " + as_json(ends)[1:] + "\n"

    def truncated(self, reason: str) -> str:
        return _open_quote(reason)


class JsonLinesFile(JsonFile):
    """One JSON object per line."""

    extension, content_type, label = "jsonl", "application/x-ndjson", "JSON Lines"

    def head(self) -> str:
        return ""

    def page(self, items: Iterable[Item]) -> str:
        return "".join(f"{as_json(item)}\n" for item in items)

    def foot(self) -> str:
        return ""


class CsvFile:
    """One row per item."""

    extension, content_type, label = "csv", "text/csv", "CSV"

    def __init__(self, openai_id: str) -> None:
        self._position = 0

    def head(self) -> str:
        return BYTE_ORDER_MARK + lines([COLUMNS])

    def page(self, items: Iterable[Item]) -> str:
        return _encodable(lines(map(self._row, items)))

    def _row(self, item: Item) -> tuple[str, ...]:
        self._position += 1
        shown = displayed(item)
        kind = shown.label.lower() if shown.type == "message" else shown.type
        known = (shown.id, shown.type, kind, shown.name, shown.status, shown.call_id, shown.text)
        return (str(self._position), *known, as_json(item))

    def foot(self) -> str:
        return ""

    def truncated(self, reason: str) -> str:
        return _open_quote(reason)


class MarkdownFile:
    """One heading per item."""

    extension, content_type, label = "md", "text/markdown", "Markdown"

    def __init__(self, openai_id: str) -> None:
        self._openai_id = openai_id

    def head(self) -> str:
        return f"# Conversation {_inline(self._openai_id)}\n"

    def page(self, items: Iterable[Item]) -> str:
        return _encodable("".join(_markdown(displayed(item)) for item in items))

    def foot(self) -> str:
        # Without it, nobody could tell whether the file is complete.
        return "\n---\n\nEnd of transcript.\n"

    def truncated(self, reason: str) -> str:
        return f"\n---\n\n**{TRUNCATED}.**\n\n{_fenced(reason)}"


File = JsonFile | JsonLinesFile | MarkdownFile | CsvFile
FORMATS: dict[str, type[File]] = {each.extension: each for each in (MarkdownFile, JsonFile, JsonLinesFile, CsvFile)}


def _id(item: Item) -> Any:
    return item.get("id") if isinstance(item, Mapping) else None


def as_json(item: Any) -> str:
    """An item as OpenAI returned it. Lone surrogates stay escaped; infinite numbers become U+FFFD."""
    try:
        text = json.dumps(item, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return as_json(replace_unstorable(item))
    return json.dumps(item) if _SURROGATES.search(text) else text


def _encodable(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which UTF-8 can't encode."""
    return _SURROGATES.sub(REPLACEMENT, text)


def _open_quote(reason: str) -> str:
    text = reason.replace('"', "”").replace("\r", " ").replace("\n", " ")
    return f'"{TRUNCATED}. {text}'


def _markdown(item: DisplayedItem) -> str:
    details = [_inline(value) for value in (item.name, item.status, item.call_id, item.id) if value]
    parts = [f"\n## {_plain(item.label)}\n", *([f"\n{', '.join(details)}\n"] if details else [])]
    return "".join([*parts, *map(_block, item.blocks)])


def _block(block: Block) -> str:
    caption = f"\n{_plain(block.caption)}:\n" if block.caption else ""
    # What reads the file again has to tell a message's text from a note that names a file, for example.
    return f"{caption}\n{_fenced(block.text, block.kind)}"


def _fenced(text: str, kind: str = "text") -> str:
    # A fence ends at the next line with as many backticks, so it has to be longer than any in the text.
    longest = max(map(len, _FENCES.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}\n"


def _inline(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', '’')}`"


def _plain(text: str) -> str:
    """A label without characters that mean something in Markdown or HTML."""
    return re.sub(r"[^\w .,:–-]|_", " ", " ".join(text.split()))
