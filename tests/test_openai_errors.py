"""The table of `decode()`: an answer in, a value or the error that fits out."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations import openai_errors as errors
from conversations.openai_errors import OpenAIError, decode, retry_after

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, OpenAIError)]


def refusal(status: int, *, headers: dict[str, str] | None = None, **error: Any) -> OpenAIError:
    with pytest.raises(OpenAIError) as caught:
        decode(status, headers or {}, json.dumps({"error": error}).encode())
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "kind", "may_have_happened", "worth_retrying"),
    [
        (103, None, errors.BadAnswer, True, False),
        (200, None, None, False, False),
        (301, None, errors.Redirected, False, False),
        (308, None, errors.Redirected, False, False),
        (400, "invalid_json", errors.InvalidRequest, False, False),
        (400, "conversation_locked", errors.Locked, False, True),
        (401, "invalid_api_key", errors.Unauthorized, False, False),
        (403, None, errors.Forbidden, False, False),
        (404, None, errors.NotFound, False, False),
        (405, None, errors.InvalidRequest, False, False),
        (408, None, errors.ServerError, True, True),
        (409, None, errors.Conflict, False, True),
        (418, None, errors.InvalidRequest, False, False),
        (422, None, errors.InvalidRequest, False, False),
        (429, None, errors.RateLimited, False, True),
        (429, "rate_limit_exceeded", errors.RateLimited, False, True),
        (429, "slow_down", errors.RateLimited, False, True),
        *((429, code, errors.QuotaExceeded, False, False) for code in sorted(errors.QUOTA_CODES)),
        (500, None, errors.ServerError, True, True),
        (500, "conversation_locked", errors.ServerError, True, True),
        (503, "insufficient_quota", errors.ServerError, True, True),
        (999, None, errors.ServerError, True, True),
    ],
)
def test_r10_each_status_has_its_error_and_its_consequences(
    status: int, code: str | None, kind: type[OpenAIError] | None, may_have_happened: bool, worth_retrying: bool
) -> None:
    if kind is None:
        assert decode(status, {}, b'{"id": "x"}') == {"id": "x"}
        return
    error = refusal(status, code=code)
    assert type(error) is kind
    assert (error.may_have_happened, error.worth_retrying) == (may_have_happened, worth_retrying)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>hello</html>",
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a": ' * 200 + b"1" + b"}" * 200,
    ],
)
def test_a_success_that_is_no_object_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(errors.BadAnswer) as caught:
        decode(200, {"x-request-id": "req_1"}, body)
    assert (caught.value.status, caught.value.request_id) == (200, "req_1")


def test_an_error_holds_openais_words() -> None:
    error = refusal(400, headers={"x-request-id": "req_1"}, message="Too long.", code="c", param="metadata.a")
    assert (error.message, error.code, error.param, error.request_id) == ("Too long.", "c", "metadata.a", "req_1")
    assert error.in_full.startswith("Too long. (code c, field metadata.a, request id req_1) Correct")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "text"}', b'{"error": {"message": null}}'])
def test_an_error_in_another_form_says_so(body: bytes) -> None:
    with pytest.raises(errors.ServerError, match="HTTP 502, with no message in OpenAI's form"):
        decode(502, {}, body)


def test_parts_that_are_no_text_become_their_json() -> None:
    error = refusal(400, message={"a": 1}, code=7, param=["x"])
    assert (error.message, error.code, error.param) == ('{"a": 1}', "7", '["x"]')


def test_r18_what_an_error_says_can_be_stored_and_shown() -> None:
    error = refusal(400, message="a\0\ud800b", code="\0", param="\udfff")
    assert (error.message, error.code, error.param) == ("a\ufffd\ufffdb", "\ufffd", "\ufffd")


def test_an_error_that_talks_without_end_is_cut() -> None:
    assert len(refusal(400, message="x" * 1_000_000).message) == errors.LONGEST_TEXT


def test_each_kind_of_error_says_what_to_do() -> None:
    assert all(kind("message").what_to_do for kind in TREE if kind is not OpenAIError)


def test_an_error_after_an_attempt_that_may_have_happened_does_not_claim_that_nothing_did() -> None:
    error = errors.NotSent("No connection.")
    error.may_have_happened = True
    assert "may have done it" in error.what_to_do


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Mon, 15 Jun 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 15 Jun 2026 12:00:30"}, 30),
        ({"retry-after": "Mon, 15 Jun 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "inf"}, errors.LONGEST_WAIT),
        ({"retry-after": "1e300"}, errors.LONGEST_WAIT),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Mon, 15 Jun 99999999999999999999 12:00:30 GMT"}, None),
    ],
)
def test_the_wait_that_an_answer_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"), [("1", "Wait 1 second,"), ("0.2", "Wait 1 second,"), ("7", "Wait 7 seconds,")]
)
def test_waiting_is_told_from_paying(seconds: str, words: str) -> None:
    assert words in refusal(429, headers={"retry-after": seconds}).what_to_do
    assert "add credit" in refusal(429, headers={"retry-after": seconds}, code="insufficient_quota").what_to_do


@given(st.integers(100, 999), st.binary(max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_any_answer_ends_in_a_value_or_a_documented_error(status: int, body: bytes, wait: str, should: str) -> None:
    with suppress(OpenAIError):
        assert isinstance(decode(status, {"retry-after": wait, "x-should-retry": should}, body), dict)
