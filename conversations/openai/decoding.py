"""Decodes responses: the JSON of a success, or the message of an error and the exception that fits it. Pure.

Compatible servers, gateways and proxies each have their own error format, so nothing here relies on a single one.
"""

import html
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..metadata import REPLACEMENT, replace_unstorable
from .errors import BadResponse, OpenAIError, Refused, TooLarge, refusal_kind
from .scrubbing import Scrubber

Json = dict[str, Any]

MAX_DEPTH = 100  # levels of JSON; deeper ones would exhaust Python's stack in later code
CUT = f"{REPLACEMENT} left out: more than {MAX_DEPTH} levels deep"
MAX_VALUES = 600_000  # JSON values of a response, including keys
MAX_DIGITS = 300  # of an integer; Python refuses to convert integers of more than 4,300 digits
MAX_TEXT_LENGTH = 2_000  # characters kept of the message, code or param in OpenAI's error object
MAX_FOREIGN_TEXT_LENGTH = 300  # characters kept of a message in any other format
MAX_PAGE_BYTES = 64 * 1024  # of an HTML page that are searched for a message
MAX_RETRY_AFTER = 86_400.0  # seconds

# Fields with a message for people, in the order in which they're tried: OpenAI's, then those of web frameworks.
_MESSAGE_FIELDS = ("message", "error", "detail", "msg", "title", "error_description", "description", "reason", "errors")
# These patterns take linear time, whatever the server sends: possessive, and an unclosed string runs to the end.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_STRINGS = re.compile(_STRING.encode(), re.DOTALL)
_MARKS = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_TITLES = [re.compile(rf"<{tag}[^<>]*+>(.*?)(?:</{tag}|\Z)", re.IGNORECASE | re.DOTALL) for tag in ("title", "h1")]
_NOT_SHOWN = re.compile(r"<(script|style)\b.*?(?:</\1\s*+>|\Z)|<[^<>]*+>", re.IGNORECASE | re.DOTALL)
_LONG_NUMBER = re.compile(r"&#[0-9]{8,};?")  # not a character; `html.unescape` fails on thousands of digits


@dataclass(frozen=True)
class Response:
    """A successful response. content: its JSON object, {} if the body is empty."""

    content: Json
    status: int
    request_id: str
    scrubber: Scrubber

    def error(self, problem: str) -> BadResponse:
        """The exception for a response that isn't what the call expects, with the response's own message, if any."""
        return _bad_response(problem, message_of(self.content, b"", self.scrubber), self.status, self.request_id)


@dataclass(frozen=True)
class _ErrorBody:
    """What an error response says. has_error_object: in OpenAI's format; is_json: in JSON of any format."""

    message: str
    code: str = ""
    param: str = ""
    type: str = ""
    has_error_object: bool = False
    is_json: bool = False


def decode(status: int, headers: Mapping[str, str], body: bytes, scrubber: Scrubber) -> Response:
    """The response, if it is a success. Raises the OpenAIError that fits, also for an error in the body of a 200.

    The names of `headers` are in lower case.
    """
    request_id = headers.get("x-request-id", "")
    if status < 200:
        raise BadResponse(f"HTTP {status} isn’t a final response.", status=status, request_id=request_id)
    is_success = status < 300
    if is_success and not body.strip():
        return Response({}, status, request_id, scrubber)
    if _has_too_many_values(body):
        raise TooLarge(f"The response contains more than {MAX_VALUES:,} values.", status=status, request_id=request_id)
    content = _scrubbed_json(body, scrubber, is_data=is_success)
    if is_success and isinstance(content, dict) and not _is_error(content):
        return Response(content, status, request_id, scrubber)
    if is_success and not isinstance(content, dict):
        message = message_of(content, body, scrubber)
        raise _bad_response("The response isn’t a JSON object.", message, status, request_id)
    raise _refusal(status, headers, _error_body(content, body, scrubber))


def read_json(body: bytes) -> Any:
    """The value of JSON in UTF-8. Raises ValueError if it's invalid.

    Numbers that Python can't represent (1e999, thousands of digits), and NaN, which isn't JSON, become strings. Lists
    and objects nested deeper than MAX_DEPTH are replaced by CUT.
    """
    text = body.decode("utf-8-sig")
    try:
        value = _loads(text)
        is_too_deep = _is_deeper(value, MAX_DEPTH)
    except RecursionError:
        is_too_deep = True
    return _loads_shallow(text) if is_too_deep else value


def named_id(body: bytes) -> str:
    """The first id in a response that can't be read otherwise, or ""."""
    found = re.search(rb'"id"\s*:\s*"([^"\\\x00-\x1f]{1,255})"', body)
    return found[1].decode(errors="replace") if found else ""


def message_of(content: Any, body: bytes, scrubber: Scrubber) -> str:
    """A message for people from a response in any format: JSON, an HTML page or plain text; "" if there is none."""
    text = scrubber.text(_one_line(_page_message(body) if content is None else _json_message(content)))
    return text if len(text) <= MAX_FOREIGN_TEXT_LENGTH else f"{text[: MAX_FOREIGN_TEXT_LENGTH - 1]}…"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the response asks to wait: `retry-after-ms`, else `Retry-After` as seconds or a date."""
    try:
        return _clamped(float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("retry-after", "")
    try:
        return _clamped(float(value))
    except ValueError:
        return _seconds_until(value, now or datetime.now(UTC))


# Errors


def _is_error(content: Json) -> bool:
    if content.get("object") == "error" or content.get("type") == "error":
        return True
    # Items have an `error` field too, so an object that could be a resource isn't an error.
    is_resource = any(isinstance(content.get(name), str) for name in ("id", "type")) or "data" in content
    return bool(content.get("error")) and not is_resource


def _error_body(content: Any, body: bytes, scrubber: Scrubber) -> _ErrorBody:
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        return _ErrorBody(message_of(content, body, scrubber), is_json=content is not None)
    message = error.get("message")
    text = message if isinstance(message, str) else message_of(content, body, scrubber) or _field(message, scrubber)
    known = {name: _field(error.get(name), scrubber) for name in ("code", "param", "type")}
    shown = replace_unstorable(scrubber.text(text))[:MAX_TEXT_LENGTH]
    return _ErrorBody(shown, **known, has_error_object=True, is_json=True)


def _field(value: Any, scrubber: Scrubber) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    # Some servers write a missing value as the string "None" or "null".
    return "" if text in ("None", "null") else replace_unstorable(scrubber.text(text))[:MAX_TEXT_LENGTH]


def _refusal(status: int, headers: Mapping[str, str], body: _ErrorBody) -> OpenAIError:
    is_success = status < 300
    kind = refusal_kind(_status_in(body.code) if is_success else status, body.code, body.type)
    error: Refused = kind(
        body.message or f"HTTP {status}, without a message.",
        status=status,
        code=body.code,
        param=body.param,
        request_id=headers.get("x-request-id", ""),
        retry_after=retry_after(headers),
        should_retry={"true": True, "false": False}.get(headers.get("x-should-retry", "")),
    )
    error.has_error_object, error.is_json = body.has_error_object, body.is_json
    return error


def _status_in(code: str) -> int:
    """The status that an error in the body of a 200 stands for: some gateways put it into the code."""
    return int(code) if re.fullmatch("[45][0-9][0-9]", code) else 400


# Messages


def _json_message(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_json_message, value[:5])))
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("loc"), list) and isinstance(value.get("msg"), str):  # FastAPI
        return f"{'.'.join(map(str, value['loc']))}: {value['msg']}"
    if isinstance(value.get("title"), str) and isinstance(value.get("detail"), str):  # RFC 9457
        return f"{value['title']}: {value['detail']}"
    return next(filter(None, (_json_message(value.get(name)) for name in _MESSAGE_FIELDS)), "")


def _page_message(body: bytes) -> str:
    text = body[:MAX_PAGE_BYTES].decode(errors="replace")
    titles = (found[1] for title in _TITLES if (found := title.search(text)) and found[1].strip())
    return html.unescape(_LONG_NUMBER.sub(REPLACEMENT, _NOT_SHOWN.sub(" ", next(titles, text))))


def _one_line(text: str) -> str:
    """The text in one line, without invisible characters."""
    line = " ".join(text.split())
    return "".join(each for each in line if each.isprintable() and each != REPLACEMENT)


def _bad_response(problem: str, message: str, status: int, request_id: str) -> BadResponse:
    return BadResponse(f"{problem} It says: {message}" if message else problem, status=status, request_id=request_id)


# JSON


def _scrubbed_json(body: bytes, scrubber: Scrubber, *, is_data: bool) -> Any:
    """The value of a JSON body without secrets; None if it isn't JSON."""
    # A function of its own: the unscrubbed value must not end up in a local variable of a traceback.
    try:
        value = read_json(body)
        # The bytes are scrubbed already: a secret can only be left if escapes hide it.
        return scrubber.value(value, is_data=is_data) if b"\\" in body else value
    except ValueError:
        return None


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=str, parse_float=_number, parse_int=_whole_number)


def _loads_shallow(text: str) -> Any:
    try:
        return _loads(_shallow(text))
    except RecursionError:
        raise ValueError("It is nested without end.") from None


def _number(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _whole_number(text: str) -> int | str:
    return int(text) if len(text) <= MAX_DIGITS else text


def _is_deeper(value: Any, levels: int) -> bool:
    # Level by level, without recursion, which is limited by Python's stack.
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return bool(level)


def _has_too_many_values(body: bytes) -> bool:
    """Whether JSON would take far more memory as Python objects than as text."""
    if not _has_too_many_separators(body):
        return False
    outside, strings = _STRINGS.subn(b"", body, count=MAX_VALUES + 1)  # commas inside strings don't count
    return strings > MAX_VALUES or _has_too_many_separators(outside)


def _has_too_many_separators(body: bytes) -> bool:
    commas, colons, lists, objects = (body.count(mark) for mark in (b",", b":", b"[", b"{"))
    return max(commas + colons, lists + objects) > MAX_VALUES


def _shallow(text: str) -> str:
    """JSON text with CUT in place of each list and object that is nested too deep."""
    pieces, depth, start = [], 0, 0
    for found in _MARKS.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                pieces += [text[start : found.start()], json.dumps(CUT)]
        elif found[0] in "]}":
            start = found.end() if depth == MAX_DEPTH + 1 else start
            depth -= 1
    return "".join([*pieces, text[start:]]) if depth <= MAX_DEPTH else text


# Retry-After


def _clamped(seconds: float) -> float:
    # Servers send negative, huge and infinite numbers. NaN becomes 0.
    return min(max(0.0, seconds), MAX_RETRY_AFTER)


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        time = parsedate_to_datetime(date)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return _clamped((time - now).total_seconds())
    except (ValueError, OverflowError):
        return None
