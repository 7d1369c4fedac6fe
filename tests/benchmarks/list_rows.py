"""How long the rows of the list take: by the tag, by the tag with Django's format_html, and by an include. Run by hand:

.venv/bin/python -m tests.benchmarks.list_rows
"""

import os
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Any
from unittest import mock

import django

ROWS, ROUNDS = 50, 100
CHIP = '<span class="chip"><b>{{ key }}</b><span>{{ value }}</span></span>'
ROW = f"""<tr id="c{{{{ row.pk }}}}" data-id="{{{{ row.openai_id }}}}">
<td><input type="checkbox" aria-label="Select {{{{ row.short_id }}}}" data-select></td>
<td class="list-id"><a href="{{{{ row.url }}}}" title="{{{{ row.openai_id }}}}">{{{{ row.short_id }}}}</a></td>
<td class="list-metadata"><div class="chips">{{% for key, value in row.chips %}}{CHIP}{{% endfor %}}</div></td>
<td class="list-credential">{{{{ row.credential }}}}</td>
<td class="list-state"><span class="badge badge-{{{{ row.tone }}}}">{{{{ row.state }}}}</span></td>
<td class="list-when"><span class="list-label">created </span>{{{{ row.created }}}}</td>
</tr>"""


def milliseconds(render: Callable[[], Any]) -> float:
    """The median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        render()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def conversations() -> list[Any]:
    """Conversations as the list reads them, without a database."""
    from django.utils import timezone

    from conversations.models import Conversation, Credential

    credential, rows = Credential(pk=1, name="Example shop"), []
    for number in range(ROWS):
        row = Conversation(pk=number, credential=credential, openai_id=f"conv_{number:048x}", state="active")
        row.created_at = timezone.now() - timedelta(minutes=37 * number)
        row.short_metadata = {"tenant": f"tenant-{number:04}", "env": "prod", "topic": "a <b>", "user": "u_1", "x": "y"}
        rows.append(row)
    return rows


def prepared(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The values that a row's template would get."""
    from conversations.templatetags.convadmin import CHIPS, short_id, shortened, when
    from conversations.templatetags.items import exact

    return [
        {
            "pk": row.pk,
            "openai_id": row.openai_id,
            "short_id": short_id(row.openai_id),
            "url": f"/conversations/{row.pk}/?q=",
            "chips": [
                (exact(key), exact(shortened(value))) for key, value in islice(row.short_metadata.items(), CHIPS)
            ],
            "credential": row.credential.name,
            "tone": "good",
            "state": "Active",
            "created": when(row.created_at),
        }
        for row in rows
    ]


def main() -> None:
    """Print the three medians."""
    django.setup()
    from django.template import engines
    from django.utils.html import format_html, format_html_join

    from conversations.templatetags import convadmin, listing

    engine: Any = engines["django"]
    rows = conversations()
    by_tag = engine.from_string("{% load listing %}{% rows rows columns url %}")
    by_include = engine.from_string("{% for row in rows %}{% include row_template %}{% endfor %}")
    row_template = engine.from_string(ROW).template

    def tag() -> str:
        rendered: str = by_tag.render({"rows": rows, "columns": (), "url": "?q="})
        return rendered

    def each(template: str, values: Iterable[Any]) -> str:
        return format_html_join("", template.replace("%s", "{}"), values)

    def one(template: str, *values: Any) -> str:
        return format_html(template.replace("%s", "{}"), *values)

    print(f"tag: {milliseconds(tag):.2f} ms")  # noqa: T201
    with (
        mock.patch.object(listing, "filled_each", each),
        mock.patch.object(convadmin, "filled_each", each),
        mock.patch.object(convadmin, "filled", one),
    ):
        print(f"tag with format_html: {milliseconds(tag):.2f} ms")  # noqa: T201
    include = milliseconds(lambda: by_include.render({"rows": prepared(rows), "row_template": row_template}))
    print(f"include with prepared values: {include:.2f} ms")  # noqa: T201


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    main()
