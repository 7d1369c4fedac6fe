"""Finding a text in a transcript: in what is shown, and in all of it."""

import re
from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from conversations.models import Conversation
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_messages
from tests.html import text_of, words_of


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"{conversation.get_absolute_url()}items/"


def say(sandbox: Sandbox, conversation: Conversation, *texts: str) -> list[str]:
    items: list[dict[str, Any]] = [{"type": "message", "role": "user", "content": text} for text in texts]
    return [item["id"] for item in sandbox.store.add_items(conversation.openai_id, items)]


def test_marks_what_it_finds_and_counts_it(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    first, _, third = say(sandbox, conversation, "An Order, an ORDER <b>", "nothing", "the order")
    response = as_operator.get(url, {"find": "order"})
    page = text_of(response)
    assert "An <mark>Order</mark>, an <mark>ORDER</mark> &lt;b&gt;" in page
    assert "3 matches in 2 items, in the 3 items shown here." in words_of(response)
    assert f'href="#item-{first}">First match' in page
    assert f'href="#item-{third}">Next match' in page
    assert f'href="#item-{first}">Previous match' in page


@pytest.mark.parametrize("text", ["rendered", "raw"])
@pytest.mark.parametrize("wanted", ["<b>", "a & b", "&amp;", '"x"', "mark", "\u202e", "שלום", "😀"])
def test_marks_harmlessly_whatever_is_looked_for(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, wanted: str, text: str
) -> None:
    say(sandbox, conversation, f"before {wanted} after")
    page = text_of(as_operator.get(url, {"find": wanted, "text": text}))
    assert page.count("<mark>") == (0 if (wanted, text) == ("&amp;", "rendered") else 1)
    assert "<b> after" not in page


def test_marks_in_rendered_text_and_never_in_its_tags(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "**strong** [link](https://href.example) `code`")
    page = text_of(as_operator.get(url, {"find": "str", "text": "rendered"}))
    assert "<strong><mark>str</mark>ong</strong>" in page
    page = text_of(as_operator.get(url, {"find": "href", "text": "rendered"}))
    assert page.count("<mark>") == 0
    assert "1 match in" in " ".join(re.sub(r"<[^>]+>", "", page).split())


def test_opens_the_folds_with_matches(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": "needle"}'}
    sandbox.store.add_items(conversation.openai_id, [call, {"type": "reasoning", "summary": []}])
    say(sandbox, conversation, "\n" * 50 + "a needle")
    page = text_of(as_operator.get(url, {"find": "needle"}))
    assert page.count('<details class="turn-fold" open>') == 1
    assert page.count('<details class="turn-fold">') == 1
    assert "<details open>" in page


def test_of_many_places_the_first_are_marked_and_all_counted(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "z" * 1_400)
    response = as_operator.get(url, {"find": "z"})
    assert text_of(response).count("<mark>") == 500
    assert "1,400 matches in the 1 item shown here" in words_of(response)


def test_says_that_nothing_was_found(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "hello")
    response = as_operator.get(url, {"find": "needle"})
    assert "No matches in the 1 item shown here." in words_of(response)
    assert "First match" not in text_of(response)


def test_finds_in_all_items(as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox) -> None:
    add_messages(sandbox, conversation, 250)
    ids = say(sandbox, conversation, "the needle")
    assert "Search all items" in text_of(as_operator.get(url, {"find": "needle"}))
    response = as_operator.get(url, {"find": "needle", "show": "found"})
    assert "1 match in all 251 items." in words_of(response)
    assert [turn.item.id for turn in response.context_data["turns"]] == ids
    assert f'?item_at={ids[0]}#item-{ids[0]}">Show in transcript' in text_of(response)


def test_says_how_far_it_got_and_continues_from_there(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, settings: Settings
) -> None:
    add_messages(sandbox, conversation, 150)
    sandbox.faults.add(Fault(path=".*/items", skip=1, times=3, status=500, message="Oh no."))
    response = as_operator.get(url, {"find": "Message 1", "show": "found"})
    assert "in the first 100 items. There are more." in words_of(response)
    assert "The search stopped there:" in words_of(response)
    rest = as_operator.get(url + response.context_data["further_url"])
    assert "in the last 50 items." in words_of(rest)
    assert "Message 101" in re.sub("</?mark>", "", text_of(rest))


@pytest.mark.long
def test_stops_at_half_the_time_of_a_request(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, settings: Settings
) -> None:
    add_messages(sandbox, conversation, 250)
    settings.REQUEST_BUDGET = 0.6
    sandbox.faults.add(Fault(path=".*/items", delay=0.4, times=None))
    response = as_operator.get(url, {"find": "needle", "show": "found"})
    assert "No matches in the first 100 items. There are more." in words_of(response)


def test_tells_what_openai_says(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=403, message="Not for you."))
    response = as_operator.get(url, {"find": "needle", "show": "found"})
    assert response.status_code == 502
    assert "Not for you." in text_of(response)


def test_a_search_for_nothing_is_none(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "hello")
    response = as_operator.get(url, {"find": "  ", "show": "found"})
    assert "shown here" not in text_of(response)
    assert "hello" in text_of(response)
