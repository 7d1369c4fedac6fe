"""One item: its page, its JSON, and its permanent link."""

import html
import json
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.management.item_examples import every_type, hostile
from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from conversations.sandbox.items import Item
from conversations.transcript_state import INCLUDABLE
from tests.factories import make_known, make_user
from tests.pages import REFUSALS, UNREACHABLE, asks_to_sign_in, everything, is_page, signed_in, text_of

CALL = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"order": 7}'}


@pytest.fixture
def conversation(sandbox: Sandbox, credential: Credential) -> Conversation:
    return make_known(sandbox, credential)


@pytest.fixture
def item(sandbox: Sandbox, conversation: Conversation) -> Item:
    return sandbox.store.add_items(conversation.openai_id, [CALL])[0]


@pytest.fixture
def address(conversation: Conversation, item: Item) -> str:
    return address_of(conversation, item)


def address_of(conversation: Conversation, item: Item) -> str:
    return f"/conversations/{conversation.pk}/item/{item['id']}/"


def raw_json(text: str) -> object:
    """What stands on the page as the item's JSON."""
    found = re.search(r'<pre class="code" id="raw-json"[^>]*>(.*?)</pre>', text, re.DOTALL)
    assert found is not None
    return json.loads(html.unescape(re.sub(r"</?bdi[^>]*>", "", found[1])), strict=False)


def test_shows_the_item_and_its_json(as_operator: Browser, address: str, item: Item) -> None:
    response = as_operator.get(address)
    assert is_page(response)
    assert "look_up" in text_of(response)
    assert raw_json(text_of(response)) == item


def test_the_json_of_every_type_is_as_openai_gave_it(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    for item in sandbox.store.add_items(conversation.openai_id, every_type()):
        text = text_of(as_operator.get(address_of(conversation, item), {"include": [*INCLUDABLE]}))
        assert raw_json(text) == item


def test_every_hostile_item_has_a_page(as_operator: Browser, conversation: Conversation, sandbox: Sandbox) -> None:
    for item in sandbox.store.add_items(conversation.openai_id, hostile()):
        response = as_operator.get(address_of(conversation, item))
        assert response.status_code == 200
        assert "<script>alert" not in text_of(response)


def test_leads_to_what_came_before_and_what_followed(as_operator: Browser, address: str, item: Item) -> None:
    text = text_of(as_operator.get(f"{address}?q=env%3Aprod"))
    for place in ("item_before", "item_after"):
        assert f"/items/?{place}={item['id']}&amp;q=env%3Aprod" in text


def test_asks_for_a_sign_in(client: Browser, address: str) -> None:
    assert asks_to_sign_in(client.get(address), address)


def test_does_not_exist_for_a_stranger_r23(client: Browser, stranger: User, address: str, sandbox: Sandbox) -> None:
    assert signed_in(client, stranger).get(address).status_code == 404
    assert len(sandbox.log) == 0


def test_refuses_someone_without_the_permission(client: Browser, credential: Credential, address: str) -> None:
    user = make_user(role=None, teams=[*credential.teams.all()])
    assert signed_in(client, user).get(address).status_code == 403


def test_answers_405_to_a_post(as_operator: Browser, address: str) -> None:
    assert as_operator.post(address).status_code == 405


def test_a_get_changes_nothing_r3(as_operator: Browser, address: str) -> None:
    before = everything()
    as_operator.get(address)
    assert everything() == before


def test_an_unknown_item_is_told_in_openais_words(as_operator: Browser, conversation: Conversation) -> None:
    response = as_operator.get(f"/conversations/{conversation.pk}/item/msg_unknown/")
    assert response.status_code == 502
    assert "Item with id &#x27;msg_unknown&#x27; not found." in text_of(response)


@pytest.mark.parametrize("item_id", ["..", "%00", "x" * 300])
def test_what_can_be_no_id_is_not_sent(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, item_id: str
) -> None:
    response = as_operator.get(f"/conversations/{conversation.pk}/item/{item_id}/")
    assert response.status_code in {404, 502}
    assert len(sandbox.log) == 0


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says(as_operator: Browser, address: str, sandbox: Sandbox, fault: Fault, words: str) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(address)
    assert response.status_code == 502
    assert words in text_of(response)


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, address: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.get(address))
