"""Refreshing: what a response means for the state, and what it resolves."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Action, Conversation, Credential, Event, Outcome, State
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import refresh_conversation
from conversations.services.errors import BeingChanged
from conversations.services.metadata_edit import update_metadata
from conversations.services.unresolved_events import accept_remote_metadata
from tests.factories import make_known

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(credential: Credential, sandbox: Sandbox) -> Conversation:
    return make_known(sandbox, credential, {"a": "1"})


def make_pending(known: Conversation, *, age: float) -> Event:
    """What a process leaves behind that died `age` seconds ago."""
    return Event.objects.create(
        action=Action.UPDATE,
        actor_name="operator",
        credential=known.credential,
        base_url=known.base_url,
        openai_id=known.openai_id,
        created_at=timezone.now() - timedelta(seconds=age),
    )


def refresh(operator: User, known: Conversation) -> Conversation:
    return refresh_conversation(actor=operator, conversation=known)


def test_r2_the_same_metadata_is_active(operator: User, known: Conversation) -> None:
    before = known.read_at
    row = refresh(operator, known)
    assert (row.state, row.our_metadata) == (State.ACTIVE, None)
    assert row.read_at > before


def test_r2_other_metadata_differs_and_ours_is_kept(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.set_metadata(known.openai_id, {"a": "2"})
    row = refresh(operator, known)
    assert (row.state, row.metadata, row.our_metadata) == (State.DIFFERS, {"a": "2"}, {"a": "1"})


def test_r2_it_differs_until_someone_chooses(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.set_metadata(known.openai_id, {"a": "2"})
    refresh(operator, known)
    assert refresh(operator, known).state == State.DIFFERS
    accept_remote_metadata(actor=operator, conversation=known)
    known.refresh_from_db()
    assert (known.state, known.metadata, known.our_metadata) == (State.ACTIVE, {"a": "2"}, None)


def test_r2_a_404_is_missing_and_nothing_more(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.delete_conversation(known.openai_id)
    with pytest.raises(errors.NotFound):
        refresh(operator, known)
    known.refresh_from_db()
    assert (known.state, known.metadata) == (State.MISSING, {"a": "1"})


def test_r2_a_removed_one_stays_removed_on_a_404(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    known.store_removed()
    sandbox.store.delete_conversation(known.openai_id)
    with pytest.raises(errors.NotFound):
        refresh(operator, known)
    known.refresh_from_db()
    assert known.state == State.REMOVED


def test_r2_a_removed_one_that_is_there_again_is_active(operator: User, known: Conversation) -> None:
    known.store_removed()
    assert refresh(operator, known).state == State.ACTIVE


@pytest.mark.parametrize(
    "fault",
    [Fault(status=500, times=None, headers={"retry-after-ms": "1"}), Fault(status=401), Fault(body="<html>")],
    ids=str,
)
def test_r1_a_failure_leaves_the_index_as_it_was(
    operator: User, known: Conversation, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(errors.OpenAIError):
        refresh(operator, known)
    again = Conversation.objects.get()
    assert (again.state, again.metadata, again.read_at) == (State.ACTIVE, {"a": "1"}, known.read_at)


def test_r18_what_cannot_be_stored_does_not_differ_for_ever(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.store.set_metadata(known.openai_id, {"a": "x\0"})
    refresh(operator, known)
    accept_remote_metadata(actor=operator, conversation=known)
    assert refresh(operator, known).state == State.ACTIVE


# Crashes (R7)


def test_r6_a_pending_event_is_the_lock(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    make_pending(known, age=119)
    with pytest.raises(BeingChanged, match="operator has been changing this conversation since"):
        refresh(operator, known)
    assert not sandbox.log
    assert Event.objects.count() == 1


def test_r7_the_event_of_a_dead_process_lets_go_and_is_resolved(operator: User, known: Conversation) -> None:
    dead = make_pending(known, age=121)
    assert dead.is_unresolved
    refresh(operator, known)
    dead.refresh_from_db()
    assert (dead.outcome, dead.is_unresolved) == (Outcome.UNKNOWN, False)
    assert dead.resolved_by == Event.objects.get(action=Action.REFRESH)


def test_r7_a_404_resolves_too(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    dead = make_pending(known, age=121)
    sandbox.store.delete_conversation(known.openai_id)
    with pytest.raises(errors.NotFound):
        refresh(operator, known)
    dead.refresh_from_db()
    assert not dead.is_unresolved


def test_r7_no_response_resolves_nothing(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    dead = make_pending(known, age=121)
    sandbox.faults.add(Fault(status=500, times=None, headers={"retry-after-ms": "1"}))
    with pytest.raises(errors.ServerError):
        refresh(operator, known)
    dead.refresh_from_db()
    assert dead.is_unresolved


def test_r9_the_event_names_the_keys_that_moved(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.set_metadata(known.openai_id, {"b": "2"})
    refresh(operator, known)
    event = Event.objects.get()
    assert event.keys == {"added": ["b"], "removed": ["a"]}
    assert (event.detail.before, event.detail.after) == ({"a": "1"}, {"b": "2"})


def test_r2_what_our_own_edit_without_a_response_did_does_not_differ(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, credential, {"a": "1"})
    sandbox.faults.add(Fault(method="POST", drop="after", times=None))
    with pytest.raises(errors.NoResponse):
        update_metadata(actor=operator, conversation=row, opened_with={"a": "1"}, requested={"a": "2"})
    sandbox.faults.clear()
    row = refresh_conversation(actor=operator, conversation=row)
    assert (row.state, row.metadata, row.our_metadata) == (State.ACTIVE, {"a": "2"}, None)
    assert not Event.objects.unresolved().exists()


def test_r2_a_404_does_not_count_as_read(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.delete_conversation(known.openai_id)
    with pytest.raises(errors.NotFound):
        refresh_conversation(actor=operator, conversation=known)
    read_at = known.read_at
    known.refresh_from_db()
    assert (known.state, known.read_at) == (State.MISSING, read_at)
