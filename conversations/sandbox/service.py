"""What happens to one request between reading it and sending its answer: fault, act, log, answer."""

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
    """The sandbox is being stopped: the request is given up."""


@dataclass(frozen=True)
class Delivery:
    """What is to be sent: these bytes, `drip` seconds between any two, and whether to hang up then."""

    data: bytes = b""
    drip: float = 0.0
    close: bool = False


@dataclass
class Service:
    """All that the connections of one sandbox share."""

    store: Store
    key: str
    dialect: Dialect = OPENAI
    faults: Faults = field(default_factory=Faults)
    log: Log = field(default_factory=Log)
    stopping: threading.Event = field(default_factory=threading.Event)

    def pause(self, seconds: float) -> None:
        """Wait; raises Stopping when the sandbox is stopped meanwhile."""
        if seconds and self.stopping.wait(seconds):
            raise Stopping

    def exchange(self, request: Request) -> Delivery:
        """Act on one request and say what is to be sent for it."""
        started = time.perf_counter()
        request_id = f"req_{secrets.token_hex(16)}"
        if request.full_path.startswith(control.PREFIX):
            response = control.answer(request, key=self.key, faults=self.faults, log=self.log)
            return _delivery(request, response, request_id, started, NO_FAULT)
        fault = self.faults.take(request.method, request.path)
        self.pause(0 if fault.after else fault.delay)
        answered, changed = self._outcome(request, fault)
        self.log.add(_entry(request, request_id, answered, changed))
        self.pause(fault.delay if fault.after else 0)
        if answered is None:
            return Delivery(close=True)
        return _delivery(request, answered, request_id, started, fault)

    def _outcome(self, request: Request, fault: Fault) -> tuple[Response | None, bool]:
        """What is answered (None: nothing) and whether the store was changed."""
        if fault.drop == "before":
            return None, False
        if fault.answers and not fault.after:
            return fault.response(), False
        response = self._act(request)
        if fault.drop == "after":
            return None, response.changed
        return fault.response() if fault.answers else response, response.changed

    def _act(self, request: Request) -> Response:
        try:
            return api.answer(self.store, request, key=self.key, dialect=self.dialect)
        except Exception as error:  # our own mistake: the client must see it, not a dead connection
            message = f"The sandbox itself failed: {error!r}"
            return Response.refusal(ApiError(500, message, code="sandbox_error", type="server_error"))


def _delivery(request: Request, response: Response, request_id: str, started: float, fault: Fault) -> Delivery:
    headers = answer_headers(request_id, started)
    headers.update((name.lower(), value) for name, value in fault.headers.items())
    body = response.body if has_body(request, response) else b""
    if fault.drop == "middle":
        body = body[: len(body) // 2]
    return Delivery(encode_head(response, headers) + body, fault.drip, fault.drop == "middle")


def answer_headers(request_id: str, started: float) -> dict[str, str | None]:
    """The headers that every answer carries; `started` is a time of `time.perf_counter`."""
    return {
        "date": formatdate(usegmt=True),
        "x-request-id": request_id,
        "openai-version": "2020-10-01",
        "openai-processing-ms": str(round((time.perf_counter() - started) * 1000)),
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-reset-requests": "6ms",
    }


def _entry(request: Request, request_id: str, answered: Response | None, changed: bool) -> LogEntry:
    try:
        body = request.document
    except ApiError:
        body = None
    return LogEntry(
        method=request.method,
        path=request.path,
        query=request.query,
        status=answered.status if answered else None,
        request_id=request_id,
        client_request_id=request.headers.get("x-client-request-id"),
        changed=changed,
        body=body,
        headers={name: value for name, value in request.headers.items() if name != "authorization"},
    )
