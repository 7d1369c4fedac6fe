"""Kinds whose items are done one by one by a service, as a person would do it, each with events of its own.

A worker may die between an item's call and the moment at which its outcome is stored. The next one that takes the item
asks the events of the job what became of it (`done_before`), so that nothing is done twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from ...models import Action, Conversation, Credential, Event, Job, JobBatch, JobOutcome, Outcome
from ...openai.errors import NotFound, OpenAIError
from ...query import parse_bounded
from ...search import Search
from ...services.errors import BeingChanged, Held, ServiceError
from ...services.holds import held_among
from ..tasks import Answer, Task
from .base import JobProblem, Kind, NewItem, source_of, waiting_items

CHUNK = 2_000  # items that are listed with one statement
LOCKED_DELAY = 15.0  # seconds until another attempt where somebody is changing the conversation
PURGED = "It was purged from the index meanwhile."
TRANSFERRED = "It was transferred to another credential meanwhile."


@dataclass(frozen=True)
class Done:
    """What became of an item. size: bytes of its exported file."""

    outcome: JobOutcome
    message: str = ""
    size: int | None = None


class TryAgain(Exception):
    """The item needs another attempt; the text says why. wait: seconds until then, where nothing has failed."""

    def __init__(self, message: str, *, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class Recorded(Kind):
    """Each item is done by a service."""

    action: Action

    def items(self, job: Job) -> Iterator[list[NewItem]]:
        """What the job's search finds for its actor among the credentials of the job, at most as many as it may do.

        What is on hold is left out: it would take the place of others in each run of a rule.
        """
        if "most" not in job.parameters:
            raise JobProblem("Its conversations were not listed as a whole. Choose them again.")
        search = search_of(job)
        sort_keys, left = search.sort_keys(oldest_first=True), int(job.parameters["most"])
        while left and (chunk := list(islice(sort_keys, CHUNK))):
            items = _unheld_items(chunk, search)[:left]
            left -= len(items)
            yield items

    def tasks(self, job: Job, batch: JobBatch, credential: Credential) -> list[Task]:
        sources = [source_of(credential)]
        return [Task(item, batch, sources) for item in waiting_items(batch)]

    def call(self, task: Task) -> Answer:
        source = task.sources[0]
        try:
            return Answer(task, source, value=self._do(task))
        except OpenAIError as error:
            return Answer(task, source, error=error)
        except Held as error:
            return Answer(task, source, value=Done(JobOutcome.HELD, str(error)))
        except BeingChanged as error:
            return Answer(task, source, problem=str(error), wait=LOCKED_DELAY)
        except TryAgain as error:
            return Answer(task, source, problem=str(error), wait=error.wait)
        except ServiceError as error:
            return Answer(task, source, value=Done(JobOutcome.FAILED, str(error)))

    def _do(self, task: Task) -> Done:
        job, item = task.batch.job, task.item
        row = item.conversation_id and Conversation.objects.with_credential(item.conversation_id)
        if not row:
            return Done(JobOutcome.GONE, PURGED)
        if job.actor is None:
            raise ServiceError(f"{job.actor_name} no longer has an account.")
        if task.batch.fence > 1 or item.attempts:
            done = self.done_before(task, row)
            if done is not None:
                return done
        if row.credential_id != item.credential_id:
            return Done(JobOutcome.CONFLICT, TRANSFERRED)
        return self.act(task, job.actor, row)

    def act(self, task: Task, actor: User, conversation: Conversation) -> Done:
        """Do it. Raises OpenAIError, ServiceError or TryAgain."""
        raise NotImplementedError

    def done_before(self, task: Task, conversation: Conversation) -> Done | None:
        """What an earlier attempt of this job did, if it did anything."""
        raise NotImplementedError

    def events_of(self, job: Job, conversation: Conversation) -> list[Event]:
        """The events of a job about a conversation, the oldest first."""
        # By the conversation, which has a few: a job may have a hundred thousand.
        events = Event.objects.about(conversation).select_related("detail").order_by("pk")
        return [each for each in events if each.job_id == job.pk]

    def has_done(self, job: Job, conversation: Conversation) -> bool:
        """Whether an event of the job says that it was done."""
        events = self.events_of(job, conversation)
        return any(event.action == self.action and event.outcome == Outcome.SUCCEEDED for event in events)

    def store(self, job: Job, answers: Sequence[Answer]) -> None:
        for answer in answers:
            item, error = answer.task.item, answer.error
            if isinstance(error, NotFound):
                item.end(JobOutcome.MISSING, message=error.message, status=404, request_id=error.request_id)
            else:
                item.end(answer.value.outcome, message=answer.value.message)
                item.size = answer.value.size


def search_of(job: Job) -> Search:
    """The job's search for its actor, among the credentials of the job. Raises JobProblem."""
    if job.actor is None:
        raise JobProblem(f"{job.actor_name} no longer has an account.")
    usable = Credential.objects.usable_of(job, job.actor)
    search = Search(parse_bounded(job.query), list(usable), timezone.now())
    if search.query.problems:
        raise JobProblem(f"The search isn’t understood: {search.query.problems[0].message}")
    return search


def _unheld_items(sort_keys: Sequence[int], search: Search) -> list[NewItem]:
    """Items for the conversations with these sort keys, the oldest first, without what is on hold."""
    rows = search.visible.filter(sort_key__in=sort_keys).order_by("sort_key")
    held = held_among(dict(rows.values_list("sort_key", "pk")), search.names)
    found = rows.values_list("openai_id", "credential_id", F("pk"))
    return [NewItem(*values) for values in found if values[2] not in held]
