"""One item of a job on its way to the server and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from ..models import Credential, Job, JobBatch, JobItem
from ..openai.client import Calls, Client
from ..openai.errors import Forbidden, NotFound, OpenAIError, Unauthorized
from ..services.recording import required_metadata

ITEM_BUDGET = 600.0  # seconds that one item may take
MAX_WAIT = 2.0  # seconds that a call waits before another attempt; for longer, the credential's jobs wait (see runner)


class Source(NamedTuple):
    """A credential, and the client for it."""

    credential: Credential
    client: Client

    def calls(self) -> Calls:
        """The calls, within one item's time."""
        return self.client.with_budget(ITEM_BUDGET, max_wait=MAX_WAIT)


@dataclass
class Task:
    """An item, and what it takes to call the server for it. `was_known`: the index has it, last checked then."""

    item: JobItem
    batch: JobBatch
    sources: Sequence[Source]
    was_known: bool = False
    checked_at: datetime | None = None

    @property
    def job(self) -> Job:
        return self.batch.job


@dataclass
class Answer:
    """What came of a task: a value, an error or a problem. `is_sent` is False where the job was stopped before.

    wait: seconds until another attempt, where somebody else has to finish first.
    """

    task: Task
    source: Source | None = None
    value: Any = None
    error: OpenAIError | None = None
    problem: str = ""  # why it failed without an error of the server
    wait: float = 0.0
    is_sent: bool = True

    @property
    def credential(self) -> Credential:
        """The one that it came through. Raises ValueError where it came through none."""
        if self.source is None:
            raise ValueError("Nothing was sent.")
        return self.source.credential


def read(task: Task) -> Answer:
    """Read the task's conversation through its sources, one after the other, until one has it."""
    return in_turn(task, _read_through)


def in_turn(task: Task, attempt: Callable[[Source, Task], Answer]) -> Answer:
    """The answer of the first source that has the conversation. Where none has it: that of a source that did not permit
    it, otherwise the last one's."""
    refused: Answer | None = None
    for source in task.sources:
        answer = attempt(source, task)
        if not isinstance(answer.error, NotFound | Unauthorized | Forbidden):
            return answer
        if refused is None or isinstance(refused.error, NotFound):
            refused = answer
    return refused or Answer(task, problem="There is no credential to read it with.")


def _read_through(source: Source, task: Task) -> Answer:
    try:
        remote = source.calls().retrieve_conversation(task.item.openai_id)
        required_metadata(remote)
        return Answer(task, source, value=remote)
    except OpenAIError as error:
        return Answer(task, source, error=error)
