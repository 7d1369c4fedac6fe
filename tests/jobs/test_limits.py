"""What servers and people set bounds to: rate limits, quotas, concurrency, rights."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Credential, JobBatch, JobState, Team
from conversations.sandbox import Fault, Sandbox
from tests.factories import KEY, make_credential
from tests.jobs.steps import make_many_known, make_refresh, outcomes, prepare_now, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

TOO_MANY = Fault(status=429, headers={"Retry-After": "30"})


def test_a_rate_limit_pauses_the_credential_for_as_long_as_it_says(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 2)
    sandbox.faults.add(TOO_MANY)
    run(make_refresh(actor, credential))
    credential.refresh_from_db()
    assert timedelta(seconds=25) < credential.paused_until - timezone.now() <= timedelta(seconds=30)


def test_no_attempt_is_lost_to_a_rate_limit(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    sandbox.faults.add(TOO_MANY)
    job = run(make_refresh(actor, credential))
    assert outcomes(job)[""] >= 1
    assert not job.items.filter(attempts__gt=0).exists()
    assert JobBatch.objects.next_due() is not None
    Credential.objects.update(paused_until=None)
    assert outcomes(run(job)) == {"unchanged": 2}


def test_a_rate_limit_leaves_other_credentials_alone(
    sandbox: Sandbox, credential: Credential, actor: User, team: Team
) -> None:
    with Sandbox(key=KEY) as elsewhere:
        other = make_credential(elsewhere, teams=[team])
        make_many_known(sandbox, credential, 2)
        make_many_known(elsewhere, other, 3)
        credential.pause(60)
        job = run(make_refresh(actor, credential, other))
    assert outcomes(job) == {"": 2, "unchanged": 3}


def test_a_longer_pause_is_not_shortened(credential: Credential) -> None:
    credential.pause(60)
    credential.pause(1)
    credential.refresh_from_db()
    assert credential.paused_until > timezone.now() + timedelta(seconds=50)


def test_a_used_up_quota_stops_the_job_with_the_reason(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 3)
    fault = Fault(times=None, status=429, code="insufficient_quota", message="You exceeded your current quota.")
    sandbox.faults.add(fault)
    job = run(make_refresh(actor, credential))
    assert (job.state, outcomes(job)) == (JobState.STOPPED, {"skipped": 3})
    assert "You exceeded your current quota." in job.message


def test_a_job_pauses_when_its_server_has_failed_many_times_in_a_row(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 30)
    sandbox.faults.add(Fault(times=None, status=503, message="Down for maintenance."))
    job = run(make_refresh(actor, credential))
    assert job.state == JobState.PAUSED
    assert "Down for maintenance." in job.message


def test_no_more_calls_at_once_than_the_credential_allows(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    Credential.objects.update(concurrency=3)
    make_many_known(sandbox, credential, 12)
    sandbox.faults.add(Fault(times=None, delay=0.1))
    started = time.monotonic()
    run(make_refresh(actor, credential))
    assert time.monotonic() - started >= 0.4


def test_who_loses_a_team_loses_the_rest(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    actor.groups.remove(*Team.objects.all())
    assert outcomes(run(job)) == {"refused": 2}
    assert "may no longer use the credential “Sandbox”" in job.items.first().message


def test_who_loses_the_permission_loses_the_rest(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    actor.groups.remove(*actor.groups.filter(name="Operator"))
    assert outcomes(run(job)) == {"refused": 2}
    assert "may no longer do this" in job.items.first().message


def test_who_is_deactivated_loses_the_rest(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    prepare_now(job)
    User.objects.update(is_active=False)
    assert outcomes(run(job)) == {"refused": 2}


def test_whose_account_was_deleted_has_no_search(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    actor.delete()
    assert run(job).state == JobState.FAILED
