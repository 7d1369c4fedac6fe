"""HTTP/1.1 with keep-alive on the loopback address, with one thread per connection."""

import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from .errors import ApiError
from .messages import Request, Response, encode_head
from .service import Delivery, Service, response_headers

HOST = "127.0.0.1"
MAX_BODY = 16 * 1024 * 1024
_DRAIN = 4 * MAX_BODY  # read of a body that is too large; otherwise the client couldn't read the error
_STOP_TIMEOUT = 2.0  # seconds to wait for threads to end


class Server:
    """A listening socket and the threads that serve its connections."""

    def __init__(self, service: Service, port: int = 0) -> None:
        """Raises OSError if the port is taken; 0 is any free one."""
        self._service = service
        self._listener = socket.create_server((HOST, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._accepting = threading.Thread(target=self._accept, name="sandbox", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Close all connections, and wait up to two seconds for the threads to end."""
        self._service.stopping.set()
        with suppress(OSError):  # wakes accept()
            socket.create_connection((HOST, self.port), timeout=1).close()
        self._accepting.join(_STOP_TIMEOUT)
        self._listener.close()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _STOP_TIMEOUT
        for thread in connections.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while not self._service.stopping.is_set():
            try:
                connection, address = self._listener.accept()
            except OSError:  # out of file descriptors, or the client is already gone
                self._service.stopping.wait(0.05)
                continue
            thread = threading.Thread(target=self._serve, args=(connection, address), daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            with connection, suppress(OSError):  # the client may hang up at any time
                Connection(connection, address, self._service)
        finally:
            with self._lock:
                self._connections.pop(connection, None)


class Connection(BaseHTTPRequestHandler):
    """Reads requests from a connection and sends responses until either side closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, address: tuple[str, int], service: Service) -> None:
        self._service = service
        super().__init__(connection, address, service)  # type: ignore[arg-type]

    def handle_one_request(self) -> None:
        """Read a request and send the response. Unlike in the base class, any method is accepted."""
        self.command = self.requestline = self.request_version = ""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
        elif len(self.raw_requestline) > 65536:  # as in the base class
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.parse_request():
            body = self._read_body()
            if body is not None:
                self._send(self._service.handle(self._request(body)))

    def _request(self, body: bytes = b"") -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, self.path, headers, body)

    def _read_body(self) -> bytes | None:
        """The body; None if it was refused or is incomplete."""
        length = self._body_length()
        if length is None:
            return None
        if length > MAX_BODY:
            self._drain(length)
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        return body

    def _body_length(self) -> int | None:
        """The length of the body in bytes; None if it's unknown, and the request was refused."""
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return None
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return None
        return int(text)

    def _drain(self, length: int) -> None:
        remaining = min(length, _DRAIN)
        while remaining > 0 and (chunk := self.rfile.read(min(remaining, 65536))):
            remaining -= len(chunk)

    def _send(self, delivery: Delivery) -> None:
        if delivery.drip:
            for byte in delivery.data:
                self.connection.sendall(bytes([byte]))
                self._service.pause(delivery.drip)
        elif delivery.data:
            self.connection.sendall(delivery.data)
        self.close_connection = self.close_connection or delivery.close

    def handle_expect_100(self) -> bool:
        """Send 100 Continue, or an error if the body would be refused."""
        length = self._body_length()
        if length is None:
            return False
        if length > MAX_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return False
        self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a malformed request in OpenAI's format, and close the connection."""
        self.close_connection = True
        error = ApiError(code, f"{message or HTTPStatus(code).phrase}.", headers={"Connection": "close"})
        response = Response.from_error(error)
        head = encode_head(response, response_headers("req_unread", time.perf_counter()))
        self.connection.sendall(head + (b"" if self.command == "HEAD" else response.body))
