"""A server that sends exactly these bytes, for responses that no proper server would send."""

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


def raw_response(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK", length: bytes = b"") -> bytes:
    """The bytes of a response; `length` replaces the correct Content-Length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: " + (length or b"%d" % len(body)), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class RawServer:
    """Sends one response per connection, then closes it. The last response is repeated.

    requests: what it received, as far as a single read returned it; tls: for https.
    """

    def __init__(self, *responses: bytes, tls: ssl.SSLContext | None = None) -> None:
        self._responses = list(responses)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.requests: list[bytes] = []
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if not connection.recv(1, socket.MSG_PEEK):
                    return
                with suppress(OSError):
                    self._respond(self._tls.wrap_socket(connection, server_side=True) if self._tls else connection)

    def _respond(self, connection: socket.socket) -> None:
        with connection:
            self.requests.append(connection.recv(65536))
            connection.sendall(self._responses.pop(0) if len(self._responses) > 1 else self._responses[0])
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.05)
            connection.recv(65536)  # otherwise a reset could arrive before the response

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()  # an empty request ends it
        self._thread.join(5)
        self._listener.close()
