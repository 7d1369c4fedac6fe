"""Text of items on a page: exact, and harmless whatever it holds."""

import html
import re
import unicodedata

from django import template
from django.utils.safestring import SafeString

from ..metadata import REPLACEMENT

register = template.Library()

# What a page would hide or obey: control characters but tab and line feed, and those that turn the direction of what
# follows. Each stands in an element of its own, where it turns nothing, and is seen by its name; a copy holds it.
_CONTROL = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NAMES = {"\x1b": "ESC", "\r": "CR", "\x7f": "DEL", "\x08": "BS", "\x07": "BEL"}
MOST_MARKED = 2_000  # in one text; where there are more, each shows as U+FFFD

STATUS_TONES = {"completed": "off", "in_progress": "info", "incomplete": "warn", "failed": "bad"}


@register.filter
def shown(text: str) -> SafeString:
    """Text of anybody's, as HTML that shows it and does nothing else."""
    escaped = html.escape(text.replace("\r\n", "\n"), quote=False)
    if not _CONTROL.search(escaped):
        return SafeString(escaped)
    if len(_CONTROL.findall(escaped)) > MOST_MARKED:
        return SafeString(_CONTROL.sub(REPLACEMENT, escaped))
    return SafeString(_CONTROL.sub(lambda found: _mark(found[0]), escaped))


def _mark(character: str) -> str:
    code = f"U+{ord(character):04X}"
    written = "&#13;" if character == "\r" else character  # as itself, browsers take it for a line feed
    name = _NAMES.get(character) or unicodedata.name(character, code)
    return f'<bdi class="control" data-name="{_NAMES.get(character, code)}" title="{code} {name}">{written}</bdi>'


@register.filter
def status_tone(status: str) -> str:
    """The colour of an item's status."""
    return STATUS_TONES.get(status, "info")


@register.filter
def in_words(name: str) -> str:
    """A name of the API, such as in_progress, as words."""
    return name.replace("_", " ")


@register.filter
def grouped(number: int) -> str:
    """A number with its thousands set apart."""
    return f"{number:,}"
