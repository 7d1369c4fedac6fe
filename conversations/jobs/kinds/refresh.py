"""Refreshing: each conversation is read again, and its row says what the read found."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from django.db.models import F
from django.utils import timezone

from ...models import Conversation, Credential, Job, JobBatch
from ...models.conversation_queryset import ConversationQuerySet
from ...openai.errors import NotFound
from ...query import parse_bounded
from ...search import Search
from ...services.readings import Reading, store_readings
from ..tasks import Answer, Task
from .base import JobProblem, Kind, NewItem, source_of, waiting_items

CHUNK = 2_000  # items that are listed with one statement


class Refresh(Kind):
    """Reads conversations of the index again.

    Its items are the result of a search, or by `parameters["source"]` what the schedule chose: "stale" conversations,
    which were not read for a while, or those that an application "registered".
    """

    permission = "conversations.change_conversation"

    def items(self, job: Job) -> Iterator[list[NewItem]]:
        source = job.parameters.get("source", "search")
        yield from {"search": _matching, "stale": _stale, "registered": _registered}[source](job)

    def tasks(self, job: Job, batch: JobBatch, credential: Credential) -> list[Task]:
        items = waiting_items(batch)
        keys = [item.conversation_id for item in items if item.conversation_id is not None]
        checked_at = dict(Conversation.objects.filter(pk__in=keys).values_list("pk", "checked_at"))
        sources = [source_of(credential)]
        return [
            Task(item, batch, sources, item.conversation_id in checked_at, checked_at.get(item.conversation_id or 0))
            for item in items
        ]

    def store(self, job: Job, answers: Sequence[Answer]) -> None:
        store_read(job, answers, origin=None)


def store_read(job: Job, answers: Sequence[Answer], *, origin: str | None) -> None:
    """Store what reads found, and end their items."""
    readings = [reading_of(answer) for answer in answers]
    for answer, stored in zip(answers, store_readings(readings, job=job, origin=origin), strict=True):
        item = answer.task.item
        if stored.outcome is None:
            item.message = stored.message
            continue
        request_id = (answer.error or answer.value).request_id
        status = answer.error.status if answer.error else 200
        item.end(
            stored.outcome,
            message=stored.message,
            status=status,
            request_id=request_id,
            conversation=stored.conversation,
            credential=answer.credential,
        )


def reading_of(answer: Answer) -> Reading:
    """The reading in the answer to a read."""
    response = answer.error if isinstance(answer.error, NotFound) else answer.value
    task = answer.task
    return Reading(answer.credential, task.item.openai_id, response, task.checked_at, task.was_known)


def _matching(job: Job) -> Iterator[list[NewItem]]:
    """What the job's search finds for its actor, now."""
    query = parse_bounded(job.query)
    if job.actor is None:
        raise JobProblem(f"{job.actor_name} no longer has an account.")
    search = Search.for_user(query, job.actor)
    if search.query.problems:
        raise JobProblem(f"The search isn’t understood: {search.query.problems[0].message}")
    sort_keys = search.sort_keys()
    while chunk := list(islice(sort_keys, CHUNK)):
        yield _new_items(search.visible.filter(sort_key__in=chunk).order_by("-sort_key"))


def _stale(job: Job) -> Iterator[list[NewItem]]:
    """Those that were read the longest ago, at most as many as the schedule allows in an hour."""
    for credential in job.credentials.all():
        limit = timezone.now() - timedelta(days=credential.refresh_after_days or 0)
        rows = Conversation.objects.filter(credential=credential).kept()
        room = int(job.parameters["most"])
        unread = _new_items(rows.filter(checked_at=None).order_by("pk")[:room])
        yield unread
        yield _new_items(rows.filter(checked_at__lt=limit).order_by("checked_at")[: room - len(unread)])


def _registered(job: Job) -> Iterator[list[NewItem]]:
    for credential in job.credentials.all():
        yield _new_items(due_registrations(credential)[: int(job.parameters["most"])])


def due_registrations(credential: Credential) -> ConversationQuerySet:
    """The registered conversations that no job has tried to read within the last hour."""
    recently = timezone.now() - timedelta(hours=1)
    rows = Conversation.objects.filter(credential=credential).registered_unread()
    tried = rows.filter(job_items__finished_at__gt=recently) | rows.filter(job_items__outcome="")
    return rows.exclude(pk__in=tried.values("pk")).order_by("pk")


def _new_items(rows: ConversationQuerySet) -> list[NewItem]:
    return [NewItem(*values) for values in rows.values_list("openai_id", "credential_id", F("pk"))]
