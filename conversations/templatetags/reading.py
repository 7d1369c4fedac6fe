"""Texts of items on a page: rendered or as they are, with the places marked that the reader looks for."""

import html
import re
from typing import Any

from django import template
from django.utils.safestring import SafeString

from ..items import DisplayedItem, Line, Turn, line_of
from ..items.finding import places
from ..pages.reading import Hit, Reading
from ..pages.transcript_state import TranscriptState
from .items import shown, shown_parts

register = template.Library()

MAX_PLACES = 500  # of one text that are marked; all are counted

_TAG = re.compile(r"(<[^>]*>)")


@register.simple_tag(takes_context=True)
def words(context: dict[str, Any], text: str) -> SafeString:
    """Untrusted text as HTML that only shows it."""
    reading: Reading | None = context.get("reading")
    return _found(text, reading.state.find) if reading and reading.state.find else shown(text)


@register.simple_tag(takes_context=True)
def rendered(context: dict[str, Any], item: DisplayedItem, kind: str, text: str) -> SafeString:
    """A block of an item as sanitised HTML, if it's Markdown that the reader wants rendered; otherwise empty."""
    reading: Reading | None = context.get("reading")
    if reading is None or not reading.is_rendered(item, kind):
        return SafeString("")
    pieces = _TAG.split(reading.rendered(text))  # every other piece is a tag, in which nothing has to be marked
    pieces[::2] = [_found(html.unescape(piece), reading.state.find) for piece in pieces[::2]]
    return SafeString("".join(pieces))


@register.simple_tag(takes_context=True)
def wants_rendered(context: dict[str, Any], item: DisplayedItem, kind: str) -> bool:
    """Whether the reader wants blocks of this kind, of this item, rendered."""
    reading: Reading | None = context.get("reading")
    return reading is not None and reading.is_rendered(item, kind)


@register.filter
def named(item: DisplayedItem) -> str:
    """What to call an item in a sentence: "user message", "function call"."""
    name = item.label.lower()
    return f"{name} message" if item.kind == name else name


@register.filter
def at_item(state: TranscriptState, item: DisplayedItem) -> str:
    """The URL of the transcript around an item."""
    return state.at_item(item.id)


@register.simple_tag
def beside(state: TranscriptState, turn: Turn) -> str:
    """The URL of the items beside a turn among which its counterpart may be."""
    # An output is newer than its call.
    is_after = (turn.lacks == "output") != state.newest_first
    return state.after_item(turn.item.id) if is_after else state.before_item(turn.item.id)


@register.simple_tag(takes_context=True)
def is_open(context: dict[str, Any], turn: Turn) -> bool:
    """Whether a turn is shown open."""
    reading: Reading = context["reading"]
    return reading.is_open(turn, context.get("broken", frozenset()))


@register.simple_tag(takes_context=True)
def hit_of(context: dict[str, Any], item: DisplayedItem) -> Hit | None:
    """How often an item contains what the reader looks for; None if it doesn't."""
    reading: Reading | None = context.get("reading")
    return reading.hits.get(item.id) if reading else None


@register.filter
def line(turn: Turn) -> Line | None:
    """What is visible of a turn while it's folded; None if it can't be."""
    return line_of(turn)


def _found(text: str, wanted: str) -> SafeString:
    """The text as `shown()` shows it, with what is wanted marked."""
    parts, at = [], 0
    for number, (start, end) in enumerate(places(text, wanted)):
        if number == MAX_PLACES:
            break
        parts += [text[at:start], text[start:end]]
        at = end
    pieces = shown_parts([*parts, text[at:]])
    pieces[1::2] = [f"<mark>{piece}</mark>" for piece in pieces[1::2]]
    return SafeString("".join(pieces))
