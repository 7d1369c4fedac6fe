"""What can go wrong at OpenAI, and `decode()`, which turns an answer into a value or one of these.

    OpenAIError                 anything that went wrong; carries what the operator needs
    ├── NotSent                 nothing reached OpenAI: refused, no such host, connect timeout, bad certificate
    ├── NoAnswer                it was sent and no answer came: read timeout, dropped connection, deadline
    ├── BadAnswer               an answer that is none of the API's: HTML, a wrong shape
    │   └── TooLarge            an answer of more than 32 MiB, or wrongly compressed
    └── Refused                 OpenAI answered with an error
        ├── Redirected          3xx, never followed
        ├── InvalidRequest      400, 422
        │   └── Locked          400 conversation_locked: a response is running in it
        ├── Unauthorized        401
        ├── Forbidden           403
        ├── NotFound            404
        ├── Conflict            409
        ├── RateLimited         429, wait
        ├── QuotaExceeded       429, pay or raise a limit
        └── ServerError         408 and 5xx

Pure. Source of the codes: OpenAI's API reference, "Error codes", and the Conversations endpoints.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from .metadata import storable

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)


LONGEST_WAIT = 86_400.0  # seconds
LONGEST_TEXT = 2_000  # characters of a message, code or field that are kept
MAX_DEPTH = 100  # levels of an answer; deeper ones would exhaust Python's stack further on


class OpenAIError(Exception):
    """Something went wrong at, or on the way to, OpenAI.

    message: OpenAI's own words where there are any; status: HTTP status or None; code, param: OpenAI's, or "";
    request_id: of the answer, or ""; retry_after: seconds to wait, or None; should_retry: what the server
    says of it, or None; may_have_happened: this attempt, or one before it, may have changed something.
    """

    advice: ClassVar[str] = ""
    may_have_happened: bool = False
    worth_retrying: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        param: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.should_retry = should_retry

    @property
    def what_to_do(self) -> str:
        """A sentence that says what the operator can do next."""
        by_an_earlier_attempt = self.may_have_happened and not type(self).may_have_happened
        return NoAnswer.advice if by_an_earlier_attempt else self._advice()

    def _advice(self) -> str:
        return self.advice

    @property
    def in_full(self) -> str:
        """OpenAI's words, code, field and request id, and what to do, in one line."""
        known = {"code": self.code, "field": self.param, "request id": self.request_id}
        facts = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return f"{self.message}{f' ({facts})' if facts else ''} {self.what_to_do}"


class NotSent(OpenAIError):
    """The connection was never made, so nothing can have happened."""

    advice = "Nothing was sent. Check the network and the credential's base URL, then try again."
    worth_retrying = True


class NoAnswer(OpenAIError):
    """The request was sent and no whole answer came back in time."""

    advice = "OpenAI may have done it all the same. Look what is there before you send it again."
    may_have_happened = True
    worth_retrying = True


class BadAnswer(OpenAIError):
    """An answer that the API would not give: a proxy's page, too much, another shape."""

    advice = "Something between here and OpenAI answered in its place. Check the credential's base URL."
    may_have_happened = True


class TooLarge(BadAnswer):
    """More than can be read at once, or wrongly compressed."""

    advice = "Ask for less at a time. If it is one thing alone, it cannot be read here."


class Refused(OpenAIError):
    """OpenAI answered with an error; nothing was changed."""

    advice = "Nothing was changed."


class Redirected(Refused):
    """The server pointed elsewhere; a key goes only to the host that it was entered for."""

    advice = "Redirects are never followed. Put the address that it points to into the credential's base URL."


class InvalidRequest(Refused):
    """OpenAI found fault with what was sent."""

    advice = "Correct what OpenAI names and send it again."


class Locked(InvalidRequest):
    """A response is running in the conversation."""

    advice = "A response is being generated in this conversation. Try again in a few seconds."
    worth_retrying = True


class Unauthorized(Refused):
    """The API key is not accepted."""

    advice = "Check the credential's API key: it may be mistyped, revoked or of another server."


class Forbidden(Refused):
    """The key may not do this, or not from this region."""

    advice = "The key is known but may not do this. Check its permissions, its project and your region."


class NotFound(Refused):
    """OpenAI knows nothing by that id; it may have been deleted, or belong to another project."""

    advice = "It may have been deleted, or belong to another project than the credential's key."


class Conflict(Refused):
    """Another change was under way."""

    advice = "Another change was under way at OpenAI. Try again."
    worth_retrying = True


class RateLimited(Refused):
    """Too many requests for now."""

    worth_retrying = True

    def _advice(self) -> str:
        if self.retry_after is None:
            return "Too many requests for now. Wait a little, then try again."
        seconds = max(1, round(self.retry_after))
        return f"Too many requests for now. Wait {seconds} second{'' if seconds == 1 else 's'}, then try again."


class QuotaExceeded(Refused):
    """Money or a limit has run out; waiting does not help."""

    advice = "Waiting does not help: add credit or raise the limit in OpenAI's billing settings."


class ServerError(Refused):
    """OpenAI failed; what was asked for may have been done before it did."""

    advice = "OpenAI had a problem of its own. Try again; if it stays, see status.openai.com."
    may_have_happened = True
    worth_retrying = True


_BY_STATUS: dict[int, type[Refused]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: ServerError,
    409: Conflict,
    429: RateLimited,
}


def decode(status: int, headers: Mapping[str, str], body: bytes, scrub: Callable[[str], str] = str) -> dict[str, Any]:
    """The JSON object of a successful answer; raises the OpenAIError that fits any other.

    The names of `headers` are in small letters. `scrub` goes over each text of an error.
    """
    request_id = headers.get("x-request-id", "")
    if status < 200:
        raise BadAnswer(f"HTTP {status} is no answer.", status=status, request_id=request_id)
    if status >= 300:
        raise _refusal(status, headers, _texts_of(_json_or_none(body), scrub))
    content = _json_or_none(body)
    if not isinstance(content, dict):
        raise BadAnswer("The answer is not a JSON object.", status=status, request_id=request_id)
    return content


def _texts_of(content: Any, scrub: Callable[[str], str]) -> dict[str, str]:
    """What an error in OpenAI's form says, as text that can be shown and stored."""
    error = content.get("error") if isinstance(content, dict) else None
    known = error if isinstance(error, dict) else {}
    return {name: storable(scrub(_text(known.get(name))))[:LONGEST_TEXT] for name in ("message", "code", "param")}


def _refusal(status: int, headers: Mapping[str, str], texts: Mapping[str, str]) -> Refused:
    return _kind(status, texts["code"])(
        texts["message"] or f"HTTP {status}, with no message in OpenAI's form.",
        status=status,
        code=texts["code"],
        param=texts["param"],
        request_id=headers.get("x-request-id", ""),
        retry_after=retry_after(headers),
        should_retry={"true": True, "false": False}.get(headers.get("x-should-retry", "")),
    )


def _kind(status: int, code: str) -> type[Refused]:
    if status >= 500:
        return ServerError
    if status < 400:
        return Redirected
    if code == "conversation_locked":
        return Locked
    if status == 429 and code in QUOTA_CODES:
        return QuotaExceeded
    return _BY_STATUS.get(status, InvalidRequest)


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


def _json_or_none(body: bytes) -> Any:
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return None if _is_deeper(content, MAX_DEPTH) else content


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON.")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
