"""More messages than one call takes: in order, each call recorded, and no message added twice."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from conversations.models import Conversation, Credential, Event, Outcome, Team
from conversations.openai import errors
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.additions import Addition, add_all_items, create_with_items, token_of_call
from conversations.services.errors import AlreadySubmitted, BeingChanged, Held
from conversations.services.holds import place_hold
from tests.factories import add_messages, make_credential
from tests.services.test_holds_meanwhile import in_threads
from tests.waiting import Clock, Meanwhile

pytestmark = pytest.mark.django_db

TOKEN = "t"
SECOND = {"method": "POST", "path": "/conversations/[^/]+/items", "skip": 1}
FIRST = {"method": "POST", "path": "/conversations/[^/]+/items"}


def said(count: int) -> list[dict[str, Any]]:
    return [{"type": "message", "role": "user", "content": f"Message {number}"} for number in range(1, count + 1)]


def texts(sandbox: Sandbox, conversation: Conversation) -> list[str]:
    return [item["content"][0]["text"] for item in sandbox.store.list_items(conversation.openai_id)]


def numbered(count: int) -> list[str]:
    return [f"Message {number}" for number in range(1, count + 1)]


def create(operator: User, credential: Credential, count: int = 57) -> Addition:
    return create_with_items(actor=operator, credential=credential, items=said(count), metadata={}, token="t")


def add(operator: User, conversation: Conversation, count: int = 57, token: str = TOKEN) -> Addition:
    return add_all_items(actor=operator, conversation=conversation, items=said(count), token=token)


def outcomes() -> list[tuple[str, str, int]]:
    return list(Event.objects.order_by("pk").values_list("action", "outcome", "item_count"))


def test_a_conversation_gets_all_its_messages_in_order(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    addition = create(operator, credential)
    assert (addition.is_complete, addition.kept) == (True, 57)
    assert texts(sandbox, addition.conversation) == numbered(57)
    done = Outcome.SUCCEEDED
    assert outcomes() == [("create", done, 20), ("add_items", done, 20), ("add_items", done, 17)]


def test_twenty_messages_are_one_call(operator: User, credential: Credential) -> None:
    assert create(operator, credential, 20).is_complete
    assert Event.objects.count() == 1


def test_a_server_that_drops_the_first_messages_gets_none_after_them(
    operator: User, credential: Credential, sandbox: Sandbox, team: Team
) -> None:
    with Sandbox(key=sandbox.key, dialect=Dialect(drops_items=True)) as dropping:
        addition = create(operator, make_credential(dropping, teams=[team]))
        assert (addition.added, addition.rest, addition.is_dropped) == (0, 57, True)
        assert texts(dropping, addition.conversation) == []
        assert add(operator, addition.conversation, token="again").is_complete
        assert texts(dropping, addition.conversation) == numbered(57)


def test_messages_are_added_in_calls_of_twenty(operator: User, conversation: Conversation, sandbox: Sandbox) -> None:
    addition = add(operator, conversation)
    assert (addition.is_complete, texts(sandbox, conversation)) == (True, numbered(57))
    assert [count for _, _, count in outcomes()] == [20, 20, 17]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(**SECOND, status=400, code="bad", message="Not this."), errors.InvalidRequest),
        (Fault(**SECOND, status=429, headers={"Retry-After": "60"}), errors.RateLimited),
        (Fault(**SECOND, status=401), errors.Unauthorized),
    ],
    ids=["400", "429", "401"],
)
def test_a_refusal_ends_it_and_the_rest_is_left(
    operator: User, credential: Credential, sandbox: Sandbox, fault: Fault, kind: type[errors.OpenAIError]
) -> None:
    sandbox.faults.add(fault)
    addition = create(operator, credential)
    assert (addition.added, addition.rest, addition.event) == (40, 17, None)
    assert isinstance(addition.failure, kind)
    assert texts(sandbox, addition.conversation) == numbered(40)
    assert Event.objects.latest("pk").outcome == Outcome.REFUSED


def test_a_429_that_passes_is_only_a_pause(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(**SECOND, status=429, headers={"retry-after-ms": "1"}))
    assert create(operator, credential).is_complete


LOST = [Fault(**FIRST, drop="after"), Fault(**FIRST, status=500, after=True), Fault(**FIRST, body="<html>", after=True)]


@pytest.mark.parametrize("fault", LOST, ids=["dropped", "500", "garbage"])
def test_what_arrived_without_a_response_is_found_and_not_left(
    operator: User, credential: Credential, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    addition = create(operator, credential)
    assert (addition.added, addition.is_proved, addition.event) == (40, True, None)
    lost = Event.objects.filter(action="add_items").get()
    assert (lost.outcome, lost.is_unresolved) == (Outcome.UNKNOWN, False)
    assert lost.resolved_by is not None
    assert "20 messages were found" in lost.resolved_by.detail.note


@pytest.mark.parametrize("count", [40, 57])
def test_the_last_messages_that_arrived_without_a_response_complete_it(
    operator: User, credential: Credential, sandbox: Sandbox, count: int
) -> None:
    sandbox.faults.add(Fault(method="POST", path="/conversations/[^/]+/items", skip=count // 20 - 1, drop="after"))
    addition = create(operator, credential, count)
    assert (addition.is_complete, addition.kept) == (True, count)
    assert not Event.objects.unresolved().exists()


def test_what_did_not_arrive_is_left_and_stays_unresolved_r7(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(**FIRST, drop="before"))
    addition = create(operator, credential)
    assert (addition.added, addition.is_proved) == (20, False)
    assert addition.event == Event.objects.unresolved().get()


def test_a_look_that_fails_leaves_it_open_r7(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(**FIRST, drop="after"))
    sandbox.faults.add(Fault(method="GET", path=".*/items", skip=1, times=None, status=503))
    addition = create(operator, credential)
    assert (addition.added, addition.event) == (20, Event.objects.unresolved().get())


def test_the_first_messages_of_many_are_found_among_others_too(
    operator: User, conversation: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 20)  # the same texts were there before
    sandbox.faults.add(Fault(**FIRST, drop="after"))
    addition = add(operator, conversation)
    assert (addition.added, addition.is_proved) == (20, True)


def test_the_same_texts_from_before_are_not_taken_for_these(
    operator: User, conversation: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 20)
    sandbox.faults.add(Fault(**FIRST, drop="before"))
    with pytest.raises(errors.NoResponse):
        add(operator, conversation)


def test_a_first_call_that_fails_raises_as_one_call_does(
    operator: User, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(**FIRST, status=403))
    with pytest.raises(errors.Forbidden):
        add(operator, conversation)
    assert texts(sandbox, conversation) == []


def test_the_budget_of_one_request_is_shared_r11(
    operator: User, credential: Credential, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Meanwhile(**FIRST, act=lambda: clock.advance(4)))
    addition = create(operator, credential)
    assert (addition.added, addition.failure) == (40, None)
    assert len(texts(sandbox, addition.conversation)) == 40


def test_a_form_sent_twice_adds_nothing_twice_r8(operator: User, conversation: Conversation, sandbox: Sandbox) -> None:
    add(operator, conversation)
    with pytest.raises(AlreadySubmitted):
        add(operator, conversation)
    assert texts(sandbox, conversation) == numbered(57)


def test_each_call_has_a_token_of_its_own_r8(operator: User, conversation: Conversation) -> None:
    add(operator, conversation, token="t" * 64)
    tokens = set(Event.objects.values_list("token", flat=True))
    assert tokens == {token_of_call("t" * 64, number) for number in range(3)}


@in_threads
def test_a_hold_placed_meanwhile_ends_it(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    def hold() -> None:
        place_hold(actor=operator, conversations=list(Conversation.objects.all()), reason="Case 7")
        connection.close()

    sandbox.faults.add(Meanwhile(**FIRST, act=hold))
    addition = create(operator, credential)
    assert isinstance(addition.failure, Held)
    assert (addition.added, addition.event) == (40, None)


@in_threads
def test_somebody_elses_change_ends_it_r6(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    def change() -> None:
        created = Conversation.objects.get()
        Event.objects.create(action="update", base_url=created.base_url, openai_id=created.openai_id, actor_name="ann")
        connection.close()

    sandbox.faults.add(Meanwhile(method="GET", path=".*/items", act=change))
    addition = create(operator, credential)
    assert isinstance(addition.failure, BeingChanged)
    assert addition.added == 20


def test_events_hold_no_text_r9(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(**FIRST, drop="after"))
    create(operator, credential)
    kept = [vars(event) | vars(getattr(event, "detail", event)) for event in Event.objects.all()]
    assert "Message 1" not in repr(kept)
