"""R10: what's retried, and what isn't."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from conversations.openai import errors
from conversations.openai.client import Calls
from conversations.openai.errors import OpenAIError
from conversations.sandbox import Fault, Sandbox
from tests.factories import calls_in, make_remote
from tests.raw_server import RawServer

pytestmark = pytest.mark.long

CallsTo = Callable[..., Calls]

MESSAGE = {"type": "message", "role": "user", "content": "Hello"}
REPEATABLE: dict[str, Callable[[Calls, str], Any]] = {
    "retrieve": lambda calls, id: calls.retrieve_conversation(id),
    "update": lambda calls, id: calls.update_conversation(id, {}),
    "delete": lambda calls, id: calls.delete_conversation(id),
    "list items": lambda calls, id: calls.list_items(id),
}
CREATING: dict[str, Callable[[Calls, str], Any]] = {
    "create": lambda calls, id: calls.create_conversation(items=[], metadata={}),
    "create items": lambda calls, id: calls.create_items(id, [MESSAGE]),
}
NOW = {"retry-after-ms": "1"}  # so that tests don't wait
TRANSIENT = [
    Fault(status=408, headers=NOW),
    Fault(status=500, headers=NOW),
    Fault(status=503, headers=NOW),
    Fault(drop="before"),
    Fault(drop="middle"),
]
HARMLESS = [
    Fault(status=409, headers=NOW),
    Fault(status=429, headers=NOW),
    Fault(status=429, headers=NOW, code="slow_down"),
    Fault(locked=True, headers=NOW),
]


class KeepingRecorder:
    """A recorder that keeps the ids and statuses of all attempts."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.statuses: list[int | None] = []

    def sending(self, method: str, path: str) -> str:
        self.sent.append(f"attempt-{len(self.sent) + 1}")
        return self.sent[-1]

    def received(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        self.statuses.append(status)


@pytest.fixture
def known(sandbox: Sandbox) -> str:
    return make_remote(sandbox)


def attempts(sandbox: Sandbox) -> int:
    return len(calls_in(sandbox))


@pytest.mark.parametrize("call", REPEATABLE.values(), ids=REPEATABLE)
@pytest.mark.parametrize("fault", HARMLESS + TRANSIENT[:3], ids=str)
def test_what_can_be_repeated_is_repeated(
    sandbox: Sandbox, calls_to: CallsTo, known: str, call: Callable[[Calls, str], Any], fault: Fault
) -> None:
    sandbox.faults.add(fault)
    call(calls_to(sandbox), known)
    assert [entry.status for entry in sandbox.log] == [fault.response().status, 200]


@pytest.mark.parametrize("drop", ["before", "after", "middle"])
def test_a_read_whose_connection_broke_is_repeated(sandbox: Sandbox, calls_to: CallsTo, known: str, drop: str) -> None:
    sandbox.faults.add(Fault(drop=drop))
    calls_to(sandbox).retrieve_conversation(known)
    assert attempts(sandbox) == 2


@pytest.mark.parametrize("call", CREATING.values(), ids=CREATING)
@pytest.mark.parametrize("fault", HARMLESS, ids=str)
def test_r10_a_creation_that_was_refused_for_now_is_repeated(
    sandbox: Sandbox, calls_to: CallsTo, known: str, call: Callable[[Calls, str], Any], fault: Fault
) -> None:
    sandbox.faults.add(fault)
    call(calls_to(sandbox), known)
    assert attempts(sandbox) == 2


@pytest.mark.parametrize("call", CREATING.values(), ids=CREATING)
@pytest.mark.parametrize(
    "fault",
    [
        *TRANSIENT,
        Fault(drop="after"),
        Fault(status=500, after=True),
        Fault(delay=9),
        Fault(status=500, headers={"x-should-retry": "true"}),
        Fault(status=400, headers={"x-should-retry": "true"}),
        Fault(headers={"content-length": "2, 7"}),
    ],
    ids=str,
)
def test_r10_a_creation_that_may_have_happened_is_sent_once(
    sandbox: Sandbox, calls_to: CallsTo, known: str, call: Callable[[Calls, str], Any], fault: Fault
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(OpenAIError) as caught:
        call(calls_to(sandbox, budget=0.5 if fault.delay else 5), known)
    assert attempts(sandbox) == 1 or fault.delay
    assert caught.value.may_have_happened or caught.value.status == 400


def test_r10_a_creation_that_was_never_connected_is_repeated(calls_to: CallsTo) -> None:
    with Sandbox() as gone:
        pass
    recorder = KeepingRecorder()
    with pytest.raises(errors.NotSent):
        calls_to(gone, recorder=recorder).create_conversation(items=[], metadata={})
    assert recorder.statuses == [None, None, None]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=400),
        Fault(status=401),
        Fault(status=404),
        Fault(status=302, headers={"Location": "/v1/elsewhere"}),
        Fault(body="<html>"),
        Fault(status=429, code="insufficient_quota"),
        Fault(status=429, code="insufficient_quota", headers={"x-should-retry": "true"}),
        Fault(status=500, headers={"x-should-retry": "false"}),
        Fault(status=429, headers={"Retry-After": "30"}),
    ],
    ids=str,
)
def test_what_does_not_help_is_not_repeated(sandbox: Sandbox, calls_to: CallsTo, known: str, fault: Fault) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(OpenAIError):
        calls_to(sandbox).retrieve_conversation(known)
    assert attempts(sandbox) == 1


def test_the_server_may_ask_for_a_repetition(sandbox: Sandbox, calls_to: CallsTo, known: str) -> None:
    sandbox.faults.add(Fault(status=400, headers={"x-should-retry": "true", **NOW}))
    assert calls_to(sandbox).retrieve_conversation(known).id == known


def test_there_are_three_attempts_and_no_more(sandbox: Sandbox, calls_to: CallsTo, known: str) -> None:
    sandbox.faults.add(Fault(status=503, times=None, headers=NOW))
    with pytest.raises(errors.ServerError):
        calls_to(sandbox).retrieve_conversation(known)
    assert attempts(sandbox) == 3


def test_a_wait_that_is_requested_is_kept(sandbox: Sandbox, calls_to: CallsTo, known: str, slept: list[float]) -> None:
    sandbox.faults.add(Fault(status=429, headers={"Retry-After": "0.3"}))
    calls_to(sandbox).retrieve_conversation(known)
    assert slept == [0.3]
    assert attempts(sandbox) == 2


def test_without_one_the_waits_grow(sandbox: Sandbox, calls_to: CallsTo, known: str, slept: list[float]) -> None:
    sandbox.faults.add(Fault(status=503, times=2))
    calls_to(sandbox).retrieve_conversation(known)
    first, second = slept
    assert 0.375 <= first <= 0.5
    assert 0.75 <= second <= 1


def test_no_attempt_is_made_that_could_not_end_in_time(
    sandbox: Sandbox, calls_to: CallsTo, known: str, slept: list[float]
) -> None:
    sandbox.faults.add(Fault(status=429, headers={"Retry-After": "60"}))
    with pytest.raises(errors.RateLimited) as caught:
        calls_to(sandbox, budget=59, max_wait=100).retrieve_conversation(known)
    assert caught.value.retry_after == 60
    assert (slept, attempts(sandbox)) == ([], 1)


def test_each_attempt_has_its_own_request_id(sandbox: Sandbox, calls_to: CallsTo, known: str) -> None:
    sandbox.faults.add(Fault(status=503, times=2, headers=NOW))
    recorder = KeepingRecorder()
    calls_to(sandbox, recorder=recorder).retrieve_conversation(known)
    assert [entry.client_request_id for entry in sandbox.log] == recorder.sent
    assert recorder.statuses == [503, 503, 200]


def test_without_a_recorder_request_ids_are_unique_all_the_same(
    sandbox: Sandbox, calls_to: CallsTo, known: str
) -> None:
    for _ in range(2):
        calls_to(sandbox).retrieve_conversation(known)
    first, second = (entry.client_request_id or "" for entry in sandbox.log)
    assert first != second
    assert re.fullmatch(r"[0-9a-f-]{36}", first)


@pytest.mark.parametrize("name", ["update", "delete"])
def test_a_change_is_not_called_undone_where_an_earlier_attempt_may_have_done_it(
    sandbox: Sandbox, calls_to: CallsTo, known: str, name: str
) -> None:
    sandbox.faults.add(Fault(status=503, headers=NOW))
    sandbox.faults.add(Fault(status=429, headers={"Retry-After": "30"}))
    with pytest.raises(errors.RateLimited) as caught:
        REPEATABLE[name](calls_to(sandbox), known)
    assert caught.value.may_have_happened
    assert "may have been carried out anyway" in caught.value.advice_text


def test_a_read_never_may_have_happened_because_of_an_earlier_attempt(
    sandbox: Sandbox, calls_to: CallsTo, known: str
) -> None:
    sandbox.faults.add(Fault(status=503, headers=NOW))
    sandbox.faults.add(Fault(status=404))
    with pytest.raises(errors.NotFound) as caught:
        calls_to(sandbox).retrieve_conversation(known)
    assert not caught.value.may_have_happened


def test_an_interim_response_is_an_error_and_leaves_nothing_behind(
    raw_server: Callable[..., RawServer], sandbox: Sandbox, calls_to: CallsTo
) -> None:
    final = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"id": "conv_1"}'
    server = raw_server(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + final, final.replace(b"conv_1", b"conv_2"))
    calls = calls_to(sandbox, base_url=server.url)
    with pytest.raises(errors.BadResponse):
        calls.create_conversation(items=[], metadata={})
    assert calls.create_conversation(items=[], metadata={}).id == "conv_2"
