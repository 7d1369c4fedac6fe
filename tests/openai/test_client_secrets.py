"""R15, R16: the key is only sent to its server, and isn't in anything that the client returns."""

import gzip
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from conversations.openai import errors
from conversations.openai.client import Calls, Client
from conversations.openai.errors import OpenAIError
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_remote
from tests.raw_server import RawServer, raw_response

CallsTo = Callable[..., Calls]

MARKER = 'sk-marker/é"\\+=0123456789'
HEADER = "gateway-marker-0123456789"
PLAIN = "sk-marker-0123456789"
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in PLAIN)
NOW = {"retry-after-ms": "1"}


def spellings(secret: str) -> list[str]:
    in_json = json.dumps(secret)[1:-1]
    return [secret, in_json, in_json.replace("/", "\\/"), quote(secret), quote(secret, safe="")]


def shown(error: BaseException | None) -> Iterator[str]:
    """What a log, a page or an error report would show of an exception and its causes."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield from traceback.format_exception(error)
        frame = error.__traceback__
        while frame is not None:
            if "/tests/" not in frame.tb_frame.f_code.co_filename:
                yield repr(frame.tb_frame.f_locals)
            frame = frame.tb_next
        error = error.__cause__ or error.__context__


def failure(call: Callable[[], Any]) -> OpenAIError:
    with pytest.raises(OpenAIError) as caught:
        call()
    return caught.value


def leaks(error: OpenAIError, secret: str = PLAIN) -> list[str]:
    return [text for text in shown(error) if any(spelling in text for spelling in spellings(secret))]


ECHOES: dict[str, Fault] = {
    "401": Fault(status=401, message=f"Incorrect API key provided: {PLAIN}."),
    "code and param": Fault(status=400, code=PLAIN, param=PLAIN),
    "5xx": Fault(status=500, message=PLAIN, times=None, headers=NOW),
    "garbage": Fault(body=f"<html>{PLAIN}\xff"),
    "garbage of an error": Fault(status=502, body=f"<html>{PLAIN}", times=None, headers=NOW),
    "request id": Fault(status=400, headers={"x-request-id": PLAIN}),
    "redirect": Fault(status=302, headers={"Location": f"http://127.0.0.1/{PLAIN}"}),
    "broken header": Fault(status=400, headers={"X": f"1\r\n{PLAIN}\r\n {PLAIN}: 2"}),
    "bad length": Fault(headers={"content-length": f"2, 7, {PLAIN}"}, times=None),
    "reason": Fault(body=f"zz{PLAIN}\r\n", headers={"content-length": None, "transfer-encoding": "chunked"}),
    "compressed": Fault(body=f"no gzip {PLAIN}", headers={"content-encoding": "gzip"}),
    "dropped": Fault(drop="after", times=None),
    "late": Fault(delay=9, times=None),
    "escaped": Fault(status=400, body=f'{{"error": {{"message": "{ESCAPED}"}}}}'),
}


@pytest.mark.long
@pytest.mark.parametrize("fault", ECHOES.values(), ids=ECHOES)
def test_r15_the_key_is_in_no_exception_and_no_log(
    sandbox: Sandbox, calls_to: CallsTo, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.faults.add(fault)
    calls = calls_to(sandbox, key=PLAIN, headers={"X-Key": HEADER}, budget=0.5)
    error = failure(lambda: calls.retrieve_conversation("conv_1"))
    assert not leaks(error) + leaks(error, HEADER)
    assert PLAIN not in caplog.text


def test_r15_the_sandbox_does_echo_the_key(sandbox: Sandbox, calls_to: CallsTo) -> None:
    error = failure(lambda: calls_to(sandbox, key=PLAIN).retrieve_conversation("conv_1"))
    assert error.message == "Incorrect API key provided: [secret]."


@pytest.mark.parametrize("spelling", range(5))
def test_r15_the_key_is_cut_out_however_it_is_spelled(sandbox: Sandbox, calls_to: CallsTo, spelling: int) -> None:
    text = spellings(MARKER)[spelling]
    body = text if spelling in (1, 2) else json.dumps(text)[1:-1]
    sandbox.faults.add(Fault(status=400, body=f'{{"error": {{"message": "Key {body}."}}}}'))
    error = failure(lambda: calls_to(sandbox, key=MARKER).retrieve_conversation("conv_1"))
    assert error.message == "Key [secret]."


def test_r15_further_headers_are_secrets_too(sandbox: Sandbox, calls_to: CallsTo) -> None:
    sandbox.faults.add(Fault(status=403, message=f"Not for {HEADER} or gate12."))
    calls = calls_to(sandbox, headers={"X-Key": HEADER, "X-Gate": "gate12"})
    assert failure(lambda: calls.retrieve_conversation("conv_1")).message == "Not for [secret] or [secret]."


def test_r15_a_key_in_a_successful_response_is_removed(sandbox: Sandbox, calls_to: CallsTo) -> None:
    conversation_id = make_remote(sandbox, {"note": f"used {sandbox.key}"})
    assert calls_to(sandbox).retrieve_conversation(conversation_id).metadata == {"note": "used [secret]"}


def test_r1_a_short_header_value_is_not_cut_out_of_data(sandbox: Sandbox, calls_to: CallsTo) -> None:
    metadata = {"env": "production", "provider": "openai"}
    conversation_id = make_remote(sandbox, metadata)
    calls = calls_to(sandbox, headers={"X-Env": "production", "X-Provider": "openai"})
    assert calls.retrieve_conversation(conversation_id).metadata == metadata


@pytest.mark.parametrize("key", ["sk-line\nbreak-0123456789", "sk-ключ-0123456789", "sk-\ud800-0123456789"])
def test_a_key_that_no_header_can_hold_is_not_sent_and_not_shown(sandbox: Sandbox, calls_to: CallsTo, key: str) -> None:
    calls = calls_to(sandbox, key=key)
    error = failure(lambda: calls.create_conversation(items=[], metadata={}))
    assert isinstance(error, errors.NotSent)
    assert not leaks(error, key.encode("utf-8", "replace").decode())
    assert not sandbox.log


def test_r15_a_client_does_not_show_its_key() -> None:
    client = Client(PLAIN, headers={"X-Key": HEADER})
    assert repr(client) == "<Client of https://api.openai.com/v1>"
    client.close()


# R16: the environment is ignored


def test_r16_a_netrc_does_not_replace_the_key(
    sandbox: Sandbox, calls_to: CallsTo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password not-the-key\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert calls_to(sandbox).create_conversation(items=[], metadata={}).id


def test_r16_proxies_of_the_environment_are_ignored(
    sandbox: Sandbox, calls_to: CallsTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert calls_to(sandbox).create_conversation(items=[], metadata={}).id


def test_r16_a_proxy_by_setting_is_used(
    calls_to: CallsTo, sandbox: Sandbox, raw_server: Callable[..., RawServer]
) -> None:
    proxy = raw_server(raw_response(b'{"id": "conv_1"}'))
    calls = calls_to(sandbox, proxy=f"http://127.0.0.1:{proxy.port}")
    assert calls.retrieve_conversation("conv_1").id == "conv_1"
    assert proxy.requests[0].startswith(f"GET {sandbox.url}/conversations/conv_1".encode())


def test_a_proxy_that_is_not_there_was_sent_nothing(sandbox: Sandbox, calls_to: CallsTo) -> None:
    with Sandbox() as gone:
        pass
    calls = calls_to(sandbox, proxy=f"http://127.0.0.1:{gone.port}", max_wait=0.0)
    assert isinstance(failure(lambda: calls.retrieve_conversation("conv_1")), errors.NotSent)


def test_r16_cookies_are_dropped(sandbox: Sandbox, calls_to: CallsTo) -> None:
    conversation_id = make_remote(sandbox)
    sandbox.faults.add(Fault(headers={"Set-Cookie": "a=b; Path=/"}))
    calls = calls_to(sandbox)
    for _ in range(2):
        calls.retrieve_conversation(conversation_id)
    assert "cookie" not in sandbox.log[-1].headers


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_r16_no_redirect_is_followed(sandbox: Sandbox, calls_to: CallsTo, status: int) -> None:
    with Sandbox(key=sandbox.key) as elsewhere:
        sandbox.faults.add(Fault(status=status, headers={"Location": f"{elsewhere.url}/conversations/conv_1"}))
        error = failure(lambda: calls_to(sandbox).retrieve_conversation("conv_1"))
        assert isinstance(error, errors.Redirected)
        assert not elsewhere.log


@pytest.mark.long
def test_r16_the_body_of_a_redirect_is_capped_like_any_other(sandbox: Sandbox, calls_to: CallsTo) -> None:
    bomb = gzip.compress(b"\0" * 40 * 1024 * 1024)
    headers = {"Location": "/", "Content-Encoding": "gzip"}
    sandbox.faults.add(Fault(status=302, body=bomb, headers=headers))
    assert isinstance(failure(lambda: calls_to(sandbox).retrieve_conversation("conv_1")), errors.BadResponse)
