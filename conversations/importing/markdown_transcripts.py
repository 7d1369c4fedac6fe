"""Messages in Markdown: as `exports.transcripts` writes them, exactly, and with headings that people wrote. Pure.

Convadmin's own files begin with `# Conversation`, and have everything in fenced blocks that name what they hold. In any
other file, what stands under a heading like `## User` is the text of a message.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..items.creation import ROLES
from .shapes import ImportProblem

_OWN = re.compile(r"# Conversation `[^`]*`")
_OWN_HEADING = re.compile(r"## (.+)")
_HEADING = re.compile(r"#{1,6}\s*(user|assistant|system|developer)(?:\s*:)?", re.IGNORECASE)
_FENCE = re.compile(r"(`{3,})(\w*)")
_IMAGE = re.compile(r"Image: (?:file (?P<id>\S+)|(?P<url>https?://\S+?)(?:, file \S+)?)")
_FILE = re.compile(r"File(?: “.*”)?, (?:(?P<url>https?://\S+)|(?P<id>[^\s,]+))")
_DETAIL = re.compile(r"(Low|High|Original) detail:")
_END, _CUT_OFF = "End of transcript.", "**This file is incomplete"
_OTHERS = {
    "image": "a picture, whose content isn’t in a Markdown file",
    "audio": "sound",
    "reference": "its citations",
    "note": "a file or picture, whose content isn’t in a Markdown file",
}


@dataclass
class Heading:
    """What stands under one heading. item: the message, None if it isn't one; label: of the heading."""

    label: str
    line: int
    parts: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def item(self) -> dict[str, Any] | None:
        role = self.label.lower()
        return {"type": "message", "role": role, "content": self.parts} if role in ROLES else None


def read_markdown(text: str) -> Iterator[Heading]:
    """What stands under each heading. Raises ImportProblem with the line."""
    lines = text.split("\n")
    start = next(number for number, line in enumerate(lines) if line.strip())
    return _own(lines, start + 1) if _OWN.fullmatch(lines[start].strip()) else _by_hand(lines)


def _own(lines: list[str], position: int) -> Iterator[Heading]:
    current, caption = None, ""
    while position < len(lines):
        line = lines[position].removesuffix("\r")
        position += 1
        if (fence := _FENCE.fullmatch(line)) is not None:
            end = _end_of(lines, position, fence[1])
            if current is not None:
                _add(current, fence[2], "\n".join(lines[position:end]), caption)
            position, caption = end + 1, ""
        elif (heading := _OWN_HEADING.fullmatch(line)) is not None:
            if current is not None:
                yield current
            current, caption = Heading(heading[1], position), ""
        elif line == _END:
            break
        elif line.startswith(_CUT_OFF):
            current = current or Heading("", position)
            current.left_out.append("the file ends after this, and says that it’s incomplete")
            break
        else:
            caption = line or caption
    if current is not None:
        yield current


def _end_of(lines: list[str], position: int, fence: str) -> int:
    """The line that closes a block."""
    for number in range(position, len(lines)):
        if lines[number].removesuffix("\r") == fence:
            return number
    raise ImportProblem(f"Line {position}: the block that begins here has no end. A line {fence} is expected.")


def _add(current: Heading, kind: str, text: str, caption: str) -> None:
    """A block as a part of the message, or as something that is left out."""
    if kind == "text":
        current.parts.append({"type": "text", "text": text})
    elif kind == "refusal":
        current.parts.append({"type": "refusal", "refusal": text})
    elif kind == "note" and (part := _media(text, caption)) is not None:
        current.parts.append(part)
    elif current.item is not None:
        current.left_out.append(_OTHERS.get(kind, "fields that aren’t text"))


def _media(text: str, caption: str) -> dict[str, Any] | None:
    level = _DETAIL.fullmatch(caption)
    detail = {"detail": level[1].lower()} if level else {}
    if (image := _IMAGE.fullmatch(text)) is not None:
        where = {"file_id": image["id"]} if image["id"] else {"image_url": image["url"]}
        return {"type": "input_image", **where, **detail}
    if (file := _FILE.fullmatch(text)) is not None and not re.search(r", [\d.]+ (MB|kB|bytes)", text):
        where = {"file_id": file["id"]} if file["id"] else {"file_url": file["url"]}
        return {"type": "input_file", **where, **detail}
    return None


def _by_hand(lines: list[str]) -> Iterator[Heading]:
    current: Heading | None = None
    fence, written = "", []
    for number, line in enumerate(lines, start=1):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.fullmatch(line.strip())
        if heading is None:
            written.append(line)
            continue
        yield from _closed(current, written)
        current, written = Heading(heading[1].capitalize(), number), []
    yield from _closed(current, written)


def _closed(current: Heading | None, written: list[str]) -> Iterator[Heading]:
    text = "\n".join(written).strip()
    if current is not None:
        current.parts.append({"type": "text", "text": text})
        yield current
    elif text:
        line = next(number for number, each in enumerate(written, start=1) if each.strip())
        raise ImportProblem(f"Line {line}: a heading with the role of a message is expected, like “## User”.")
