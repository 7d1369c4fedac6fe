"""Workers as processes: started before a job, after it, twice; killed; on each storage of the queue."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection

from conversations.jobs import control
from conversations.jobs import queue as jobs_queue
from conversations.jobs.queue import beside, make_huey
from conversations.models import Conversation, Credential, Job, JobState, Worker
from conversations.sandbox import Fault, Sandbox
from conversations.services.holds import place_hold
from tests.factories import add_messages, calls_in, make_known
from tests.jobs.bulk import draft
from tests.jobs.processes import redis, worker
from tests.jobs.steps import make_many_known, make_refresh, outcomes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.workers]

PATIENCE = 60  # seconds
COUNT = 40  # conversations that are deleted while workers die


@pytest.fixture(params=["with the database", "redis"])
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The storage of the queue."""
    if request.param == "redis":
        try:
            with redis(tmp_path) as url:
                yield url
        except LookupError as reason:
            pytest.skip(str(reason))
    else:
        yield f"sqlite:///{tmp_path}/queue.sqlite3" if connection.vendor == "sqlite" else ""


@pytest.fixture(autouse=True)
def _pages_use_this_queue(queue_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What wakes workers from this process writes into the queue that they read."""
    queue = make_huey(queue_url) if queue_url else beside(connection.settings_dict)
    monkeypatch.setattr(jobs_queue.huey, "storage", queue.storage)
    jobs_queue.create_tables()
    yield
    queue.storage.close()


def wait_for(job: Job, *states: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if job.state in states:
            return
        time.sleep(0.1)
    raise AssertionError(f"The job is {job.state}, and has {outcomes(job)}.")


def wait_for_worker(count: int = 1) -> None:
    deadline = time.monotonic() + PATIENCE
    while Worker.objects.running().count() < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def with_kills(
    queue_url: str, kills: int, jobs: Sequence[Job], meanwhile: Callable[[int], None] = lambda number: None
) -> None:
    """Have jobs done by two workers, one of which is killed every 1.5 seconds."""
    draw = random.Random(1)
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(queue_url)) for _ in range(2)]
        for number in range(kills):
            time.sleep(1.5)
            meanwhile(number)
            victim = draw.randrange(2)
            workers[victim].kill()
            workers[victim] = stack.enter_context(worker(queue_url))
        for job in jobs:
            wait_for(job, JobState.FINISHED)


def test_a_worker_that_runs_takes_a_job_at_once(
    sandbox: Sandbox, credential: Credential, actor: User, queue_url: str
) -> None:
    make_many_known(sandbox, credential, 20)
    with worker(queue_url):
        wait_for_worker()
        started = time.monotonic()
        job = make_refresh(actor, credential)
        wait_for(job, JobState.FINISHED)
    assert outcomes(job) == {"unchanged": 20}
    assert time.monotonic() - started < PATIENCE / 2  # not by looking every minute


def test_a_worker_that_starts_later_finds_the_job(
    sandbox: Sandbox, credential: Credential, actor: User, queue_url: str
) -> None:
    make_many_known(sandbox, credential, 20)
    job = make_refresh(actor, credential)
    with worker(queue_url):
        wait_for(job, JobState.FINISHED)
    assert outcomes(job) == {"unchanged": 20}


def test_a_worker_that_is_asked_to_end_gives_its_batches_back(
    sandbox: Sandbox, credential: Credential, actor: User, queue_url: str
) -> None:
    make_many_known(sandbox, credential, 60)
    sandbox.faults.add(Fault(times=None, delay=0.2))
    job = make_refresh(actor, credential)
    with worker(queue_url) as process:
        deadline = time.monotonic() + PATIENCE
        while not calls_in(sandbox) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert not job.batches.exclude(leased_until=None).exists()
    assert not Worker.objects.exists()
    assert job.items.waiting().exists()
    assert len(calls_in(sandbox)) == 60 - job.items.waiting().count()


def test_killed_workers_lose_nothing_and_do_nothing_twice_over(
    sandbox: Sandbox, credential: Credential, actor: User, queue_url: str
) -> None:
    rows = make_many_known(sandbox, credential, 300)
    for row in rows[:30]:
        sandbox.store.delete_conversation(row.openai_id)
    sandbox.faults.add(Fault(times=None, chance=0.1, status=503))
    sandbox.faults.add(Fault(times=None, delay=0.15))
    job = make_refresh(actor, credential)
    with_kills(queue_url, 4, [job])
    assert outcomes(job) == {"unchanged": 270, "missing": 30}
    answered = Counter(entry.path for entry in calls_in(sandbox) if entry.status in (200, 404))
    assert {path.rpartition("/")[2] for path in answered} == {row.openai_id for row in rows}


@pytest.mark.parametrize("queue_url", ["with the database"], indirect=True)
def test_killed_workers_delete_what_was_listed_once_and_nothing_else(
    sandbox: Sandbox, credential: Credential, actor: User, queue_url: str
) -> None:
    tenants = {"remove": "acme", "erase": "globex", "": "initech"}
    rows = {kind: make_tenant(sandbox, credential, tenant) for kind, tenant in tenants.items()}
    sandbox.faults.add(Fault(times=None, chance=0.1, status=503))
    sandbox.faults.add(Fault(times=None, chance=0.05, drop="after"))
    sandbox.faults.add(Fault(times=None, delay=0.1))
    jobs = [draft(actor, kind, f"tenant:{tenants[kind]}") for kind in ("remove", "erase")]
    held: list[Conversation] = []

    def place(number: int) -> None:
        """Hold the last ones, which nothing has happened to yet, as the first worker dies."""
        for job in jobs if number == 0 else []:
            last = set(job.items.waiting().order_by("-pk")[:8].values_list("conversation", flat=True))
            begun = set(job.events.values_list("conversation", flat=True))
            held.extend(row for row in rows[job.kind] if row.pk in last - begun)
        if number == 0:
            place_hold(actor=actor, conversations=held, reason="Case 7")

    for job in jobs:
        control.start(job)
    with_kills(queue_url, 3, jobs, place)
    for job, done in zip(jobs, ("removed", "erased"), strict=True):
        left = [row for row in rows[job.kind] if sandbox.store.get_conversation(row.openai_id)]
        assert outcomes(job) == {done: COUNT - len(left), "held": len(left)}
        assert left
        assert set(left) <= set(held)
    assert all(sandbox.store.get_conversation(row.openai_id) for row in rows[""])
    paths = {entry.path for entry in calls_in(sandbox) if entry.method == "DELETE"}
    assert not [row for row in rows[""] if any(row.openai_id in path for path in paths)]
    erasures = Counter(jobs[1].erasures.values_list("openai_id", flat=True))
    assert erasures.most_common(1)[0][1] == 1


def make_tenant(sandbox: Sandbox, credential: Credential, tenant: str) -> list[Conversation]:
    """So many conversations of a tenant, with two messages each."""
    rows = [make_known(sandbox, credential, {"tenant": tenant}) for _ in range(COUNT)]
    for row in rows:
        add_messages(sandbox, row, 2)
    return rows
