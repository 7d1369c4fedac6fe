"""HTTP/1.1 with keep-alive on the loopback address: one thread a connection, one send an answer."""

import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from .errors import ApiError
from .messages import Request, Response, encode_head
from .service import Delivery, Service, answer_headers

HOST = "127.0.0.1"
MAX_BODY = 16 * 1024 * 1024
_DRAIN = 4 * MAX_BODY  # of a body that is too large, so much is read, so that the refusal can be read too
_STOP_TIMEOUT = 2.0  # seconds to wait for threads to end


class Server:
    """A listening socket and the threads that serve its connections."""

    def __init__(self, service: Service, port: int = 0) -> None:
        """Bind the port (0: any free one); raises OSError if it is taken."""
        self._service = service
        self._listener = socket.create_server((HOST, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._accepting = threading.Thread(target=self._accept, name="sandbox", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Hang up on everyone and wait for the threads to end, two seconds at most."""
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
            except OSError:  # out of file descriptors, or gone before it was accepted
                self._service.stopping.wait(0.05)
                continue
            thread = threading.Thread(target=self._serve, args=(connection, address), daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            with connection, suppress(OSError):  # a client that has gone is no news
                Connection(connection, address, self._service)
        finally:
            with self._lock:
                self._connections.pop(connection, None)


class Connection(BaseHTTPRequestHandler):
    """Reads requests from one connection and sends their answers until either side hangs up."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, address: tuple[str, int], service: Service) -> None:
        self._service = service
        super().__init__(connection, address, service)  # type: ignore[arg-type]

    def handle_one_request(self) -> None:
        """Read one request of any method and send its answer, or refuse what is no proper request."""
        self.command = self.requestline = self.request_version = ""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
        elif len(self.raw_requestline) > 65536:
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.parse_request():
            body = self._read_body()
            if body is not None:
                self._send(self._service.exchange(self._request(body)))

    def _request(self, body: bytes = b"") -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, self.path, headers, body)

    def _read_body(self) -> bytes | None:
        """The body, empty if no length was sent; None if it was refused or did not arrive whole."""
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
        """The length of the body in bytes; None if it can't be known and the request was refused."""
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            return None
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return None
        return int(text)

    def _drain(self, length: int) -> None:
        left = min(length, _DRAIN)
        while left > 0 and (chunk := self.rfile.read(min(left, 65536))):
            left -= len(chunk)

    def _send(self, delivery: Delivery) -> None:
        if delivery.drip:
            for byte in delivery.data:
                self.connection.sendall(bytes([byte]))
                self._service.pause(delivery.drip)
        elif delivery.data:
            self.connection.sendall(delivery.data)
        self.close_connection = self.close_connection or delivery.close

    def handle_expect_100(self) -> bool:
        """Ask for the body, unless it would be refused: then say so at once, and the body is never sent."""
        length = self._body_length()
        if length is None:
            return False
        if length > MAX_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return False
        self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no proper request, in OpenAI's shape, and hang up."""
        self.close_connection = True
        error = ApiError(code, f"{message or HTTPStatus(code).phrase}.", headers={"Connection": "close"})
        response = Response.refusal(error)
        head = encode_head(response, answer_headers("req_unread", time.perf_counter()))
        self.connection.sendall(head + (b"" if self.command == "HEAD" else response.body))
