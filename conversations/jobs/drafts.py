"""Drafts of jobs on conversations of the index: their items are listed at once, and stay what they are.

What a person looks at before they start a job is the list that the job works on: what comes to match later is not
touched, and what is gone by then is told.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from ..models import Conversation, Credential, ErasureRequest, Job, JobKind, JobOutcome
from ..models.conversation_queryset import ConversationQuerySet
from ..search import Search
from . import control
from .kinds.base import NewItem
from .preparation import ItemWriter

CHUNK = 2_000  # items that are listed with one statement


class TooMany(Exception):
    """More conversations match than one job may work on."""

    def __init__(self) -> None:
        limit = settings.BULK_LIMIT
        super().__init__(f"More than {limit:,} conversations match, which is the limit for one job. Narrow the search.")


class Nothing(Exception):
    """There is no conversation to work on."""

    def __init__(self) -> None:
        super().__init__("No conversation was chosen. Tick some, or choose all that match.")


def draft_of_search(*, actor: User, kind: str, search: Search, query: str, **more: Any) -> Job:
    """A draft on everything that a search of the actor finds now. Raises TooMany or Nothing."""
    return _draft(actor, kind, _rows_of([search], search.visible), query=query, **more)


def draft_of_rows(*, actor: User, kind: str, keys: Sequence[int], **more: Any) -> Job:
    """A draft on these conversations, as far as the actor may see them. Raises TooMany or Nothing."""
    rows = Conversation.objects.visible_to(actor).filter(pk__in=list(keys)).order_by("-sort_key")
    return _draft(actor, kind, iter([list(rows.values_list("openai_id", "credential_id", F("pk")))]), **more)


def draft_of_request(*, actor: User, kind: str, request: ErasureRequest, searches: Sequence[Search]) -> Job:
    """A draft on everything that one of the searches of an erasure request finds now. Raises TooMany or Nothing."""
    rows = _rows_of(searches, searches[0].visible)
    return _draft(actor, kind, rows, request=request, reason=request.reference)


def draft_of_undo(*, actor: User, job: Job) -> Job:
    """A draft that undoes what a job edited. Raises TooMany or Nothing."""
    # Some that failed were changed in part: the undoing finds out.
    edited = job.items.visible_to(actor).filter(outcome__in=[JobOutcome.EDITED, JobOutcome.FAILED])
    # What was transferred since then may belong to a credential that the actor can't use (R23).
    own = edited.filter(conversation__credential=F("credential"))
    rows = own.values_list("openai_id", "credential_id", "conversation_id").order_by("pk")
    return _draft(actor, JobKind.UNDO, _chunked(rows.iterator(chunk_size=CHUNK)), undoes=job)


def _draft(actor: User, kind: str, chunks: Iterator[list[Any]], **more: Any) -> Job:
    job = control.create(kind=kind, credentials=[], actor=actor, is_draft=True, **more)
    try:
        total = _write(job, chunks)
        if not total:
            raise Nothing
    except BaseException:
        control.discard(job)
        raise
    used = job.items.order_by().values_list("credential_id", flat=True).distinct()
    job.credentials.set(Credential.objects.with_keys(used))
    job.total = total
    job.save(update_fields=["total"])
    return job


def _write(job: Job, chunks: Iterable[list[Any]]) -> int:
    writer, count = ItemWriter(job), 0
    for chunk in chunks:
        count += len(chunk)
        if count > settings.BULK_LIMIT:
            raise TooMany
        # Each chunk in a transaction of its own: a long list must not keep everyone else from writing.
        with transaction.atomic():
            writer.write([NewItem(*values) for values in chunk])
    return job.items.count()


def _rows_of(searches: Sequence[Search], visible: ConversationQuerySet) -> Iterator[list[Any]]:
    """Id, credential and key of what one of the searches finds, some at a time."""
    for sort_keys in found_by_any(searches):
        rows = visible.filter(sort_key__in=sort_keys).order_by("-sort_key")
        yield list(rows.values_list("openai_id", "credential_id", F("pk")))


def found_by_any(searches: Sequence[Search]) -> Iterator[list[int]]:
    """The sort keys of what one of the searches finds, each once, some at a time."""
    seen: set[int] = set()
    for search in searches:
        for chunk in _chunked(search.sort_keys()):
            yield [sort_key for sort_key in chunk if sort_key not in seen]
            seen.update(chunk if len(searches) > 1 else ())


def _chunked(values: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(values, CHUNK)):
        yield chunk
