"""What can go wrong at OpenAI, or at another server of its API.

    OpenAIError                 anything that went wrong; carries what the operator needs
    ├── NotSent                 nothing reached OpenAI: refused, no such host, connect timeout, bad certificate
    ├── NoResponse                it was sent and no answer came: read timeout, dropped connection, deadline
    ├── BadResponse               an answer that is none of the API's: HTML, a wrong shape
    │   ├── TooLarge            an answer of more than 32 MiB or 600,000 values, or wrongly compressed
    │   ├── NotConfirmed        a deletion that was accepted, of something that is still there
    │   ├── EndlessList         a list that says there is more, and gives no way to it
    │   └── ForeignNotFound     a 404 that something in front of the server may have given: it proves nothing
    └── Refused                 OpenAI answered with an error
        ├── Redirected          3xx, never followed
        ├── InvalidRequest      400, 422
        │   └── Locked          400 conversation_locked: a response is running in it
        ├── Unauthorized        401
        ├── Forbidden           403
        ├── NotFound            404 of the API itself
        ├── Conflict            409
        ├── NotDone             200 that says in so many words that nothing was deleted
        ├── RateLimited         429, wait
        ├── QuotaExceeded       429 or 402, pay or raise a limit
        └── ServerError         408 and 5xx

Pure. Source of the codes: OpenAI's API reference, "Error codes", and the Conversations endpoints.
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
        return NoResponse.advice if by_an_earlier_attempt else self._advice()

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


class NoResponse(OpenAIError):
    """The request was sent and no whole answer came back in time."""

    advice = "OpenAI may have done it all the same. Look what is there before you send it again."
    may_have_happened = True
    worth_retrying = True


class BadResponse(OpenAIError):
    """An answer that the API would not give: a proxy's page, too much, another shape."""

    advice = "Something between here and OpenAI may have answered in its place. Check the credential's base URL."
    may_have_happened = True
    named_id: str = ""  # what the answer to a creation calls an id, though nothing else of it can be read


class TooLarge(BadResponse):
    """More bytes or values than can be read at once, or wrongly compressed."""

    advice = "Ask for less at a time. If it is one thing alone, it cannot be read here."


class NotConfirmed(BadResponse):
    """The server accepted a deletion, and still gives what it should have deleted."""

    advice = "That may take a moment: refresh, then try again."


class EndlessList(BadResponse):
    """A list that does not end: it says that there is more, and no page that follows brings anything new."""

    advice = "The server holds more than it gives. Its list cannot be read to the end."


class ForeignNotFound(BadResponse):
    """A 404 in whose words nothing shows that the API gave it, such as that of a gateway without a route."""

    advice = (
        "Something between here and the server may have answered: this does not prove that the conversation is gone, "
        "so nothing was changed here. Check the credential's base URL, then try again."
    )
    may_have_happened = False
    is_json: bool = True


class Refused(OpenAIError):
    """OpenAI answered with an error; nothing was changed.

    is_in_form: in the form of the API's error object; is_json: in JSON of any form.
    """

    advice = "Nothing was changed."
    is_in_form: bool = True
    is_json: bool = True


class Redirected(Refused):
    """The server pointed elsewhere; a key goes only to the host that it was entered for."""

    advice = "Redirects are never followed. Put the URL that it points to into the credential's base URL."


class InvalidRequest(Refused):
    """OpenAI found fault with what was sent."""

    advice = "Correct what OpenAI names and send it again."

    def _advice(self) -> str:
        if self.status is not None and self.status < 300:
            return "The server answered with an error. Try again; if it stays, ask whoever runs the server."
        return self.advice


class Locked(InvalidRequest):
    """A response is running in the conversation."""

    advice = "A response is being generated in this conversation. Try again in a few seconds."
    worth_retrying = True

    def _advice(self) -> str:
        return self.advice


class Unauthorized(Refused):
    """The API key is not accepted."""

    advice = "Check the credential's API key: it may be mistyped, revoked or of another server."


class Forbidden(Refused):
    """The key may not do this, or not from this region."""

    advice = "The key is known but may not do this. Check its permissions, its project and your region."

    def _advice(self) -> str:
        if self.is_json:
            return self.advice
        return "The server, or a gateway in front of it, does not let this through. Ask whoever runs it."


class NotFound(Refused):
    """OpenAI knows nothing by that id; it may have been deleted, or belong to another project."""

    advice = "It may have been deleted, or belong to another project than the credential's key."


class Conflict(Refused):
    """Another change was under way."""

    advice = "Another change was under way at OpenAI. Try again."
    worth_retrying = True


class NotDone(Refused):
    """The server answered that it did not do what it was asked for."""

    advice = "Nothing was deleted, as the server says. If that stays so, ask whoever runs it."


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

    def _advice(self) -> str:
        if self.is_in_form:
            return self.advice
        return "The server, or a gateway in front of it, had a problem. Try again; if it stays, ask whoever runs it."


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
    """The error for a status that is no success; `code` and `type_` are those of the error object, or ""."""
    if status >= 500:
        return ServerError
    if status < 400:
        return Redirected
    if code == "conversation_locked":
        return Locked
    if status == 429 and not QUOTA_CODES.isdisjoint({code, type_}):
        return QuotaExceeded
    return _BY_STATUS.get(status, InvalidRequest)
