"""Calls without an output: told on the transcript where that is certain, and found in all of it."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client as Browser

from conversations.items.unanswered_calls import APPLICATION_CALLS, Unanswered, needs_output
from conversations.models import Conversation
from conversations.sandbox import Fault, Sandbox
from conversations.services import unanswered_calls as broken_calls
from tests.factories import add_messages, calls_in
from tests.html import REFUSALS, everything, form_in, fragment, is_page, signed_in, text_of

Item = dict[str, Any]

CLAIM = "This call has no output, so responses in this conversation fail."
SCREENSHOT = {"type": "computer_screenshot", "file_id": "file-1"}


def call(call_id: str = "c", kind: str = "function_call", **fields: Any) -> Item:
    return {"type": kind, "call_id": call_id, "name": call_id, "arguments": "{}", **fields}


def output(call_id: str = "c", kind: str = "function_call") -> Item:
    return {"type": f"{kind}_output", "call_id": call_id, "output": "1"}


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/items/"


def put(sandbox: Sandbox, conversation: Conversation, *items: Item) -> list[str]:
    return [item["id"] for item in sandbox.store.add_items(conversation.openai_id, items)]


def claims(response: HttpResponse) -> int:
    assert response.status_code == 200
    return text_of(response).count(CLAIM)


def reads(sandbox: Sandbox) -> int:
    return len([entry for entry in calls_in(sandbox) if entry.method == "GET"])


# Which need one


@pytest.mark.parametrize("kind", APPLICATION_CALLS)
def test_calls_that_the_application_answers_need_an_output(kind: str) -> None:
    found = Unanswered()
    found.read([call("a", kind), call("b", kind), output("a", kind), 7, None])
    assert [each["call_id"] for each in found.calls] == ["b"]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "user", "content": "hi"},
        {"type": "web_search_call", "id": "ws"},
        {"type": "mcp_approval_request", "id": "m"},
        call(status="in_progress"),
        call(**{"async": True}),
        call(kind="shell_call", environment={"type": "container_reference", "container_id": "x"}),
        {"type": ["function_call"]},
        7,
    ],
    ids=str,
)
def test_others_do_not(item: Any) -> None:
    assert not needs_output(item)


@pytest.mark.parametrize("call_id", [None, "", 7, ["c"]])
def test_a_call_that_no_output_could_name_is_no_claim(call_id: Any) -> None:
    found = Unanswered()
    found.read([call(call_id)])
    assert found.calls == []


# On the transcript


def test_a_call_without_output_says_so_and_what_to_do(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, call("a"), output("a"))
    [broken] = put(sandbox, conversation, call("b"))
    response = as_operator.get(f"{url}?q=tenant%3Aacme")
    assert claims(response) == 1
    item = f"/conversations/{conversation.pk}/item/{broken}/"
    assert f'href="{item}output/?q=tenant%3Aacme">Add output</a>' in text_of(response)
    assert f'href="{item}delete/?q=tenant%3Aacme">Delete call…</a>' in text_of(response)


def test_for_a_screen_only_deletion_is_offered(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, call(kind="computer_call"))
    text = text_of(as_operator.get(url))
    assert ("Delete call…" in text, "Add output" in text) == (True, False)


def test_a_viewer_reads_of_it_and_is_offered_nothing(
    client: Browser, viewer: User, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, call())
    response = signed_in(client, viewer).get(url)
    assert claims(response) == 1
    assert "Add output" not in text_of(response)
    assert "Delete call…" not in text_of(response)


@pytest.mark.long
@pytest.mark.parametrize("order", ["", "?items=newest"])
def test_an_output_on_the_next_page_is_seen_in_either_order(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, order: str
) -> None:
    put(sandbox, conversation, call("a"), call("b"))
    add_messages(sandbox, conversation, 99)
    put(sandbox, conversation, output("b"), output("a"))
    pages = [as_operator.get(url + order)]
    pages.append(as_operator.get(url + pages[0].context_data["later_url"]))
    assert [claims(page) for page in pages] == [0, 0]


@pytest.mark.long
@pytest.mark.parametrize("order", ["", "?items=newest"])
def test_a_call_without_output_is_told_on_any_page_whose_following_items_could_be_read(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, order: str
) -> None:
    put(sandbox, conversation, call("a"))
    add_messages(sandbox, conversation, 150)
    pages = [as_operator.get(url + order)]
    pages.append(as_operator.get(url + pages[0].context_data["later_url"]))
    pages.append(as_operator.get(url + pages[1].context_data["earlier_url"]))
    assert [claims(page) for page in pages] == ([0, 1, 0] if order else [1, 0, 1])


def test_what_is_not_certain_is_not_told(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, call("a"))
    add_messages(sandbox, conversation, 250)
    assert claims(as_operator.get(url)) == 0
    assert reads(sandbox) == 2


def test_nothing_more_is_read_where_each_call_has_its_output(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, call("a"), output("a"))
    add_messages(sandbox, conversation, 150)
    as_operator.get(url)
    assert reads(sandbox) == 1


@pytest.mark.parametrize("fault", [Fault(status=404, skip=1), Fault(body=b"<html>", skip=1)])
def test_where_what_follows_cannot_be_read_the_page_is_whole_and_tells_nothing(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, fault: Fault
) -> None:
    put(sandbox, conversation, call("a"))
    add_messages(sandbox, conversation, 150)
    sandbox.faults.add(fault)
    assert claims(as_operator.get(url)) == 0
    assert reads(sandbox) == 2


def test_no_time_is_spent_on_it_where_the_page_took_long(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(sandbox, conversation, call("a"))
    add_messages(sandbox, conversation, 150)
    monkeypatch.setattr(broken_calls, "HASTE", 0)
    assert claims(as_operator.get(url)) == 0
    assert reads(sandbox) == 1


# The filter


def names(response: HttpResponse) -> list[str]:
    """The calls on the page."""
    return re.findall(r'<b class="mono" dir="auto">(\w+)</b>', text_of(response))


@pytest.mark.parametrize(("order", "expected"), [("", ["a", "b"]), ("&items=newest", ["b", "a"])])
def test_all_calls_without_output_are_found(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, order: str, expected: list[str]
) -> None:
    put(sandbox, conversation, call("a"), call("fine"))
    add_messages(sandbox, conversation, 250)
    put(sandbox, conversation, output("fine"), call("b"))
    response = as_operator.get(f"{url}?show=broken{order}")
    assert is_page(response)
    assert names(response) == expected
    assert claims(response) == 2
    assert re.search(r"2 calls\s+without output in\s+all 254 items\.", text_of(response))


def test_it_says_plainly_that_there_are_none(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, call("fine"), output("fine"))
    text = text_of(as_operator.get(url, {"show": "broken"}))
    assert re.search(r"No calls\s+without output in\s+all 2 items\.", text)
    assert "No more items" not in text


def test_the_filter_and_the_transcript_lead_to_each_other(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    query = "items=newest&show=broken&include=reasoning.encrypted_content&q=tenant%3Aacme"
    forth = text_of(as_operator.get(f"{url}?{query.replace('&show=broken', '')}"))
    back = text_of(as_operator.get(f"{url}?{query}"))
    assert f'href="{url}?{query.replace("&", "&amp;")}"' in forth
    assert f'href="{url}?{query.replace("&show=broken", "").replace("&", "&amp;")}"' in back
    assert form_in(as_operator.get(f"{url}?{query}"), "include").values("show") == ["broken"]


def test_the_filter_is_served_alone_to_htmx(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    put(sandbox, conversation, call("a"))
    response = as_operator.get(url, {"show": "broken"}, headers=fragment("items"))
    assert not is_page(response)
    assert names(response) == ["a"]


@pytest.mark.parametrize(("name", "value"), [("MAX_PAGES", 2), ("MAX_SECONDS", -1)])
def test_it_says_how_far_it_looked_and_looks_further(
    as_operator: Browser,
    conversation: Conversation,
    url: str,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: int,
) -> None:
    monkeypatch.setattr(broken_calls, name, value)
    put(sandbox, conversation, call("a"))
    add_messages(sandbox, conversation, 249)
    put(sandbox, conversation, call("b"))
    response = as_operator.get(url, {"show": "broken"})
    assert re.search(
        r"the first (200|100) items\. There are more\s+items, which may contain the missing output", text_of(response)
    )
    assert (names(response), claims(response)) == (["a"], 0)
    while response.context_data["further_url"]:
        response = as_operator.get(url + response.context_data["further_url"])
    assert (names(response), claims(response)) == (["b"], 1)
    assert re.search(r"1 call\s+without output in\s+the last 51 items\.", text_of(response))


def test_a_server_that_gives_the_same_page_again_is_not_read_for_ever(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    body = b'{"data": [{"id": "a"}], "has_more": true, "last_id": "a"}'
    sandbox.faults.add(Fault(body=body, times=None))
    assert as_operator.get(url, {"show": "broken"}).status_code == 200
    assert reads(sandbox) == 2


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says(as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(url, {"show": "broken"})
    assert response.status_code == 502
    assert words in text_of(response)


def test_a_get_changes_nothing_r3(as_operator: Browser, url: str) -> None:
    before = everything()
    as_operator.get(url, {"show": "broken"})
    assert everything() == before
