"""Listing: the server's own list of conversations is walked, page by page, and all of it is indexed.

Only some servers have a list; OpenAI has none. The job begins with one item, the walk, which waits until the list has
ended, and gets one more for each conversation that the list has. `parameters["after"]` is the last id that was stored:
there the walk goes on after a pause or a crash.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...models import Credential, Job, JobBatch, JobItem, JobOutcome, Origin
from ...openai.client import RemoteConversation
from ...openai.errors import OpenAIError
from ...services.readings import Reading, store_readings
from ..tasks import Answer, Task, read
from .base import Kind, KnownRows, NewItem, known_rows, source_of, waiting_items
from .refresh import store_read

PAGE = 100  # conversations, the most that a server returns at once
NO_LIST = (400, 404, 405, 501)  # what servers without a list respond


class NoList(NamedTuple):
    """The server has no list; `message` is what it says instead."""

    message: str
    status: int | None
    request_id: str


class Listing(Kind):
    """Indexes everything that the server of one credential lists."""

    permission = "conversations.add_conversation"

    def items(self, job: Job) -> Iterator[list[NewItem]]:
        # The walk has no id: the empty one stands for it.
        yield [NewItem("", credential.pk) for credential in job.credentials.all()]

    def tasks(self, job: Job, batch: JobBatch, credential: Credential) -> list[Task]:
        sources = [source_of(credential)]
        items = waiting_items(batch)
        known = known_rows([credential], [item.openai_id for item in items])
        return [
            Task(item, batch, sources, item.openai_id in known, known.get(item.openai_id, (None, 0))[0])
            for item in items
        ]

    def call(self, task: Task) -> Answer:
        if task.item.openai_id:  # listed before, and tried again
            return read(task)
        source, after = task.sources[0], task.batch.job.parameters.get("after", "")
        try:
            return Answer(task, source, value=source.calls().list_conversations(limit=PAGE, after=after))
        except OpenAIError as error:
            if not after and error.status in NO_LIST:
                return Answer(task, source, value=NoList(error.message, error.status, error.request_id))
            return Answer(task, source, error=error)

    def store(self, job: Job, answers: Sequence[Answer]) -> None:
        store_read(job, [answer for answer in answers if answer.task.item.openai_id], origin=Origin.LISTED)
        for answer in answers:
            if not answer.task.item.openai_id:
                self._store_step(job, answer)

    def _store_step(self, job: Job, answer: Answer) -> None:
        """Store one page of the walk."""
        credential, item, page = answer.credential, answer.task.item, answer.value
        _remember(credential, can_list=not isinstance(page, NoList))
        if isinstance(page, NoList):
            message = f"This server doesn’t list its conversations. It says: {page.message}"
            item.end(JobOutcome.FAILED, message=message, status=page.status, request_id=page.request_id)
            return
        _store_page(answer.task.batch, credential, page.conversations)
        if page.has_more:
            job.parameters["after"] = page.last_id
            job.save(update_fields=["parameters"])
        else:
            item.delete()


def _remember(credential: Credential, *, can_list: bool) -> None:
    if credential.can_list is not can_list:
        Credential.objects.filter(pk=credential.pk).update(can_list=can_list)
        credential.can_list = can_list


def _store_page(batch: JobBatch, credential: Credential, conversations: Sequence[RemoteConversation]) -> None:
    """Store the conversations of a page as if each had been read, with an item for each."""
    items = [JobItem(job=batch.job, batch=batch, credential=credential, openai_id=each.id) for each in conversations]
    known = known_rows([credential], [each.id for each in conversations])
    readings = [_reading(credential, each, known) for each in conversations]
    for item, stored in zip(items, store_readings(readings, job=batch.job, origin=Origin.LISTED), strict=True):
        outcome = stored.outcome or JobOutcome.FAILED
        outcome = JobOutcome.KNOWN if outcome == JobOutcome.UNCHANGED else outcome
        item.end(outcome, message=stored.message, conversation=stored.conversation)
    # A list that moved while it was walked may have a conversation twice.
    JobItem.objects.bulk_create(items, ignore_conflicts=True)


def _reading(credential: Credential, remote: RemoteConversation, known: KnownRows) -> Reading:
    row = known.get(remote.id)
    return Reading(credential, remote.id, remote, row[0] if row else None, row is not None)
