"""Importing ids: each is read through the chosen credentials, and added to the index.

`parameters`: `credentials`, their keys in the order in which they are tried; `read`, whether ids are read at all;
`tags`, metadata to be set at the server for what is imported; `shape`, how the file is read.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from ...importing import FoundId, ImportProblem, Shape, Tally, read_ids
from ...models import Conversation, Credential, ImportPart, Job, JobBatch, JobOutcome, Origin
from ...openai.errors import NotFound, OpenAIError
from ...openai.ids import is_legal_id
from ...services.conversations import get_conversation
from ...services.errors import BelongsToAnother, ServiceError
from ...services.metadata_edit import update_metadata
from ...services.readings import FOREIGN
from ..tasks import Answer, Source, Task, in_turn, read
from .base import JobProblem, Kind, NewItem, known_rows, source_of, waiting_items
from .refresh import store_read

KEPT_EVERY = 10.0  # seconds between two extensions of the lease
CHUNK = 2_000  # ids that are listed with one statement
MAX_IDS = 1_000_000
UNREAD_BATCH_SIZE = 1_000


class Import(Kind):
    """Brings known ids into the index."""

    permission = "conversations.add_conversation"

    def items(self, job: Job) -> Iterator[list[NewItem]]:
        tally = Tally()
        found = read_ids(_kept_alive(job), shape_of(job), tally)
        first = _keys(job)[0]
        count = 0
        try:
            while chunk := list(islice(found, CHUNK)):
                count += len(chunk)
                if count > MAX_IDS:
                    raise JobProblem(f"The file has more than {MAX_IDS:,} ids. Divide it, and import each part.")
                yield [_new_item(each, first) for each in chunk if is_legal_id(each.id)]
        except ImportProblem as problem:
            raise JobProblem(str(problem)) from None
        job.parameters["tally"] = {
            "lines": tally.lines,
            "found": tally.found,
            "duplicates": count - job.items.count(),
            "without_id": tally.without_id,
        }

    def calls_server(self, job: Job) -> bool:
        return bool(job.parameters["read"])

    def tasks(self, job: Job, batch: JobBatch, credential: Credential) -> list[Task]:
        credentials = credentials_of(job)
        items = waiting_items(batch)
        known = known_rows(credentials, [item.openai_id for item in items])
        # A conversation of the index is read through the credential that it belongs to, if that is one of them.
        sources = [source_of(credential) for credential in credentials] if self.calls_server(job) else []
        tasks = []
        for item in items:
            row = known.get(item.openai_id)
            own = [source for source in sources if row is not None and source.credential.pk == row[1]]
            tasks.append(Task(item, batch, own or sources, row is not None, row[0] if row else None))
        return tasks

    def call(self, task: Task) -> Answer:
        tags = task.batch.job.parameters.get("tags")
        return in_turn(task, partial(_import_with_tags, tags)) if tags else read(task)

    def store(self, job: Job, answers: Sequence[Answer]) -> None:
        if job.parameters.get("tags"):
            _end_tagged(answers)
        elif self.calls_server(job):
            store_read(job, answers, origin=Origin.IMPORTED)
            for answer in answers:
                _say_what_import_did(answer)
        else:
            _add_unread(job, answers)


def _kept_alive(job: Job) -> Iterator[bytes]:
    """The job's file; the lease is extended meanwhile, since a large part of a file may have no ids."""
    kept_at = time.monotonic()
    for chunk in ImportPart.objects.chunks(job):
        if time.monotonic() - kept_at > KEPT_EVERY:
            kept_at = time.monotonic()
            job.keep_preparation()
        yield chunk


def shape_of(job: Job) -> Shape:
    """How the file of an import is read."""
    return Shape(**job.parameters["shape"])


def _keys(job: Job) -> list[int]:
    return [int(key) for key in job.parameters["credentials"]]


def credentials_of(job: Job) -> list[Credential]:
    """The credentials in the order in which they are tried."""
    found = Credential.objects.in_bulk(_keys(job))
    return [found[key] for key in _keys(job) if key in found]


def _new_item(found: FoundId, credential_id: int) -> NewItem:
    return NewItem(found.id, credential_id, line=found.line)


# With tags: as a person would do it one by one, with the same events


def _import_with_tags(tags: Mapping[str, str], source: Source, task: Task) -> Answer:
    """Get the conversation by its id through a source, and set the tags."""
    try:
        return Answer(task, source, value=_get_and_tag(task, source.credential, tags))
    except OpenAIError as error:
        return Answer(task, source, error=error)
    except BelongsToAnother as error:
        task.was_known = True
        return Answer(task, source, value=error.conversation)
    except ServiceError as error:
        return Answer(task, source, problem=str(error))


def _get_and_tag(task: Task, credential: Credential, tags: Mapping[str, str]) -> Conversation:
    actor, job = task.batch.job.actor, task.batch.job
    if actor is None:
        raise ServiceError(f"{job.actor_name} no longer has an account.")
    conversation = get_conversation(
        actor=actor, credential=credential, openai_id=task.item.openai_id, origin=Origin.IMPORTED
    )
    requested = {**conversation.metadata, **tags}
    if requested != conversation.metadata:
        update_metadata(actor=actor, conversation=conversation, opened_with=conversation.metadata, requested=requested)
    return conversation


def _end_tagged(answers: Sequence[Answer]) -> None:
    for answer in answers:
        item, source = answer.task.item, answer.source
        if isinstance(answer.error, NotFound):
            item.end(
                JobOutcome.UNKNOWN_ID, message=answer.error.message, status=404, request_id=answer.error.request_id
            )
        else:
            outcome = JobOutcome.KNOWN if answer.task.was_known else JobOutcome.ADDED
            item.end(outcome, conversation=answer.value, credential=source.credential if source else None)


def _say_what_import_did(answer: Answer) -> None:
    """An import says of a conversation that the index had, and that did not change, that it is known."""
    item = answer.task.item
    if item.outcome == JobOutcome.UNCHANGED:
        item.outcome = JobOutcome.KNOWN
    elif item.outcome == JobOutcome.MISSING and isinstance(answer.error, NotFound):
        item.outcome = JobOutcome.UNKNOWN_ID


def _add_unread(job: Job, answers: Sequence[Answer]) -> None:
    """Add the ids to the index as they are; the server isn't asked."""
    credential = credentials_of(job)[0]
    new = [answer.task for answer in answers if not answer.task.was_known]
    rows = [
        Conversation.unread(credential, task.item.openai_id, origin=Origin.IMPORTED, added_by=job.actor) for task in new
    ]
    added = {row.openai_id: row for row in Conversation.objects.add_many(rows)}
    known = Conversation.objects.with_remote_ids([credential.base_url], [a.task.item.openai_id for a in answers])
    owners = {row.openai_id: row for row in known.only("openai_id", "credential_id")}
    for answer in answers:
        item = answer.task.item
        if item.openai_id in added:
            item.end(JobOutcome.ADDED, conversation=added[item.openai_id])
        else:
            row = owners.get(item.openai_id)
            is_foreign = row is not None and row.credential_id != credential.pk
            item.end(JobOutcome.KNOWN, message=FOREIGN if is_foreign else "", conversation=row)
