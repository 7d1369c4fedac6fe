"""Reading what is inside a conversation, and finding the other half of a call."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation, Credential
from conversations.openai import errors, transport
from conversations.sandbox import Fault, Sandbox
from conversations.services.errors import CredentialUnusable
from conversations.services.items import all_pages, find_partner, list_items, retrieve_item
from tests.factories import add_messages, make_known

pytestmark = pytest.mark.django_db

IMAGE = {"type": "input_image", "detail": "low", "image_url": "https://example.com/a.png"}
URL = "message.input_image.image_url"


@pytest.fixture
def known(credential: Credential, sandbox: Sandbox) -> Conversation:
    return make_known(sandbox, credential)


def put(sandbox: Sandbox, known: Conversation, *items: dict[str, Any]) -> list[dict[str, Any]]:
    return sandbox.store.add_items(known.openai_id, items)


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def limits(sandbox: Sandbox) -> list[str]:
    """How many items each request asked for."""
    return [entry.query["limit"][0] for entry in sandbox.log]


# Listing


def test_all_items_that_fit_on_a_page_have_nothing_before_or_after(known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 100)
    found = list_items(conversation=known)
    assert (ids(found.items), found.earlier, found.later) == (wanted, "", "")
    assert limits(sandbox) == ["100", "1"]


def test_what_follows_is_read_page_by_page(known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 150)
    first = list_items(conversation=known)
    second = list_items(conversation=known, after=first.later)
    assert (first.earlier, first.later, second.earlier, second.later) == ("", wanted[99], wanted[100], "")
    assert ids(first.items + second.items) == wanted


def test_from_the_second_page_one_gets_back_to_the_first(known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 150)
    second = list_items(conversation=known, after=wanted[99])
    back = list_items(conversation=known, before=second.earlier)
    assert (ids(back.items), back.earlier, back.later) == (wanted[:100], "", wanted[99])
    assert ids(list_items(conversation=known, after=back.later).items) == wanted[100:]


def test_what_is_before_an_item_is_what_stands_next_to_it(known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 150)
    found = list_items(conversation=known, before=wanted[-1])
    assert (ids(found.items), found.earlier, found.later) == (wanted[49:149], wanted[49], wanted[148])


def test_newest_first_turns_everything_round(known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 150)[::-1]
    first = list_items(conversation=known, newest_first=True)
    second = list_items(conversation=known, newest_first=True, after=first.later)
    back = list_items(conversation=known, newest_first=True, before=second.earlier)
    assert ids(first.items + second.items) == wanted
    assert (ids(back.items), back.earlier, back.later) == (ids(first.items), "", wanted[99])


@pytest.mark.parametrize("newest_first", [False, True])
def test_beyond_either_end_there_is_nothing(known: Conversation, sandbox: Sandbox, newest_first: bool) -> None:
    first, *_, last = add_messages(sandbox, known, 3)[:: -1 if newest_first else 1]
    beyond = list_items(conversation=known, after=last, newest_first=newest_first)
    before = list_items(conversation=known, before=first, newest_first=newest_first)
    assert (beyond.items, beyond.later, before.items, before.earlier) == ([], "", [], "")


def test_what_is_to_be_included_is_requested(known: Conversation, sandbox: Sandbox) -> None:
    put(sandbox, known, {"type": "message", "role": "user", "content": [IMAGE]})
    bare, whole = list_items(conversation=known), list_items(conversation=known, include=(URL,))
    assert [bare.items[0]["content"][0]["image_url"], whole.items[0]["content"][0]["image_url"]] == [
        None,
        IMAGE["image_url"],
    ]
    assert sandbox.log[-1].query["include[]"] == [URL]


def test_half_a_character_is_replaced_so_that_a_page_can_hold_it(known: Conversation, sandbox: Sandbox) -> None:
    put(sandbox, known, {"type": "message", "role": "user", "content": "\ud83d"})
    assert list_items(conversation=known).items[0]["content"][0]["text"] == "\ufffd"


def test_messages_that_are_too_large_are_asked_for_in_smaller_pages(
    known: Conversation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = add_messages(sandbox, known, 30)
    monkeypatch.setattr(transport, "MAX_RESPONSE_BYTES", 2_000)
    found = list_items(conversation=known)
    assert limits(sandbox) == ["100", "20", "4"]
    assert (ids(found.items), found.later) == (wanted[:4], wanted[3])


def test_one_item_that_is_too_large_alone_is_told(
    known: Conversation, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_messages(sandbox, known, 2)
    monkeypatch.setattr(transport, "MAX_RESPONSE_BYTES", 50)
    with pytest.raises(errors.TooLarge):
        list_items(conversation=known)
    assert limits(sandbox) == ["100", "20", "4", "1"]


def test_reading_needs_a_credential_that_may_be_used(known: Conversation, sandbox: Sandbox) -> None:
    known.credential.is_active = False
    known.credential.save()
    with pytest.raises(CredentialUnusable):
        list_items(conversation=known)
    assert len(sandbox.log) == 0


# All pages


def test_all_pages_hold_all_items_as_they_were_given(known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 201)
    pages = list(all_pages(known))
    assert [len(page.items) for page in pages] == [100, 100, 1]
    assert [item["id"] for page in pages for item in page.items] == wanted


def test_all_pages_of_an_empty_conversation_are_one_without_items(known: Conversation) -> None:
    assert [page.items for page in all_pages(known)] == [[]]


def test_a_server_that_gives_the_same_page_for_ever_is_told(known: Conversation, sandbox: Sandbox) -> None:
    page = json.dumps({"object": "list", "data": [{"id": "a"}], "last_id": "a", "has_more": True})
    sandbox.faults.add(Fault(body=page, times=None))
    with pytest.raises(errors.BadResponse, match="same items again and again"):
        list(all_pages(known))
    assert len(sandbox.log) == 2


# One item, and its other half


def test_one_item_is_read_with_what_is_to_be_included(known: Conversation, sandbox: Sandbox) -> None:
    [item] = put(sandbox, known, {"type": "message", "role": "user", "content": [IMAGE]})
    assert retrieve_item(conversation=known, item_id=item["id"], include=(URL,)) == item


def test_an_unknown_item_is_not_found(known: Conversation) -> None:
    with pytest.raises(errors.NotFound):
        retrieve_item(conversation=known, item_id="msg_unknown")


def halves(call_id: str = "call_1") -> tuple[dict[str, Any], dict[str, Any]]:
    call = {"type": "function_call", "call_id": call_id, "name": "f", "arguments": "{}"}
    return call, {"type": "function_call_output", "call_id": call_id, "output": "1"}


def test_the_other_half_is_found_from_either(known: Conversation, sandbox: Sandbox) -> None:
    call, output = put(sandbox, known, *halves())
    assert find_partner(conversation=known, item=call) == output
    assert find_partner(conversation=known, item=output) == call


def test_the_other_half_of_another_call_is_none(known: Conversation, sandbox: Sandbox) -> None:
    call, _ = put(sandbox, known, halves()[0], halves("call_2")[1])
    assert find_partner(conversation=known, item=call) is None


def test_the_other_half_is_looked_for_among_a_hundred_items(known: Conversation, sandbox: Sandbox) -> None:
    [call] = put(sandbox, known, halves()[0])
    add_messages(sandbox, known, 100)
    put(sandbox, known, halves()[1])
    assert find_partner(conversation=known, item=call) is None
    assert len(sandbox.log) == 1


def test_for_what_has_no_other_half_nothing_is_sent(known: Conversation, sandbox: Sandbox) -> None:
    assert find_partner(conversation=known, item={"id": "msg_1", "type": "message"}) is None
    assert len(sandbox.log) == 0


def test_reading_is_no_event(known: Conversation, sandbox: Sandbox, operator: User) -> None:
    [item] = put(sandbox, known, {"type": "message", "role": "user", "content": "hi"})
    list_items(conversation=known)
    retrieve_item(conversation=known, item_id=item["id"])
    assert not known.events.exists()
