"""`decode()`: responses, and the values or errors that they become."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.openai import errors
from conversations.openai.decoding import MAX_RETRY_AFTER, MAX_TEXT_LENGTH, Response, decode, retry_after
from conversations.openai.errors import OpenAIError
from conversations.openai.scrubbing import Scrubber

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, OpenAIError)]


NO_SECRETS = Scrubber([])


def refusal(status: int, *, headers: dict[str, str] | None = None, **error: Any) -> OpenAIError:
    with pytest.raises(OpenAIError) as caught:
        decode(status, headers or {}, json.dumps({"error": error}).encode(), NO_SECRETS)
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "kind", "may_have_happened", "worth_retrying"),
    [
        (103, None, errors.BadResponse, True, False),
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
        assert decode(status, {}, b'{"id": "x"}', NO_SECRETS).content == {"id": "x"}
        return
    error = refusal(status, code=code)
    assert type(error) is kind
    assert (error.may_have_happened, error.worth_retrying) == (may_have_happened, worth_retrying)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b"\xff\xfe",
        '{"id": "conv_1"}'.encode("utf-16"),
        '{"id": "conv_1"}'.encode("utf-32-le"),
        b"[" * 100_000,
    ],
)
def test_a_success_that_is_not_an_object_is_a_bad_response(body: bytes) -> None:
    with pytest.raises(errors.BadResponse) as caught:
        decode(200, {"x-request-id": "req_1"}, body, NO_SECRETS)
    assert (caught.value.status, caught.value.request_id) == (200, "req_1")


def test_an_error_has_openais_message() -> None:
    error = refusal(400, headers={"x-request-id": "req_1"}, message="Too long.", code="c", param="metadata.a")
    assert (error.message, error.code, error.param, error.request_id) == ("Too long.", "c", "metadata.a", "req_1")
    assert error.full_message.startswith("Too long. (code c, field metadata.a, request id req_1) Correct")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\0\1", b'{"error": {"message": null}}'])
def test_an_error_without_a_message_says_so(body: bytes) -> None:
    with pytest.raises(errors.ServerError, match=r"^HTTP 502, without a message\.$"):
        decode(502, {}, body, NO_SECRETS)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "invalid api key"}', "invalid api key"),
        (b'{"detail": "No such thing"}', "No such thing"),
        (b'{"detail": [{"loc": ["path", "id"], "msg": "bad id"}, {"loc": [], "msg": "b"}]}', "path.id: bad id; : b"),
        (b'{"message": "no Route matched"}', "no Route matched"),
        (b'{"error": {"code": "x", "detail": "inside"}}', "inside"),
        (b'{"type": "about:blank", "title": "Gone", "status": 410, "detail": "Since May."}', "Gone: Since May."),
        (b'{"errors": [{"message": "one"}, {"message": "two"}]}', "one; two"),
        (b'"just text"', "just text"),
        (b"upstream connect error", "upstream connect error"),
        (b"<html><head><title>502 Bad\n Gateway</title></head><body>nginx", "502 Bad Gateway"),
        (b"<h1>Bad &amp; broken</h1><p>more</p>", "Bad & broken"),
        (b"<p>Only <b>this</b></p><script>alert(1)</script>", "Only this"),
        ("a\u202eb\u200bc\x07".encode(), "abc"),
        (b"x" * 5000, "x" * 299 + "…"),
    ],
)
def test_the_message_of_any_server_is_found(body: bytes, words: str) -> None:
    with pytest.raises(errors.ServerError) as caught:
        decode(502, {}, body, NO_SECRETS)
    assert caught.value.message == words
    assert "status.openai.com" not in caught.value.full_message or caught.value.has_error_object


def test_the_message_of_a_success_that_is_not_an_object_is_found() -> None:
    with pytest.raises(errors.BadResponse, match="It says: Please sign in"):
        decode(200, {}, b"<title>Please sign in</title>", NO_SECRETS)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": -1e999}', "-1e999"),
        (b'{"a": ' + b"9" * 5000 + b"}", "9" * 5000),
    ],
)
def test_numbers_that_nobody_can_hold_come_as_they_were_written(body: bytes, value: str) -> None:
    assert decode(200, {}, body, NO_SECRETS).content == {"a": value}


@pytest.mark.parametrize("depth", [150, 5_000, 100_000])
def test_what_is_nested_too_deep_is_left_out_alone(depth: int) -> None:
    body = b'{"id": "conv_1", "deep": ' + b'[{"a":' * depth + b'"]}"' + b"}]" * depth + b', "after": [1, {}]}'
    content = decode(200, {}, body, NO_SECRETS).content
    assert (content["id"], content["after"]) == ("conv_1", [1, {}])
    assert "more than 100 levels deep" in json.dumps(content["deep"])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Provider returned error", "code": 429}, errors.RateLimited),
        ({"message": "Provider returned error", "code": 502}, errors.ServerError),
        ({"message": "m", "code": "401"}, errors.Unauthorized),
        ({"message": "m"}, errors.InvalidRequest),
        ("just text", errors.InvalidRequest),
    ],
)
def test_an_error_in_a_success_is_that_error(error: Any, kind: type[OpenAIError]) -> None:
    with pytest.raises(kind) as caught:
        decode(200, {}, json.dumps({"error": error}).encode(), NO_SECRETS)
    assert (caught.value.status, caught.value.may_have_happened) == (200, kind is errors.ServerError)
    assert caught.value.message in json.dumps(error)


@pytest.mark.parametrize("content", [{"id": "mcp_1", "type": "mcp_call", "error": {"message": "m"}}, {"error": None}])
def test_an_item_with_an_error_of_its_own_is_no_error(content: Any) -> None:
    assert decode(200, {}, json.dumps(content).encode(), NO_SECRETS).content == content


@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_success_is_an_empty_object(status: int) -> None:
    assert decode(status, {}, b" \n", NO_SECRETS).content == {}


def test_a_field_of_the_server_of_any_name_is_kept() -> None:
    content = {"id": "x", "_request_id": "of the server"}
    assert decode(200, {"x-request-id": "r"}, json.dumps(content).encode(), NO_SECRETS).content == content


def test_the_type_can_mean_a_quota_and_none_is_not_a_field() -> None:
    error = refusal(429, message="m", type="insufficient_quota", code="429", param="None")
    assert (type(error), error.param) == (errors.QuotaExceeded, "")
    assert type(refusal(402, message="m")) is errors.QuotaExceeded


def test_parts_that_are_no_text_become_their_json() -> None:
    error = refusal(400, message={"a": 1}, code=7, param=["x"])
    assert (error.message, error.code, error.param) == ('{"a": 1}', "7", '["x"]')


def test_r18_what_an_error_says_can_be_stored_and_shown() -> None:
    error = refusal(400, message="a\0\ud800b", code="\0", param="\udfff")
    assert (error.message, error.code, error.param) == ("a\ufffd\ufffdb", "\ufffd", "\ufffd")


def test_an_error_that_talks_without_end_is_cut() -> None:
    assert len(refusal(400, message="x" * 1_000_000).message) == MAX_TEXT_LENGTH


def test_each_kind_of_error_says_what_to_do() -> None:
    assert all(kind("message").advice_text for kind in TREE if kind is not OpenAIError)


def test_an_error_after_an_attempt_that_may_have_happened_does_not_claim_that_nothing_did() -> None:
    error = errors.NotSent("No connection.")
    error.may_have_happened = True
    assert "may have been carried out anyway" in error.advice_text


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
        ({"retry-after": "inf"}, MAX_RETRY_AFTER),
        ({"retry-after": "1e300"}, MAX_RETRY_AFTER),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "Mon, 15 Jun 99999999999999999999 12:00:30 GMT"}, None),
    ],
)
def test_the_wait_that_a_response_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"), [("1", "Wait 1 second,"), ("0.2", "Wait 1 second,"), ("7", "Wait 7 seconds,")]
)
def test_advice_says_whether_to_wait_or_to_pay(seconds: str, words: str) -> None:
    assert words in refusal(429, headers={"retry-after": seconds}).advice_text
    assert "Add credit" in refusal(429, headers={"retry-after": seconds}, code="insufficient_quota").advice_text


@given(st.integers(100, 999), st.binary(max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_any_response_becomes_a_value_or_a_documented_error(status: int, body: bytes, wait: str, should: str) -> None:
    with suppress(OpenAIError):
        headers = {"retry-after": wait, "x-should-retry": should}
        assert isinstance(decode(status, headers, body, NO_SECRETS), Response)


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [' + b'{"a":1},' * 400_000 + b"{}]}",
        b'{"id": "conv_1", "a": [' + b"1," * 700_000 + b"1]}",
    ],
)
def test_a_response_with_too_many_values_is_not_read(body: bytes) -> None:
    with pytest.raises(errors.TooLarge, match="more than 600,000 values"):
        decode(200, {}, body, NO_SECRETS)


def test_commas_in_a_text_are_not_values() -> None:
    text = "a,b:" * 400_000 + '\\"'
    assert decode(200, {}, f'{{"text": "{text}"}}'.encode(), NO_SECRETS).content["text"].startswith("a,b:")
