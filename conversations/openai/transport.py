"""A `requests` session with a total deadline, without redirects, cookies and settings from the environment.

The timeout of `requests` limits each wait for the socket, so a response that drips a byte per second never ends. Here
the deadline is checked before each read of the socket, for status line, headers and body alike.
"""

import io
import logging
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests import exceptions
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, check_header_validity
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from .errors import NoResponse, NotSent, OpenAIError, TooLarge

CONNECT_TIMEOUT = 5.0  # seconds
MAX_RESPONSE_BYTES = 32 * 1024 * 1024
MAX_ERROR_BYTES = 256 * 1024  # read of an error; its message is at the beginning
POOL_SIZE = 64  # open connections per credential: at least as many as a worker sends calls at the same time

_current = threading.local()

# urllib3 logs header lines that it can't parse, and a server may have echoed the key in them.
logging.getLogger("urllib3.connection").addFilter(lambda record: "parse headers" not in record.getMessage())


class Deadline:
    """When all reading in a `with` block has to end. Applies to the current thread."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left; negative once it has passed."""
        return self.at - time.monotonic()

    def __enter__(self) -> "Deadline":
        _current.deadline = self
        return self

    def __exit__(self, *_: object) -> None:
        _current.deadline = None


class _DeadlineReader(io.RawIOBase):
    """The raw stream of a socket, with the rest of the deadline as the timeout of each read."""

    def __init__(self, raw: Any, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline.remaining
        if remaining <= 0:
            raise TimeoutError("The deadline passed while the response was read.")
        self._raw._sock.settimeout(remaining)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    """A response of `http.client` that reads through `_DeadlineReader`, if its thread has a deadline."""

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
    """An adapter whose connections keep the deadline, also through a proxy, and use this SSL context."""

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
    """A session that treats redirects like any other response."""

    # Even with allow_redirects=False, `requests` reads the whole body of a redirect and prepares the next request.
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


# Sent with every request; a credential's own headers replace them.
DEFAULT_HEADERS = {"User-Agent": "Convadmin", "Accept": "application/json"}


def new_session(
    headers: Mapping[str, str] | None = None, *, proxy: str = "", ca_file: str = "", ca_certificates: str = ""
) -> requests.Session:
    """A session that ignores `.netrc` and proxy variables, drops cookies, and uses `proxy` if there is one.

    It sends DEFAULT_HEADERS and `headers` with every request. Besides the public certificate authorities, it trusts
    those in `ca_file` and in `ca_certificates` (PEM). Raises OSError if they can't be read; ssl.SSLError is a subclass.
    """
    context = _context(ca_file, ca_certificates) if ca_file or ca_certificates else None
    session = _Session()
    session.trust_env = False
    session.headers = CaseInsensitiveDict({**DEFAULT_HEADERS, **(headers or {})})
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", _DeadlineAdapter(context, pool_maxsize=POOL_SIZE))
    session.mount("http://", _DeadlineAdapter(pool_maxsize=POOL_SIZE))
    return session


def _context(ca_file: str, ca_certificates: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    context.load_verify_locations(cafile=ca_file or None, cadata=ca_certificates or None)
    return context


def send(
    session: requests.Session, method: str, url: str, deadline: Deadline, **request: Any
) -> tuple[int, dict[str, str], bytes]:
    """Send one request; returns status, headers (names in lower case) and body.

    Raises NotSent if nothing can have happened, NoResponse if there's no complete response before the deadline, and
    TooLarge if the response is larger than MAX_RESPONSE_BYTES or wrongly compressed.
    """
    # Raised here instead of in an `except` block: its context would hold the request, whose headers contain the key.
    response = _response_or_error(session, method, url, deadline, **request)
    if isinstance(response, OpenAIError):
        raise response
    return response


def _response_or_error(
    session: requests.Session, method: str, url: str, deadline: Deadline, **request: Any
) -> tuple[int, dict[str, str], bytes] | OpenAIError:
    try:
        prepared = _prepared(session, requests.Request(method, url, **request))
    except (requests.RequestException, ValueError) as error:
        return NotSent(f"The request can’t be sent ({type(error).__name__}).", should_retry=False)
    try:
        with deadline:
            return _send(session, prepared, deadline)
    except requests.RequestException as error:
        return _failure(error)
    except (OSError, ValueError, HTTPError) as error:
        return NoResponse(f"The response was cut off ({type(error).__name__}).")


def _prepared(session: requests.Session, request: requests.Request) -> requests.PreparedRequest:
    """The prepared request. Raises ValueError for invalid headers."""
    prepared = session.prepare_request(request)
    # Checked before the connection is made. Otherwise it would fail while sending, and may_have_happened be true.
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
        # The real response follows an interim one (1xx); it's dropped together with the connection.
        body = b"" if response.status_code < 200 else b"".join(_read(response))
        headers = {name.lower(): value for name, value in response.headers.items()}
    return response.status_code, headers, body


def _read(response: requests.Response) -> list[bytes]:
    is_error = response.status_code >= 400
    chunks, size = [], 0
    for chunk in response.iter_content(64 * 1024):
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise exceptions.ContentDecodingError("too large")
        chunks.append(chunk)
        if size > MAX_ERROR_BYTES and is_error:
            break
    return chunks


def _failure(error: requests.RequestException) -> OpenAIError:
    """The OpenAIError for an exception of `requests`. What matters is whether a connection was made."""
    causes = _chain(error)
    if isinstance(error, exceptions.ContentDecodingError):
        return TooLarge("The response is too large or wrongly compressed.")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        message = (
            "Convadmin couldn’t connect securely: it doesn’t trust the server’s certificate. If your own authority "
            "signed it, add the authority’s certificate to the credential’s “Certificates of private authorities”, or "
            "name its file in OPENAI_CA_FILE."
        )
        return NotSent(message, should_retry=False)
    if any(isinstance(cause, NewConnectionError | ConnectTimeoutError) for cause in causes):
        return NotSent("Convadmin couldn’t connect to the server.")
    if isinstance(error, exceptions.InvalidURL | exceptions.InvalidSchema):
        return NotSent("This URL can’t be used.", should_retry=False)
    if any(isinstance(cause, exceptions.Timeout | ReadTimeoutError) for cause in causes):
        return NoResponse("No response came in time.")
    if isinstance(error, exceptions.ConnectionError | exceptions.ChunkedEncodingError):
        return NoResponse("The connection was lost before the response was complete.")
    return NoResponse(f"The response couldn’t be read ({type(error).__name__}).")


def _chain(error: Any) -> list[BaseException]:
    """An exception and those that it wraps, outermost first."""
    # `requests` and urllib3 wrap exceptions as arguments or attributes, not as `__cause__`.
    chain: list[BaseException] = []
    while isinstance(error, BaseException) and error not in chain:
        chain.append(error)
        inner = getattr(error, "reason", None) or getattr(error, "original_error", None)
        error = inner or (error.args[0] if error.args else None)
    return chain
