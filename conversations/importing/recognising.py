"""Ids in text."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from .shapes import once

OVERLAP = 4 * 1024  # characters that two parts of a long line have in common: as much as an id in a URL can have

_CONV = re.compile(r"conv_(?<![A-Za-z0-9_]conv_)[A-Za-z0-9_-]{8,250}+(?![A-Za-z0-9_-])")
_IN_URL = re.compile(r"/conversations/(?!conv_[A-Za-z0-9_-]{8})([^/?#\"'\s<>)\]},;\\]+)")
# What conversations.openai.ids allows, without white space and bytes that weren't text.
_TOKEN = re.compile(r"(?=[^0-9]*[0-9])[^/\s\0-\x1f\x7f-\x9f\ud800-\udfff\ufffd]{8,255}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_OTHER_PREFIX = re.compile(r"[A-Za-z]{2,12}[_-]")

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_AROUND = " \t\v\f\u00a0\"'`“”‘’,;" + _INVISIBLE


def is_token(text: str) -> bool:
    """Whether the whole text can be an id: one word with a digit, long enough, and without what no id contains."""
    return _TOKEN.fullmatch(text) is not None


def looks_like_conv(text: str) -> bool:
    """Whether the whole text is an id of OpenAI's form."""
    return text.startswith("conv_") and _CONV.fullmatch(text) is not None


def looks_like_id(text: str) -> bool:
    """Whether the whole text is an id by its form: OpenAI's, or a UUID."""
    return looks_like_conv(text) or _UUID.fullmatch(text) is not None


def is_of_something_else(text: str) -> bool:
    """Whether an id has the prefix of another kind of thing, such as msg_ or trace-."""
    return _OTHER_PREFIX.match(text) is not None and not looks_like_id(text)


def unwrapped(text: str) -> str:
    """The text without the quotes, commas and invisible characters that often stand around an id."""
    return text.strip(_AROUND)


def ids_in(text: str) -> list[str]:
    """The ids in any text, each once, in order: those that begin with conv_, and those in URLs of conversations."""
    return list(dict.fromkeys(each for _, each in _found(text, 0)))


def ids_in_entry(text: str) -> list[str]:
    """The ids in a line of a list, or in a cell: the whole of it, or those in its text."""
    entry = unwrapped(text)
    if not is_token(entry):
        return ids_in(text)
    is_labelled = "conv_" in entry and not entry.startswith("conv_")  # such as id=conv_…
    return (is_labelled and ids_in(entry)) or [entry]


def ids_in_parts(parts: Iterable[str]) -> Iterator[str]:
    """The ids in a text that comes in parts, each once."""
    return once(_in_parts(parts))


def _in_parts(parts: Iterable[str]) -> Iterator[str]:
    text, start = "", 0
    for part in parts:
        text += part
        # What begins near the end may go on in the next part, and is looked for there.
        border = len(text) - OVERLAP
        if border <= start:
            continue
        yield from (each for position, each in _found(text, start) if position < border)
        kept = max(border - 1, 0)  # with the character before it, which decides whether a word begins
        text, start = text[kept:], border - kept
    yield from (each for _, each in _found(text, start))


def _found(text: str, start: int) -> list[tuple[int, str]]:
    """The ids from a position on, each with its own."""
    found = [(match.start(), match[0]) for match in _CONV.finditer(text, start)] if "conv_" in text else []
    if "/conversations/" not in text:
        return found
    in_urls = ((match.start(), unquote(match[1]).rstrip(".:!")) for match in _IN_URL.finditer(text, start))
    return sorted([*found, *((position, each) for position, each in in_urls if is_token(each))])
