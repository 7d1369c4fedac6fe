"""What can go wrong at OpenAI, or at a compatible server.

    OpenAIError                 base class; carries the server's message and what to do next
    ├── NotSent                 nothing reached the server: unknown host, connect timeout, bad certificate
    ├── NoResponse              sent, but no complete response: read timeout, dropped connection, deadline
    ├── BadResponse             a response that isn't the API's: HTML, or JSON of another shape
    │   ├── TooLarge            a response of more than 32 MiB or 600,000 values, or wrongly compressed
    │   ├── NotConfirmed        a deletion was accepted, but what it should have deleted is still there
    │   ├── EndlessList         a list that says there are more items, and doesn't return them
    │   └── GatewayNotFound     a 404 that may come from something in front of the server
    └── Refused                 an error of the API
        ├── Redirected          3xx, never followed
        ├── InvalidRequest      400, 422
        │   └── Locked          400 conversation_locked: a response is being generated
        ├── Unauthorized        401
        ├── Forbidden           403
        ├── NotFound            404 of the API itself
        ├── Conflict            409
        ├── NotDeleted          200 with `deleted: false`
        ├── RateLimited         429: wait
        ├── QuotaExceeded       429 or 402: pay, or raise a limit
        └── ServerError         408 and 5xx

Pure. The codes are those of OpenAI's API reference: "Error codes", and the Conversations endpoints.
"""

from typing import ClassVar

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)


class OpenAIError(Exception):
    """Something went wrong at OpenAI, or on the way there.

    message: the server's own, if there is one; status: of the response, or None; code, param: from the error object, or
    ""; request_id: the response's, or ""; retry_after: seconds, or None; should_retry: from `x-should-retry`, or None;
    may_have_happened: this attempt, or one before it, may have changed something at the server.
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
    def advice_text(self) -> str:
        """What the user can do next."""
        # "Nothing was changed" would be wrong if an earlier attempt may have changed something.
        by_an_earlier_attempt = self.may_have_happened and not type(self).may_have_happened
        return NoResponse.advice if by_an_earlier_attempt else self._advice()

    def _advice(self) -> str:
        return self.advice

    @property
    def full_message(self) -> str:
        """Message, code, field, request id and advice in one line."""
        known = {"code": self.code, "field": self.param, "request id": self.request_id}
        details = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return f"{self.message}{f' ({details})' if details else ''} {self.advice_text}"


class NotSent(OpenAIError):
    """No connection was made, so nothing can have happened."""

    advice = "Nothing was sent. Check the network and the credential’s base URL, then try again."
    worth_retrying = True


class NoResponse(OpenAIError):
    """The request was sent, and no complete response arrived in time."""

    advice = "If this was a change, it may have been carried out anyway. Check what’s there before you send it again."
    may_have_happened = True
    worth_retrying = True


class BadResponse(OpenAIError):
    """A response that isn't the API's."""

    advice = "This may be from something in front of the server, like a proxy. Check the credential’s base URL."
    may_have_happened = True
    named_id: str = ""  # of what was created, if the response holds an id but can't be read otherwise


class TooLarge(BadResponse):
    """A response of more bytes or values than can be read at once, or wrongly compressed."""

    advice = "Request less at a time. If this is a single item, it can’t be shown here."


class NotConfirmed(BadResponse):
    """The server accepted a deletion, and still returns what it should have deleted."""

    advice = "This may take a moment. Refresh, then try again."


class EndlessList(BadResponse):
    """A list that says there are more items, although no further page has new ones."""

    advice = "The server has more than it returns, so its list can’t be read to the end."


class GatewayNotFound(BadResponse):
    """A 404 that may come from something in front of the server, such as a gateway without a route."""

    advice = (
        "This may be from something in front of the server, like a proxy. It doesn’t prove that the conversation was "
        "deleted, so nothing was changed here. Check the credential’s base URL, then try again."
    )
    may_have_happened = False
    is_json: bool = True


class Refused(OpenAIError):
    """An error of the API; nothing was changed.

    has_error_object: the body is in OpenAI's format; is_json: it's JSON of any format.
    """

    advice = "Nothing was changed."
    has_error_object: bool = True
    is_json: bool = True


class Redirected(Refused):
    """A redirect. It isn't followed: a key is only sent to the host that it was entered for."""

    advice = "Convadmin doesn’t follow redirects. Enter the URL that this one points to as the credential’s base URL."


class InvalidRequest(Refused):
    """OpenAI doesn't accept what was sent."""

    advice = "Correct what the message names, then send it again."

    def _advice(self) -> str:
        if self.status is not None and self.status < 300:
            return "The server responded with an error. Try again. If that doesn’t help, ask whoever runs the server."
        return self.advice


class Locked(InvalidRequest):
    """A response is being generated in the conversation."""

    advice = "A response is being generated in this conversation. Try again in a few seconds."
    worth_retrying = True

    def _advice(self) -> str:
        return self.advice


class Unauthorized(Refused):
    """The API key isn't accepted."""

    advice = "Check the credential’s API key. It may be mistyped, revoked or for another server."


class Forbidden(Refused):
    """The key may not do this, or not from this region."""

    advice = "The key is valid but isn’t allowed to do this. Check its permissions, its project and your region."

    def _advice(self) -> str:
        if self.is_json:
            return self.advice
        return "The server or its gateway doesn’t allow this. Ask whoever runs it."


class NotFound(Refused):
    """Nothing has that id: it was deleted, or belongs to another project."""

    advice = "It may have been deleted, or belong to another project than the credential’s key."


class Conflict(Refused):
    """Another change is in progress."""

    advice = "Another change was in progress at the server. Try again."
    worth_retrying = True


class NotDeleted(Refused):
    """The server says that it didn't delete anything."""

    advice = "The server says that nothing was deleted. If this happens again, ask whoever runs it."


class RateLimited(Refused):
    """Too many requests; waiting helps."""

    worth_retrying = True

    def _advice(self) -> str:
        if self.retry_after is None:
            return "Too many requests. Wait a moment, then try again."
        seconds = max(1, round(self.retry_after))
        return f"Too many requests. Wait {seconds} second{'' if seconds == 1 else 's'}, then try again."


class QuotaExceeded(Refused):
    """A quota is used up, or credit has run out; waiting doesn't help."""

    advice = "Waiting doesn’t help. Add credit or raise the limit in the billing settings of the key’s account."


class ServerError(Refused):
    """The server failed, possibly after it had done what was requested."""

    advice = (
        "The server had an internal problem. Try again. If that doesn’t help, see its status page (OpenAI’s is "
        "status.openai.com)."
    )
    may_have_happened = True
    worth_retrying = True

    def _advice(self) -> str:
        if self.has_error_object:
            return self.advice
        return "The server or its gateway had a problem. Try again. If that doesn’t help, ask whoever runs it."


_BY_STATUS: dict[int, type[Refused]] = {
    401: Unauthorized,
    402: QuotaExceeded,
    403: Forbidden,
    404: NotFound,
    408: ServerError,
    409: Conflict,
    429: RateLimited,
}


def refusal_kind(status: int, code: str, type_: str) -> type[Refused]:
    """The exception for a status other than 2xx. `code` and `type_` are those of the error object, or ""."""
    if status >= 500:
        return ServerError
    if status < 400:
        return Redirected
    if code == "conversation_locked":
        return Locked
    if status == 429 and not QUOTA_CODES.isdisjoint({code, type_}):
        return QuotaExceeded
    return _BY_STATUS.get(status, InvalidRequest)
