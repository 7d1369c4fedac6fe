"""R2: removed is what OpenAI confirmed, or what a 404 proves after a recorded removal; nothing else."""

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation, Credential, Event, Outcome, State
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import get_conversation, refresh_conversation, remove_conversation
from conversations.services.errors import AlreadySubmitted, BeingChanged
from tests.factories import calls_in, in_threads, make_known
from tests.waiting import Gate

pytestmark = pytest.mark.django_db

NOW = {"retry-after-ms": "1"}
NOT_DONE = Fault(method="DELETE", status=503, times=3, headers=NOW)


@pytest.fixture
def known(credential: Credential, sandbox: Sandbox) -> Conversation:
    return make_known(sandbox, credential, {"a": "1"})


def remove(operator: User, known: Conversation, token: str | None = None) -> Conversation:
    return remove_conversation(actor=operator, conversation=known, token=token)


def fails(operator: User, known: Conversation) -> errors.OpenAIError:
    with pytest.raises(errors.OpenAIError) as caught:
        remove(operator, known)
    known.refresh_from_db()
    return caught.value


def calls(sandbox: Sandbox) -> list[tuple[str, int | None]]:
    return [(entry.method, entry.status) for entry in calls_in(sandbox)]


def test_r2_openai_confirms(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    row = remove(operator, known)
    assert (row.state, row.metadata) == (State.REMOVED, {"a": "1"})
    assert calls(sandbox) == [("GET", 200), ("DELETE", 200)]
    assert sandbox.store.get_conversation(row.openai_id) is None


def test_r2_a_row_is_not_lost(operator: User, known: Conversation) -> None:
    remove(operator, known)
    assert Conversation.objects.get().openai_id == known.openai_id
    assert Event.objects.get().conversation == known


def test_r2_a_first_404_is_missing(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.delete_conversation(known.openai_id)
    fails(operator, known)
    assert (known.state, calls(sandbox)) == (State.MISSING, [("GET", 404)])


def test_r2_a_404_to_the_first_delete_is_missing(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=404))
    assert isinstance(fails(operator, known), errors.NotFound)
    assert (known.state, Event.objects.get().outcome) == (State.MISSING, Outcome.REFUSED)


@pytest.mark.parametrize(
    "fault",
    [Fault(method="DELETE", status=503, after=True, headers=NOW), Fault(method="DELETE", drop="after")],
    ids=str,
)
def test_r2_a_404_to_the_repetition_of_a_delete_that_was_lost_is_removed(
    operator: User, known: Conversation, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    assert remove(operator, known).state == State.REMOVED
    assert calls(sandbox)[-1] == ("DELETE", 404)
    assert Event.objects.get().outcome == Outcome.SUCCEEDED


def test_r2_a_404_after_a_delete_that_was_refused_is_missing(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=429, headers=NOW))
    sandbox.faults.add(Fault(method="DELETE", status=404))
    fails(operator, known)
    assert known.state == State.MISSING


def test_r7_a_delete_without_a_response_is_unknown(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(NOT_DONE)
    assert fails(operator, known).may_have_happened
    event = Event.objects.get()
    assert (event.outcome, event.is_unresolved, known.state) == (Outcome.UNKNOWN, True, State.ACTIVE)


def test_r2_a_404_after_an_unknown_removal_is_removed(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(NOT_DONE)
    fails(operator, known)
    sandbox.store.delete_conversation(known.openai_id)  # it was done after all
    assert remove(operator, known).state == State.REMOVED
    assert not Event.objects.unresolved().exists()


def test_r2_after_an_unknown_removal_it_can_still_be_there(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(NOT_DONE)
    fails(operator, known)
    assert remove(operator, known).state == State.REMOVED
    assert calls(sandbox)[-2:] == [("GET", 200), ("DELETE", 200)]


def test_r2_a_refresh_between_that_finds_nothing_keeps_the_proof(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(NOT_DONE)
    fails(operator, known)
    sandbox.store.delete_conversation(known.openai_id)
    with pytest.raises(errors.NotFound):
        refresh_conversation(actor=operator, conversation=known)
    assert remove(operator, known).state == State.REMOVED


def test_r2_a_refresh_between_that_finds_it_takes_the_proof_away(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(NOT_DONE)
    fails(operator, known)
    refresh_conversation(actor=operator, conversation=known)
    sandbox.faults.add(Fault(path="/conversations", status=404, times=None))  # as with the key of another project
    fails(operator, known)
    assert known.state == State.MISSING


@pytest.mark.parametrize("status", [401, 403, 422])
def test_r2_a_removal_that_was_refused_proves_nothing_later(
    operator: User, known: Conversation, sandbox: Sandbox, status: int
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=status))
    fails(operator, known)
    sandbox.faults.add(Fault(path="/conversations", status=404, times=None))
    fails(operator, known)
    assert known.state == State.MISSING


def test_r2_a_removal_that_was_never_sent_proves_nothing_later(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    Event.objects.create(
        action="remove",
        outcome=Outcome.FAILED,
        base_url=known.base_url,
        openai_id=known.openai_id,
        attempts=[{"method": "GET", "status": 200}, {"method": "DELETE", "status": None}],
    )
    sandbox.faults.add(Fault(path="/conversations", status=404, times=None))
    fails(operator, known)
    assert known.state == State.MISSING


def test_r2_removing_what_is_removed_changes_nothing(operator: User, known: Conversation) -> None:
    remove(operator, known)
    assert remove(operator, known).state == State.REMOVED


def test_r2_refreshing_and_getting_what_is_removed_leave_it_removed(
    operator: User, known: Conversation, credential: Credential
) -> None:
    remove(operator, known)
    with pytest.raises(errors.NotFound):
        refresh_conversation(actor=operator, conversation=known)
    with pytest.raises(errors.NotFound):
        get_conversation(actor=operator, credential=credential, openai_id=known.openai_id)
    known.refresh_from_db()
    assert known.state == State.REMOVED


def test_r2_one_that_rose_again_has_to_be_removed_again(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    remove(operator, known)
    found = f'{{"id": "{known.openai_id}", "metadata": {{"a": "1"}}}}'
    sandbox.faults.add(Fault(method="GET", body=found))
    assert refresh_conversation(actor=operator, conversation=known).state == State.ACTIVE
    fails(operator, known)
    assert known.state == State.MISSING


def test_a_bad_response_leaves_it_unknown(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", body='{"deleted": true, "id": "conv_of_somebody_else"}'))
    fails(operator, known)
    assert (known.state, Event.objects.get().outcome) == (State.ACTIVE, Outcome.UNKNOWN)


def test_r6_the_read_before_it_that_fails_sends_no_delete(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="GET", status=401))
    fails(operator, known)
    assert (calls(sandbox), Event.objects.get().outcome) == ([("GET", 401)], Outcome.REFUSED)


def test_r8_the_same_form_removes_once(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    remove(operator, known, token="t")
    with pytest.raises(AlreadySubmitted) as caught:
        remove(operator, known, token="t")
    assert caught.value.event.outcome == Outcome.SUCCEEDED
    assert len(sandbox.log) == 2


@pytest.mark.django_db(transaction=True)
def test_r6_two_who_remove_at_once_send_one_delete(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    gate = Gate()
    sandbox.faults.add(gate.fault(times=None))
    results = in_threads(*[gate.opened_by_failing(lambda: remove(operator, known))] * 2)
    assert {type(result) for result in results} == {BeingChanged, Conversation}
    assert calls(sandbox) == [("GET", 200), ("DELETE", 200)]


def test_r2_what_differed_does_not_any_more(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    known.store_response({"a": "2"}, is_own_change=False)
    assert remove(operator, known).our_metadata is None
