"""The sandbox's HTTP: keep-alive, headers, the key, unusual methods, paths and bodies."""

import socket

import pytest

from conversations.sandbox import Sandbox
from conversations.sandbox.server import MAX_BODY
from tests.sandbox_fixtures import KEY, Http, raw_socket, read_all


def talk(sandbox: Sandbox, sent: bytes) -> bytes:
    with raw_socket(sandbox) as connection:
        connection.sendall(sent)
        return read_all(connection)


def test_a_connection_is_kept_alive(web: Http) -> None:
    web.create()
    first = web.connection.sock
    web.call("GET", "/v1/unknown")
    assert web.connection.sock is first


def test_a_kept_connection_never_waits_for_a_delayed_acknowledgement(
    web: Http, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    send = socket.socket.sendall

    def noted(connection: socket.socket, data: bytes) -> None:
        if connection.getsockname()[1] == sandbox.port:
            sent.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        send(connection, data)

    monkeypatch.setattr(socket.socket, "sendall", noted)
    for _ in range(5):
        web.create(metadata={"a": "b"})
    assert len(sent) == 5  # each response in one piece
    assert all(sent)


def test_pipelined_requests_get_responses_in_order(sandbox: Sandbox) -> None:
    one = b"GET /_sandbox/health HTTP/1.1\r\n\r\n"
    answers = talk(sandbox, one + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answers.count(b"HTTP/1.1 200 OK") == 2


def test_every_response_has_openais_headers(web: Http) -> None:
    expected = {"x-request-id", "openai-processing-ms", "openai-version"} | {
        f"x-ratelimit-{kind}-requests" for kind in ("limit", "remaining", "reset")
    }
    assert expected <= web.call("POST", "/v1/conversations").headers.keys()
    assert expected <= web.call("GET", "/nothing").headers.keys()


def test_a_wrong_key_is_refused_and_repeated_whole(web: Http, sandbox: Sandbox) -> None:
    web.key = "sk-some-other-key"
    answer = web.call("POST", "/v1/conversations")
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert "sk-some-other-key" in answer.error["message"]
    assert sandbox.store.list_conversations() == []


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"Basic {KEY}", KEY])
def test_a_missing_key_is_refused(web: Http, header: str) -> None:
    assert web.call("POST", "/v1/conversations", headers={"Authorization": header}).status == 401


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/conversations/", "/conversations", "/v1/models", "/v1/conversations/a/items/"]
)
def test_an_unknown_route_is_not_found(web: Http, path: str) -> None:
    answer = web.call("GET", path)
    assert (answer.status, answer.error["code"]) == (404, None)
    assert path in answer.error["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/conversations", "POST"),
        ("PUT", "/v1/conversations/a", "GET, POST, DELETE"),
        ("PATCH", "/v1/conversations/a/items", "GET, POST"),
        ("BREW", "/v1/conversations/a/items/b", "GET, DELETE"),
    ],
)
def test_a_wrong_method_is_refused(web: Http, method: str, path: str, allowed: str) -> None:
    answer = web.call(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


def test_head_has_no_body_and_keeps_the_connection(web: Http) -> None:
    answer = web.call("HEAD", "/v1/conversations/a")
    assert (answer.status, answer.raw) == (405, b"")
    assert web.call("POST", "/v1/conversations").status == 200


def test_an_id_is_one_decoded_segment(web: Http) -> None:
    answer = web.call("GET", "/v1/conversations/a%2Fb%20%C3%A9")
    assert answer.error["message"] == "Conversation with id 'a/b é' not found."


@pytest.mark.parametrize("body", [b"{", b"\xff", b"NaN", b"[" * 100_000, b'{"a": 1e5} x'])
def test_a_body_that_is_no_json_is_refused(web: Http, body: bytes) -> None:
    answer = web.call("POST", "/v1/conversations", body)
    assert (answer.status, answer.error["code"]) == (400, "invalid_json")


def test_a_body_that_is_no_object_is_refused(web: Http) -> None:
    assert web.call("POST", "/v1/conversations", []).error["code"] == "invalid_type"


def test_no_content_length_means_no_body(sandbox: Sandbox) -> None:
    head = f"POST /v1/conversations HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
    assert b" 200 OK" in talk(sandbox, head.encode())


@pytest.mark.parametrize(
    ("header", "status"),
    [("Content-Length: -1", 400), ("Content-Length: x", 400), ("Transfer-Encoding: chunked", 411)],
)
def test_a_body_of_unknown_length_is_refused(sandbox: Sandbox, header: str, status: int) -> None:
    answer = talk(sandbox, f"POST /v1/conversations HTTP/1.1\r\n{header}\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b'"error"' in answer


@pytest.mark.parametrize("line", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 70_000])
def test_what_is_no_http_is_refused(sandbox: Sandbox, line: bytes) -> None:
    assert b'"invalid_request_error"' in talk(sandbox, line)


def test_a_body_that_is_too_large_gets_a_response(web: Http) -> None:
    answer = web.call("POST", "/v1/conversations", b"x" * (MAX_BODY + 1))
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_a_body_is_requested_when_the_client_expects_that(sandbox: Sandbox) -> None:
    head = f"POST /v1/conversations HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 2\r\n"
    with raw_socket(sandbox) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_a_body_that_is_too_large_is_never_asked_for(sandbox: Sandbox) -> None:
    head = f"POST / HTTP/1.1\r\nContent-Length: {MAX_BODY + 1}\r\nExpect: 100-continue\r\n\r\n"
    assert talk(sandbox, head.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_goes_away_makes_no_noise(sandbox: Sandbox, web: Http, capfd: pytest.CaptureFixture[str]) -> None:
    with raw_socket(sandbox) as connection:
        connection.sendall(b"POST /v1/conversations HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
    web.create()
    assert capfd.readouterr() == ("", "")
    assert len(sandbox.log) == 1
