"""HTTP requests and responses as values, and the bytes of a response."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .errors import ApiError, bad_request

API_PREFIX = "/v1"


@dataclass(frozen=True)
class Request:
    """A request. target: percent-encoded; headers: with names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def full_path(self) -> str:
        """The path, percent-encoded, without the query."""
        target = self.target if self.target.startswith("/") else urlsplit(self.target).path
        return target.partition("?")[0]

    @cached_property
    def path(self) -> str:
        """The path after `/v1`, or the whole path outside of `/v1`."""
        return self.full_path.removeprefix(API_PREFIX) if self.is_for_api else self.full_path

    @property
    def is_for_api(self) -> bool:
        return self.full_path.startswith(f"{API_PREFIX}/")

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The segments of `path`, percent-decoded. An id may contain an encoded slash."""
        return tuple(unquote(part) for part in self.path.split("/")[1:])

    @cached_property
    def query(self) -> dict[str, list[str]]:
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.target.partition("?")[2], keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return query

    @cached_property
    def document(self) -> Any:
        """The JSON value of the body, None if it's empty. Raises ApiError (`invalid_json`)."""
        if not self.body:
            return None
        try:
            return json.loads(self.body.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise bad_request("The body of the request is no valid JSON.", "invalid_json", None) from error

    @property
    def bearer_key(self) -> str | None:
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True)
class Response:
    """A response. Its body is `raw` or, without that, the JSON of `document`."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    changed: bool = False

    @classmethod
    def from_error(cls, error: ApiError) -> "Response":
        return cls(error.status, error.document, error.headers)

    @cached_property
    def body(self) -> bytes:
        # Escapes keep lone surrogates, which UTF-8 can't encode.
        return json.dumps(self.document).encode("ascii") if self.raw is None else self.raw


def encode_head(response: Response, headers: Mapping[str, str | None]) -> bytes:
    """The status line and headers. `headers` override those of the response, and None removes one."""
    lines: dict[str, str | None] = {
        "content-type": "application/json",
        "content-length": str(len(response.body)),
        **response.headers,
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {response.status} {_reason(response.status)}\r\n{text}\r\n".encode("latin-1", "replace")


def has_body(request: Request, response: Response) -> bool:
    """Whether HTTP allows a body in this response."""
    return request.method != "HEAD" and response.status >= 200 and response.status not in (204, 304)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
