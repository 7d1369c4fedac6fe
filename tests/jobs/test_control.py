"""Pausing, resuming, stopping and retrying, in whatever order two people press the buttons."""

import pytest
from django.contrib.auth.models import User

from conversations.jobs import control
from conversations.models import Credential, Job, JobBatch, JobState
from conversations.sandbox import Fault, Sandbox
from tests.factories import calls_in, in_threads
from tests.jobs.steps import make_many_known, make_refresh, outcomes, prepare_now, run

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_paused_job_does_nothing(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    assert control.pause(job)
    assert run(job).state == JobState.PAUSED
    assert not calls_in(sandbox)


def test_a_job_that_was_paused_before_it_was_prepared_goes_on(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    control.pause(job)
    assert control.resume(job)
    assert outcomes(run(job)) == {"unchanged": 2}


def test_a_job_that_was_paused_in_the_middle_goes_on(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    control.pause(job)
    assert outcomes(run(job)) == {"": 2}
    control.resume(job)
    assert (run(job).state, outcomes(job)) == (JobState.FINISHED, {"unchanged": 2})


def test_what_a_stopped_job_had_left_was_not_done(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    assert control.stop(job)
    assert (run(job).state, outcomes(job)) == (JobState.STOPPED, {"skipped": 2})
    assert job.finished_at is not None


def test_a_stopped_job_can_be_taken_up_again(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    control.stop(job)
    assert control.retry(job)
    assert (run(job).state, outcomes(job)) == (JobState.FINISHED, {"unchanged": 2})


def test_a_job_that_was_stopped_before_it_was_prepared_can_be_taken_up_again(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    control.stop(job)
    assert control.retry(job)
    assert outcomes(run(job)) == {"unchanged": 2}


@pytest.mark.long
def test_only_the_failed_are_tried_again(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 3)
    sandbox.faults.add(Fault(status=400))
    job = run(make_refresh(actor, credential))
    assert outcomes(job) == {"failed": 1, "unchanged": 2}
    control.retry(job)
    assert outcomes(run(job)) == {"unchanged": 3}
    assert len(calls_in(sandbox)) == 4


def test_the_failed_are_tried_again_while_the_job_is_paused(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 3)
    job = make_refresh(actor, credential)
    prepare_now(job)
    job.items.filter(pk=job.items.first().pk).update(outcome="failed")
    control.pause(job)
    assert control.retry(job)
    assert outcomes(run(job)) == {"unchanged": 3}


def test_a_batch_that_a_worker_holds_stays_with_it(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    job.refresh_from_db()
    batch = JobBatch.objects.take(job, except_of=[])
    job.items.filter(pk=job.items.first().pk).update(outcome="failed")
    assert control.retry(job)
    batch.keep()
    batch.release()
    assert outcomes(run(job)) == {"unchanged": 2}


def test_a_job_that_could_not_be_prepared_can_be_tried_again(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    job = run(make_refresh(actor, credential, query="state:absurd"))
    assert control.retry(job)
    assert run(job).state == JobState.FAILED


@pytest.mark.parametrize("press", [control.pause, control.resume, control.stop, control.start, control.discard])
def test_a_button_on_a_finished_job_does_nothing(press, credential: Credential, actor: User) -> None:
    job = run(make_refresh(actor, credential))
    assert not press(job)
    job.refresh_from_db()
    assert job.state == JobState.FINISHED


def test_of_two_people_who_stop_a_job_one_does(credential: Credential, actor: User) -> None:
    job = make_refresh(actor, credential)
    results = in_threads(*[lambda: control.stop(Job.objects.get(pk=job.pk))] * 4)
    assert sorted(results) == [False, False, False, True]


def test_of_two_people_who_retry_a_job_one_does(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 3)
    job = make_refresh(actor, credential)
    prepare_now(job)
    control.stop(job)
    results = in_threads(*[lambda: control.retry(Job.objects.get(pk=job.pk))] * 4)
    assert sorted(results) == [False, False, False, True]
    assert outcomes(run(job)) == {"unchanged": 3}


def test_a_draft_waits_until_it_is_started(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 1)
    job = make_refresh(actor, credential, is_draft=True)
    assert run(job).state == JobState.DRAFT
    assert control.start(job)
    assert run(job).state == JobState.FINISHED


def test_a_draft_can_be_discarded(credential: Credential, actor: User) -> None:
    job = make_refresh(actor, credential, is_draft=True)
    assert control.discard(job)
    assert not Job.objects.exists()


def test_resuming_counts_the_rate_anew(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = run(make_refresh(actor, credential))
    before = job.running_since
    control.retry(job)
    job.refresh_from_db()
    assert job.done_before == 2
    assert job.running_since > before
