"""Copying a conversation: what comes along, what doesn't, and going on after any failure without copying twice."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.openai import errors
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.copies import Copy, Position, continue_copy, plan_copy, recorded_copy, start_copy
from conversations.services.errors import AlreadySubmitted, ServiceError
from conversations.services.holds import place_hold
from tests.factories import add_messages, make_credential
from tests.waiting import Clock, Meanwhile

pytestmark = pytest.mark.django_db

ADDING = {"method": "POST", "path": "/conversations/[^/]+/items"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "42"}
REASONING = {"type": "reasoning", "summary": []}
PICTURE = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"}],
}


def start(operator: User, source: Conversation, token: str = "", **fields: Any) -> Copy:
    known: dict[str, Any] = {"credential": source.credential, "metadata": {"tenant": "acme"}}
    return start_copy(actor=operator, source=source, token=token or "t", **{**known, **fields})


def go_on(operator: User, source: Conversation, copy: Copy, token: str = "") -> Copy:
    return continue_copy(
        actor=operator,
        source=source,
        target=copy.addition.conversation,
        position=copy.position,
        token=token or "t2",
    )


def said(sandbox: Sandbox, conversation: Conversation) -> list[Any]:
    """What the items hold, apart from their ids."""
    listed = sandbox.store.list_items(conversation.openai_id)
    return [{name: value for name, value in item.items() if name != "id"} for item in listed]


def the_same(sandbox: Sandbox, source: Conversation, copy: Copy) -> bool:
    return said(sandbox, source) == said(sandbox, copy.addition.conversation)


@pytest.fixture
def source(sandbox: Sandbox, conversation: Conversation) -> Conversation:
    """One with 130 messages, which are two pages."""
    add_messages(sandbox, conversation, 130)
    return conversation


def test_everything_is_copied_in_order(operator: User, source: Conversation, sandbox: Sandbox) -> None:
    copy = start(operator, source)
    assert copy.is_complete
    assert (copy.position.copied, copy.position.left_out) == (130, 0)
    assert the_same(sandbox, source, copy)
    assert copy.addition.conversation.metadata == {"tenant": "acme"}


def test_each_call_is_recorded_and_the_first_says_of_what_it_is_a_copy_r5(operator: User, source: Conversation) -> None:
    start(operator, source)
    events = Event.objects.order_by("pk")
    assert [(event.action, event.item_count) for event in events] == [
        ("create", 20),
        *[("add_items", 20)] * 5,
        ("add_items", 10),
    ]
    assert events[0].detail.note == f"Copied from {source.openai_id}."


def test_calls_outputs_and_pictures_come_along_and_reasoning_does_not(
    operator: User, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.store.add_items(conversation.openai_id, [PICTURE, CALL, REASONING, OUTPUT])
    copy = start(operator, conversation)
    kept = [item for item in said(sandbox, conversation) if item["type"] != "reasoning"]
    assert said(sandbox, copy.addition.conversation) == kept
    assert (copy.position.copied, copy.position.left_out) == (3, 1)


def test_the_plan_counts_what_comes_along_and_names_what_does_not(conversation: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.add_items(conversation.openai_id, [PICTURE, CALL, REASONING, OUTPUT])
    plan = plan_copy(source=conversation)
    assert dict(plan.counts) == {"message": 1, "function call": 1, "function call output": 1}
    assert [(number, name) for number, name, _ in plan.left_out] == [(3, "Reasoning")]
    assert (plan.total, plan.read, plan.is_whole) == (3, 4, True)


def test_an_empty_conversation_is_copied(operator: User, conversation: Conversation, sandbox: Sandbox) -> None:
    copy = start(operator, conversation)
    assert (copy.is_complete, said(sandbox, copy.addition.conversation)) == (True, [])


def test_a_copy_may_be_at_another_server(operator: User, source: Conversation, replacing_sandbox: Sandbox) -> None:
    elsewhere = make_credential(replacing_sandbox, teams=[*source.credential.teams.all()])
    copy = start(operator, source, credential=elsewhere)
    assert copy.is_complete
    assert len(said(replacing_sandbox, copy.addition.conversation)) == 130


def test_a_server_that_drops_the_first_items_gets_all_of_them_afterwards(
    operator: User, source: Conversation, sandbox: Sandbox
) -> None:
    with Sandbox(key=sandbox.key, dialect=Dialect(drops_items=True)) as dropping:
        elsewhere = make_credential(dropping, teams=[*source.credential.teams.all()])
        first = start(operator, source, credential=elsewhere)
        assert (first.is_complete, first.position, first.addition.is_dropped) == (False, Position(), True)
        recorded = recorded_copy(source=source, position=Position(), token="t")
        assert recorded is not None
        assert (recorded.is_complete, recorded.position, recorded.addition.is_dropped) == (False, Position(), True)
        assert go_on(operator, source, first).is_complete
        assert said(dropping, first.addition.conversation) == said(sandbox, source)


def test_one_on_hold_is_copied_and_stays_as_it_is(operator: User, source: Conversation, sandbox: Sandbox) -> None:
    place_hold(actor=operator, conversations=[source], reason="Case 7")
    assert start(operator, source).is_complete
    assert {entry.method for entry in sandbox.log if source.openai_id in entry.path} == {"GET"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(**ADDING, skip=2, status=400, message="No."),
        Fault(**ADDING, skip=2, status=429, headers={"Retry-After": "60"}),
        Fault(**ADDING, skip=2, drop="after"),
        Fault(method="GET", path=".*/items", skip=2, status=401),
    ],
    ids=["400", "429", "arrived without a response", "reading fails"],
)
def test_a_copy_goes_on_from_where_a_failure_ended_it(
    operator: User, source: Conversation, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    first = start(operator, source)
    assert not first.is_complete
    assert first.addition.failure is not None
    assert first.position.copied == len(said(sandbox, first.addition.conversation))
    assert go_on(operator, source, first).is_complete
    assert the_same(sandbox, source, first)


def test_what_may_have_arrived_is_asked_about(operator: User, source: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(**ADDING, drop="before"))
    copy = start(operator, source)
    assert copy.addition.event == Event.objects.get(outcome=Outcome.UNKNOWN)
    assert copy.position.copied == 20


def test_a_copy_goes_on_when_the_time_of_a_request_is_used_up_r11(
    operator: User, source: Conversation, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Meanwhile(**ADDING, skip=1, act=lambda: clock.advance(4)))
    first = start(operator, source)
    assert (first.is_complete, first.addition.failure, first.position.copied) == (False, None, 60)
    assert go_on(operator, source, first).is_complete
    assert the_same(sandbox, source, first)


def test_items_without_an_id_do_not_confuse_the_position(
    operator: User, conversation: Conversation, sandbox: Sandbox
) -> None:
    items = "".join(f'{{"type": "message", "role": "user", "content": "{number}"}},' for number in range(45))
    body = f'{{"object": "list", "data": [{items[:-1]}], "has_more": false}}'
    for _ in range(2):
        sandbox.faults.add(Fault(method="GET", path=f"/conversations/{conversation.openai_id}/items", body=body))
    sandbox.faults.add(Fault(**ADDING, status=400))
    first = start(operator, conversation)
    assert (first.position.after, first.position.skip, first.position.copied) == ("", 20, 20)
    assert go_on(operator, conversation, first).is_complete
    texts = [item["content"][0]["text"] for item in said(sandbox, first.addition.conversation)]
    assert texts == [str(number) for number in range(45)]


def test_a_server_that_does_not_know_include_is_read_without(
    operator: User, source: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="GET", path=".*/items", status=400, message="Unknown parameter: include[]"))
    assert start(operator, source).is_complete


def test_nothing_is_created_if_the_original_cannot_be_read(
    operator: User, source: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="GET", path=".*/items", status=403))
    with pytest.raises(errors.Forbidden):
        start(operator, source)
    assert len(sandbox.store.list_conversations()) == 1


@pytest.mark.parametrize("number", [1, 2])
def test_a_form_sent_twice_copies_once_r8(operator: User, source: Conversation, sandbox: Sandbox, number: int) -> None:
    sandbox.faults.add(Fault(**ADDING, status=400))
    first = start(operator, source)
    go_on(operator, source, first)
    again = start if number == 1 else go_on
    with pytest.raises(AlreadySubmitted):
        again(operator, source, *([first] if number == 2 else []))
    assert the_same(sandbox, source, first)


def test_a_conversation_is_not_copied_into_itself(operator: User, source: Conversation, sandbox: Sandbox) -> None:
    with pytest.raises(ServiceError, match="into itself"):
        continue_copy(actor=operator, source=source, target=source, position=Position(), token="t")
    assert len(sandbox.log) == 0


def test_a_position_that_the_server_does_not_know_is_an_error_of_reading(
    operator: User, source: Conversation, sandbox: Sandbox
) -> None:
    first = start(operator, source)
    first.position = replace(first.position, after="msg_gone")
    second = go_on(operator, source, first)
    assert (second.is_complete, second.is_reading) == (False, True)


def test_no_text_is_kept_r9(operator: User, source: Conversation, credential: Credential) -> None:
    start(operator, source)
    kept = [vars(event) | vars(getattr(event, "detail", event)) for event in Event.objects.all()]
    assert "Message 1" not in repr(kept)


def test_how_far_a_copy_got_is_recorded(operator: User, source: Conversation, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.store.add_items(source.openai_id, [REASONING])
    sandbox.faults.add(Meanwhile(**ADDING, act=lambda: clock.advance(4)))
    first = start(operator, source)
    recorded = recorded_copy(source=source, position=Position(), token="t")
    assert recorded is not None
    assert (recorded.position, recorded.is_complete) == (first.position, False)
    assert recorded.addition.conversation == first.addition.conversation


def test_a_complete_copy_is_recorded_as_such_and_one_that_did_not_begin_not_at_all(
    operator: User, source: Conversation
) -> None:
    assert recorded_copy(source=source, position=Position(), token="t") is None
    start(operator, source)
    recorded = recorded_copy(source=source, position=Position(), token="t")
    assert recorded is not None
    assert recorded.is_complete
