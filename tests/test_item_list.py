"""What is inside a conversation, read when it is looked at."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.management.item_examples import every_type, hostile, invented
from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_messages, make_known, make_user
from tests.pages import REFUSALS, UNREACHABLE, asks_to_sign_in, everything, fragment, is_page, signed_in, text_of

OUR_TAGS = {"article", "div", "span", "p", "a", "b", "bdi", "pre", "button", "details", "summary"}


@pytest.fixture
def conversation(sandbox: Sandbox, credential: Credential) -> Conversation:
    return make_known(sandbox, credential)


@pytest.fixture
def address(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/items/"


def say(sandbox: Sandbox, conversation: Conversation, *texts: str) -> None:
    """Put messages of a user into the conversation."""
    items = [{"type": "message", "role": "user", "content": text} for text in texts]
    sandbox.store.add_items(conversation.openai_id, items)


def test_shows_the_messages_oldest_first(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "first words", "last words")
    response = as_operator.get(address)
    assert is_page(response)
    assert text_of(response).index("first words") < text_of(response).index("last words")


def test_serves_the_messages_alone_to_htmx(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "hello")
    response = as_operator.get(address, headers=fragment("items"))
    assert not is_page(response)
    assert 'id="items"' in text_of(response)


def test_serves_more_of_them_alone_to_htmx(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 105)
    later = as_operator.get(address).context_data["later_url"]
    text = text_of(as_operator.get(f"{address}{later}", headers=fragment("more-items")))
    assert 'id="items"' not in text
    assert "Message 100<" not in text
    assert "Message 101<" in text
    assert "That is all." in text


def test_shows_the_newest_first_where_that_is_asked_for(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "first words", "last words")
    text = text_of(as_operator.get(f"{address}?items=newest"))
    assert text.index("last words") < text.index("first words")
    assert "Oldest first" in text


@pytest.mark.parametrize("order", ["", "items=newest&"])
def test_leads_on_and_back_from_any_place(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox, order: str
) -> None:
    add_messages(sandbox, conversation, 250)
    seen = []
    found = as_operator.get(f"{address}?{order}").context_data
    while found["later_url"]:
        seen.append(ids_of(found))
        found = as_operator.get(f"{address}{found['later_url']}").context_data
    assert [len(page) for page in [*seen, ids_of(found)]] == [100, 100, 50]
    back = as_operator.get(f"{address}{found['earlier_url']}").context_data
    assert ids_of(back) == seen[1]
    assert ids_of(as_operator.get(f"{address}{back['later_url']}").context_data) == ids_of(found)


def ids_of(context: dict[str, Any]) -> list[str]:
    return [item.id for turn in context["turns"] for item in turn.items]


def test_asks_openai_for_what_is_to_be_included_and_carries_it_along(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 101)
    text = text_of(as_operator.get(f"{address}?include=reasoning.encrypted_content&include=nonsense"))
    assert sandbox.log[-1].query["include[]"] == ["reasoning.encrypted_content"]
    assert 'value="reasoning.encrypted_content" checked' in text
    assert re.search(r'rel="next"', text)
    assert "include=reasoning.encrypted_content" in text.partition('id="more-items"')[2]


def test_keeps_the_result_that_the_conversation_was_opened_from(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 101)
    response = as_operator.get(f"{address}?q=env%3Aprod&order=oldest")
    assert "q=env%3Aprod&order=oldest" in response.context_data["later_url"]
    assert f'href="{conversation.get_absolute_url()}?q=env%3Aprod&amp;order=oldest"' in text_of(response)


def test_every_type_of_item_stands_on_the_page(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    added = sandbox.store.add_items(conversation.openai_id, [*every_type(), *invented()])
    text = text_of(as_operator.get(address))
    assert [item["id"] for item in added if f'id="item-{item["id"]}"' not in text] == []


def test_hostile_items_become_text_alone(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    sandbox.store.add_items(conversation.openai_id, hostile())
    articles = "".join(re.findall(r"<article.*?</article>", text_of(as_operator.get(address)), re.DOTALL))
    tags = set(re.findall(r"<(\w+)", articles))
    assert tags <= OUR_TAGS
    assert not re.search(r'href="(?!/|https?:)', articles)
    assert not re.search(r"<[^>]* (on\w+|style|src)=", articles)


def test_a_viewer_reads_and_is_offered_no_change(
    client: Browser, viewer: User, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "hello")
    text = text_of(signed_in(client, viewer).get(address))
    assert "hello" in text
    for words in ("Delete…", "Add messages"):
        assert words not in text


def test_asks_for_a_sign_in(client: Browser, address: str) -> None:
    assert asks_to_sign_in(client.get(address), address)


def test_leads_htmx_to_the_sign_in_and_back_to_the_page_not_to_its_part(client: Browser, address: str) -> None:
    page = address.removesuffix("items/")
    headers = {**fragment("items"), "HX-Current-URL": f"http://testserver{page}"}
    response = client.get(address, headers=headers)
    assert response["HX-Redirect"] == f"/sign-in/?next={page}"


def test_does_not_exist_for_a_stranger_r23(client: Browser, stranger: User, address: str, sandbox: Sandbox) -> None:
    assert signed_in(client, stranger).get(address).status_code == 404
    assert len(sandbox.log) == 0


def test_refuses_someone_without_the_permission(client: Browser, credential: Credential, address: str) -> None:
    user = make_user(role=None, teams=[*credential.teams.all()])
    assert signed_in(client, user).get(address).status_code == 403


def test_answers_404_to_an_unknown_key(as_operator: Browser) -> None:
    assert as_operator.get("/conversations/999999/items/").status_code == 404


def test_answers_405_to_a_post(as_operator: Browser, address: str) -> None:
    assert as_operator.post(address).status_code == 405


def test_a_get_changes_nothing_r3(as_operator: Browser, address: str) -> None:
    before = everything()
    as_operator.get(address)
    assert everything() == before


@pytest.mark.parametrize("after", ["a/b", "..", "\0", "x" * 300])
def test_a_place_that_can_be_none_is_the_beginning(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox, after: str
) -> None:
    say(sandbox, conversation, "hello")
    assert "hello" in text_of(as_operator.get(address, {"item_after": after}))


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_as_of_when_the_record_is_and_how_to_try_again(
    as_operator: Browser, address: str, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(address)
    assert response.status_code == 502
    for expected in (words, "as of", f'href="{address}"'):
        assert expected in text_of(response)


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, address: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.get(address))


@pytest.mark.parametrize("target", ["items", "more-items"])
def test_trying_again_puts_the_messages_where_the_failure_stood(
    as_operator: Browser, address: str, sandbox: Sandbox, target: str
) -> None:
    sandbox.faults.add(Fault(status=404))
    failed = text_of(as_operator.get(address, headers=fragment(target)))
    assert 'id="more-items"' in failed
    assert 'hx-target="#more-items"' in failed
    assert not is_page(as_operator.get(address, headers=fragment("more-items")))


def test_an_inactive_credential_is_said_in_words(
    as_operator: Browser, credential: Credential, address: str, sandbox: Sandbox
) -> None:
    credential.is_active = False
    credential.save()
    response = as_operator.get(address)
    assert response.status_code == 422
    assert "is not active" in text_of(response)


def test_an_item_of_an_unknown_type_shows_as_its_json(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    sandbox.store.add_items(conversation.openai_id, [{"type": "telepathy", "thought": "<i>hm</i>"}])
    text = text_of(as_operator.get(address))
    assert "Telepathy" in text
    assert "&lt;i&gt;hm&lt;/i&gt;" in text


@pytest.mark.parametrize("last", ['"\\ud800"', '"a/b"', "5"])
def test_a_next_page_that_nobody_can_ask_for_is_not_offered_r18(
    as_operator: Browser, address: str, sandbox: Sandbox, last: str
) -> None:
    sandbox.faults.add(Fault(body=f'{{"data": [{{"text": "\\udfff"}}], "has_more": true, "last_id": {last}}}'))
    response = as_operator.get(address)
    assert response.status_code == 200
    assert ("Show more" in text_of(response)) == (last == "5")


def test_asks_as_many_queries_for_twenty_messages_as_for_one(
    as_operator: Browser, conversation: Conversation, address: str, sandbox: Sandbox
) -> None:
    counts = []
    for more in (1, 19):
        say(sandbox, conversation, *["hello"] * more)
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(address)
        counts.append(len(queries))
    assert counts[1] <= counts[0]
