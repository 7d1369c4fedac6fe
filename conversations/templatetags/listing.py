"""The rows of the list and the bars over it, written in Python: as nested template tags they would take most of
the page's time."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..metadata import as_text
from ..models import Conversation
from ..pages.facets import HEIGHT, Column
from ..pages.list_state import kept_result as kept_result_of
from .convadmin import badge, chips, short_id, shortened, when
from .items import exact
from .markup import filled_each

register = template.Library()

WIDTH, GAP = 960, 2  # of the histogram, in its own units
LABELS = 6  # under the bars, at most

ROW = """<tr id="c%s" data-id="%s">
<td class="list-select with-script"><input type="checkbox" aria-label="Select %s" data-select></td>
<td class="list-id"><a href="%s" title="%s">%s</a></td>
%s<td class="list-metadata"><div class="chips">%s</div></td>
<td class="list-credential">%s</td>
<td class="list-state">%s</td>
<td class="list-when"><span class="list-label">created </span>%s</td>
</tr>
"""
TOO_LARGE = format_html('<span class="chip chip-more">{}</span>', "too large for the list")


@register.simple_tag
def rows(conversations: Iterable[Conversation], columns: Sequence[str], url: str) -> SafeString:
    """The rows of the list; `url` is the list's, which a conversation's page keeps."""
    page = reverse("conversation_detail", args=[0]).partition("0")  # asked once, not for each row
    return filled_each(ROW, (_row(each, columns, f"{page[0]}{each.pk}{page[2]}{url}") for each in conversations))


def _row(conversation: Conversation, columns: Sequence[str], url: str) -> tuple[Any, ...]:
    metadata = conversation.short_metadata
    others = {key: value for key, value in (metadata or {}).items() if key not in columns}
    own = filled_each('<td class="list-column" dir="auto">%s</td>', _cells(conversation, columns))
    short = short_id(conversation.openai_id)
    return (
        conversation.pk,
        conversation.openai_id,
        short,
        url,
        conversation.openai_id,
        short,
        own,
        chips(others) if metadata is not None else TOO_LARGE,
        conversation.credential.name,
        badge(conversation.state),
        when(conversation.created_at),
    )


def _cells(conversation: Conversation, columns: Sequence[str]) -> Iterable[tuple[str]]:
    metadata = conversation.short_metadata or {}
    for column in columns:
        value = shortened(as_text(metadata[column])) if column in metadata else ""
        yield (exact(value),)


@register.simple_tag
def bars(columns: Sequence[Column], url: str) -> SafeString:
    """The bars as links to the list at `url`; those that were not counted are hatched by their class."""
    step = WIDTH / max(1, len(columns))
    return filled_each(
        '<a href="%s%s" tabindex="-1"><title>%s: %s</title>'
        '<rect class="bar-space" x="%s" y="0" width="%s" height="%s"/>'
        '<rect class="%s" x="%s" y="%s" width="%s" height="%s"/></a>',
        ((url, *_bar(column, place * step, max(1.0, step - GAP))) for place, column in enumerate(columns)),
    )


def _bar(column: Column, x: float, width: float) -> tuple[Any, ...]:
    said = "not counted" if column.number is None else f"{column.number:,}"
    kind = "bar-unknown" if column.number is None else "bar"
    left, wide = round(x, 2), round(width, 2)
    top = round(HEIGHT - column.height, 1)
    return column.url, column.label, said, left, wide, HEIGHT, kind, left, top, wide, column.height


@register.simple_tag(takes_context=True)
def kept_result(context: dict[str, Any], **more: str) -> str:
    """The query string that keeps the result from which a conversation's page was opened."""
    return kept_result_of(dict(context["request"].GET.lists()), **more)


@register.filter
def axis(columns: Sequence[Column]) -> list[str]:
    """A few of the bars' days, evenly spread from the first to the last."""
    count = min(LABELS, len(columns))
    if count < 2:
        return [column.label for column in columns]
    positions = [round(number * (len(columns) - 1) / (count - 1)) for number in range(count)]
    return [columns[position].short_label for position in positions]
