"""Sends a call, retries it if that is safe, and tells the API's own 404 from a gateway's.

The API has no idempotency key. A call that creates something is therefore retried only if the first attempt certainly
did nothing: the connection was never made, or the response was 409, a 429 that asks to wait, or `conversation_locked`.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from ..metadata import replace_unstorable
from .decoding import Response, decode, named_id
from .errors import (
    BadResponse,
    GatewayNotFound,
    NoResponse,
    NotFound,
    NotSent,
    OpenAIError,
    QuotaExceeded,
    RateLimited,
    ServerError,
)
from .routes import may_be_from_api, names_resource, signature, unrouted_path
from .scrubbing import Scrubber
from .transport import Deadline

MAX_ATTEMPTS = 3
FIRST_DELAY = 0.5  # seconds before the second attempt, as in OpenAI's own client
MIN_PROBE_SECONDS = 0.5  # left of the budget; with less, no probe of a nonexistent path is sent
SIGNATURE_LIFETIME = 60.0  # seconds; a gateway in front of the server may be reconfigured

Value = TypeVar("Value")

# By base URL: when a nonexistent path was last requested (monotonic clock), and the signature of its 404.
_signatures: dict[str, tuple[float, str | None]] = {}
_signatures_lock = threading.Lock()


class Recorder(Protocol):
    """Is told about each attempt, so that a service can store it before anything is sent."""

    def sending(self, method: str, path: str) -> str:
        """Called before each attempt; returns the X-Client-Request-Id to send."""

    def received(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        """Called after each attempt. `status`: None without a response; `is_usable`: the response could be read."""


class NoRecorder:
    """Stores nothing, and still gives each attempt an id."""

    def sending(self, method: str, path: str) -> str:
        return str(uuid.uuid4())

    def received(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        pass


class Sender(Protocol):
    """Sends one request: a `Client`."""

    base_url: str
    scrubber: Scrubber

    def send(
        self, method: str, path: str, *, deadline: Deadline, request_id: str, **request: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Returns status, headers and body."""


class Attempts:
    """Sends calls under one deadline and reports each attempt to a recorder."""

    def __init__(self, client: Sender, deadline: Deadline, max_wait: float, recorder: Recorder) -> None:
        self._client = client
        self._deadline = deadline
        self._max_wait = max_wait
        self._recorder = recorder

    @property
    def remaining(self) -> float:
        """Seconds left of the budget; negative once it is used up."""
        return self._deadline.remaining

    def recorded_by(self, recorder: Recorder) -> "Attempts":
        """A copy that reports to another recorder and shares this deadline."""
        return Attempts(self._client, self._deadline, self._max_wait, recorder)

    def call(
        self, method: str, path: str, read: Callable[[Response], Value], *, repeatable: bool = True, **request: Any
    ) -> Value:
        """Send up to three times; returns what `read` makes of the response. Raises OpenAIError."""
        may_have_happened = False
        for attempt in range(MAX_ATTEMPTS):
            try:
                return self._attempt(method, path, read, **request)
            except OpenAIError as error:
                # An earlier attempt may have been carried out even if this one certainly was not.
                if may_have_happened:
                    error.may_have_happened = True
                may_have_happened = error.may_have_happened and method != "GET"
                if isinstance(error, NotFound) and not self._is_from_api(error, path):
                    raise _gateway_not_found(error) from None
                if attempt == MAX_ATTEMPTS - 1 or not self._wait_to_retry(error, attempt, repeatable):
                    raise
        raise AssertionError("The last attempt returns or raises.")

    def is_route_missing(self, path: str, error: OpenAIError) -> bool:
        """Whether a nonexistent path gets the same response. Raises OpenAIError if that can't be found out."""
        return signature(error, path) == self._unrouted_signature(path, is_fresh=True)

    def _unrouted_error(self, path: str) -> OpenAIError | None:
        """The error for a nonexistent path; None if the server reports success even for that.

        Raises OpenAIError if the server could not respond.
        """
        # Not recorded: the probe isn't part of what the user asked for.
        try:
            self.recorded_by(NoRecorder())._attempt("GET", unrouted_path(path), lambda response: response)
        except (NotSent, NoResponse, ServerError, RateLimited, QuotaExceeded):
            raise
        except OpenAIError as error:
            return error
        return None

    def _attempt(self, method: str, path: str, read: Callable[[Response], Value], **request: Any) -> Value:
        if self._deadline.remaining <= 0:
            raise NotSent("There was no time left to send this request.")
        request_id = self._recorder.sending(method, path)
        status, response_id, is_usable = None, "", False
        try:
            status, headers, body = self._client.send(
                method, path, deadline=self._deadline, request_id=request_id, **request
            )
            response_id = headers.get("x-request-id", "")
            value = self._read(read, status, headers, body)
            is_usable = True
            return value
        finally:
            self._recorder.received(status, response_id, is_usable=is_usable)

    def _read(self, read: Callable[[Response], Value], status: int, headers: Mapping[str, str], body: bytes) -> Value:
        try:
            return read(decode(status, headers, body, self._client.scrubber))
        except BadResponse as error:
            # A conversation may have been created; the id in the unreadable body is the only trace of it.
            error.named_id = replace_unstorable(self._client.scrubber.text(named_id(body)))
            raise

    def _is_from_api(self, error: NotFound, path: str) -> bool:
        """Whether a 404 proves that the conversation or item does not exist (see `routes`)."""
        if not may_be_from_api(error, path):
            return False
        is_named = names_resource(error, path)
        try:
            # A gateway that names the conversation only echoes the path; for that, a cached signature is enough.
            without_route = self._unrouted_signature(path, is_fresh=not is_named)
        except OpenAIError:
            return is_named  # there is nothing to compare with
        return signature(error, path) != without_route

    def _unrouted_signature(self, path: str, *, is_fresh: bool) -> str | None:
        """The signature of the server's 404 for a nonexistent path; cached per base URL unless `is_fresh`."""
        base_url = self._client.base_url
        with _signatures_lock:
            asked_at, known = _signatures.get(base_url, (-SIGNATURE_LIFETIME, None))
        if not is_fresh and time.monotonic() - asked_at < SIGNATURE_LIFETIME:
            return known
        if self._deadline.remaining < MIN_PROBE_SECONDS:
            raise NotSent("There was no time left to check what the server says for a path that can’t exist.")
        error = self._unrouted_error(path)
        found = None if error is None else signature(error, unrouted_path(path))
        with _signatures_lock:
            _signatures[base_url] = time.monotonic(), found
        return found

    def _wait_to_retry(self, error: OpenAIError, attempt: int, repeatable: bool) -> bool:
        """Sleep until the next attempt; False if there should be none."""
        if not _may_retry(error, repeatable):
            return False
        backoff = min(FIRST_DELAY * 2**attempt, 8.0) * random.uniform(0.75, 1.0)  # noqa: S311
        delay = backoff if error.retry_after is None else error.retry_after
        if delay > self._max_wait or delay >= self._deadline.remaining:
            return False
        time.sleep(delay)
        return True


def _gateway_not_found(error: NotFound) -> GatewayNotFound:
    found = GatewayNotFound(error.message, status=error.status, code=error.code, request_id=error.request_id)
    found.may_have_happened, found.is_json = error.may_have_happened, error.is_json
    return found


def _may_retry(error: OpenAIError, repeatable: bool) -> bool:
    # A 2xx with an error in its body may still have created something.
    is_success = error.status is not None and error.status < 300
    if not repeatable and (error.may_have_happened or is_success or not error.worth_retrying):
        return False
    if isinstance(error, QuotaExceeded):  # even if the server says x-should-retry
        return False
    return error.worth_retrying if error.should_retry is None else error.should_retry
