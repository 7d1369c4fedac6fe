"""What tests of jobs on many conversations do again and again."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from conversations.jobs import control
from conversations.jobs.drafts import draft_of_search
from conversations.jobs.kinds import KINDS
from conversations.jobs.settling import settle
from conversations.models import Job, JobState
from conversations.query import parse
from conversations.search import Search
from tests.jobs.steps import run


def draft(actor: User, kind: str, query: str = "", **parameters: Any) -> Job:
    """A draft on everything that a search finds for its actor."""
    job = draft_of_search(actor=actor, kind=kind, search=Search.for_user(parse(query), actor), query=query)
    job.parameters = parameters
    job.reason = "Ticket 1234"
    job.save()
    return job


def done(job: Job) -> Job:
    """The job, started and done."""
    assert control.start(job)
    return run(job)


def step(verb: str, key: str, value: str = "", to: str = "") -> dict[str, str]:
    return {"verb": verb, "key": key, "value": value, "to": to}


def done_here(job: Job) -> Job:
    """The job, done by this thread: where a test is one transaction, no other thread would see its rows."""
    control.start(job)
    kind = KINDS[job.kind]
    for batch in job.batches.select_related("credential"):
        assert batch.credential is not None
        batch.job = job
        answers = [kind.call(task) for task in kind.tasks(job, batch, batch.credential)]
        settle(job, kind, answers)
    Job.objects.move(job.pk, to=JobState.FINISHED, out_of=[JobState.RUNNING], finished_at=timezone.now())
    job.refresh_from_db()
    return job
