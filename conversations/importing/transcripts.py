"""Messages in a file, as a form can create them: transcripts as Convadmin writes them, and lists of other APIs. Pure.

    JSON         a list of items or messages, or an object with one in `data`, `items`, `messages` or `input`
    JSON Lines   an item per line, or one object per line that has all of them
    Markdown     a heading per message, as Convadmin writes it, or by hand

What can't be created, such as calls of tools, is left out with a reason.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..items.creation import Item, creatable
from ..metadata import as_text, is_storable, replace_unstorable
from .markdown_transcripts import read_markdown
from .shapes import ImportProblem

MAX_BYTES = 4_000_000
MAX_REASONS = 100  # that a page lists
MAX_PAIRS = 64  # of metadata that are taken over
LISTS = ("data", "items", "messages", "input")  # fields of an object that hold the items
CUT_OFF = "This file is incomplete"  # how Convadmin ends a transcript that it couldn't read to its end
WANTED = "A list of messages is expected, or an object that has one in data, items, messages or input."


@dataclass(frozen=True)
class LeftOut:
    """Something in the file that can't be created; number: of the item, 0 for what isn't one."""

    number: int
    name: str
    reason: str


@dataclass
class Transcript:
    """What a file holds. items: messages that can be created; left_out: the first hundred of what can't be."""

    items: list[Item] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    more_left_out: int = 0

    def leave_out(self, number: int, name: str, reason: str) -> None:
        """Note something that can't be created."""
        if len(self.left_out) < MAX_REASONS:
            self.left_out.append(LeftOut(number, name, reason))
        else:
            self.more_left_out += 1


def read_transcript(content: bytes, *, max_messages: int, max_parts: int) -> Transcript:
    """The messages of a file, at most so many, with so many parts besides their texts.

    Raises ImportProblem with a sentence that says where what was expected.
    """
    if len(content) > MAX_BYTES:
        raise ImportProblem(f"The file has {len(content) / 1e6:.1f} MB. It can have up to {MAX_BYTES // 1_000_000} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportProblem(f"Byte {error.start + 1} isn’t UTF-8. Save the file as UTF-8.") from None
    first = text.lstrip()[:1]
    if not first:
        raise ImportProblem("The file is empty.")
    transcript = Transcript()
    found = _documents(text, transcript) if first in "[{" else _headings(text, transcript)
    _fill(transcript, found, max_messages, max_parts)
    if not transcript.items and not transcript.left_out:
        raise ImportProblem(f"The file has no messages. {WANTED}")
    return transcript


def _fill(transcript: Transcript, found: list[Any], max_messages: int, max_parts: int) -> None:
    for number, raw in enumerate(found, start=1):
        made = creatable(raw)
        name = _name(raw)
        item = made.item
        if item is not None and item["type"] != "message":
            transcript.leave_out(number, name, "a form can only create messages; a copy has calls and outputs, too")
            continue
        for reason in made.left_out:
            transcript.leave_out(number, name, reason)
        if item is None:
            continue
        if not _drop_empty(item):
            transcript.leave_out(number, name, "an empty text, which a form doesn’t send")
        if not item["content"]:
            continue
        max_parts -= _more_parts(item)
        if len(transcript.items) == max_messages or max_parts < 0:
            rest = len(found) - number
            transcript.leave_out(number, name, f"the form is full. {rest:,} more items follow this one in the file")
            return
        if not _is_storable(item):
            transcript.leave_out(number, name, "characters that can’t be sent; they’re replaced by “�”")
        transcript.items.append(replace_unstorable(item))


def _drop_empty(item: Item) -> bool:
    """Drop empty texts; whether there were none."""
    before = item["content"]
    if not isinstance(before, str):
        item["content"] = [part for part in before if part.get("text") != "" and part.get("refusal") != ""]
    return bool(before) and item["content"] == before


def _more_parts(item: Item) -> int:
    """How many parts it has besides a text at the beginning."""
    content = item["content"]
    return 0 if isinstance(content, str) else len(content) - ("text" in content[0])


def _is_storable(item: Item) -> bool:
    content = item["content"]
    if isinstance(content, str):
        return is_storable(content)
    return all(is_storable(value) for part in content for value in part.values() if isinstance(value, str))


def _name(raw: Any) -> str:
    """What the item is, for people."""
    if not isinstance(raw, Mapping):
        return "Item"
    role, kind = raw.get("role"), raw.get("type")
    shown = role if isinstance(role, str) and kind in (None, "message") else kind
    return replace_unstorable(str(shown)[:40]).replace("_", " ").capitalize() if shown else "Item"


# JSON


def _documents(text: str, transcript: Transcript) -> list[Any]:
    try:
        return _items_of(json.loads(text), transcript)
    except RecursionError:
        raise ImportProblem("The file is nested too deeply.") from None
    except json.JSONDecodeError as error:
        lines = text.split("\n")
        if error.msg == "Extra data" and _is_json(lines[0].strip() or lines[error.lineno - 2]):
            return list(_lines(lines, transcript))
        raise _no_json(error, error.lineno, text) from None
    except ValueError:  # a number of more digits than Python converts
        raise ImportProblem("A number in the file is too long.") from None


def _lines(lines: list[str], transcript: Transcript) -> Iterator[Any]:
    is_whole = False  # one line had a whole conversation
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if line.startswith(f'"{CUT_OFF}'):
            transcript.leave_out(0, "End of file", line[1:300])
            return
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise _no_json(error, number, line) from None
        except (ValueError, RecursionError):
            raise ImportProblem(f"Line {number} is nested too deeply, or has too long a number.") from None
        if is_whole:
            raise ImportProblem(
                f"Line {number} follows a whole conversation. Put each conversation in a file of its own."
            )
        is_whole = isinstance(value, dict) and any(isinstance(value.get(name), list) for name in LISTS)
        yield from _items_of(value, transcript) if is_whole else [value]


def _items_of(value: Any, transcript: Transcript) -> list[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        raise ImportProblem(WANTED)
    _take_metadata(value.get("metadata"), transcript)
    for name in LISTS:
        if isinstance(value.get(name), list):
            found: list[Any] = value[name]
            return found
    if isinstance(value.get("input"), str):
        return [{"role": "user", "content": value["input"]}]
    if "role" in value or "type" in value:
        return [value]
    raise ImportProblem(WANTED)


def _take_metadata(value: Any, transcript: Transcript) -> None:
    for number, (key, each) in enumerate(value.items() if isinstance(value, dict) else ()):
        if number >= MAX_PAIRS or each is None or isinstance(each, dict | list):
            reason = "only the first pairs are taken over" if number >= MAX_PAIRS else "a value of metadata is text"
            transcript.leave_out(0, f"Metadata “{replace_unstorable(key)[:40]}”", reason)
        else:
            transcript.metadata[replace_unstorable(key)] = replace_unstorable(as_text(each))


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _no_json(error: json.JSONDecodeError, line: int, text: str) -> ImportProblem:
    if f'"{CUT_OFF}' in text[-2_000:]:
        return ImportProblem("The transcript was cut off when it was downloaded, as its end says. Download it again.")
    return ImportProblem(f"Line {line}, column {error.colno}: this isn’t valid JSON ({error.msg}).")


# Markdown


def _headings(text: str, transcript: Transcript) -> list[Any]:
    found = []
    for number, message in enumerate(read_markdown(text), start=1):
        for reason in message.left_out:
            transcript.leave_out(number, message.label, reason)
        if message.item is None:
            found.append({"type": message.label} if message.label else None)
        else:
            found.append(message.item)
    return found
