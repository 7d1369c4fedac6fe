"""A `requests` session that keeps a total deadline, follows nothing, remembers nothing and trusts no environment.

A read timeout bounds each wait on the socket, so an answer that drips a byte a second passes under it for ever.
Here the deadline is checked before each read of the socket itself: status line, headers and body alike.
"""

import io
import logging
import ssl
import threading
import time
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests import exceptions
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, check_header_validity
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from .errors import NoResponse, NotSent, OpenAIError, TooLarge

CONNECT_TIMEOUT = 5.0  # seconds
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_REFUSAL_BYTES = 256 * 1024  # read of a refusal, in whose beginning its words stand
POOL_SIZE = 16  # connections kept open a credential: as many as one web worker has threads

_current = threading.local()

# It would write down the lines that it could not read, in which a server may have echoed the key.
logging.getLogger("urllib3.connection").addFilter(lambda record: "parse headers" not in record.getMessage())


class Deadline:
    """A moment on the monotonic clock by which all reading of this thread has to end."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left; negative when it has passed."""
        return self.at - time.monotonic()

    def __enter__(self) -> "Deadline":
        _current.deadline = self
        return self

    def __exit__(self, *_: object) -> None:
        _current.deadline = None


class _DeadlineReader(io.RawIOBase):
    """The raw side of a socket's file, which waits no longer than the deadline allows."""

    def __init__(self, raw: Any, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline.remaining
        if remaining <= 0:
            raise TimeoutError("The deadline passed while the answer was read.")
        self._raw._sock.settimeout(remaining)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    """http.client's response, reading through `_DeadlineReader` where its thread has a deadline."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadline = getattr(_current, "deadline", None)
        if deadline is not None:
            self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), deadline))


class _Connection(HTTPConnection):
    response_class = _DeadlineResponse


class _SecureConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections keep the deadline, through a proxy too, and trust what the context trusts."""

    def __init__(self, context: ssl.SSLContext | None = None, **options: Any) -> None:
        self._trust: dict[str, Any] = {"ssl_context": context} if context is not None else {}
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **{**kwargs, **self._trust})
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **{**kwargs, **self._trust})
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


class _Session(requests.Session):
    """A session to which a redirect is an answer like any other: `requests` would read the whole of its body
    and prepare to follow it, even if told not to follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def new_session(proxy: str = "", *, ca_file: str = "", ca_certificates: str = "") -> requests.Session:
    """A session that ignores `.netrc` and proxy variables, drops cookies and goes through `proxy` if one is given.

    It trusts the authorities in `ca_file` and in the PEM text `ca_certificates` besides the public ones. Raises OSError
    (ssl.SSLError is one) where those cannot be read.
    """
    context = _context(ca_file, ca_certificates) if ca_file or ca_certificates else None
    session = _Session()
    session.trust_env = False
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", _DeadlineAdapter(context, pool_maxsize=POOL_SIZE))
    session.mount("http://", _DeadlineAdapter(pool_maxsize=POOL_SIZE))
    return session


def _context(ca_file: str, ca_certificates: str) -> ssl.SSLContext:
    """What a server's certificate is checked by: the public authorities, and those that are given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    context.load_verify_locations(cafile=ca_file or None, cadata=ca_certificates or None)
    return context


def send(
    session: requests.Session, method: str, url: str, deadline: Deadline, **request: Any
) -> tuple[int, dict[str, str], bytes]:
    """Send one request; gives status, headers (names in small letters) and body, in full before the deadline.

    Raises NotSent where nothing can have happened, NoResponse where it may have, BadResponse where the answer
    is larger than MAX_ANSWER_BYTES or wrongly compressed.
    """
    # Raised out here, so that no exception carries the request, whose headers hold the key.
    answer = _answer(session, method, url, deadline, **request)
    if isinstance(answer, OpenAIError):
        raise answer
    return answer


def _answer(
    session: requests.Session, method: str, url: str, deadline: Deadline, **request: Any
) -> tuple[int, dict[str, str], bytes] | OpenAIError:
    try:
        prepared = _prepared(session, requests.Request(method, url, **request))
    except (requests.RequestException, ValueError) as error:
        return NotSent(f"The request cannot be sent ({type(error).__name__}).", should_retry=False)
    try:
        with deadline:
            return _send(session, prepared, deadline)
    except requests.RequestException as error:
        return _failure(error)
    except (OSError, ValueError, HTTPError) as error:
        return NoResponse(f"The answer broke off ({type(error).__name__}).")


def _prepared(session: requests.Session, request: requests.Request) -> requests.PreparedRequest:
    """The request, ready to be sent; raises ValueError for headers that would break off the sending."""
    prepared = session.prepare_request(request)
    for name, value in prepared.headers.items():
        check_header_validity((name, value))
        f"{name}{value}".encode("latin-1")
    return prepared


def _send(
    session: requests.Session, prepared: requests.PreparedRequest, deadline: Deadline
) -> tuple[int, dict[str, str], bytes]:
    remaining = max(deadline.remaining, 0.001)
    timeout = (min(CONNECT_TIMEOUT, remaining), remaining)
    with session.send(prepared, timeout=timeout, allow_redirects=False, stream=True) as response:
        # What follows an interim answer is the true one: unread, it goes with its connection.
        body = b"" if response.status_code < 200 else b"".join(_read(response))
        headers = {name.lower(): value for name, value in response.headers.items()}
    return response.status_code, headers, body


def _read(response: requests.Response) -> list[bytes]:
    is_refusal = response.status_code >= 400
    chunks, size = [], 0
    for chunk in response.iter_content(64 * 1024):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise exceptions.ContentDecodingError("too large")
        chunks.append(chunk)
        if size > MAX_REFUSAL_BYTES and is_refusal:
            break
    return chunks


def _failure(error: requests.RequestException) -> OpenAIError:
    """The error of ours for one of `requests`', told by what is certain: whether a connection was made."""
    causes = _chain(error)
    if isinstance(error, exceptions.ContentDecodingError):
        return TooLarge("The answer is too large or wrongly compressed.")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        message = (
            "No secure connection could be made: the server's certificate was not accepted. If an authority of your "
            "own signed it, put that one's certificate into the credential's “Certificates of private authorities”, "
            "or name its file in OPENAI_CA_FILE."
        )
        return NotSent(message, should_retry=False)
    if any(isinstance(cause, NewConnectionError | ConnectTimeoutError) for cause in causes):
        return NotSent("No connection could be made to the server.")
    if isinstance(error, exceptions.InvalidURL | exceptions.InvalidSchema):
        return NotSent("The URL cannot be used.", should_retry=False)
    if any(isinstance(cause, exceptions.Timeout | ReadTimeoutError) for cause in causes):
        return NoResponse("No answer came in time.")
    if isinstance(error, exceptions.ConnectionError | exceptions.ChunkedEncodingError):
        return NoResponse("The connection broke before the answer was whole.")
    return NoResponse(f"The answer could not be read ({type(error).__name__}).")


def _chain(error: Any) -> list[BaseException]:
    """The exceptions that `requests` wrapped, outermost first."""
    chain: list[BaseException] = []
    while isinstance(error, BaseException) and error not in chain:
        chain.append(error)
        inner = getattr(error, "reason", None) or getattr(error, "original_error", None)
        error = inner or (error.args[0] if error.args else None)
    return chain
