"""Tags of the list. Its rows are built in Python, because of the time: 50 rows take 0.9 ms here, and 2.4 ms by one
include with prepared values (`python -m tests.benchmarks.list_rows`), of a page that should take 8 ms.
"""

from collections.abc import Container, Iterable, Sequence
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..metadata import as_text
from ..models import Conversation
from ..pages.facets import Column
from ..pages.list_state import kept_result as kept_result_of
from .convadmin import badge, chips_that_fit, short_id, shortened, when
from .items import exact
from .markup import filled_each

register = template.Library()

EXAMPLES = [
    ("plan:pro", "the key plan has the value pro"),
    ('topic:"password reset"', "a value of several words"),
    ("-env:prod", "not this value"),
    ("plan:pro,free", "one of several values"),
    ("user_id:u_*", "values that begin with u_"),
    ("has:order_id", "has the key"),
    ("state:missing", "OpenAI no longer has it"),
    ("created:7d", "created in the last 7 days"),
    ("created:2026-10-01..2026-10-31", "created between two days"),
    ("refund", "refund in any value"),
]
LABELS = 6  # under the bars of the histogram, at most

ROW = """<tr id="c%s" data-id="%s">
<td class="list-select"><input type="checkbox" name="pick" value="%s" form="selection" aria-label="Select %s"
data-select></td>
<td class="list-id"><a href="%s" title="%s">%s</a></td>
%s<td class="list-metadata"><div class="chips chips-fit">%s</div></td>
<td class="list-credential" title="%s">%s</td>
<td class="list-state">%s</td>
<td class="list-when"><span class="list-label">created </span>%s</td>
</tr>
"""
ON_HOLD = SafeString(' <span class="badge badge-warn">On hold</span>')
ERASED = SafeString('<span class="badge badge-off">Erased</span>')
TOO_LARGE = format_html('<span class="chip chip-more">{}</span>', "too large for the list")


@register.simple_tag
def rows(
    conversations: Iterable[Conversation],
    columns: Sequence[str],
    url: str,
    held: Container[int] = (),
    erased: Container[int] = (),
) -> SafeString:
    """The rows of the list; `url` is the list's, so that a conversation's page can lead back to it. `held` and
    `erased`: the primary keys of those that are on legal hold, and of those that were erased."""
    page = reverse("conversation_detail", args=[0]).partition("0")  # reversed once, not for each row
    urls = ((each, f"{page[0]}{each.pk}{page[2]}{url}") for each in conversations)
    found = ((*pair, _badges(pair[0], held, erased)) for pair in urls)
    return filled_each(ROW, (_row(each, columns, url, badges) for each, url, badges in found))


def _badges(conversation: Conversation, held: Container[int], erased: Container[int]) -> SafeString:
    state = ERASED if conversation.pk in erased else badge(conversation.state)
    return state + ON_HOLD if conversation.pk in held else state


def _row(conversation: Conversation, columns: Sequence[str], url: str, badges: SafeString) -> tuple[Any, ...]:
    metadata = conversation.short_metadata
    others = {key: value for key, value in (metadata or {}).items() if key not in columns}
    cells = filled_each('<td class="list-column" dir="auto">%s</td>', _cells(conversation, columns))
    short = short_id(conversation.openai_id)
    return (
        conversation.pk,
        conversation.openai_id,
        conversation.pk,
        short,
        url,
        conversation.openai_id,
        short,
        cells,
        chips_that_fit(others) if metadata is not None else TOO_LARGE,
        conversation.credential.name,
        conversation.credential.name,
        badges,
        when(conversation.created_at),
    )


def _cells(conversation: Conversation, columns: Sequence[str]) -> Iterable[tuple[str]]:
    metadata = conversation.short_metadata or {}
    for column in columns:
        value = shortened(as_text(metadata[column])) if column in metadata else ""
        yield (exact(value),)


@register.simple_tag(takes_context=True)
def kept_result(context: dict[str, Any], **more: str) -> str:
    """The query string that keeps the search result that the conversation's page was opened from."""
    return kept_result_of(dict(context["request"].GET.lists()), **more)


@register.inclusion_tag("conversations/_search_help.html")
def search_examples() -> dict[str, Any]:
    """Examples of the search language, each a link."""
    return {"examples": EXAMPLES, "time_zone": settings.TIME_ZONE}


@register.inclusion_tag("conversations/_axis.html")
def axis(columns: Sequence[Column]) -> dict[str, Any]:
    """Labels under a few bars, from the first to the last: where each stands, in percent, and which part of it."""
    count = min(LABELS, len(columns))
    if count < 2:
        return {"labels": [(0, "start", column.label) for column in columns]}
    positions = [round(number * (len(columns) - 1) / (count - 1)) for number in range(count)]
    labels = [(100 * (at + 0.5) / len(columns), "middle", columns[at].short_label) for at in positions]
    labels[0], labels[-1] = (0, "start", labels[0][2]), (100, "end", labels[-1][2])
    return {"labels": labels}
