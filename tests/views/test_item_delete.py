"""Deleting an item, and the other half of a call and its output with it."""

from typing import Any

import pytest
from django.test import Client as Browser

from conversations.models import Conversation, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_messages
from tests.html import REFUSALS, UNREACHABLE, Form, form_in, is_page, text_of

CALL = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "found it"}


@pytest.fixture
def ids(sandbox: Sandbox, conversation: Conversation) -> list[str]:
    """A message, a call and its output."""
    message = {"type": "message", "role": "user", "content": "Where is it?"}
    return [item["id"] for item in sandbox.store.add_items(conversation.openai_id, [message, CALL, OUTPUT])]


@pytest.fixture
def url(conversation: Conversation, ids: list[str]) -> str:
    return url_of(conversation, ids[0])


def url_of(conversation: Conversation, item_id: str) -> str:
    return f"/conversations/{conversation.pk}/item/{item_id}/delete/"


def form_at(browser: Browser, url: str) -> Form:
    return form_in(browser.get(url), "token")


def left(sandbox: Sandbox, conversation: Conversation) -> list[str]:
    return [item["id"] for item in sandbox.store.list_items(conversation.openai_id)]


def test_asks_and_shows_what_would_go(as_operator: Browser, url: str, ids: list[str]) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    for words in (ids[0], "Where is it?", "can’t be undone"):
        assert words in text_of(response)


def test_deletes_the_item_alone(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox, ids: list[str]
) -> None:
    response = form_at(as_operator, url).send(as_operator, url)
    assert response["Location"] == conversation.get_absolute_url()
    assert left(sandbox, conversation) == ids[1:]
    event = Event.objects.get()
    assert (event.action, event.outcome, event.item_ids) == ("delete_items", Outcome.SUCCEEDED, [ids[0]])


@pytest.mark.parametrize("half", [1, 2])
def test_a_half_is_offered_with_its_other_half(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, ids: list[str], half: int
) -> None:
    url = url_of(conversation, ids[half])
    form = form_at(as_operator, url)
    assert form.values("partner") == [ids[3 - half]]
    form.send(as_operator, url)
    assert left(sandbox, conversation) == [ids[0]]


def test_a_half_goes_alone_where_that_is_chosen(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, ids: list[str]
) -> None:
    url = url_of(conversation, ids[1])
    form_at(as_operator, url).put("partner").send(as_operator, url)
    assert left(sandbox, conversation) == [ids[0], ids[2]]


def test_a_half_whose_other_half_is_far_away_is_told(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    [call] = sandbox.store.add_items(conversation.openai_id, [CALL])
    add_messages(sandbox, conversation, 100)
    sandbox.store.add_items(conversation.openai_id, [OUTPUT])
    text = text_of(as_operator.get(url_of(conversation, call["id"])))
    assert "its counterpart isn’t among the 100 items next to it" in text


def test_an_item_that_cannot_be_read_can_be_deleted_all_the_same(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox, ids: list[str]
) -> None:
    sandbox.faults.add(Fault(method="GET", body=b"<html>"))
    response = as_operator.get(url)
    assert "The response isn’t a JSON object." in text_of(response)
    form_in(response, "token").send(as_operator, url)
    assert left(sandbox, conversation) == ids[1:]


def test_the_same_form_sent_twice_deletes_once_r8(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = form_at(as_operator, url)
    for _ in range(2):
        assert form.send(as_operator, url).status_code == 302
    assert [entry.status for entry in sandbox.log if entry.method == "DELETE"] == [200]


@pytest.mark.parametrize("partner", ["a\x7fb", "x" * 300, "\n"])
def test_an_other_half_that_can_be_none_is_refused(
    as_operator: Browser, url: str, sandbox: Sandbox, partner: Any
) -> None:
    response = form_at(as_operator, url).put("partner", partner).send(as_operator, url)
    assert response.status_code in {302, 422}
    assert all(entry.method != "DELETE" or entry.status == 200 for entry in sandbox.log)


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    form = form_at(as_operator, url)
    sandbox.faults.add(fault)
    response = form.send(as_operator, url)
    assert response.status_code == 502
    assert words in text_of(response)


def test_says_how_many_were_deleted_where_the_second_is_refused(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, ids: list[str]
) -> None:
    url = url_of(conversation, ids[1])
    form = form_at(as_operator, url)
    sandbox.faults.add(Fault(method="DELETE", skip=1, status=400, message="Not this one."))
    text = text_of(form.send(as_operator, url))
    assert "1 of 2 items was deleted before the server said: Not this one." in text
    assert left(sandbox, conversation) == [ids[0], ids[2]]


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = form_at(as_operator, url)
    sandbox.stop()
    assert UNREACHABLE in text_of(form.send(as_operator, url))
