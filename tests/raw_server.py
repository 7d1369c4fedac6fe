"""A server that answers exactly the bytes it is told, for answers that no proper server would give."""

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


def answer(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK", length: bytes = b"") -> bytes:
    """One answer, byte for byte; `length` overrides the right Content-Length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: " + (length or b"%d" % len(body)), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class RawServer:
    """Answers one connection after the other, each with the next of its answers, and hangs up.

    The last is used again and again. `requests` holds what was sent, as far as one read gave it. With a
    `tls` context it speaks https.
    """

    def __init__(self, *answers: bytes, tls: ssl.SSLContext | None = None) -> None:
        self._answers = list(answers)
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
                    self._answer(self._tls.wrap_socket(connection, server_side=True) if self._tls else connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            self.requests.append(connection.recv(65536))
            connection.sendall(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.05)
            connection.recv(65536)  # else a reset could overtake the answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()  # an empty request ends it
        self._thread.join(5)
        self._listener.close()
