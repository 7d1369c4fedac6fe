"""Downloading a whole transcript: read a page at a time, never stored; each download is an event.

A download locks nothing and may take longer than a web request: its event shows a sign of life with each page.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import chain

from django.contrib.auth.models import User

from ..exports.transcripts import File
from ..models import Action, Conversation, Event, Job, Outcome
from ..models.event_queryset import Subject
from ..openai.client import ItemPage
from ..openai.errors import OpenAIError
from .clients import client_for
from .errors import CredentialUnusable
from .items import all_pages
from .recording import fail, start

ITEMS_AT_ONCE = 20  # items whose text is in memory at a time, however many a page has

logger = logging.getLogger(__name__)


def download(
    *, actor: User, conversation: Conversation, file: File, include: Sequence[str] = (), job: Job | None = None
) -> Iterator[str]:
    """The text of the file, a page of items at a time. The first page is read at once.

    Raises OpenAIError or CredentialUnusable where that fails. A later failure ends the file with a sentence that says
    so, and is raised then, so that the web server cuts the connection.
    """
    # A credential that can't be used starts no event.
    client_for(conversation.credential)
    event = start(actor=actor, action=Action.EXPORT, subject=Subject.of(conversation), job=job)
    read = all_pages(conversation, include)
    try:
        first = next(read)
    except OpenAIError as error:
        fail(event, error, changes=False)
        raise
    text = _written(event, file, first, read)
    next(text)  # a generator that never started could not notice that it was dropped
    return text


def _written(event: Event, file: File, first: ItemPage, rest: Iterator[ItemPage]) -> Iterator[str]:
    try:
        yield ""
        yield file.head()
        for page in chain([first], rest):
            yield from _page(event, file, page)
        yield file.foot()
    except (OpenAIError, CredentialUnusable) as error:
        logger.warning("The download of event %s was cut off after %s items.", event.pk, event.item_count)
        yield file.truncated(_reason(event, error))
        _finish_failed(event, error)
        raise
    except Exception as error:
        yield file.truncated(f"{event.item_count} items were read before. Convadmin failed ({type(error).__name__}).")
        event.finish(Outcome.FAILED)
        raise
    except GeneratorExit:  # the browser went away
        event.finish(Outcome.STOPPED)
        raise
    event.finish(Outcome.SUCCEEDED)


def _page(event: Event, file: File, page: ItemPage) -> Iterator[str]:
    event.item_count += len(page.items)
    event.request_id = page.request_id[:200]
    event.touch("item_count", "request_id")
    for first in range(0, len(page.items), ITEMS_AT_ONCE):
        yield file.page(page.items[first : first + ITEMS_AT_ONCE])


def _reason(event: Event, error: OpenAIError | CredentialUnusable) -> str:
    message = error.full_message if isinstance(error, OpenAIError) else str(error)
    return f"{event.item_count} items were read before. {message}"


def _finish_failed(event: Event, error: OpenAIError | CredentialUnusable) -> None:
    if isinstance(error, OpenAIError):
        fail(event, error, changes=False)
    else:
        event.finish(Outcome.FAILED)
