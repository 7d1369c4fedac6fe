"""What a kind of job has to say: which items, how each is called, and how what came of them is stored."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple

from ...models import Conversation, Credential, Job, JobBatch, JobItem
from ...openai.client import Client
from ...services.clients import client_for
from ..tasks import Answer, Source, Task, read

BATCH_SIZE = 100


class NewItem(NamedTuple):
    """An item that a job begins with. `line`: where its id stands in an imported file."""

    openai_id: str
    credential_id: int
    conversation_id: int | None = None
    line: int | None = None


KnownRows = dict[str, tuple[datetime | None, int]]  # by id


class Kind:
    """A kind of job. `permission`: who may do it; `calls_server`: whether its items are called at all."""

    permission: ClassVar[str]
    batch_size: ClassVar[int] = BATCH_SIZE

    def items(self, job: Job) -> Iterator[list[NewItem]]:
        """All items, some at a time. Raises JobProblem where they can't be listed."""
        raise NotImplementedError

    def calls_server(self, job: Job) -> bool:
        """Whether its items need the server."""
        return True

    def tasks(self, job: Job, batch: JobBatch, credential: Credential) -> list[Task]:
        """What is to be called for the items of a batch that wait. Raises CredentialUnusable."""
        raise NotImplementedError

    def call(self, task: Task) -> Answer:
        """Call the server, in a thread of its own; the database is left alone."""
        return read(task)

    def store(self, job: Job, answers: Sequence[Answer]) -> None:
        """Store what the server responded, in the caller's transaction, and end the items that are done."""
        raise NotImplementedError


class JobProblem(Exception):
    """A job can't go on; the text says why, and what to do."""


def source_of(credential: Credential) -> Source:
    """A credential and its client. Raises CredentialUnusable."""
    client: Client = client_for(credential)
    return Source(credential, client)


def waiting_items(batch: JobBatch) -> list[JobItem]:
    """The items of a batch that have no outcome."""
    return list(batch.items.waiting().order_by("pk"))


def known_rows(credentials: Iterable[Credential], openai_ids: Iterable[str]) -> dict[str, tuple[datetime | None, int]]:
    """When each id that the index has was last read, and the credential that it belongs to."""
    rows = Conversation.objects.with_remote_ids({each.base_url for each in credentials}, openai_ids)
    values = rows.values_list("openai_id", "checked_at", "credential_id")
    return {openai_id: (checked_at, owner) for openai_id, checked_at, owner in values}
