"""The sandbox's faults: which requests they apply to, and what happens."""

import http.client
import threading
import time

import pytest

from conversations.sandbox import Fault, Faults, Sandbox
from tests.sandbox_fixtures import KEY, Http, raw_socket
from tests.waiting import PATIENCE, Meanwhile, wait_until


def statuses(web: Http, count: int) -> list[int]:
    return [web.call("POST", "/v1/conversations").status for _ in range(count)]


# Which requests


def test_a_fault_is_used_up_after_its_times(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=500, times=2))
    assert statuses(web, 3) == [500, 500, 200]


def test_a_fault_without_times_lasts_until_it_is_cleared(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=500, times=None))
    assert statuses(web, 3) == [500, 500, 500]
    sandbox.faults.clear()
    assert statuses(web, 1) == [200]


def test_a_fault_lets_the_first_requests_through(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=500, skip=1))
    assert statuses(web, 3) == [200, 500, 200]


def test_faults_happen_in_the_order_they_were_added(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=500))
    sandbox.faults.add(Fault(status=503))
    assert statuses(web, 3) == [500, 503, 200]


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        (Fault(status=500, method="POST"), True),
        (Fault(status=500, method="GET"), False),
        (Fault(status=500, path="/conversations"), True),
        (Fault(status=500, path="/conversations$"), True),
        (Fault(status=500, path="/conversations/[^/]+/items"), False),
        (Fault(status=500, path="conversations"), False),
    ],
)
def test_a_fault_hits_its_method_and_path_only(web: Http, sandbox: Sandbox, fault: Fault, hit: bool) -> None:
    sandbox.faults.add(fault)
    assert statuses(web, 1) == [500 if hit else 200]


# Chance


def taken(faults: Faults, count: int) -> list[int]:
    return [faults.take("GET", "/conversations").status or 200 for _ in range(count)]


def test_a_chance_hits_about_so_many_requests() -> None:
    faults = Faults(seed=1)
    faults.add(Fault(status=500, chance=0.3, times=None))
    assert 270 <= taken(faults, 1000).count(500) <= 330


def test_the_same_seed_makes_the_same_draws() -> None:
    runs = []
    for seed in (7, 7, 8):
        faults = Faults(seed=seed)
        faults.add(Fault(status=500, chance=0.5, times=None))
        runs.append(taken(faults, 50))
    assert (runs[0] == runs[1], runs[0] == runs[2]) == (True, False)


def test_a_fault_that_does_not_happen_is_not_used_up() -> None:
    faults = Faults(seed=2)
    faults.add(Fault(status=500, chance=0.1, times=3))
    found = taken(faults, 500)
    assert found[:3] != [500, 500, 500]
    assert found.count(500) == 3


def test_a_fault_that_does_not_happen_passes_on_to_those_behind_it() -> None:
    faults = Faults(seed=3)
    faults.add(Fault(status=500, chance=0.5, times=None))
    faults.add(Fault(status=503, times=None))
    assert set(taken(faults, 50)) == {500, 503}


def test_a_fault_draws_only_for_requests_that_it_does_not_skip() -> None:
    drawn, skipping = Faults(seed=4), Faults(seed=4)
    drawn.add(Fault(status=500, chance=0.5, times=None))
    skipping.add(Fault(status=500, chance=0.5, times=None, skip=5))
    assert taken(skipping, 25) == [200] * 5 + taken(drawn, 20)


def test_a_sandbox_takes_a_seed_for_its_faults() -> None:
    runs = []
    for _ in range(2):
        with Sandbox(key=KEY, seed=5) as sandbox, Http(sandbox) as web:
            sandbox.faults.add(Fault(status=500, chance=0.5, times=None))
            runs.append(statuses(web, 20))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


@pytest.mark.parametrize("chance", [0, -0.1, 1.01, float("nan")])
def test_a_chance_must_be_above_0_and_at_most_1(chance: float) -> None:
    with pytest.raises(ValueError, match="chance must be above 0 and at most 1"):
        Fault(status=500, chance=chance)


def test_a_chance_can_be_given_over_http(web: Http, sandbox: Sandbox) -> None:
    refused = web.call("POST", "/_sandbox/faults", {"status": 500, "chance": "often"})
    assert (refused.status, refused.error["code"]) == (400, "invalid_fault")
    web.call("POST", "/_sandbox/faults", {"status": 500, "chance": 1})
    assert statuses(web, 2) == [500, 200]


# Responses


def test_a_status_is_returned_instead_of_acting(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=503, code="busy", type="server_error", message="Later.", param="p"))
    answer = web.call("POST", "/v1/conversations")
    assert answer.error == {"message": "Later.", "type": "server_error", "param": "p", "code": "busy"}
    assert sandbox.store.list_conversations() == []


def test_a_status_after_acting_hides_a_change_that_was_made(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=500, after=True))
    assert statuses(web, 1) == [500]
    assert (len(sandbox.store.list_conversations()), sandbox.log[0].changed) == (1, True)


def test_headers_are_added_and_taken_away(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=429, headers={"Retry-After": 2, "X-Request-Id": None}))
    answer = web.call("POST", "/v1/conversations")
    assert (answer.headers["retry-after"], "x-request-id" in answer.headers) == ("2", False)
    assert answer.error["code"] == "rate_limit_exceeded"


def test_headers_alone_are_added_to_the_real_response(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(headers={"X-Should-Retry": "false"}))
    answer = web.call("POST", "/v1/conversations")
    assert (answer.status, answer.headers["x-should-retry"]) == (200, "false")


def test_a_locked_conversation(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(locked=True))
    answer = web.call("POST", "/v1/conversations")
    assert (answer.status, answer.error["code"]) == (400, "conversation_locked")


def test_a_redirect(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}))
    answer = web.call("POST", "/v1/conversations")
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:9/")


@pytest.mark.parametrize("body", [b"\xff\xfe", "<html>Bad gateway</html>", "", b"x" * 5_000_000])
def test_a_body_is_sent_as_it_is(web: Http, sandbox: Sandbox, body: bytes | str) -> None:
    sandbox.faults.add(Fault(status=502, body=body, headers={"Content-Type": "text/html"}))
    answer = web.call("POST", "/v1/conversations")
    assert answer.raw == (body.encode() if isinstance(body, str) else body)
    assert (answer.status, answer.headers["content-type"]) == (502, "text/html")


def test_a_body_without_a_status_looks_like_success(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(body="{"))
    answer = web.call("POST", "/v1/conversations")
    assert (answer.status, answer.raw) == (200, b"{")


# Time


@pytest.mark.long
def test_a_delay_is_waited_for(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(delay=0.1))
    started = time.monotonic()
    web.create()
    assert time.monotonic() - started >= 0.1
    assert len(sandbox.store.list_conversations()) == 1


@pytest.mark.long
def test_a_delay_waits_before_acting(web: Http, sandbox: Sandbox) -> None:
    arrived = threading.Event()
    sandbox.faults.add(Meanwhile(delay=3_600, act=arrived.set))
    web.connection.timeout = 0.1
    with pytest.raises(TimeoutError):
        web.create()
    assert arrived.wait(PATIENCE)
    assert (sandbox.store.list_conversations(), len(sandbox.log)) == ([], 0)


@pytest.mark.long
def test_a_delay_after_acting_waits_before_the_response(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(delay=3_600, after=True))
    web.connection.timeout = 0.1
    with pytest.raises(TimeoutError):
        web.create()
    wait_until(lambda: sandbox.log)
    assert len(sandbox.store.list_conversations()) == 1


@pytest.mark.long
def test_a_drip_sends_byte_by_byte(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(body="", drip=0.1))
    with raw_socket(sandbox) as connection:
        connection.sendall(b"GET /v1/ HTTP/1.1\r\n\r\n")
        assert [connection.recv(100) for _ in range(3)] == [b"H", b"T", b"T"]


def test_stopping_ends_a_drip_and_a_delay_that_are_under_way(sandbox: Sandbox) -> None:
    arrived = threading.Event()
    before = set(threading.enumerate())
    sandbox.faults.add(Fault(drip=3_600))
    sandbox.faults.add(Meanwhile(delay=3_600, act=arrived.set))
    with raw_socket(sandbox) as dripping, raw_socket(sandbox) as waiting:
        dripping.sendall(b"GET /v1/ HTTP/1.1\r\n\r\n")
        assert dripping.recv(1) == b"H"
        waiting.sendall(b"GET /v1/ HTTP/1.1\r\n\r\n")
        assert arrived.wait(PATIENCE)
        serving = set(threading.enumerate()) - before
        assert len(serving) == 2
        sandbox.stop()
        for thread in serving:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in serving)


# Dropped connections


@pytest.mark.parametrize(("drop", "made"), [("before", 0), ("after", 1)])
def test_a_connection_is_dropped_without_a_response(web: Http, sandbox: Sandbox, drop: str, made: int) -> None:
    sandbox.faults.add(Fault(drop=drop))
    with pytest.raises(http.client.RemoteDisconnected):
        web.create()
    assert len(sandbox.store.list_conversations()) == made
    assert (sandbox.log[0].status, sandbox.log[0].changed) == (None, bool(made))


def test_a_connection_is_dropped_in_the_middle_of_the_body(web: Http, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(drop="middle"))
    with pytest.raises(http.client.IncompleteRead):
        web.create()
    assert len(sandbox.store.list_conversations()) == 1
