"""Lists that lie, go round, overlap or keep items back, and times of creation in any form."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.exports.transcripts import JsonFile
from conversations.models import Conversation, Credential, Event, Outcome
from conversations.models.choices import Stage
from conversations.openai import errors
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.conversations import refresh_conversation
from conversations.services.items import all_pages, count_items, list_items
from conversations.services.transcripts import download
from conversations.services.unanswered_calls import find_unanswered
from tests.factories import KEY, add_messages, make_credential, make_known
from tests.html import text_of
from tests.services.odd import erased, listing

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(sandbox: Sandbox, credential: Credential) -> Conversation:
    return make_known(sandbox, credential, {"a": "1"})


# Lists that lie


@pytest.mark.long
def test_the_items_of_a_server_that_never_says_that_there_is_more_are_all_read(operator: User) -> None:
    with Sandbox(key=KEY, dialect=Dialect(says_no_more=True)) as server:
        known = make_known(server, make_credential(server))
        wanted = add_messages(server, known, 250)
        first = list_items(conversation=known)
        assert (first.later, count_items(conversation=known)) == (wanted[99], (100, True))
        assert [item["id"] for page in all_pages(known) for item in page.items] == wanted
        assert erased(operator, known).numbers.deleted == 250


def test_a_full_page_that_is_the_last_is_the_last(known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 100)
    assert (list_items(conversation=known).later, count_items(conversation=known)) == ("", (100, False))


def test_without_a_word_on_more_the_next_page_is_requested(known: Conversation, sandbox: Sandbox) -> None:
    for ids in (("a", "b"), ("c",), ()):
        sandbox.faults.add(Fault(method="GET", body=listing(*ids)))
    assert [item["id"] for page in all_pages(known) for item in page.items] == ["a", "b", "c"]


def test_a_cursor_that_goes_round_ends_and_says_so(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    for ids in (("a", "b"), ("c", "d"), ("a", "b")):
        sandbox.faults.add(Fault(method="GET", body=listing(*ids, has_more=True, last_id=ids[-1])))
    written: list[str] = []
    with pytest.raises(errors.EndlessList, match="again and again"):
        written.extend(download(actor=operator, conversation=known, file=JsonFile(known.openai_id)))
    assert [written[-1].count("incomplete"), "".join(written).count('"id": "a"'), len(sandbox.log)] == [1, 1, 3]
    assert Event.objects.get().outcome == Outcome.REFUSED


def test_an_item_that_two_pages_share_is_given_once(known: Conversation, sandbox: Sandbox) -> None:
    for ids in (("a", "b"), ("b", "c")):
        sandbox.faults.add(Fault(method="GET", body=listing(*ids, has_more=ids[-1] == "b", last_id=ids[-1])))
    assert [item["id"] for page in all_pages(known) for item in page.items] == ["a", "b", "c"]


@pytest.mark.parametrize("ids", [(), ("a",)])
def test_a_download_of_which_the_server_keeps_the_rest_back_breaks_off(
    operator: User, known: Conversation, sandbox: Sandbox, ids: tuple[str, ...]
) -> None:
    body = json.dumps({"data": [{"type": "odd", "name": name} for name in ids], "last_id": None, "has_more": True})
    sandbox.faults.add(Fault(method="GET", body=body))
    with pytest.raises(errors.EndlessList, match="there are more items"):
        list(download(actor=operator, conversation=known, file=JsonFile(known.openai_id)))


def test_no_conversation_is_deleted_behind_an_empty_page_that_says_more(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    body = '{"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": true}'
    add_messages(sandbox, known, 3)
    sandbox.faults.add(Fault(method="GET", path=".*/items", body=body, times=None))
    stopped = erased(operator, known)
    assert (stopped.stage, stopped.last_read, stopped.numbers.found) == (Stage.STOPPED, None, 0)
    assert sandbox.store.get_conversation(known.openai_id) is not None


def test_null_for_data_is_an_empty_list(known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="GET", body='{"data": null, "has_more": false}'))
    found = list_items(conversation=known)
    assert (found.items, found.later, found.is_cut) == ([], "", False)


def test_refused_items_on_pages_that_go_round_end_the_pass(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    for item_id in ("a", "b") * 30:
        body = listing(item_id, has_more=True, last_id=item_id)
        sandbox.faults.add(Fault(method="GET", path=".*/items$", body=body))
    sandbox.faults.add(Fault(method="DELETE", path=".*/items/", status=400, times=None))
    stopped = erased(operator, known)
    assert (stopped.stage, stopped.failure["message"][:16]) == (Stage.STOPPED, "2 items were not")


# Times


@pytest.mark.parametrize("written", ['"2023-11-14T22:13:20Z"', "1700000000123", "1700000000.5", '"1700000000"'])
def test_r1_a_time_of_creation_in_any_form_is_the_place_in_the_list(
    operator: User, known: Conversation, sandbox: Sandbox, written: str
) -> None:
    body = f'{{"id": "{known.openai_id}", "metadata": {{"a": "1"}}, "created_at": {written}}}'
    sandbox.faults.add(Fault(method="GET", body=body))
    row = refresh_conversation(actor=operator, conversation=known)
    assert (row.created_at.year, row.is_created_known) == (2023, True)
    assert row.sort_key < known.sort_key


def test_a_time_that_is_unusable_is_first_seen_until_a_read_tells(operator: User, credential: Credential) -> None:
    row = Conversation.objects.add(
        credential=credential, openai_id="conv_1", created_at=None, metadata={"a": "1"}, added_by=None, origin="created"
    )
    assert not row.is_created_known
    row.store_response({"a": "1"}, is_own_change=False, created_at=1_700_000_000)
    assert (row.is_created_known, row.created_at.year) == (True, 2023)
    row.store_response({"a": "1"}, is_own_change=False, created_at=None)
    assert (row.is_created_known, row.created_at.year) == (True, 2023)


def test_a_server_that_gives_more_than_was_asked_for_is_read_page_by_page(
    known: Conversation, sandbox: Sandbox
) -> None:
    ids = [f"msg_{number}" for number in range(250)]
    sandbox.faults.add(Fault(method="GET", body=listing(*ids, has_more=False), times=None))
    first = list_items(conversation=known)
    second = list_items(conversation=known, after=first.later)
    third = list_items(conversation=known, after=second.later)
    found = [item["id"] for page in (first, second, third) for item in page.items]
    assert (found, third.later) == (ids, "")


@pytest.mark.parametrize("count", [1, 3, 100])
def test_a_server_that_gives_one_page_for_ever_is_at_its_end_and_told(
    known: Conversation, sandbox: Sandbox, count: int
) -> None:
    ids = [f"msg_{number}" for number in range(count)]
    sandbox.faults.add(Fault(method="GET", body=listing(*ids, has_more=True, last_id=ids[-1]), times=None))
    second = list_items(conversation=known, after=list_items(conversation=known).later)
    assert (second.items, second.later, second.is_cut) == ([], "", True)
    assert find_unanswered(conversation=known).is_cut


def test_what_cannot_be_looked_ahead_at_hides_nothing(known: Conversation, sandbox: Sandbox) -> None:
    wanted = add_messages(sandbox, known, 100)
    sandbox.faults.add(Fault(method="GET", skip=1, status=400))
    found = list_items(conversation=known)
    assert ([item["id"] for item in found.items], found.later) == (wanted, wanted[-1])


@pytest.mark.parametrize("told", ["true", 1, "yes", None])
def test_a_word_on_more_that_is_no_word_is_none(known: Conversation, sandbox: Sandbox, told: Any) -> None:
    sandbox.faults.add(Fault(method="GET", body=listing("a", has_more=told)))
    assert list_items(conversation=known).later == "a"


def test_calls_without_output_are_not_certain_where_the_server_keeps_items_back(
    as_operator: Browser, known: Conversation, sandbox: Sandbox
) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    body = json.dumps({"data": [call], "has_more": True, "last_id": None})
    sandbox.faults.add(Fault(method="GET", body=body, times=None))
    text = text_of(as_operator.get(f"{known.get_absolute_url()}items/?show=broken"))
    assert "doesn’t return them" in text
    assert "so responses in this conversation fail" not in text
