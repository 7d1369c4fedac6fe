"""Reading a transcript: rendered or raw, folded or open, and the way to one item."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from conversations.models import Conversation, Credential, Event, Hold
from conversations.pages.reading import Reading
from conversations.pages.transcript_state import TranscriptState
from conversations.sandbox import Sandbox
from conversations.services.holds import place_hold
from tests.effort import limited_computing
from tests.factories import add_messages
from tests.html import form_in, signed_in, text_of, words_of

CALL = {"type": "function_call", "call_id": "c", "name": "look_up", "arguments": '{"order": 7}', "status": "completed"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "found it", "status": "completed"}
# A few lines with a cell for each column of the first, at most 65,536.
WIDE_TABLE = "|" + "a|" * 2_500 + "\n|" + "-|" * 2_500 + "\nx" * 2_500


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"{conversation.get_absolute_url()}items/"


def put(sandbox: Sandbox, conversation: Conversation, *items: dict[str, Any] | str) -> list[str]:
    """Items, or messages of an assistant; gives their ids."""
    made = [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": item}]}
        if isinstance(item, str)
        else item
        for item in items
    ]
    return [item["id"] for item in sandbox.store.add_items(conversation.openai_id, made)]


def test_of_another_server_the_text_is_raw_until_someone_wants_it_rendered(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, "**bold** <b>")
    assert '<div class="turn-text" dir="auto" data-text>**bold** &lt;b&gt;</div>' in text_of(as_operator.get(url))
    page = text_of(as_operator.get(url, {"text": "rendered"}))
    assert '<div class="markdown" dir="auto" data-text><p><strong>bold</strong> &lt;b&gt;</p>' in page
    assert f'href="{url}?text=raw"' in page


def test_of_openai_itself_it_is_rendered_until_someone_wants_it_raw(
    as_operator: Browser,
    conversation: Conversation,
    credential: Credential,
    url: str,
    sandbox: Sandbox,
    settings: Settings,
) -> None:
    settings.OPENAI_HOSTS = [credential.host]
    put(sandbox, conversation, "**bold**")
    assert "<strong>bold</strong>" in text_of(as_operator.get(url))
    page = text_of(as_operator.get(url, {"text": "raw"}))
    assert "<strong>bold</strong>" not in page
    assert f'href="{url}?text=rendered"' in page


def test_links_and_forms_of_the_transcript_keep_how_it_is_read(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 101)
    response = as_operator.get(url, {"text": "rendered", "folds": "open", "find": "Message 5"})
    assert response.context_data["later_url"].startswith("?find=Message+5&text=rendered&folds=open&item_after=")
    assert re.search(r'/item/msg_\w+/\?text=rendered"', text_of(response))
    assert form_in(response, "find").values("text") == ["rendered"]


def test_the_page_of_an_item_is_rendered_too(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    [item_id] = put(sandbox, conversation, "**bold**")
    page = f"{conversation.get_absolute_url()}item/{item_id}/"
    response = as_operator.get(page, {"text": "rendered"})
    assert "<strong>bold</strong>" in text_of(response)
    assert f'href="{page}?text=raw"' in text_of(response)


def test_hidden_characters_are_named_in_rendered_text_too(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, "a\u202eb [c\u200b](https://e.example/\u202e) &#x202e;")
    page = text_of(as_operator.get(url, {"text": "rendered"}))
    assert page.count('data-name="U+202E"') == 2
    assert page.count('data-name="ZWSP"') == 1
    assert 'href="https://e.example/%E2%80%AE"' in page


def test_what_is_too_long_to_render_is_raw_and_says_so(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    [item_id] = put(sandbox, conversation, "**b** " + "x" * 100_000)
    page = text_of(as_operator.get(f"{conversation.get_absolute_url()}item/{item_id}/", {"text": "rendered"}))
    assert "it’s too long to be rendered" in page
    assert "<strong>b</strong>" not in page


@pytest.mark.long
def test_a_page_renders_only_so_much() -> None:
    reading = Reading(TranscriptState(text="rendered"))
    assert [bool(reading.rendered("x" * 90_000)) for _ in range(7)] == [True] * 5 + [False] * 2
    reading = Reading(TranscriptState(text="rendered"))
    assert [reading.rendered(text) for text in (WIDE_TABLE, "short")] == ["", ""]


@pytest.mark.long
@pytest.mark.parametrize("text", ["[" * 19_000, "![" * 9_000, WIDE_TABLE], ids=["brackets", "images", "table"])
def test_a_page_of_costly_texts_costs_no_more_than_a_few(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, text: str
) -> None:
    put(sandbox, conversation, *[text] * 100)
    with limited_computing(6.0):  # rendering each would take half a minute
        response = as_operator.get(url, {"text": "rendered", "folds": "open"})
    assert len(response.content) < 5_000_000


def test_a_message_of_a_megabyte_is_led_to(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, "**b** " * 170_000)
    page = text_of(as_operator.get(url, {"text": "rendered", "folds": "open"}))
    assert len(page) < 50_000
    assert re.search(r'/item/msg_\w+/\?text=rendered">Show all 1,020,000 characters', page)


def test_a_call_is_one_line_with_its_output(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, CALL, OUTPUT)
    page = text_of(as_operator.get(url))
    assert page.count('<details class="turn-fold">') == 1
    assert 'look_up { "order": 7 } → found it' in words_of(as_operator.get(url))


def test_a_tool_run_of_many_calls_is_as_many_lines(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, *({**each, "call_id": f"c{n}"} for n in range(100) for each in (CALL, OUTPUT)))
    response = as_operator.get(url)
    assert text_of(response).count("<summary><span") == 50
    assert text_of(as_operator.get(url + response.context_data["later_url"])).count("<summary><span") == 50


def test_everything_opens_at_once(as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox) -> None:
    put(sandbox, conversation, CALL, OUTPUT, "x\n" * 2_000, {**CALL, "call_id": "d", "extra": "more"})
    opened = text_of(as_operator.get(url, {"folds": "open"}))
    assert '<details class="turn-fold" open>' in opened
    assert '<details class="turn-fold">' not in opened
    assert '<details class="rest" open>' in opened
    assert "characters</summary>" not in opened
    assert f'href="{url}"' in opened  # fold all


@pytest.mark.long
def test_a_call_whose_output_is_on_another_page_says_where_to_look(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    [call, *_] = put(sandbox, conversation, CALL, *["text"] * 120, OUTPUT)
    first = as_operator.get(url)
    assert "→ no output here" in text_of(first)
    assert f'href="{url}?item_after={call}">Look in the items after it' in text_of(first)
    second = text_of(as_operator.get(url + first.context_data["later_url"]))
    assert "Look in the items before it" in second
    newest = text_of(as_operator.get(url, {"items": "newest"}))
    assert re.search(r"\?items=newest&amp;item_after=\w+\">Look in the items before it", newest)


def test_a_call_that_has_no_output_is_open_and_says_so(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, CALL)
    page = text_of(as_operator.get(url))
    assert '<details class="turn-fold" open>' in page
    assert "This call has no output" in page
    assert "Look in the items" not in page


@pytest.mark.long
@pytest.mark.parametrize("order", ["", "newest"])
@pytest.mark.parametrize("number", [0, 5, 150, 249])
def test_a_link_to_an_item_opens_the_page_around_it(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, number: int, order: str
) -> None:
    ids = add_messages(sandbox, conversation, 250)
    response = as_operator.get(url, {"item_at": ids[number], "items": order})
    shown = [turn.item.id for turn in response.context_data["turns"]]
    assert shown.index(ids[number]) <= 10
    assert text_of(response).count("data-target") == 1
    assert bool(response.context_data["earlier_url"]) == (shown[0] not in (ids[0], ids[-1]))


def test_a_link_to_an_item_in_a_fold_opens_it(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    _, output = put(sandbox, conversation, CALL, OUTPUT)
    assert '<details class="turn-fold" open>' in text_of(as_operator.get(url, {"item_at": output}))


def test_a_link_to_an_item_that_is_gone_says_so(as_operator: Browser, url: str) -> None:
    response = as_operator.get(url, {"item_at": "msg_gone"})
    assert response.status_code == 502
    assert "Try again" in text_of(response)


def test_the_page_of_an_item_leads_to_it_in_the_transcript(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    [item_id] = add_messages(sandbox, conversation, 1)
    page = text_of(as_operator.get(f"{conversation.get_absolute_url()}item/{item_id}/"))
    assert f'href="{url}?item_at={item_id}#item-{item_id}">Show in transcript' in page


def test_a_conversation_on_hold_says_why_and_offers_nothing_that_would_be_refused(
    as_operator: Browser, operator: User, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    [item_id, _] = put(sandbox, conversation, "text", CALL)
    hold: Hold = place_hold(actor=operator, conversations=[conversation], reason="Case <7>")
    page = conversation.get_absolute_url()
    for each in (page, url, f"{page}item/{item_id}/"):
        text = text_of(as_operator.get(each))
        assert f'href="{hold.get_absolute_url()}">legal hold</a>' in text
        assert "Case &lt;7&gt;" in text
        for refused in (
            "Delete…",
            "Add messages",
            ">Edit<",
            "Erase…",
            "Remove…",
            "Add output",
            "Delete call…",
            "Transfer",
        ):
            assert refused not in text


def test_who_may_only_read_sees_the_hold_too(
    client: Browser, viewer: User, operator: User, conversation: Conversation, url: str
) -> None:
    place_hold(actor=operator, conversations=[conversation], reason="Case 7")
    assert "Case 7" in text_of(signed_in(client, viewer).get(url))


def test_reading_records_nothing_r3(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    [item_id] = put(sandbox, conversation, "text")
    before = Event.objects.count()
    for query in ("text=rendered", "folds=open", "find=text", "find=text&show=found", f"item_at={item_id}"):
        assert as_operator.get(f"{url}?{query}").status_code == 200
    assert Event.objects.count() == before
