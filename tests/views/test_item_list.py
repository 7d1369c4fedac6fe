"""What is inside a conversation, read when it is looked at."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_messages
from tests.html import (
    REFUSALS,
    UNREACHABLE,
    form_in,
    fragment,
    is_page,
    signed_in,
    text_of,
)

LOGPROBS = "message.output_text.logprobs"

OUR_TAGS = {"article", "div", "span", "p", "a", "b", "bdi", "pre", "button", "details", "summary"}


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/items/"


def say(sandbox: Sandbox, conversation: Conversation, *texts: str) -> None:
    """Put messages of a user into the conversation."""
    items = [{"type": "message", "role": "user", "content": text} for text in texts]
    sandbox.store.add_items(conversation.openai_id, items)


def texts(response: HttpResponse) -> list[str]:
    """What the messages of a page say."""
    return re.findall(r'<div class="turn-text" dir="auto" data-text>(.*?)</div>', text_of(response))


def test_shows_the_messages_oldest_first(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "first words", "last words")
    response = as_operator.get(url)
    assert is_page(response)
    assert text_of(response).index("first words") < text_of(response).index("last words")


def test_serves_the_messages_alone_to_htmx(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "hello")
    response = as_operator.get(url, headers=fragment("items"))
    assert not is_page(response)
    assert 'id="items"' in text_of(response)


def test_serves_more_of_them_alone_to_htmx(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 101)
    later = as_operator.get(url).context_data["later_url"]
    response = as_operator.get(f"{url}{later}", headers=fragment("more-items"))
    assert 'id="items"' not in text_of(response)
    assert texts(response) == ["Message 101"]
    assert "End of transcript · fetched just now" in text_of(response)


def test_leads_htmx_to_the_sign_in_and_back_to_the_page_not_to_its_part(client: Browser, url: str) -> None:
    page = url.removesuffix("items/")
    headers = {**fragment("items"), "HX-Current-URL": f"http://testserver{page}"}
    response = client.get(url, headers=headers)
    assert response["HX-Redirect"] == f"/sign-in/?next={page}"


@pytest.mark.parametrize("place", ["item_after", "item_before"])
@pytest.mark.parametrize("value", ["a\x7fb", "..", "\0", "x" * 300, ""])
def test_a_place_that_can_be_none_is_the_beginning(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, place: str, value: str
) -> None:
    say(sandbox, conversation, "hello")
    assert texts(as_operator.get(url, {place: value})) == ["hello"]
    assert "after" not in sandbox.log[-1].query


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_as_of_when_the_record_is_and_how_to_try_again(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(url)
    assert response.status_code == 502
    for expected in (words, "from the index, last read", f'href="{url}" hx-get="{url}"'):
        assert expected in text_of(response)


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.get(url))


@pytest.mark.parametrize("target", ["items", "more-items"])
def test_trying_again_puts_the_messages_where_the_failure_stood(
    as_operator: Browser, url: str, sandbox: Sandbox, target: str
) -> None:
    sandbox.faults.add(Fault(status=404))
    failed = text_of(as_operator.get(url, headers=fragment(target)))
    assert 'id="more-items"' in failed
    assert 'hx-target="#more-items"' in failed
    assert not is_page(as_operator.get(url, headers=fragment("more-items")))


def test_an_inactive_credential_is_said_in_words(
    as_operator: Browser, credential: Credential, url: str, sandbox: Sandbox
) -> None:
    credential.is_active = False
    credential.save()
    response = as_operator.get(url)
    assert response.status_code == 422
    assert "is inactive" in text_of(response)


def test_an_item_of_an_unknown_type_shows_as_its_json(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    sandbox.store.add_items(conversation.openai_id, [{"type": "telepathy", "thought": "<i>hm</i>"}])
    text = text_of(as_operator.get(url))
    assert "Telepathy" in text
    assert "&lt;i&gt;hm&lt;/i&gt;" in text


@pytest.mark.parametrize("last", ['"\\ud800"', '"a/b"', "5"])
def test_a_next_page_that_nobody_can_ask_for_is_not_offered_r18(
    as_operator: Browser, url: str, sandbox: Sandbox, last: str
) -> None:
    sandbox.faults.add(Fault(body=f'{{"data": [{{"text": "\\udfff"}}], "has_more": true, "last_id": {last}}}'))
    response = as_operator.get(url)
    assert response.status_code == 200
    assert ("Show more" in text_of(response)) == (last in ("5", '"a/b"'))


@pytest.mark.long
def test_leads_forth_and_back(as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox) -> None:
    add_messages(sandbox, conversation, 150)
    first = as_operator.get(url)
    second = as_operator.get(url + first.context_data["later_url"])
    back = as_operator.get(url + second.context_data["earlier_url"])
    assert (first.context_data["earlier_url"], second.context_data["later_url"]) == ("", "")
    assert texts(first) + texts(second) == [f"Message {number}" for number in range(1, 151)]
    assert texts(back) == texts(first)


def test_shows_the_newest_first_and_links_keep_it(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 101)
    response = as_operator.get(url, {"items": "newest"})
    assert texts(response)[0] == "Message 101"
    assert response.context_data["later_url"].startswith("?items=newest&item_after=")
    assert texts(as_operator.get(url + response.context_data["later_url"])) == ["Message 1"]


def test_asks_for_what_is_to_be_included_and_links_keep_it(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 101)
    response = as_operator.get(url, {"include": [LOGPROBS, "everything"]})
    assert sandbox.log[-1].query["include[]"] == [LOGPROBS]
    assert response.context_data["later_url"].endswith(f"&include={LOGPROBS}")
    assert form_in(response, "include").values("include") == [LOGPROBS]


@pytest.mark.long
def test_keeps_the_result_that_it_was_opened_from(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 101)
    response = as_operator.get(f"{url}?items=newest&q=tenant%3Aacme&order=oldest")
    kept, text = "q=tenant%3Aacme&amp;order=oldest", text_of(response)
    assert f'href="/conversations/{conversation.pk}/?{kept}"' in text
    assert f'href="{url}?{kept}"' in text  # in the other order
    assert re.search(rf'href="/conversations/{conversation.pk}/item/\w+/\?{re.escape(kept)}"', text)
    assert form_in(response, "q").values("order") == ["oldest"]


def test_an_empty_conversation_says_so(as_operator: Browser, url: str) -> None:
    assert "This conversation has no items." in text_of(as_operator.get(url))


def test_before_the_first_item_it_does_not_say_that_there_are_none(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    [first] = add_messages(sandbox, conversation, 1)
    assert "This conversation has no items." not in text_of(as_operator.get(url, {"item_before": first}))


def test_a_viewer_sees_neither_add_nor_delete(
    client: Browser, viewer: User, operator: User, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "hello")
    seen = text_of(signed_in(client, viewer).get(url))
    could = text_of(signed_in(client, operator).get(url))
    for words in ("Add messages", "Delete…"):
        assert (words in seen, words in could) == (False, True)


def test_an_output_stands_with_its_call(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "1"}
    items = sandbox.store.add_items(conversation.openai_id, [call, output])
    response = as_operator.get(url)
    assert [[item.id for item in turn.items] for turn in response.context_data["turns"]] == [[i["id"] for i in items]]
    assert text_of(response).count("<article") == 1


def test_a_huge_text_stands_on_the_page_of_its_item(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    say(sandbox, conversation, "x" * 1_000_000)
    text = text_of(as_operator.get(url))
    assert len(text) < 50_000
    assert re.search(r'<a href="/conversations/\d+/item/msg_\w+/">Show all 1,000,000 characters</a>', text)


def test_asks_as_many_queries_for_many_messages_as_for_one(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    counts = []
    for more in (1, 80):
        say(sandbox, conversation, *["hello"] * more)
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(url)
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_a_number_that_nobody_can_hold_and_an_entry_that_is_no_object_hide_nothing(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    text = '{"type": "output_text", "text": "said", "logprobs": [{"token": "a", "logprob": -Infinity}]}'
    message = f'{{"id": "a", "type": "message", "role": "assistant", "content": [{text}]}}'
    last = '{"id": "b", "type": "message", "role": "user", "content": "after it"}'
    sandbox.faults.add(Fault(body=f'{{"data": [{message}, 7, null, ["x"], {last}], "has_more": false}}'))
    page = text_of(as_operator.get(url))
    for words in ("said", "-Infinity", ">7<", ">null<", "after it"):
        assert words in page
