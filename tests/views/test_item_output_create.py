"""Adding the output that a call waits for."""

from typing import Any

import pytest
from django.test import Client as Browser
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from pydantic import TypeAdapter

from conversations.models import Conversation, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from tests.html import (
    HOSTILE,
    REFUSALS,
    UNREACHABLE,
    Form,
    form_in,
    is_page,
    text_of,
)

Item = dict[str, Any]
CALL = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"order": 48213}'}


@pytest.fixture
def url(sandbox: Sandbox, conversation: Conversation) -> str:
    return put(sandbox, conversation, CALL)


def put(sandbox: Sandbox, conversation: Conversation, item: Item) -> str:
    """The URL where the output of a new item is added."""
    [added] = sandbox.store.add_items(conversation.openai_id, [item])
    return f"/conversations/{conversation.pk}/item/{added['id']}/output/"


def form_at(browser: Browser, url: str) -> Form:
    return form_in(browser.get(url), "output")


def last(sandbox: Sandbox, conversation: Conversation) -> Item:
    """The newest item, without the id that it was given."""
    item = sandbox.store.list_items(conversation.openai_id)[-1]
    return {name: value for name, value in item.items() if name != "id"}


def test_an_output_that_the_response_does_not_hold_is_not_called_added(
    as_operator: Browser, url: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", body='{"data": [], "has_more": false}'))
    sent = form_at(as_operator, url).fill("output", "found it").send(as_operator, url, follow=True)
    assert "Sent, but the server’s response has no output." in text_of(sent)
    assert "Output added" not in text_of(sent)


def test_asks_what_the_call_gave_and_shows_it(as_operator: Browser, url: str) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    for words in ("look_up", "48213", '<label for="id_output">'):
        assert words in text_of(response)


def test_adds_the_output_and_shows_the_newest_first(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    response = form_at(as_operator, url).fill("output", "found it").send(as_operator, f"{url}?q=env%3Aprod")
    assert response["Location"] == f"{conversation.get_absolute_url()}?items=newest&q=env%3Aprod"
    assert last(sandbox, conversation) == {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": "found it",
    }
    event = Event.objects.get()
    assert (event.action, event.outcome, event.item_count) == ("add_items", Outcome.SUCCEEDED, 1)


def test_afterwards_nothing_is_broken(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    items = f"/conversations/{conversation.pk}/items/"
    assert "This call has no output" in text_of(as_operator.get(items))
    form_at(as_operator, url).fill("output", "1").send(as_operator, url)
    assert "This call has no output" not in text_of(as_operator.get(items))


PROGRAM = {"type": "program", "caller_id": "call_0"}
OUTPUTS: list[tuple[Item, dict[str, str], Item]] = [
    ({"type": "function_call"}, {"output": "a"}, {"output": "a"}),
    ({"type": "function_call", "caller": PROGRAM}, {"output": "a"}, {"output": "a", "caller": PROGRAM}),
    ({"type": "function_call", "caller": {"type": "direct"}}, {"output": "a"}, {"output": "a"}),
    ({"type": "custom_tool_call"}, {"output": "a"}, {"output": "a"}),
    ({"type": "local_shell_call"}, {"output": "a"}, {"output": "a"}),
    (
        {"type": "shell_call"},
        {"output": "o", "stderr": "e", "exit_code": "-2"},
        {"output": [{"stdout": "o", "stderr": "e", "outcome": {"type": "exit", "exit_code": -2}}]},
    ),
    (
        {"type": "shell_call", "action": {"commands": ["ls"], "max_output_length": 9}},
        {},
        {"output": [{"stdout": "", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}], "max_output_length": 9},
    ),
    ({"type": "apply_patch_call"}, {}, {"status": "completed"}),
    ({"type": "apply_patch_call"}, {"status": "failed", "output": "No."}, {"status": "failed", "output": "No."}),
]


@pytest.mark.parametrize(("call", "typed", "expected"), OUTPUTS, ids=lambda value: str(value)[:40])
def test_the_output_is_of_the_type_and_form_that_its_call_asks_for(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, call: Item, typed: Item, expected: Item
) -> None:
    url = put(sandbox, conversation, {**call, "call_id": "c"})
    form = form_at(as_operator, url)
    for name, value in typed.items():
        form.fill(name, value)
    assert form.send(as_operator, url).status_code == 302
    sent = last(sandbox, conversation)
    assert sent == {"type": f"{call['type']}_output", "call_id": "c", **expected}
    official = sent if call["type"] != "local_shell_call" else {**sent, "id": "c"}  # the server wants the call_id
    TypeAdapter(ResponseInputItemParam).validate_python(official)


@pytest.mark.parametrize("text", [case for case in HOSTILE if case.id != "empty"])
def test_an_output_is_sent_as_it_was_typed_r19(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox, text: str
) -> None:
    form_at(as_operator, url).fill("output", text).send(as_operator, url)
    assert last(sandbox, conversation)["output"] == text


@pytest.mark.parametrize(
    ("call", "typed", "words"),
    [
        (CALL, {"output": ""}, "Enter the output of the call."),
        (CALL, {"output": "a\0"}, "Null characters are not allowed."),
        ({**CALL, "type": "shell_call"}, {"exit_code": "two", "output": "typed"}, "Enter a whole number."),
        ({**CALL, "type": "apply_patch_call"}, {"status": "maybe", "output": "typed"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_sent_is_said_and_kept(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, call: Item, typed: Item, words: str
) -> None:
    url = put(sandbox, conversation, call)
    form = form_at(as_operator, url)
    for name, value in typed.items():
        form.put(name, value)
    response = form.send(as_operator, url)
    assert response.status_code == 422
    assert words in text_of(response)
    assert form_in(response, "output").values("output") == [typed["output"]]
    assert Event.objects.count() == 0


@pytest.mark.parametrize("call_id", [None, 7])
def test_a_call_that_no_output_can_name_gets_none(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, call_id: Any
) -> None:
    url = put(sandbox, conversation, {**CALL, "call_id": call_id})
    response = form_at(as_operator, url).fill("output", "a").send(as_operator, url)
    assert response.status_code == 422
    assert "This call has no call_id" in text_of(response)


def test_the_output_of_a_screen_cannot_be_typed_and_deletion_is_offered(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    url = put(sandbox, conversation, {"type": "computer_call", "call_id": "c"})
    text = text_of(as_operator.get(url))
    assert "The output of this call is a screenshot" in text
    assert f'href="{url.replace("output", "delete")}">Delete call…' in text
    token = form_in(as_operator.get(url), "token")
    assert token.send(as_operator, url).status_code == 422
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    "item", [{"type": "message", "role": "user", "content": "hi"}, {"type": "function_call_output", "call_id": "c"}]
)
def test_an_item_that_is_no_such_call_gets_none(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, item: Item
) -> None:
    url = put(sandbox, conversation, item)
    response = as_operator.get(url)
    assert response.status_code == 422
    assert "This item isn’t a call that needs an output." in text_of(response)
    assert as_operator.post(url, {"output": "a", "token": "t"}).status_code == 422
    assert Event.objects.count() == 0


def test_an_output_that_is_there_already_is_shown(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, {"type": "function_call_output", "call_id": "call_1", "output": "the first"})
    text = text_of(as_operator.get(url))
    assert "This call already has an output." in text
    assert "the first" in text


def test_the_same_form_sent_twice_adds_once_r8(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    form = form_at(as_operator, url).fill("output", "1")
    for _ in range(2):
        assert form.send(as_operator, url).status_code == 302
    assert len(sandbox.store.list_items(conversation.openai_id)) == 2


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
@pytest.mark.parametrize("skip", [0, 1], ids=["reading", "adding"])
def test_tells_what_openai_says_and_keeps_what_was_typed(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str, skip: int
) -> None:
    form = form_at(as_operator, url).fill("output", "typed")
    sandbox.faults.add(Fault(**{**vars(fault), "skip": skip}))
    response = form.send(as_operator, url)
    assert response.status_code == 502
    assert words in text_of(response)
    assert form_in(response, "output").values("output") == ["typed"]


def test_an_addition_that_got_no_response_is_not_sent_again_without_a_question_r8_r10(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", drop="after"))
    again = form_in(form_at(as_operator, url).fill("output", "1").send(as_operator, url), "output")
    assert again.send(as_operator, url).status_code == 422
    assert len(sandbox.store.list_items(conversation.openai_id)) == 2
    assert again.tick("again").send(as_operator, url).status_code == 302


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = form_at(as_operator, url).fill("output", "typed")
    sandbox.stop()
    response = form.send(as_operator, url)
    assert UNREACHABLE in text_of(response)
    assert form_in(response, "output").values("output") == ["typed"]
