"""The blocks that an item is displayed as, and functions that make them from JSON values."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from . import media

FOLDED_LENGTH = 1_500  # characters; longer blocks are folded
FOLDED_LINES = 16
READ_LENGTH = 5_000  # characters of rendered text that aren't folded: who reads a conversation reads its messages
HUGE_LENGTH = 20_000  # characters; more is shown only on the item's own page
VAST_LENGTH = 2_000_000  # characters; more is only in the item's JSON file
INDENTED_LENGTH = 200_000  # characters; longer JSON isn't indented
INDENTED_DEPTH = 40
INDENTED_MARKS = 10_000  # braces, brackets, colons and commas: indenting a hundred such texts takes about a second

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_MEDIA_TYPE = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[;,]", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """A piece of an item.

    kind: `text` and `refusal` (prose), `code` (monospaced), `rest` (JSON of all fields that no other block shows),
    `reference` (a source, by its title), `image` and `audio` (which a page shows and plays), or `note` (a short remark,
    or the name of a file or image that isn't shown); caption: what it is; url: of a reference or note, or ""; data:
    base64 from the item; media: the index of `data` among the blocks of the item that have any.
    """

    kind: str
    text: str
    caption: str = ""
    url: str = ""
    data: str = field(default="", repr=False)
    media: int | None = None

    @property
    def is_code(self) -> bool:
        return self.kind in ("code", "rest")

    @property
    def is_long(self) -> bool:
        """Whether it's folded on a page with other items."""
        return len(self.text) > FOLDED_LENGTH or self.text.count("\n") >= FOLDED_LINES

    @property
    def is_long_to_read(self) -> bool:
        """Whether it's folded on a page with other items although it's rendered."""
        return len(self.text) > READ_LENGTH

    @property
    def is_huge(self) -> bool:
        """Whether only the item's own page shows all of it."""
        return len(self.text) > HUGE_LENGTH

    @property
    def is_vast(self) -> bool:
        """Whether no page shows all of it."""
        return len(self.text) > VAST_LENGTH

    @property
    def beginning(self) -> str:
        """What is visible while it's folded."""
        lines = self.text[:FOLDED_LENGTH].split("\n", FOLDED_LINES)
        return "\n".join(lines[:FOLDED_LINES])


def text(value: Any, caption: str = "") -> list[Block]:
    """A string as prose, any other value as JSON. No block for an empty value."""
    if is_empty(value):
        return []
    return [Block("text", value, caption)] if isinstance(value, str) else [Block("code", as_json(value), caption)]


def code(value: Any, caption: str = "") -> list[Block]:
    """A value in monospace, with JSON indented. No block for an empty value."""
    if is_empty(value):
        return []
    return [Block("code", reindented(value) if isinstance(value, str) else as_json(value), caption)]


def each_text(values: Any, caption: str = "") -> list[Block]:
    """A list as one block with a line for each value."""
    return text("\n".join(map(as_text, as_list(values))), caption)


def remaining(values: Sequence[Any], name: str) -> list[Block]:
    """The end of a list that is too long for a block per value, as JSON in one line; `name`: what they are."""
    return [Block("code", json.dumps(values, ensure_ascii=False), f"{len(values):,} more {name}")] if values else []


def reference(title: Any, url: Any = "", caption: str = "") -> Block:
    """A source by its title, or by its URL if it has none."""
    shown = title if isinstance(title, str) and title else as_text(url)
    return Block("reference", shown, caption, safe_url(url))


def note(text: str, *, url: Any = "", caption: str = "") -> Block:
    """A short remark, or the name of something that isn't shown."""
    return Block("note", text, caption, safe_url(url))


def image(url: Any, file_id: Any = "", name: str = "Image") -> Block:
    """An image by its URL, data: URL or file id. URLs are never fetched."""
    link = url.get("url") if isinstance(url, Mapping) else url
    file = f"file {file_id}" if isinstance(file_id, str) and file_id else ""
    if isinstance(link, str) and media.is_data_url(link):
        return embedded(name, link, file)
    if isinstance(link, str) and link:
        return Block("note", joined([f"{name}: {link}", file]), "", safe_url(link))
    if is_empty(url):
        return note(f"{name}: {file or 'URL not included'}")
    return note(joined([f"{name}: {as_json(url)}", file]))


def embedded(name: str, data: str, *details: str, declared: str = "") -> Block:
    """An image or sound inside the item, in base64; a note if its bytes aren't of a format that browsers know."""
    found = media.detect_format(data)
    about = described_data(data) if media.is_data_url(data) else joined([declared, as_size(media.size_of(data))])
    return Block(found.kind if found else "note", joined([name, about, *details]), data=data)


def rest(value: Mapping[str, Any], shown: Collection[str], caption: str = "Other fields") -> list[Block]:
    """All fields that aren't in `shown`, as JSON. No block if they're all empty."""
    others = {name: each for name, each in value.items() if name not in shown and not is_empty(each)}
    return [Block("rest", as_json(others), caption)] if others else []


def described_data(value: str) -> str:
    """Media type and size of base64 or of a data: URL."""
    found = _MEDIA_TYPE.match(value[:100])
    kind = (found[1] if found else "") or "data"
    return f"{kind}, {as_size(media.size_of(value))}"


def as_size(count: int) -> str:
    """A number of bytes for people."""
    for unit, size in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def is_empty(value: Any) -> bool:
    """Whether a value is as good as missing: null, "", [] or {}, but not 0 or false."""
    return value is None or value in ("", [], {})


def as_list(value: Any) -> list[Any]:
    """A list as it is, an empty value as [], any other value as a list of one."""
    return value if isinstance(value, list) else [] if is_empty(value) else [value]


def as_map(value: Any) -> Mapping[str, Any]:
    """A mapping as it is, any other value as {}."""
    return value if isinstance(value, Mapping) else {}


def as_text(value: Any) -> str:
    """A string as it is, an empty value as "", any other value as JSON."""
    return value if isinstance(value, str) else "" if is_empty(value) else as_json(value)


def as_json(value: Any) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def joined(values: Iterable[Any], separator: str = ", ") -> str:
    """The values as one text, without empty ones."""
    return separator.join(filter(None, map(as_text, values)))


def reindented(value: str) -> str:
    """JSON text with line breaks. Text that isn't a JSON object or list, or is too long or deep, stays as it is."""
    # Not json.loads() and json.dumps(): these would lose duplicate keys and the way numbers are written.
    if value[:1] not in "{[" or not 2 < len(value) <= INDENTED_LENGTH:
        return value
    if sum(map(value.count, "{}[]:,")) > INDENTED_MARKS:
        return value
    try:
        json.loads(value)
        return "".join(_with_breaks(_TOKEN.findall(value)))
    except (ValueError, RecursionError):
        return value


def _with_breaks(tokens: Sequence[str]) -> Iterator[str]:
    depth = 0
    before = ""
    for piece in tokens:
        closes = piece in ("}", "]")
        depth -= closes
        if depth > INDENTED_DEPTH:
            raise ValueError("too deep")
        is_pair = closes and before in ("{", "[")  # {} and [] stay on one line
        if (before in ("{", "[", ",") or closes) and not is_pair:
            yield f"\n{'  ' * depth}"
        yield _readable(piece) if piece[0] == '"' else piece
        if piece == ":":
            yield " "
        depth += piece in ("{", "[")
        before = piece


def _readable(string: str) -> str:
    """A JSON string with characters in place of escapes, unless some of them are invisible."""
    decoded = json.loads(string)
    return json.dumps(decoded, ensure_ascii=False) if decoded.isprintable() else string


def safe_url(value: Any) -> str:
    """A URL that is safe to link to; "" for any other, such as `javascript:` and `data:`."""
    if not isinstance(value, str) or len(value) > 2_000 or any(ord(each) <= 32 or each == "\x7f" for each in value):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.hostname else ""
