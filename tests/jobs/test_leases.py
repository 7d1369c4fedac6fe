"""Batches under lease: a worker that was taken for dead stores nothing, and its batch is handed on."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.jobs import control
from conversations.jobs.preparation import prepare
from conversations.jobs.runner import Runner
from conversations.models import Credential, Job, JobBatch, JobState
from conversations.models.job_batch import LeaseLost
from conversations.sandbox import Fault, Sandbox
from tests.factories import calls_in, in_threads
from tests.jobs.steps import make_many_known, make_refresh, outcomes, prepare_now, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


@pytest.fixture
def job(sandbox: Sandbox, credential: Credential, actor: User) -> Job:
    """A job of two items, prepared."""
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    job.refresh_from_db()
    return job


def expire(job: Job) -> None:
    job.batches.update(leased_until=timezone.now() - timedelta(seconds=1))


def take(job: Job) -> JobBatch | None:
    return JobBatch.objects.take(job, except_of=[])


def test_a_batch_is_taken_once(job: Job) -> None:
    assert take(job) is not None
    assert take(job) is None


def test_of_many_workers_one_gets_a_batch(job: Job) -> None:
    taken = in_threads(*[lambda: take(job)] * 6)
    assert len([batch for batch in taken if batch is not None]) == 1


def test_the_batch_of_a_dead_worker_is_handed_on(job: Job) -> None:
    first = take(job)
    expire(job)
    second = take(job)
    assert (first.fence, second.fence) == (1, 2)


def test_a_worker_that_was_taken_for_dead_can_store_nothing(job: Job) -> None:
    first = take(job)
    expire(job)
    take(job)
    with pytest.raises(LeaseLost):
        first.keep()
    with pytest.raises(LeaseLost):
        first.release()


def test_a_batch_that_waits_for_its_time_is_not_taken(job: Job) -> None:
    take(job).release(wait=60)
    assert take(job) is None
    assert JobBatch.objects.next_due() > timezone.now()


def test_a_batch_without_waiting_items_is_done(job: Job) -> None:
    batch = take(job)
    batch.items.skip("Enough.")
    batch.release()
    assert job.batches.get().is_done


def test_answers_that_come_after_the_lease_was_lost_are_dropped(
    job: Job, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.faults.add(Fault(delay=0.3))
    keep = JobBatch.keep

    def taken_over_first(batch: JobBatch) -> None:
        JobBatch.objects.filter(pk=batch.pk, fence=1).update(fence=2)
        keep(batch)

    monkeypatch.setattr(JobBatch, "keep", taken_over_first)
    Runner().run()
    assert outcomes(job) == {"": 2}
    monkeypatch.setattr(JobBatch, "keep", keep)
    expire(job)
    assert outcomes(run(job)) == {"unchanged": 2}


def test_a_job_that_is_being_stopped_waits_for_the_worker_that_holds_a_batch(job: Job) -> None:
    batch = take(job)
    control.stop(job)
    assert run(job).state == JobState.STOPPING
    batch.release()
    assert run(job).state == JobState.STOPPED


def test_a_job_that_is_being_stopped_does_not_wait_for_a_dead_worker(job: Job) -> None:
    take(job)
    control.stop(job)
    expire(job)
    assert run(job).state == JobState.STOPPED


def test_a_preparation_that_was_taken_over_stores_nothing_more(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    assert job.take_preparation()
    slow = prepare(job)
    next(slow)
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert outcomes(run(Job.objects.get())) == {"unchanged": 2}
    assert list(slow) == []
    assert job.items.count() == 2


def test_a_preparation_is_not_begun_twice(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    assert job.take_preparation()
    assert not Job.objects.get().take_preparation()


def test_two_workers_share_a_job(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 250)
    job = make_refresh(actor, credential)
    assert in_threads(Runner().run, Runner().run) == [None, None]
    assert outcomes(run(job)) == {"unchanged": 250}
    assert len(calls_in(sandbox)) == 250
