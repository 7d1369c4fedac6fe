"""Sending a call, again where that is right, and telling a 404 of the API from any other. Knows no call by name.

No idempotency key exists for the API, so a call that creates something is sent a second time only where the first
certainly did nothing: the connection was never made, or the answer was 409, a 429 that asks to wait, or
`conversation_locked`.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from ..metadata import replace_unstorable
from .decoding import Answer, decode, named_id
from .errors import (
    BadResponse,
    ForeignNotFound,
    NoResponse,
    NotFound,
    NotSent,
    OpenAIError,
    QuotaExceeded,
    RateLimited,
    ServerError,
)
from .routes import gist, may_be_of_the_api, names_its_subject, path_without_route
from .scrubbing import Scrubber
from .transport import Deadline

MAX_ATTEMPTS = 3
FIRST_DELAY = 0.5  # seconds before the second attempt, as the official client waits
LEAST_FOR_PROBE = 0.5  # seconds that asking for a path that cannot exist may need
REMEMBERED_FOR = 60.0  # seconds; what stands before a server may change

Value = TypeVar("Value")

# By base URL: when a path that cannot exist was asked for, on the monotonic clock, and what was answered.
_gists: dict[str, tuple[float, str | None]] = {}
_gists_lock = threading.Lock()


class Recorder(Protocol):
    """What a caller hands over to write down each attempt."""

    def sending(self, method: str, path: str) -> str:
        """Called before each attempt; gives the X-Client-Request-Id to send it with."""

    def received(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        """Called after each attempt; `status` is None where no answer came. `is_usable`: it was what was asked for."""


class NoRecorder:
    """Writes nothing down; each attempt gets a fresh id all the same."""

    def sending(self, method: str, path: str) -> str:
        return str(uuid.uuid4())

    def received(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        pass


class Exchange(Protocol):
    """What sends one request: a client."""

    base_url: str
    scrubber: Scrubber

    def exchange(
        self, method: str, path: str, *, deadline: Deadline, request_id: str, **request: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send it; gives status, headers and body."""


class Attempts:
    """Calls under one deadline, each attempt told to a recorder."""

    def __init__(self, client: Exchange, deadline: Deadline, patience: float, recorder: Recorder) -> None:
        self._client = client
        self._deadline = deadline
        self._patience = patience
        self._recorder = recorder

    @property
    def remaining(self) -> float:
        """Seconds that are left of the budget; negative when it is used up."""
        return self._deadline.remaining

    def recorded_by(self, recorder: Recorder) -> "Attempts":
        """The same within the same seconds, told to another recorder."""
        return Attempts(self._client, self._deadline, self._patience, recorder)

    def call(
        self, method: str, path: str, read: Callable[[Answer], Value], *, repeatable: bool = True, **request: Any
    ) -> Value:
        """Send it, up to three times; gives what `read` makes of the answer. Raises OpenAIError."""
        may_have_happened = False
        for attempt in range(MAX_ATTEMPTS):
            try:
                return self._attempt(method, path, read, **request)
            except OpenAIError as error:
                if may_have_happened:
                    error.may_have_happened = True
                may_have_happened = error.may_have_happened and method != "GET"
                if isinstance(error, NotFound) and not self._is_of_the_api(error, path):
                    raise _foreign(error) from None
                if attempt == MAX_ATTEMPTS - 1 or not self._wait_to_retry(error, attempt, repeatable):
                    raise
        raise AssertionError("The last attempt returns or raises.")

    def is_without_route(self, path: str, error: OpenAIError) -> bool:
        """Whether a path that cannot exist is answered in the same way. Raises the OpenAIError that leaves it open."""
        return gist(error, path) == self._gist_without_route(path, is_fresh=True)

    def _answer_without_route(self, path: str) -> OpenAIError | None:
        """What the server answers for a path that cannot exist, where it refuses that; None where it does not.

        Raises the OpenAIError that kept it from answering.
        """
        try:
            self.recorded_by(NoRecorder())._attempt("GET", path_without_route(path), lambda answer: answer)
        except (NotSent, NoResponse, ServerError, RateLimited, QuotaExceeded):
            raise
        except OpenAIError as error:
            return error
        return None

    def _attempt(self, method: str, path: str, read: Callable[[Answer], Value], **request: Any) -> Value:
        if self._deadline.remaining <= 0:
            raise NotSent("The time for this request was used up before it could be sent.")
        request_id = self._recorder.sending(method, path)
        status, answer_id, is_usable = None, "", False
        try:
            status, headers, body = self._client.exchange(
                method, path, deadline=self._deadline, request_id=request_id, **request
            )
            answer_id = headers.get("x-request-id", "")
            value = self._read(read, status, headers, body)
            is_usable = True
            return value
        finally:
            self._recorder.received(status, answer_id, is_usable=is_usable)

    def _read(self, read: Callable[[Answer], Value], status: int, headers: Mapping[str, str], body: bytes) -> Value:
        try:
            return read(decode(status, headers, body, self._client.scrubber))
        except BadResponse as error:
            error.named_id = replace_unstorable(self._client.scrubber.text(named_id(body)))
            raise

    def _is_of_the_api(self, error: NotFound, path: str) -> bool:
        """Whether a 404 proves that what it is about is not there (see `openai_routes`)."""
        if not may_be_of_the_api(error, path):
            return False
        is_named = names_its_subject(error, path)
        try:
            without_route = self._gist_without_route(path, is_fresh=not is_named)
        except OpenAIError:
            return is_named  # nothing can be compared now
        return gist(error, path) != without_route

    def _gist_without_route(self, path: str, *, is_fresh: bool) -> str | None:
        """What the server says of a path that cannot exist: asked now, or as it is remembered of this base URL."""
        base_url = self._client.base_url
        with _gists_lock:
            asked_at, known = _gists.get(base_url, (-REMEMBERED_FOR, None))
        if not is_fresh and time.monotonic() - asked_at < REMEMBERED_FOR:
            return known
        if self._deadline.remaining < LEAST_FOR_PROBE:
            raise NotSent("There is no time left to ask for a path that cannot exist.")
        answer = self._answer_without_route(path)
        found = None if answer is None else gist(answer, path_without_route(path))
        with _gists_lock:
            _gists[base_url] = time.monotonic(), found
        return found

    def _wait_to_retry(self, error: OpenAIError, attempt: int, repeatable: bool) -> bool:
        """Sleep until the next attempt; False if there is to be none."""
        if not _may_retry(error, repeatable):
            return False
        backoff = min(FIRST_DELAY * 2**attempt, 8.0) * random.uniform(0.75, 1.0)  # noqa: S311
        delay = backoff if error.retry_after is None else error.retry_after
        if delay > self._patience or delay >= self._deadline.remaining:
            return False
        time.sleep(delay)
        return True


def _foreign(error: NotFound) -> ForeignNotFound:
    """The same answer as one that proves nothing."""
    foreign = ForeignNotFound(error.message, status=error.status, code=error.code, request_id=error.request_id)
    foreign.may_have_happened, foreign.is_json = error.may_have_happened, error.is_json
    return foreign


def _may_retry(error: OpenAIError, repeatable: bool) -> bool:
    """Whether a second attempt is right: never where the first may have created something, or where money is
    missing, whatever the server says of it."""
    is_success = error.status is not None and error.status < 300  # with an error inside, whoever wrote that
    if not repeatable and (error.may_have_happened or is_success or not error.worth_retrying):
        return False
    if isinstance(error, QuotaExceeded):
        return False
    return error.worth_retrying if error.should_retry is None else error.should_retry
