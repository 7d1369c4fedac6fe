"""R7, R8: adding items and deleting them: what is recorded, and what a failure leaves open."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import refresh_conversation
from conversations.services.errors import AlreadySubmitted, BeingChanged, CredentialUnusable
from conversations.services.items import add_items, delete_items
from tests.factories import add_messages, calls_in, make_known

pytestmark = pytest.mark.django_db

NOW = {"retry-after-ms": "1"}
NOT_DONE = Fault(method="DELETE", status=503, times=3, headers=NOW)
HELLO = {"type": "message", "role": "user", "content": "hello"}


@pytest.fixture
def known(credential: Credential, sandbox: Sandbox) -> Conversation:
    return make_known(sandbox, credential)


def add(operator: User, known: Conversation, count: int = 1, token: str | None = None) -> Event:
    return add_items(actor=operator, conversation=known, items=[HELLO] * count, token=token)


def delete(operator: User, known: Conversation, *item_ids: str, token: str | None = None) -> Event:
    return delete_items(actor=operator, conversation=known, item_ids=item_ids, token=token)


def deletion_fails(operator: User, known: Conversation, *item_ids: str) -> errors.OpenAIError:
    with pytest.raises(errors.OpenAIError) as caught:
        delete(operator, known, *item_ids)
    return caught.value


def held(sandbox: Sandbox, known: Conversation) -> list[str]:
    """The ids of the items that the sandbox holds."""
    return [item["id"] for item in sandbox.store.list_items(known.openai_id)]


def facts(event: Event, *names: str) -> tuple[Any, ...]:
    event.refresh_from_db()
    return tuple(getattr(event, name) for name in names)


# Adding


def test_items_are_added_and_the_event_holds_their_ids(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    event = add(operator, known, 2)
    assert facts(event, "action", "outcome", "item_ids", "item_count") == (
        "add_items",
        Outcome.SUCCEEDED,
        held(sandbox, known),
        2,
    )
    assert (event.conversation, event.actor, event.request_id) == (known, operator, sandbox.log[0].request_id)


def test_r8_the_same_form_adds_once(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    first = add(operator, known, token="t")
    with pytest.raises(AlreadySubmitted) as caught:
        add(operator, known, token="t")
    assert caught.value.event == first
    assert len(held(sandbox, known)) == 1


@pytest.mark.parametrize("fault", [Fault(drop="after"), Fault(status=500, after=True, headers=NOW)], ids=str)
def test_r7_an_addition_without_a_response_is_unknown_and_not_repeated(
    operator: User, known: Conversation, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(errors.OpenAIError) as caught:
        add(operator, known)
    assert caught.value.may_have_happened
    assert facts(Event.objects.get(), "outcome", "is_unresolved", "item_ids") == (Outcome.UNKNOWN, True, [])
    assert len(sandbox.log) == len(held(sandbox, known)) == 1


def test_r7_a_refresh_does_not_resolve_an_unknown_addition(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(drop="after"))
    with pytest.raises(errors.NoResponse):
        add(operator, known)
    refresh_conversation(actor=operator, conversation=known)
    assert Event.objects.get(action="add_items").is_unresolved


def test_a_locked_conversation_is_tried_again(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(locked=True, times=2, headers=NOW))
    assert add(operator, known).outcome == Outcome.SUCCEEDED
    assert [entry.status for entry in sandbox.log] == [400, 400, 200]


def test_a_conversation_that_stays_locked_is_told(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(locked=True, times=None, headers=NOW))
    with pytest.raises(errors.Locked):
        add(operator, known)
    event = Event.objects.get()
    assert facts(event, "outcome", "code", "status") == (Outcome.REFUSED, "conversation_locked", 400)
    assert len(event.attempts) == 3


def test_what_openai_refuses_is_recorded_in_its_words(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=400, message="No.", param="items[0].content", code="bad"))
    with pytest.raises(errors.InvalidRequest):
        add(operator, known)
    event = Event.objects.get()
    assert facts(event, "outcome", "param", "code") == (Outcome.REFUSED, "items[0].content", "bad")
    assert event.detail.message == "No."


def test_r6_what_somebody_else_is_changing_is_not_added_to(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    Event.objects.create(action="update", base_url=known.base_url, openai_id=known.openai_id, actor_name="ann")
    with pytest.raises(BeingChanged):
        add(operator, known)
    assert len(sandbox.log) == 0


@pytest.mark.parametrize("change", [add, lambda *args: delete(*args, "msg_1")], ids=["add", "delete"])
def test_a_credential_that_cannot_be_used_begins_nothing(operator: User, known: Conversation, change: Any) -> None:
    known.credential.is_active = False
    known.credential.save()
    with pytest.raises(CredentialUnusable):
        change(operator, known)
    assert not Event.objects.exists()


# Deleting


def test_an_item_is_deleted_and_the_event_names_it(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    first, second = add_messages(sandbox, known, 2)
    event = delete(operator, known, first)
    assert held(sandbox, known) == [second]
    assert facts(event, "action", "outcome", "item_ids", "item_count") == (
        "delete_items",
        Outcome.SUCCEEDED,
        [first],
        1,
    )


def test_both_halves_are_deleted_in_their_order(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 2)
    event = delete(operator, known, *wanted)
    assert facts(event, "outcome", "item_count", "item_ids") == (Outcome.SUCCEEDED, 2, wanted)
    assert [entry.path.rpartition("/")[2] for entry in sandbox.log] == wanted


def test_what_fails_in_the_middle_says_how_much_was_done(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 2)
    sandbox.faults.add(Fault(method="DELETE", skip=1, status=403, message="No."))
    words = "1 of 2 items was deleted before the server said: No."
    assert deletion_fails(operator, known, *wanted).message == words
    event = Event.objects.get()
    assert facts(event, "outcome", "item_count") == (Outcome.REFUSED, 1)
    assert (event.detail.message, held(sandbox, known)) == (words, wanted[1:])


def test_a_404_to_the_first_deletion_is_refused(operator: User, known: Conversation) -> None:
    assert isinstance(deletion_fails(operator, known, "msg_unknown"), errors.NotFound)
    assert facts(Event.objects.get(), "outcome", "status") == (Outcome.REFUSED, 404)


@pytest.mark.parametrize(
    "fault",
    [Fault(method="DELETE", status=503, after=True, headers=NOW), Fault(method="DELETE", drop="after")],
    ids=str,
)
def test_a_404_to_the_repetition_of_a_deletion_that_was_lost_is_done(
    operator: User, known: Conversation, sandbox: Sandbox, fault: Fault
) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    sandbox.faults.add(fault)
    assert delete(operator, known, item_id).outcome == Outcome.SUCCEEDED
    assert [entry.method for entry in calls_in(sandbox)] == ["DELETE", "DELETE"]


def test_r7_a_deletion_without_a_response_is_unknown(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    sandbox.faults.add(NOT_DONE)
    assert deletion_fails(operator, known, item_id).may_have_happened
    assert facts(Event.objects.get(), "outcome", "is_unresolved", "item_count") == (Outcome.UNKNOWN, True, 0)


def test_a_404_after_an_unknown_deletion_is_done_and_resolves_it(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    sandbox.faults.add(NOT_DONE)
    deletion_fails(operator, known, item_id)
    sandbox.store.delete_item(known.openai_id, item_id)  # it was done after all
    event = delete(operator, known, item_id)
    assert event.outcome == Outcome.SUCCEEDED
    assert Event.objects.exclude(pk=event.pk).get().resolved_by == event


def test_a_404_after_an_unknown_deletion_of_another_item_is_refused(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    sandbox.faults.add(NOT_DONE)
    deletion_fails(operator, known, item_id)
    assert isinstance(deletion_fails(operator, known, "msg_other"), errors.NotFound)
    assert Event.objects.unresolved().count() == 1


def test_a_404_after_an_unknown_deletion_of_both_halves_is_done(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    first, second = add_messages(sandbox, known, 2)
    sandbox.faults.add(NOT_DONE)
    deletion_fails(operator, known, first, second)
    sandbox.store.delete_item(known.openai_id, first)  # it was done after all
    assert delete(operator, known, first).outcome == Outcome.SUCCEEDED


def test_r7_a_refresh_does_not_resolve_an_unknown_deletion(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    sandbox.faults.add(NOT_DONE)
    deletion_fails(operator, known, item_id)
    refresh_conversation(actor=operator, conversation=known)
    assert Event.objects.get(action="delete_items").is_unresolved


def test_r2_a_deletion_of_an_item_proves_nothing_about_the_conversation(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    delete(operator, known, item_id)
    sandbox.faults.add(Fault(method="GET", status=404))
    with pytest.raises(errors.NotFound):
        refresh_conversation(actor=operator, conversation=known)
    known.refresh_from_db()
    assert known.state == "missing"


def test_r8_the_same_form_deletes_once(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    delete(operator, known, item_id, token="t")
    with pytest.raises(AlreadySubmitted):
        delete(operator, known, item_id, token="t")
    assert len(sandbox.log) == 1
