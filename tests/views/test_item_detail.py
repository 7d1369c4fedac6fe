"""One item, in full."""

import html
import json
import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from tests.html import REFUSALS, UNREACHABLE, is_page, signed_in, text_of

IMAGE = {"type": "input_image", "detail": "low", "image_url": "https://example.com/a.png"}
URL = "message.input_image.image_url"
WORDS = ("alpha", "beta", "gamma")


@pytest.fixture
def url(conversation: Conversation, sandbox: Sandbox) -> str:
    return put(sandbox, conversation, "hello")


def put(sandbox: Sandbox, conversation: Conversation, content: object) -> str:
    """The URL of a new message."""
    message = {"type": "message", "role": "user", "content": content}
    [item] = sandbox.store.add_items(conversation.openai_id, [message])
    return f"/conversations/{conversation.pk}/item/{item['id']}/"


def test_shows_the_item_and_its_json(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    [raw] = re.findall(r'<pre class="code" id="raw-json"[^>]*>(.*?)</pre>', text_of(response), re.DOTALL)
    assert json.loads(html.unescape(raw))["content"] == [{"type": "input_text", "text": "hello"}]
    assert "data-text>hello</div>" in text_of(response)


def test_a_viewer_may_look_and_is_offered_no_deletion(client: Browser, viewer: User, url: str) -> None:
    response = signed_in(client, viewer).get(url)
    assert response.status_code == 200
    assert "Delete" not in text_of(response)


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_and_how_to_try_again(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(url)
    assert response.status_code == 502
    assert words in text_of(response)
    assert f'href="{url}">Try again' in text_of(response)


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.get(url))


def test_an_item_that_openai_does_not_know_is_told_in_its_words(
    as_operator: Browser, conversation: Conversation
) -> None:
    response = as_operator.get(f"/conversations/{conversation.pk}/item/msg_unknown/")
    assert response.status_code == 502
    assert "msg_unknown&#x27; not found" in text_of(response)


@pytest.mark.parametrize("item_id", ["%00", "x" * 300])
def test_what_can_be_no_id_is_said_and_not_sent(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, item_id: str
) -> None:
    response = as_operator.get(f"/conversations/{conversation.pk}/item/{item_id}/")
    assert "can’t be an id at OpenAI" in text_of(response)
    assert len(sandbox.log) == 0


def test_an_inactive_credential_is_said_in_words(
    as_operator: Browser, credential: Credential, url: str, sandbox: Sandbox
) -> None:
    credential.is_active = False
    credential.save()
    response = as_operator.get(url)
    assert response.status_code == 422
    assert "is inactive" in text_of(response)


def test_asks_for_what_is_to_be_included(as_operator: Browser, conversation: Conversation, sandbox: Sandbox) -> None:
    url = put(sandbox, conversation, [IMAGE])
    assert "Image: URL not included" in text_of(as_operator.get(url))
    assert "Image: https://example.com/a.png" in text_of(as_operator.get(url, {"include": URL}))


def test_leads_to_what_came_before_and_what_followed(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    _, middle, _ = (put(sandbox, conversation, text) for text in WORDS)
    links = re.findall(r'href="([^"]*item_(?:before|after)=[^"]*)"', text_of(as_operator.get(middle)))
    before, after = (text_of(as_operator.get(html.unescape(link))) for link in links)
    assert [word in before for word in WORDS] == [True, False, False]
    assert [word in after for word in WORDS] == [False, False, True]


def test_keeps_the_result_that_it_was_opened_from(as_operator: Browser, conversation: Conversation, url: str) -> None:
    text = text_of(as_operator.get(f"{url}?q=tenant%3Aacme"))
    assert f'href="/conversations/{conversation.pk}/?q=tenant%3Aacme"' in text
    assert f'href="{url}delete/?q=tenant%3Aacme"' in text
    assert text.count("&amp;q=tenant%3Aacme") == 4  # what came before, what followed, around it, and rendered


def test_shows_all_of_a_huge_text(as_operator: Browser, conversation: Conversation, sandbox: Sandbox) -> None:
    text = text_of(as_operator.get(put(sandbox, conversation, "x" * 100_000)))
    assert f"data-text>{'x' * 100_000}</div>" in text


def test_asks_as_many_queries_for_many_parts_as_for_one(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    counts = []
    for parts in (1, 50):
        url = put(sandbox, conversation, [{"type": "input_text", "text": "a"}] * parts)
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(url)
        counts.append(len(queries))
    assert counts[1] <= counts[0]
