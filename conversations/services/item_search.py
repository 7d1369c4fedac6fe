"""Looking through a transcript: for the items that contain a text, and for the page that contains an item.

Items are read from OpenAI, and nothing is stored.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from ..items import displayed
from ..items.finding import matches
from ..models import Conversation
from ..openai.client import Calls
from ..openai.errors import OpenAIError
from .clients import calls_for
from .items import NEWEST_FIRST, OLDEST_FIRST, list_items, read_page

MAX_FOUND = 100  # items that contain the text, after which no further page is read
BEFORE = 10  # items that are shown before the one that a link leads to


@dataclass(frozen=True)
class Found:
    """The items that contain a text, among `count` that were read; `matches`: how often they do.

    `rest`: the id after which items weren't read, "" if all were; `is_cut`: the server says that there are more items,
    but doesn't return them; `failure`: why no more were read, if a call failed.
    """

    items: list[Any]
    matches: int
    count: int
    rest: str
    is_cut: bool = False
    failure: OpenAIError | None = None


def find_items(
    *, conversation: Conversation, wanted: str, newest_first: bool, after: str, include: Sequence[str]
) -> Found:
    """The items that contain a text, from the beginning or after an item.

    No further page is read after half of a web request's time. Raises OpenAIError or CredentialUnusable if not even one
    page could be read.
    """
    found: list[Any] = []
    number = count = 0
    is_cut, failure = False, None
    calls, deadline = calls_for(conversation.credential), time.monotonic() + settings.REQUEST_BUDGET / 2
    while True:
        try:
            page = list_items(
                conversation=conversation, newest_first=newest_first, after=after, include=include, calls=calls
            )
        except OpenAIError as error:
            if not count:
                raise
            failure = error
            break
        hits = [(item, hits) for item in page.items if (hits := matches(displayed(item), wanted))]
        found += [item for item, _ in hits]
        number += sum(hits for _, hits in hits)
        count, is_cut, is_stuck, after = count + len(page.items), page.is_cut, page.later == after, page.later
        if not after or is_stuck or len(found) >= MAX_FOUND or time.monotonic() > deadline:
            break
    return Found(found, number, count, after, is_cut, failure)


def cursor_before(*, conversation: Conversation, item_id: str, newest_first: bool, calls: Calls) -> str:
    """The id after which a page contains the item, a few others before it; "" for the first page.

    Raises OpenAIError, such as NotFound if there's no such item.
    """
    order = OLDEST_FIRST if newest_first else NEWEST_FIRST
    page = read_page(calls, conversation.openai_id, order=order, after=item_id, most=BEFORE + 1)
    return page.last_id if len(page.items) > BEFORE else ""
