"""Text of items and metadata on a page: exact, and harmless whatever it contains."""

import html
import re
import unicodedata
from collections.abc import Sequence

from django import template
from django.utils.safestring import SafeString

from ..metadata import REPLACEMENT

register = template.Library()

MAX_MARKED = 2_000  # in one text; if there are more, each is shown as U+FFFD

# What a page would hide or obey: control characters except tab and line feed, characters that change the direction of
# the text after them, and invisible ones. Each is put into an element of its own, where it has no effect and is shown
# by its name; copied text contains it.
_CONTROLS = "\x01-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028\u2029\u2060-\u2064\u206a-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\U000e0001-\U000e007f"
)
_SPACES = "\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # all but the ordinary one
_AT_ENDS = " \t\n"

_SHOWN = re.compile(f"[{_CONTROLS}{_UNSEEN}]")
_EXACT = re.compile(f"[\t{_CONTROLS}{_UNSEEN}{_SPACES}]|(?<= ) ")

_ZWJ, _ZWNJ = "\u200d", "\u200c"
_EMOJI = re.compile("[\u00a9\u00ae\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_JOINING = re.compile("[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af]")  # letters that joiners change
_FLAG_OR_TAG = re.compile("[\U0001f3f4\U000e0020-\U000e007f]")

_NAMES = {
    "\x1b": "ESC",
    "\r": "CR",
    "\n": "LF",
    "\t": "TAB",
    "\x7f": "DEL",
    "\x08": "BS",
    "\x07": "BEL",
    " ": "SP",
    "\u00a0": "NBSP",
    "\u00ad": "SHY",
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u061c": "ALM",
    "\u2060": "WJ",
    "\ufeff": "BOM",
}

STATUS_TONES = {"completed": "off", "in_progress": "info", "incomplete": "warn", "failed": "bad"}


@register.filter
def shown(text: str) -> SafeString:
    """Untrusted text as HTML that only shows it."""
    return SafeString(_marked(_SHOWN, html.escape(text.replace("\r\n", "\n"), quote=False)))


def shown_parts(parts: Sequence[str]) -> list[str]:
    """The parts of one untrusted text, each as `shown()` shows it, with one limit for all."""
    most = MAX_MARKED // len(parts) if len(parts) > 1 and _SHOWN.search("".join(parts)) else MAX_MARKED
    return [_marked(_SHOWN, html.escape(part.replace("\r\n", "\n"), quote=False), most) for part in parts]


@register.filter
def exact(text: str) -> SafeString:
    """A key or value as HTML in which no two different ones look alike: spaces at the ends, and unusual spaces
    anywhere, are marked too."""
    escaped = html.escape(text)
    inner = escaped.strip(_AT_ENDS)
    if len(inner) == len(escaped):
        return SafeString(_marked(_EXACT, escaped))
    before = escaped[: len(escaped) - len(escaped.lstrip(_AT_ENDS))]
    after = escaped[len(before) + len(inner) :]
    return SafeString(_each(before) + _marked(_EXACT, inner) + _each(after))


def _marked(pattern: re.Pattern[str], escaped: str, most: int = MAX_MARKED) -> str:
    if not pattern.search(escaped):
        return escaped
    hits = {found.start() for found in pattern.finditer(escaped) if not _belongs(found)}
    write = _mark if len(hits) <= most else _replaced
    return pattern.sub(lambda found: write(found[0]) if found.start() in hits else found[0], escaped)


def _belongs(found: re.Match[str]) -> bool:
    """Whether an invisible character joins its neighbours into one sign: emoji, joining letters, or the letters after a
    black flag that name a region."""
    character, before, after = found[0], _at(found, found.start() - 1), _at(found, found.end())
    if character in (_ZWJ, _ZWNJ) and _JOINING.match(before):
        return _JOINING.match(after) is not None
    if character == _ZWJ:
        return (before == "\ufe0f" or _EMOJI.match(before) is not None) and _EMOJI.match(after) is not None
    return character > "\U000e0001" and _FLAG_OR_TAG.match(before) is not None


def _at(found: re.Match[str], position: int) -> str:
    return found.string[position : position + 1] if position >= 0 else ""


def _each(spaces: str) -> str:
    return "".join(map(_mark if len(spaces) <= MAX_MARKED else _replaced, spaces))


def _replaced(character: str) -> str:
    return REPLACEMENT


def _mark(character: str) -> str:
    code = f"U+{ord(character):04X}"
    written = "&#13;" if character == "\r" else character  # unescaped, browsers read it as a line feed
    name = unicodedata.name(character, _NAMES.get(character, code))
    return f'<bdi class="control" data-name="{_NAMES.get(character, code)}" title="{code} {name}">{written}</bdi>'


@register.filter
def status_tone(status: str) -> str:
    """The colour of an item's status."""
    return STATUS_TONES.get(status, "info")


@register.filter
def in_words(name: str) -> str:
    """A name of the API, such as in_progress, with spaces."""
    return name.replace("_", " ")


@register.filter
def grouped(number: int) -> str:
    """A number with thousands separators."""
    return f"{number:,}"
