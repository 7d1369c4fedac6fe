"""Refreshing what a search finds."""

import pytest
from django.contrib.auth.models import User

from conversations.jobs import control
from conversations.models import Conversation, Credential, Event, JobState, Outcome, State
from conversations.models.event_queryset import Subject
from conversations.sandbox import Fault, Sandbox
from tests.factories import calls_in, make_conversation
from tests.jobs.steps import make_many_known, make_refresh, outcomes, prepare_now, run

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_is_read_once(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 7)
    job = run(make_refresh(actor, credential))
    assert (job.state, job.total, outcomes(job)) == (JobState.FINISHED, 7, {"unchanged": 7})
    assert len(calls_in(sandbox)) == 7


def test_only_what_matches_is_read(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 3)
    job = run(make_refresh(actor, credential, query="number:1"))
    assert job.total == 1


def test_what_did_not_change_has_no_event_and_a_new_time(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    [row] = make_many_known(sandbox, credential, 1)
    run(make_refresh(actor, credential))
    assert Conversation.objects.get().read_at > row.read_at
    assert not Event.objects.exists()


def test_what_changed_elsewhere_differs_and_has_an_event(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    [row] = make_many_known(sandbox, credential, 1)
    sandbox.store.set_metadata(row.openai_id, {"tenant": "globex"})
    job = run(make_refresh(actor, credential))
    row.refresh_from_db()
    event = Event.objects.get()
    assert (outcomes(job), row.state, row.metadata) == ({"changed": 1}, State.DIFFERS, {"tenant": "globex"})
    assert (event.job, event.actor, event.outcome, event.conversation) == (job, actor, Outcome.SUCCEEDED, row)


def test_what_is_gone_is_missing(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    [row] = make_many_known(sandbox, credential, 1)
    sandbox.store.delete_conversation(row.openai_id)
    job = run(make_refresh(actor, credential))
    row.refresh_from_db()
    assert (outcomes(job), row.state, Event.objects.get().outcome) == ({"missing": 1}, State.MISSING, Outcome.REFUSED)


def test_what_came_back_is_found_again(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    [row] = make_many_known(sandbox, credential, 1)
    row.store_not_found()
    assert outcomes(run(make_refresh(actor, credential))) == {"restored": 1}
    row.refresh_from_db()
    assert row.state == State.ACTIVE


def test_a_read_resolves_what_was_unresolved(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    [row] = make_many_known(sandbox, credential, 1)
    unknown = Event.objects.start(actor=actor, action="update", subject=Subject.of(row))
    unknown.finish(Outcome.UNKNOWN)
    run(make_refresh(actor, credential))
    unknown.refresh_from_db()
    assert unknown.resolved_by is not None


@pytest.mark.long
def test_what_somebody_is_changing_is_left_alone(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    [row] = make_many_known(sandbox, credential, 1)
    sandbox.store.set_metadata(row.openai_id, {"tenant": "globex"})
    Event.objects.start(actor=actor, action="update", subject=Subject.of(row))
    job = run(make_refresh(actor, credential))
    row.refresh_from_db()
    assert (outcomes(job), row.metadata["tenant"]) == ({"failed": 1}, "acme")
    assert "someone is changing it" in job.items.get().message


def test_an_error_of_the_server_reaches_the_item(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 1)
    sandbox.faults.add(Fault(times=None, status=400, message="No.", code="odd", headers={"x-request-id": "req_7"}))
    item = run(make_refresh(actor, credential)).items.get()
    assert (item.outcome, item.message, item.request_id, item.status) == ("failed", "No. (odd)", "req_7", 400)


@pytest.mark.long
def test_a_lost_response_is_asked_for_again(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 1)
    sandbox.faults.add(Fault(times=4, status=503))
    job = run(make_refresh(actor, credential))
    assert (outcomes(job), job.items.get().attempts) == ({"unchanged": 1}, 1)


def test_a_key_that_is_refused_is_not_permitted(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 1)
    sandbox.faults.add(Fault(times=None, status=403, message="Not yours."))
    assert outcomes(run(make_refresh(actor, credential))) == {"refused": 1}


def test_an_inactive_credential_fails_its_items(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    Credential.objects.update(is_active=False)
    job = run(make_refresh(actor, credential))
    assert outcomes(job) == {"failed": 2}
    assert "inactive" in job.items.first().message


def test_a_search_that_is_not_understood_fails_the_job(credential: Credential, actor: User) -> None:
    job = run(make_refresh(actor, credential, query="state:absurd"))
    assert job.state == JobState.FAILED
    assert "state:active" in job.message


def test_a_search_without_matches_is_done_at_once(credential: Credential, actor: User) -> None:
    job = run(make_refresh(actor, credential, query="tenant:nobody"))
    assert (job.state, job.total) == (JobState.FINISHED, 0)


def test_what_comes_to_match_later_is_not_touched(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)
    run(job)
    make_many_known(sandbox, credential, 1)
    control.retry(job)
    assert run(job).total == 2


def test_a_row_that_was_purged_meanwhile_is_told(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rows = make_many_known(sandbox, credential, 2)
    job = make_refresh(actor, credential)

    prepare_now(job)
    rows[0].purge()
    assert outcomes(run(job)) == {"failed": 1, "unchanged": 1}


def test_a_conversation_of_another_team_is_not_found(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 1)
    foreign = Credential.objects.get()
    foreign.teams.clear()
    make_conversation(foreign, {"tenant": "acme"})
    assert run(make_refresh(actor, credential)).total == 0
