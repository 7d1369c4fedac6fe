"""Adding messages to a conversation."""

import pytest
from django.test import Client as Browser

from conversations.models import Conversation, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from tests.html import (
    HOSTILE,
    REFUSALS,
    UNREACHABLE,
    Form,
    form_in,
    fragment,
    is_page,
    text_of,
)


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/items/new/"


def written(browser: Browser, url: str, *texts: str) -> Form:
    """The form with these messages, each in a row of its own."""
    form = form_in(browser.get(url), "token")
    return form.put("role", *["user"] * len(texts)).put("text", *texts)


def texts_at(sandbox: Sandbox, conversation: Conversation) -> list[str]:
    return [item["content"][0]["text"] for item in sandbox.store.list_items(conversation.openai_id)]


def test_asks_for_a_message(as_operator: Browser, url: str, conversation: Conversation) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    assert conversation.openai_id in text_of(response)


def test_adds_the_messages_in_their_order_and_shows_the_newest_first(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    response = written(as_operator, url, "one", "two").send(as_operator, url, "send")
    assert response["Location"] == f"{conversation.get_absolute_url()}?items=newest"
    assert texts_at(sandbox, conversation) == ["one", "two"]
    event = Event.objects.get()
    assert (event.action, event.outcome, event.item_count) == ("add_items", Outcome.SUCCEEDED, 2)
    assert event.item_ids == [item["id"] for item in sandbox.store.list_items(conversation.openai_id)]


def test_keeps_the_result_that_the_conversation_was_opened_from(
    as_operator: Browser, url: str, conversation: Conversation
) -> None:
    form = written(as_operator, url, "one")
    response = form.send(as_operator, f"{url}?q=env%3Aprod", "send")
    assert response["Location"] == f"{conversation.get_absolute_url()}?items=newest&q=env%3Aprod"


@pytest.mark.parametrize("text", [case for case in HOSTILE if case.id != "empty"])
def test_a_message_is_sent_as_it_was_typed_r19(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox, text: str
) -> None:
    written(as_operator, url, text).send(as_operator, url, "send")
    assert texts_at(sandbox, conversation) == [text]


def test_a_row_is_added_alone_to_htmx_with_what_was_typed(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = written(as_operator, url, "one")
    response = form.send(as_operator, url, "add-message", headers=fragment("new-items"))
    assert not is_page(response)
    assert form_in(response, "token").values("text") == ["one", ""]
    assert len(sandbox.log) == 0


def test_a_message_is_wanted(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    response = written(as_operator, url, "", "").send(as_operator, url, "send")
    assert response.status_code == 422
    assert "Nothing was sent. Write a message first." in text_of(response)
    assert len(sandbox.log) == 0


def test_more_than_the_form_takes_are_refused_and_kept(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    response = written(as_operator, url, *map(str, range(201))).send(as_operator, url, "send")
    assert response.status_code == 422
    assert len(form_in(response, "token").values("text")) == 201
    assert len(sandbox.log) == 0


def test_the_same_form_sent_twice_adds_once_r8(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    form = written(as_operator, url, "one")
    for _ in range(2):
        assert form.send(as_operator, url, "send").status_code == 302
    assert texts_at(sandbox, conversation) == ["one"]


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_and_keeps_what_was_typed(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = written(as_operator, url, "typed").send(as_operator, url, "send")
    assert response.status_code == 502
    assert words in text_of(response)
    assert form_in(response, "token").values("text") == ["typed"]


def test_what_openai_says_of_a_message_stands_at_its_row(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=400, param="items[1].content", message="Too rude."))
    text = text_of(written(as_operator, url, "one", "", "two").send(as_operator, url, "send"))
    assert 'id="message-error-3"><p class="error">Too rude.' in text


def test_an_addition_that_got_no_response_is_not_sent_again_without_a_question_r8_r10(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", drop="after"))
    response = written(as_operator, url, "one").send(as_operator, url, "send")
    again = form_in(response, "token")
    assert again.send(as_operator, url, "send").status_code == 422
    assert texts_at(sandbox, conversation) == ["one"]
    assert again.tick("again").send(as_operator, url, "send").status_code == 302
    assert texts_at(sandbox, conversation) == ["one", "one"]


def test_a_locked_conversation_is_tried_again(
    as_operator: Browser, url: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", locked=True))
    assert written(as_operator, url, "one").send(as_operator, url, "send").status_code == 302
    assert texts_at(sandbox, conversation) == ["one"]


def test_a_conversation_that_stays_locked_is_explained(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="POST", locked=True, times=None, headers={"retry-after-ms": "1"}))
    text = text_of(written(as_operator, url, "one").send(as_operator, url, "send"))
    assert "A response is being generated in this conversation." in text
    assert "conversation_locked" in text


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = written(as_operator, url, "one")
    sandbox.stop()
    assert UNREACHABLE in text_of(form.send(as_operator, url, "send"))
