"""What tests of jobs do again and again."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User

from conversations.jobs import control
from conversations.jobs.preparation import prepare
from conversations.jobs.runner import Runner
from conversations.models import Conversation, Credential, Job, JobItem, JobKind
from conversations.sandbox import Sandbox
from tests.factories import make_known


def make_many_known(sandbox: Sandbox, credential: Credential, count: int) -> list[Conversation]:
    """So many that index and sandbox hold."""
    return [make_known(sandbox, credential, {"tenant": "acme", "number": str(n)}) for n in range(count)]


def make_refresh(actor: User, *credentials: Credential, query: str = "", **options: Any) -> Job:
    return control.create(kind=JobKind.REFRESH, credentials=credentials, actor=actor, query=query, **options)


def prepare_now(job: Job) -> None:
    """List its items, and do none of them."""
    assert job.take_preparation()
    for _ in prepare(job):
        pass


def run(job: Job) -> Job:
    """Do what there is to do, as a worker does; the job as it is then."""
    Runner().run()
    job.refresh_from_db()
    return job


def outcomes(job: Job) -> dict[str, int]:
    """How many items have which outcome."""
    return dict(Counter(job.items.values_list("outcome", flat=True)))


def ids(items: Iterable[JobItem]) -> list[str]:
    return [item.openai_id for item in items]
