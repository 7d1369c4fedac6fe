"""Reading what a server answered: its JSON, the words of an error, and the error of ours that fits. Pure.

Compatible servers, gateways and proxies answer in dialects of their own, so nothing here depends on one form: what can
be read is read, and what was said is shown.
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

MAX_DEPTH = 100  # levels of an answer; deeper ones would exhaust Python's stack further on
CUT = f"{REPLACEMENT} more than {MAX_DEPTH} levels deep: left out"
MOST_VALUES = 600_000  # of an answer, keys among them
MOST_DIGITS = 300  # of a whole number; Python refuses to read or write some thousands
LONGEST_TEXT = 2_000  # characters that are kept of a message in OpenAI's form, a code or a field
LONGEST_FOREIGN_TEXT = 300  # characters that are kept of what anything else said
READ_OF_PAGE = 64 * 1024  # bytes of a page that are looked through for words
LONGEST_WAIT = 86_400.0  # seconds

# Fields that hold words for people, in the order in which they are asked: OpenAI's form, then those of frameworks.
_WORDED = ("message", "error", "detail", "msg", "title", "error_description", "description", "reason", "errors")
# Each of these looks at a character once, whatever the server sends: what has no end reaches to the end of the text.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_STRINGS = re.compile(_STRING.encode(), re.DOTALL)
_MARKS = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_TITLES = [re.compile(rf"<{tag}[^<>]*+>(.*?)(?:</{tag}|\Z)", re.IGNORECASE | re.DOTALL) for tag in ("title", "h1")]
_NOT_SHOWN = re.compile(r"<(script|style)\b.*?(?:</\1\s*+>|\Z)|<[^<>]*+>", re.IGNORECASE | re.DOTALL)
_LONG_NUMBER = re.compile(r"&#[0-9]{8,};?")  # of no character; Python refuses to read some thousands of digits


@dataclass(frozen=True)
class Answer:
    """What was answered with a status of success: the JSON object, {} where the body was empty."""

    content: Json
    status: int
    request_id: str
    scrubber: Scrubber

    def bad(self, problem: str) -> BadResponse:
        """The error for an answer that is not what was asked for, with what it says, if it says anything."""
        return _bad(problem, words_of(self.content, b"", self.scrubber), self.status, self.request_id)


@dataclass(frozen=True)
class _Said:
    """What an error says; `is_in_form`: in the form of OpenAI's error object; `is_json`: in JSON of any form."""

    message: str
    code: str = ""
    param: str = ""
    type: str = ""
    is_in_form: bool = False
    is_json: bool = False


def decode(status: int, headers: Mapping[str, str], body: bytes, scrubber: Scrubber) -> Answer:
    """The answer where it is a success; raises the OpenAIError that fits any other, an error in a 200 included.

    The names of `headers` are in small letters.
    """
    request_id = headers.get("x-request-id", "")
    if status < 200:
        raise BadResponse(f"HTTP {status} is no answer.", status=status, request_id=request_id)
    is_success = status < 300
    if is_success and not body.strip():
        return Answer({}, status, request_id, scrubber)
    if _holds_too_much(body):
        raise TooLarge(f"The answer holds more than {MOST_VALUES:,} values.", status=status, request_id=request_id)
    content = _scrubbed_json(body, scrubber, is_data=is_success)
    if is_success and isinstance(content, dict) and not _is_error(content):
        return Answer(content, status, request_id, scrubber)
    if is_success and not isinstance(content, dict):
        raise _bad("The answer is not a JSON object.", words_of(content, body, scrubber), status, request_id)
    raise _refusal(status, headers, _said(content, body, scrubber))


def read_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8; raises ValueError for any other.

    Numbers that JSON does not have, or that Python cannot hold (NaN, 1e999, thousands of digits), come as the text
    that was sent. What is nested deeper than MAX_DEPTH is left out by itself.
    """
    text = body.decode("utf-8-sig")
    try:
        value = _loads(text)
        is_too_deep = _is_deeper(value, MAX_DEPTH)
    except RecursionError:
        is_too_deep = True
    return _loads_shallow(text) if is_too_deep else value


def named_id(body: bytes) -> str:
    """The first id that an unreadable answer names, "" if there is none: of a new conversation it is all there is."""
    found = re.search(rb'"id"\s*:\s*"([^"\\\x00-\x1f]{1,255})"', body)
    return found[1].decode(errors="replace") if found else ""


def words_of(content: Any, body: bytes, scrubber: Scrubber) -> str:
    """What an answer says to people: the text of its JSON, the title of its page, or its own text; "" if nothing."""
    said = scrubber.text(_text_only(_page_words(body) if content is None else _json_words(content)))
    return said if len(said) <= LONGEST_FOREIGN_TEXT else f"{said[: LONGEST_FOREIGN_TEXT - 1]}…"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the answer asks to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date."""
    try:
        return _wait(float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("retry-after", "")
    try:
        return _wait(float(value))
    except ValueError:
        return _seconds_until(value, now or datetime.now(UTC))


# Errors


def _is_error(content: Json) -> bool:
    """Whether a JSON object of a 200 is an error, and nothing that any call answers: items have errors of their own."""
    if content.get("object") == "error" or content.get("type") == "error":
        return True
    is_value = any(isinstance(content.get(name), str) for name in ("id", "type")) or "data" in content
    return bool(content.get("error")) and not is_value


def _said(content: Any, body: bytes, scrubber: Scrubber) -> _Said:
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        return _Said(words_of(content, body, scrubber), is_json=content is not None)
    message = error.get("message")
    text = message if isinstance(message, str) else words_of(content, body, scrubber) or _field(message, scrubber)
    known = {name: _field(error.get(name), scrubber) for name in ("code", "param", "type")}
    return _Said(replace_unstorable(scrubber.text(text))[:LONGEST_TEXT], **known, is_in_form=True, is_json=True)


def _field(value: Any, scrubber: Scrubber) -> str:
    """A code or field as text; servers that write Python's or JSON's word for nothing mean nothing."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return "" if text in ("None", "null") else replace_unstorable(scrubber.text(text))[:LONGEST_TEXT]


def _refusal(status: int, headers: Mapping[str, str], said: _Said) -> OpenAIError:
    is_success = status < 300
    kind = refusal_kind(_status_in(said.code) if is_success else status, said.code, said.type)
    error: Refused = kind(
        said.message or f"HTTP {status}, without a word.",
        status=status,
        code=said.code,
        param=said.param,
        request_id=headers.get("x-request-id", ""),
        retry_after=retry_after(headers),
        should_retry={"true": True, "false": False}.get(headers.get("x-should-retry", "")),
    )
    error.is_in_form, error.is_json = said.is_in_form, said.is_json
    return error


def _status_in(code: str) -> int:
    """The status that an error in a 200 stands for."""
    return int(code) if re.fullmatch("[45][0-9][0-9]", code) else 400


# Words


def _json_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_json_words, value[:5])))
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("loc"), list) and isinstance(value.get("msg"), str):  # FastAPI: where, and what is wrong
        return f"{'.'.join(map(str, value['loc']))}: {value['msg']}"
    if isinstance(value.get("title"), str) and isinstance(value.get("detail"), str):  # RFC 9457
        return f"{value['title']}: {value['detail']}"
    return next(filter(None, (_json_words(value.get(name)) for name in _WORDED)), "")


def _page_words(body: bytes) -> str:
    text = body[:READ_OF_PAGE].decode(errors="replace")
    titles = (found[1] for title in _TITLES if (found := title.search(text)) and found[1].strip())
    return html.unescape(_LONG_NUMBER.sub(REPLACEMENT, _NOT_SHOWN.sub(" ", next(titles, text))))


def _text_only(text: str) -> str:
    """The text in one line, without characters that are not to be seen."""
    line = " ".join(text.split())
    return "".join(each for each in line if each.isprintable() and each != REPLACEMENT)


def _bad(problem: str, said: str, status: int, request_id: str) -> BadResponse:
    return BadResponse(f"{problem} It says: {said}" if said else problem, status=status, request_id=request_id)


# JSON


def _scrubbed_json(body: bytes, scrubber: Scrubber, *, is_data: bool) -> Any:
    """The value of a JSON body, None for any other. No frame of an error's traceback holds it as it was sent."""
    try:
        value = read_json(body)
        # Without escapes that can spell anything, no secret is left that the bytes do not show.
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
    return int(text) if len(text) <= MOST_DIGITS else text


def _is_deeper(value: Any, levels: int) -> bool:
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


def _holds_too_much(body: bytes) -> bool:
    """Whether a JSON text holds so many values that they would take far more memory than their text."""
    if not _has_too_many_marks(body):
        return False
    marks, strings = _STRINGS.subn(b"", body, count=MOST_VALUES + 1)  # commas in texts cost nothing
    return strings > MOST_VALUES or _has_too_many_marks(marks)


def _has_too_many_marks(body: bytes) -> bool:
    commas, colons, lists, maps = (body.count(mark) for mark in (b",", b":", b"[", b"{"))
    return max(commas + colons, lists + maps) > MOST_VALUES


def _shallow(text: str) -> str:
    """A JSON text with CUT in place of each list and object that is nested too deep."""
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


# Waiting


def _wait(seconds: float) -> float:
    """`seconds`, or the nearest that makes sense: servers send negative, huge and infinite ones."""
    return min(max(0.0, seconds), LONGEST_WAIT)


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return _wait((moment - now).total_seconds())
    except (ValueError, OverflowError):
        return None
