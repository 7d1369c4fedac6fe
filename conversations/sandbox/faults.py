"""Faults on demand: what goes wrong, for which requests, and how many times."""

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import INVALID_REQUEST, ApiError
from .messages import Response

DROPS = ("before", "after", "middle")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, for `times` matching requests (None: for all of them).

    Which requests: those with this `method` and a path after `/v1` whose beginning matches the regular
    expression `path` (so a plain prefix does as well, and `$` ends it); the first `skip` are let through.
    The path is matched as it was sent: percent-encoded, without the query. To each that is left, the fault
    happens with the probability `chance`, above 0 and up to 1; where it does not, the request passes on to the
    faults behind it and `times` is not used up.

    What happens:
    - `status` (with `code`, `type`, `param`, `message`) answers an error in OpenAI's shape; `body` answers
      these bytes as they are (status 200 if none is given); `locked` is the 400 `conversation_locked`.
      They are answered instead of acting or, with `after=True`, after the change was made.
    - `headers` are added to the answer, of a fault or a true one; a value of None leaves that header out.
    - `delay`: seconds of waiting before acting or, with `after=True`, between the change and the answer.
    - `drip`: seconds between any two bytes of the answer, status line and headers included.
    - `drop` closes the connection: "before" the change is made; "after" it, with nothing answered;
      or in the "middle" of the answer's body.
    """

    method: str | None = None
    path: str | None = None
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    message: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | str | None = None
    delay: float = 0.0
    drip: float = 0.0
    drop: str | None = None
    after: bool = False
    locked: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for a fault that could never happen as it is written."""
        if self.drop not in (None, *DROPS):
            raise ValueError(f"drop must be one of {', '.join(DROPS)}, not {self.drop!r}")
        if self.status is not None and not 200 <= self.status <= 999:
            raise ValueError(f"status must be between 200 and 999, not {self.status}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, or None for ever, not {self.times}")
        if not 0 < self.chance <= 1:
            raise ValueError(f"chance must be above 0 and at most 1, not {self.chance}")
        if not isinstance(self.headers, Mapping):
            raise ValueError("headers must be a map of names to values")
        if not isinstance(self.body, bytes | str | None):
            raise ValueError("body must be bytes or a string")
        if min(self.skip, self.delay, self.drip) < 0:
            raise ValueError("skip, delay and drip must not be negative")
        try:
            re.compile(self.path or "")
        except re.error as error:
            raise ValueError(f"path is no regular expression: {error}") from error

    @classmethod
    def from_json(cls, document: Any) -> "Fault":
        """Make a fault of a JSON object of its fields; raises ValueError with a sentence that says why not."""
        if not isinstance(document, dict):
            raise ValueError("a fault is a JSON object")
        if unknown := document.keys() - {known.name for known in fields(cls)}:
            raise ValueError(f"a fault has no field {', '.join(sorted(unknown))}")
        try:
            return cls(**document)
        except TypeError as error:
            raise ValueError(f"a field is of the wrong type: {error}") from error

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one of those that this fault is for."""
        return self.method in (None, method) and re.match(self.path or "", path) is not None

    @property
    def answers(self) -> bool:
        """Whether the fault has an answer of its own."""
        return self.locked or self.status is not None or self.body is not None

    def response(self) -> Response:
        """The fault's own answer, without its extra headers."""
        if self.body is not None:
            raw = self.body.encode() if isinstance(self.body, str) else self.body
            return Response(self.status or 200, raw=raw)
        if self.locked:
            message = self.message or "Another process is currently operating on this conversation."
            return Response.refusal(
                ApiError(400, message, code=self.code or "conversation_locked", type=self.type or INVALID_REQUEST)
            )
        return Response.refusal(self._error(self.status or 500))

    def _error(self, status: int) -> ApiError:
        type, code = _DEFAULTS.get(status, ("server_error" if status >= 500 else INVALID_REQUEST, None))
        message = self.message or f"The sandbox was told to answer {status}."
        return ApiError(status, message, code=self.code or code, param=self.param, type=self.type or type)


_DEFAULTS: dict[int, tuple[str, str | None]] = {
    401: (INVALID_REQUEST, "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
}
NO_FAULT = Fault()


class Faults:
    """The faults that are waiting for their requests; safe for any thread.

    A `seed` makes the draws for a fault's `chance` the same in every run that sends the same requests.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311  chances, not secrets
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault) -> None:
        """Wait for matching requests, behind the faults that are already waiting."""
        with self._lock:
            self._waiting.append(_Waiting(fault, fault.skip, fault.times))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault:
        """The first fault that is due for this request, used up by one; NO_FAULT if there is none.

        A fault that still skips, or whose chance is not met, lets the request pass on to the faults behind it.
        """
        with self._lock:
            fault = next((w.fault for w in self._waiting if w.is_due(method, path, self._random)), NO_FAULT)
            self._waiting = [waiting for waiting in self._waiting if waiting.left != 0]
            return fault


@dataclass
class _Waiting:
    fault: Fault
    skip: int
    left: int | None

    def is_due(self, method: str, path: str, chances: random.Random) -> bool:
        """Count one request; True if the fault happens to it."""
        if not self.fault.matches(method, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.fault.chance < 1 and chances.random() >= self.fault.chance:
            return False
        if self.left is not None:
            self.left -= 1
        return True
