"""What happens to a request before its response is sent: find a fault, carry it out, log it."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate

from . import api, control
from .dialect import OPENAI, Dialect
from .errors import ApiError
from .faults import NO_FAULT, Fault, Faults
from .log import Log, LogEntry
from .messages import Request, Response, encode_head, has_body
from .store import Store


class Stopping(ConnectionError):
    """The sandbox is being stopped, and gives up on the request."""


@dataclass(frozen=True)
class Delivery:
    """What to send. drip: seconds between any two bytes; close: whether to close the connection then."""

    data: bytes = b""
    drip: float = 0.0
    close: bool = False


@dataclass
class Service:
    """What the connections of a sandbox share."""

    store: Store
    key: str
    dialect: Dialect = OPENAI
    faults: Faults = field(default_factory=Faults)
    log: Log = field(default_factory=Log)
    stopping: threading.Event = field(default_factory=threading.Event)

    def pause(self, seconds: float) -> None:
        """Wait. Raises Stopping if the sandbox is stopped meanwhile."""
        if seconds and self.stopping.wait(seconds):
            raise Stopping

    def handle(self, request: Request) -> Delivery:
        started = time.perf_counter()
        request_id = f"req_{secrets.token_hex(16)}"
        if request.full_path.startswith(control.PREFIX):
            response = control.respond(request, key=self.key, faults=self.faults, log=self.log)
            return _delivery(request, response, request_id, started, NO_FAULT)
        fault = self.faults.take(request.method, request.path)
        self.pause(0 if fault.after else fault.delay)
        outcome, changed = self._outcome(request, fault)
        # Logged before the delay, so that tests can see that the request was carried out.
        self.log.add(_entry(request, request_id, outcome, changed))
        self.pause(fault.delay if fault.after else 0)
        if outcome is None:
            return Delivery(close=True)
        return _delivery(request, outcome, request_id, started, fault)

    def _outcome(self, request: Request, fault: Fault) -> tuple[Response | None, bool]:
        """The response, or None, and whether the store was changed."""
        if fault.drop == "before":
            return None, False
        if fault.has_response and not fault.after:
            return fault.response(), False
        response = self._act(request)
        if fault.drop == "after":
            return None, response.changed
        return fault.response() if fault.has_response else response, response.changed

    def _act(self, request: Request) -> Response:
        try:
            return api.respond(self.store, request, key=self.key, dialect=self.dialect)
        except Exception as error:  # a bug: tests should see it, not just a closed connection
            message = f"The sandbox itself failed: {error!r}"
            return Response.from_error(ApiError(500, message, code="sandbox_error", type="server_error"))


def _delivery(request: Request, response: Response, request_id: str, started: float, fault: Fault) -> Delivery:
    headers = response_headers(request_id, started)
    headers.update((name.lower(), value) for name, value in fault.headers.items())
    body = response.body if has_body(request, response) else b""
    if fault.drop == "middle":
        body = body[: len(body) // 2]
    return Delivery(encode_head(response, headers) + body, fault.drip, fault.drop == "middle")


def response_headers(request_id: str, started: float) -> dict[str, str | None]:
    """The headers of every response. started: from `time.perf_counter()`."""
    return {
        "date": formatdate(usegmt=True),
        "x-request-id": request_id,
        "openai-version": "2020-10-01",
        "openai-processing-ms": str(round((time.perf_counter() - started) * 1000)),
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
    }


def _entry(request: Request, request_id: str, response: Response | None, changed: bool) -> LogEntry:
    try:
        body = request.document
    except ApiError:
        body = None
    return LogEntry(
        method=request.method,
        path=request.path,
        query=request.query,
        status=response.status if response else None,
        request_id=request_id,
        client_request_id=request.headers.get("x-client-request-id"),
        changed=changed,
        body=body,
        headers={name: value for name, value in request.headers.items() if name != "authorization"},
    )
