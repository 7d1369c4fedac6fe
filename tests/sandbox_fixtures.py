"""A bare HTTP client for the sandbox's own tests, which can also send invalid requests."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from conversations.sandbox import Sandbox
from tests.waiting import PATIENCE

KEY = "sk-sandbox-0123456789"


@dataclass(frozen=True)
class Response:
    """A response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> dict[str, Any]:
        return self.document["error"]


class Http:
    """A connection to a sandbox, with its key."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.key = sandbox.key
        self.connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.connection.close()

    def call(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Response:
        """Send a body (JSON, or bytes as they are) and read the whole response."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        self.connection.request(method, path, body=data, headers=sent)
        response = self.connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, names, response.read())

    def create(self, **fields: Any) -> dict[str, Any]:
        """Create a conversation."""
        return self.call("POST", "/v1/conversations", fields).document


@contextmanager
def raw_socket(sandbox: Sandbox) -> Iterator[socket.socket]:
    """A plain TCP connection to a sandbox."""
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=PATIENCE) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes the connection."""
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)
