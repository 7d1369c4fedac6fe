"""The eight calls against the sandbox. Every fault leads to the documented error, in time."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from conversations.openai import errors
from conversations.openai.client import Calls
from conversations.openai.errors import OpenAIError
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_remote, metadata_at
from tests.waiting import PATIENCE, Clock

CallsTo = Callable[..., Calls]
Call = Callable[[Calls, str, str], Any]

MESSAGE = {"type": "message", "role": "user", "content": "Hello"}
CALLS: dict[str, Call] = {
    "create": lambda calls, id, item: calls.create_conversation(items=[MESSAGE], metadata={"a": "1"}),
    "retrieve": lambda calls, id, item: calls.retrieve_conversation(id),
    "update": lambda calls, id, item: calls.update_conversation(id, {"a": "2"}),
    "delete": lambda calls, id, item: calls.delete_conversation(id),
    "list items": lambda calls, id, item: calls.list_items(id),
    "create items": lambda calls, id, item: calls.create_items(id, [MESSAGE]),
    "retrieve item": lambda calls, id, item: calls.retrieve_item(id, item),
    "delete item": lambda calls, id, item: calls.delete_item(id, item),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
LATE = 2 * PATIENCE  # seconds
BROKEN = (errors.NoResponse, errors.NotSent)
FAULTS: dict[str, tuple[Fault, type[OpenAIError] | tuple[type[OpenAIError], ...]]] = {
    "400": (Fault(status=400), errors.InvalidRequest),
    "401": (Fault(status=401), errors.Unauthorized),
    "403": (Fault(status=403), errors.Forbidden),
    "404": (Fault(path="/conversations", status=404), errors.NotFound),
    "408": (Fault(status=408, times=None), errors.ServerError),
    "409": (Fault(status=409, times=None), errors.Conflict),
    "422": (Fault(status=422), errors.InvalidRequest),
    "429": (Fault(status=429, times=None), errors.RateLimited),
    "429 with a long wait": (Fault(status=429, headers={"Retry-After": "60"}), errors.RateLimited),
    "429 quota": (Fault(status=429, code="insufficient_quota"), errors.QuotaExceeded),
    "500": (Fault(status=500, times=None), errors.ServerError),
    "500 after the change": (Fault(status=500, after=True, times=None), (errors.ServerError, errors.NotFound)),
    "503 HTML": (Fault(status=503, body="<html>", times=None), errors.ServerError),
    "locked": (Fault(locked=True, times=None), errors.Locked),
    "redirect": (Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}), errors.Redirected),
    "redirect to nonsense": (Fault(status=307, headers={"Location": "http://[\xff"}), errors.Redirected),
    "dropped before": (Fault(drop="before", times=None), errors.NoResponse),
    "dropped after": (Fault(drop="after", times=None), (errors.NoResponse, errors.NotFound)),
    "dropped in the middle": (Fault(drop="middle", times=None), (errors.NoResponse, errors.NotFound)),
    "delay": (Fault(delay=LATE, times=None), errors.NoResponse),
    "delay after the change": (Fault(delay=LATE, after=True, times=None), errors.NoResponse),
    "drip": (Fault(drip=0.5, times=None), errors.NoResponse),
    "HTML": (Fault(body="<html>"), errors.BadResponse),
    "garbage": (Fault(body=b"\xff\x00\xfe"), errors.BadResponse),
    "a list": (Fault(body="[]"), errors.BadResponse),
    "no gzip": (Fault(body="{}", headers={"Content-Encoding": "gzip"}), errors.BadResponse),
    "two lengths": (Fault(headers={"content-length": "2, 7"}), errors.NoResponse),
    "broken chunks": (Fault(body="zz\r\n", headers={"content-length": None, "Transfer-Encoding": "chunked"}), BROKEN),
    "a header line of 100 KB": (Fault(headers={"X-Long": "x" * 100_000}, times=None), errors.NoResponse),
    "many headers": (Fault(headers={f"X-{n}": "" for n in range(200)}, times=None), errors.NoResponse),
}


@pytest.fixture
def ids(sandbox: Sandbox) -> tuple[str, str]:
    """The ids of a conversation and its message."""
    conversation_id = make_remote(sandbox, {"a": "1"}, items=[MESSAGE])
    return conversation_id, sandbox.store.list_items(conversation_id)[0]["id"]


# The calls


def test_a_conversation_is_created_with_items_and_metadata(sandbox: Sandbox, calls_to: CallsTo) -> None:
    remote = calls_to(sandbox).create_conversation(items=[MESSAGE], metadata={"a": "1"})
    assert metadata_at(sandbox, remote.id) == remote.metadata == {"a": "1"}
    assert len(sandbox.store.list_items(remote.id)) == 1


def test_a_conversation_is_read(sandbox: Sandbox, calls_to: CallsTo, ids: tuple[str, str]) -> None:
    remote = calls_to(sandbox).retrieve_conversation(ids[0])
    stored = sandbox.store.get_conversation(ids[0]) or {}
    assert (remote.id, remote.created_at, remote.metadata) == (ids[0], stored["created_at"], {"a": "1"})
    assert remote.request_id == sandbox.log[-1].request_id


def test_metadata_is_updated(sandbox: Sandbox, calls_to: CallsTo, ids: tuple[str, str]) -> None:
    assert calls_to(sandbox).update_conversation(ids[0], {"b": "2"}).metadata == {"a": "1", "b": "2"}


def test_a_conversation_is_deleted(sandbox: Sandbox, calls_to: CallsTo, ids: tuple[str, str]) -> None:
    calls_to(sandbox).delete_conversation(ids[0])
    assert sandbox.store.get_conversation(ids[0]) is None


def test_items_are_listed_page_by_page(sandbox: Sandbox, calls_to: CallsTo) -> None:
    conversation_id = make_remote(sandbox, items=[MESSAGE] * 3)
    first = calls_to(sandbox).list_items(conversation_id, limit=2, include=["message.input_image.image_url"])
    second = calls_to(sandbox).list_items(conversation_id, limit=2, after=first.last_id)
    assert (len(first.items), first.has_more, len(second.items), second.has_more) == (2, True, 1, False)


def test_items_are_added_read_and_deleted(sandbox: Sandbox, calls_to: CallsTo, ids: tuple[str, str]) -> None:
    calls = calls_to(sandbox)
    (added,) = calls.create_items(ids[0], [MESSAGE]).items
    assert calls.retrieve_item(ids[0], added["id"]) == added
    calls.delete_item(ids[0], added["id"])
    assert [item["id"] for item in sandbox.store.list_items(ids[0])] == [ids[1]]


@pytest.mark.parametrize("odd_id", ["a b", "a?b#c", "ü/..".replace("/", "%2F"), "..a", "%2e%2e", "x" * 255])
def test_odd_ids_reach_the_server_as_they_are(sandbox: Sandbox, calls_to: CallsTo, odd_id: str) -> None:
    make_remote(sandbox, id=odd_id)
    assert calls_to(sandbox).retrieve_conversation(odd_id).id == odd_id


@pytest.mark.parametrize("illegal", ["", ".", "..", "a/b", "a\nb", "a\0", "\ud800", "x" * 256])
def test_what_cannot_be_an_id_is_not_sent(sandbox: Sandbox, calls_to: CallsTo, illegal: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        calls_to(sandbox).retrieve_conversation(illegal)
    assert not sandbox.log


def test_organization_project_and_further_headers_go_along(sandbox: Sandbox, calls_to: CallsTo) -> None:
    options: Any = {"organization": "org-1", "project": "proj_1", "headers": {"X-Team": "a", "X-Route": "b"}}
    calls_to(sandbox, **options).create_conversation(items=[], metadata={})
    sent = sandbox.log[-1].headers
    names = ("openai-organization", "openai-project", "x-team", "x-route")
    assert [sent[name] for name in names] == ["org-1", "proj_1", "a", "b"]


def test_empty_organization_and_project_are_left_out(sandbox: Sandbox, calls_to: CallsTo) -> None:
    calls_to(sandbox).create_conversation(items=[], metadata={})
    assert not {"openai-organization", "openai-project"} & set(sandbox.log[-1].headers)


# Every call with each fault


@pytest.mark.long
@each_call
@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=FAULTS)
def test_each_fault_ends_in_its_error(
    sandbox: Sandbox,
    calls_to: CallsTo,
    ids: tuple[str, str],
    slept: list[float],
    call: Call,
    fault: Fault,
    expected: Any,
) -> None:
    sandbox.faults.add(fault)
    budget = 0.3 if fault.delay or fault.drip else 5
    started = time.monotonic()
    with pytest.raises(expected):
        call(calls_to(sandbox, budget=budget, max_wait=0.0), *ids)
    assert slept == []
    assert time.monotonic() - started < PATIENCE  # what is late, or drips, takes longer


@each_call
def test_a_server_that_is_not_there_was_sent_nothing(calls_to: CallsTo, call: Call) -> None:
    with Sandbox() as gone:
        pass
    with pytest.raises(errors.NotSent):
        call(calls_to(gone, max_wait=0.0), "conv_1", "msg_1")


def test_a_host_without_a_name_was_sent_nothing(sandbox: Sandbox, calls_to: CallsTo) -> None:
    with pytest.raises(errors.NotSent):
        calls_to(sandbox, base_url="http://nowhere.invalid/v1", max_wait=0.0).retrieve_conversation("conv_1")


def test_a_time_that_is_used_up_sends_nothing(sandbox: Sandbox, calls_to: CallsTo) -> None:
    with pytest.raises(errors.NotSent, match="no time left"):
        calls_to(sandbox, budget=0.0).retrieve_conversation("conv_1")
    assert not sandbox.log


# R11: the deadline holds while a response drips


@pytest.mark.long
@pytest.mark.parametrize("body", [None, json.dumps({"id": "x" * 200_000})], ids=["headers", "body"])
def test_r11_a_slow_drip_ends_by_the_deadline(sandbox: Sandbox, calls_to: CallsTo, body: str | None) -> None:
    """The whole of either would take minutes."""
    sandbox.faults.add(Fault(drip=0.0005 if body else 0.5, body=body))
    started = time.monotonic()
    with pytest.raises(errors.NoResponse):
        calls_to(sandbox, budget=0.5).create_conversation(items=[], metadata={})
    assert 0.4 < time.monotonic() - started < PATIENCE


@pytest.mark.long
def test_r11_a_response_without_an_end_ends_at_the_deadline(sandbox: Sandbox, calls_to: CallsTo) -> None:
    sandbox.faults.add(Fault(headers={"content-length": "many"}))
    with pytest.raises(errors.NoResponse):
        calls_to(sandbox, budget=0.3).create_conversation(items=[], metadata={})


@pytest.mark.long
def test_r11_a_response_that_drips_in_time_is_read(sandbox: Sandbox, calls_to: CallsTo) -> None:
    sandbox.faults.add(Fault(drip=0.0005))
    assert calls_to(sandbox, budget=5).create_conversation(items=[], metadata={}).id


@pytest.mark.long
def test_r11_one_budget_is_for_all_calls_together(
    sandbox: Sandbox, calls_to: CallsTo, ids: tuple[str, str], clock: Clock
) -> None:
    calls = calls_to(sandbox, budget=PATIENCE)
    calls.retrieve_conversation(ids[0])
    clock.advance(PATIENCE - 0.5)
    sandbox.faults.add(Fault(delay=5))
    with pytest.raises(errors.NoResponse):  # half a second is left
        calls.retrieve_conversation(ids[0])


def test_r11_a_budget_that_earlier_calls_used_up_sends_nothing(
    sandbox: Sandbox, calls_to: CallsTo, ids: tuple[str, str], clock: Clock
) -> None:
    calls = calls_to(sandbox, budget=PATIENCE)
    calls.retrieve_conversation(ids[0])
    clock.advance(PATIENCE)
    with pytest.raises(errors.NotSent, match="no time left"):
        calls.retrieve_conversation(ids[0])
    assert len(sandbox.log) == 1


@each_call
def test_a_success_that_holds_an_error_is_that_error(
    sandbox: Sandbox, calls_to: CallsTo, ids: tuple[str, str], call: Call
) -> None:
    body = '{"error": {"message": "Provider returned error", "code": 403}}'
    sandbox.faults.add(Fault(body=body, times=None))
    with pytest.raises(errors.Forbidden, match="Provider returned error") as caught:
        call(calls_to(sandbox), *ids)
    assert not caught.value.may_have_happened
