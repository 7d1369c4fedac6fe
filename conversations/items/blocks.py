"""What an item is shown as: blocks of text, of which each knows how it wants to look."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from . import media

FOLDED_LENGTH = 1_500  # characters, or lines, of a block before it folds
FOLDED_LINES = 16
VAST_LENGTH = 2_000_000  # characters that not even the page of the item holds: the file of the item does
HUGE_LENGTH = 20_000  # characters that a page of many items does not hold: the page of the item does
INDENTED_LENGTH = 200_000  # characters of JSON that are indented; longer ones are shown as they came
INDENTED_DEPTH = 40
INDENTED_MARKS = 10_000  # braces, brackets, colons and commas: a hundred such texts on one page still take a second

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_MEDIA_TYPE = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[;,]", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """A piece of an item.

    kind: `text` (prose), `refusal` (prose), `code` (monospaced), `rest` (JSON of fields that nothing else shows),
    `reference` (a source, by its title), `image` and `audio` (which a page can show and play), or `thing` (an image, a
    file or the like, which is named and not shown); caption: what it is; url: where it lies, if anywhere; data: the
    base64 of it that stands in the item; media: its number among those of the item that have any.
    """

    kind: str
    text: str
    caption: str = ""
    url: str = ""
    data: str = field(default="", repr=False)
    media: int | None = None

    @property
    def is_code(self) -> bool:
        """Whether it is monospaced."""
        return self.kind in ("code", "rest")

    @property
    def is_long(self) -> bool:
        """Whether it is folded where it stands among others."""
        return len(self.text) > FOLDED_LENGTH or self.text.count("\n") >= FOLDED_LINES

    @property
    def is_huge(self) -> bool:
        """Whether only the page of the item holds all of it."""
        return len(self.text) > HUGE_LENGTH

    @property
    def is_vast(self) -> bool:
        """Whether no page holds all of it."""
        return len(self.text) > VAST_LENGTH

    @property
    def beginning(self) -> str:
        """What of it is seen while it is folded."""
        lines = self.text[:FOLDED_LENGTH].split("\n", FOLDED_LINES)
        return "\n".join(lines[:FOLDED_LINES])


def text(value: Any, caption: str = "") -> list[Block]:
    """A text, or the JSON of what is none; nothing where there is nothing."""
    if is_nothing(value):
        return []
    return [Block("text", value, caption)] if isinstance(value, str) else [Block("code", as_json(value), caption)]


def code(value: Any, caption: str = "") -> list[Block]:
    """Something for machines: JSON indented, all else as it is."""
    if is_nothing(value):
        return []
    return [Block("code", reindented(value) if isinstance(value, str) else as_json(value), caption)]


def each_text(values: Any, caption: str = "") -> list[Block]:
    """The texts of a list, each in a line; what is no text as its JSON."""
    return text("\n".join(map(as_text, as_list(values))), caption)


def left_over(values: Sequence[Any], name: str) -> list[Block]:
    """What of a long list is not shown each by itself: as JSON in one line, which costs little; "name" them."""
    return [Block("code", json.dumps(values, ensure_ascii=False), f"{len(values):,} more {name}")] if values else []


def reference(title: Any, url: Any = "", caption: str = "") -> Block:
    """A source: by its title, or by its URL where it has none."""
    shown = title if isinstance(title, str) and title else as_text(url)
    return Block("reference", shown, caption, safe_url(url))


def thing(name: str, *, url: Any = "", caption: str = "") -> Block:
    """Something that is named and not shown."""
    return Block("thing", name, caption, safe_url(url))


def image(url: Any, file_id: Any = "", name: str = "Image") -> Block:
    """An image: its URL and its file. It is never fetched."""
    link = url.get("url") if isinstance(url, Mapping) else url
    file = f"file {file_id}" if isinstance(file_id, str) and file_id else ""
    if isinstance(link, str) and media.is_data_url(link):
        return embedded(name, link, file)
    if isinstance(link, str) and link:
        return Block("thing", joined([f"{name}: {link}", file]), "", safe_url(link))
    if is_nothing(url):
        return thing(f"{name}: {file or 'its URL was not included'}")
    return thing(joined([f"{name}: {as_json(url)}", file]))


def embedded(name: str, data: str, *beside: str, declared: str = "") -> Block:
    """A picture or sound that stands in the item: shown or played where its bytes are of a format that is."""
    found = media.recognised(data)
    about = described_data(data) if media.is_data_url(data) else joined([declared, as_size(media.size_of(data))])
    return Block(found.kind if found else "thing", joined([name, about, *beside]), data=data)


def rest(value: Mapping[str, Any], shown: Collection[str], caption: str = "Other fields") -> list[Block]:
    """The fields besides those that are shown, as JSON; nothing where all of them are empty."""
    left = {name: each for name, each in value.items() if name not in shown and not is_nothing(each)}
    return [Block("rest", as_json(left), caption)] if left else []


def described_data(value: str) -> str:
    """What base64 data, or a data: URL, holds: its media type and its size."""
    found = _MEDIA_TYPE.match(value[:100])
    kind = (found[1] if found else "") or "data"
    return f"{kind}, {as_size(media.size_of(value))}"


def as_size(count: int) -> str:
    """A number of bytes in words."""
    for unit, size in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def is_nothing(value: Any) -> bool:
    """Whether a field that may be left out was: null and "" are as good as that, and so is nothing in a list."""
    return value is None or value in ("", [], {})


def as_list(value: Any) -> list[Any]:
    """A list as it is, nothing as none, and what is no list as the only one."""
    return value if isinstance(value, list) else [] if is_nothing(value) else [value]


def as_map(value: Any) -> Mapping[str, Any]:
    """A map as it is; an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}


def as_text(value: Any) -> str:
    """A text as it is; the JSON of what is none; nothing as ""."""
    return value if isinstance(value, str) else "" if is_nothing(value) else as_json(value)


def as_json(value: Any) -> str:
    """JSON to be read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def joined(values: Iterable[Any], separator: str = ", ") -> str:
    """Texts, one after the other, without those that are empty."""
    return separator.join(filter(None, map(as_text, values)))


def reindented(value: str) -> str:
    """A JSON text with line breaks: its numbers, keys and order as they came. What is no JSON object or list, or is
    too long or too deep, comes back as it is."""
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
        is_empty = closes and before in ("{", "[")
        if (before in ("{", "[", ",") or closes) and not is_empty:
            yield f"\n{'  ' * depth}"
        yield _readable(piece) if piece[0] == '"' else piece
        if piece == ":":
            yield " "
        depth += piece in ("{", "[")
        before = piece


def _readable(string: str) -> str:
    """A string of JSON with its letters in place of escapes, unless it holds some that are not to be seen."""
    decoded = json.loads(string)
    return json.dumps(decoded, ensure_ascii=False) if decoded.isprintable() else string


def safe_url(value: Any) -> str:
    """A URL that a browser may be led to, "" for any other: `javascript:` and `data:` are none."""
    if not isinstance(value, str) or len(value) > 2_000 or any(ord(each) <= 32 or each == "\x7f" for each in value):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.hostname else ""
