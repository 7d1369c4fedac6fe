"""Faults: what goes wrong, for which requests, and how often."""

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
    """Something that goes wrong, for `times` matching requests (None: for all).

    Requests match if they have this `method`, and if the beginning of their path after `/v1` matches the regular
    expression `path`. A plain prefix works too, and `$` makes it match the whole path, which is percent-encoded and
    without a query. The first `skip` matching requests are let through. Each later one fails with the probability
    `chance`, above 0 and up to 1; otherwise it's passed on to the next faults and doesn't count for `times`.

    What happens:
    - `status` (with `code`, `type`, `param`, `message`) responds with an error in OpenAI's format; `body` responds with
      these bytes (and 200 by default); `locked` is the 400 `conversation_locked`. The request isn't carried out or,
      with `after=True`, it's carried out before.
    - `headers` are added to the response, whether it's the fault's or not; None removes a header.
    - `delay`: seconds to wait before the request is carried out or, with `after=True`, between that and the response.
    - `drip`: seconds between any two bytes of the response, including status line and headers.
    - `drop` closes the connection: "before" the request is carried out, "after" it but without a response, or in the
      "middle" of the response body.
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
        """The fault with these fields. Raises ValueError with a message for people."""
        if not isinstance(document, dict):
            raise ValueError("a fault is a JSON object")
        if unknown := document.keys() - {known.name for known in fields(cls)}:
            raise ValueError(f"a fault has no field {', '.join(sorted(unknown))}")
        try:
            return cls(**document)
        except TypeError as error:
            raise ValueError(f"a field is of the wrong type: {error}") from error

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and re.match(self.path or "", path) is not None

    @property
    def has_response(self) -> bool:
        """Whether the fault has a response of its own."""
        return self.locked or self.status is not None or self.body is not None

    def response(self) -> Response:
        """The fault's own response, without `headers`."""
        if self.body is not None:
            raw = self.body.encode() if isinstance(self.body, str) else self.body
            return Response(self.status or 200, raw=raw)
        if self.locked:
            message = self.message or "Another process is currently operating on this conversation."
            return Response.from_error(
                ApiError(400, message, code=self.code or "conversation_locked", type=self.type or INVALID_REQUEST)
            )
        return Response.from_error(self._error(self.status or 500))

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
    """The faults that wait for their requests. Thread-safe.

    With a `seed`, the same requests meet the same faults, even those with a `chance`.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311  chances, not secrets
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault) -> None:
        """Add a fault behind those that are already waiting."""
        with self._lock:
            self._waiting.append(_Waiting(fault, fault.skip, fault.times))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault:
        """The first fault that applies to this request, or NO_FAULT. It's used up by one."""
        with self._lock:
            due = (waiting.fault for waiting in self._waiting if waiting.is_due(method, path, self._random))
            fault = next(due, NO_FAULT)
            self._waiting = [waiting for waiting in self._waiting if waiting.left != 0]
            return fault


@dataclass
class _Waiting:
    fault: Fault
    skip: int
    left: int | None

    def is_due(self, method: str, path: str, draw: random.Random) -> bool:
        """Count a request; returns whether the fault applies to it."""
        if not self.fault.matches(method, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.fault.chance < 1 and draw.random() >= self.fault.chance:
            return False
        if self.left is not None:
            self.left -= 1
        return True
