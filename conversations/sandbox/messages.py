"""One HTTP request and one answer as plain values, and their translation from and to bytes."""

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
    """A request as it was sent: `target` is percent-encoded, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def full_path(self) -> str:
        """The path of the target, percent-encoded, without the query."""
        target = self.target if self.target.startswith("/") else urlsplit(self.target).path
        return target.partition("?")[0]

    @cached_property
    def path(self) -> str:
        """The path after `/v1`; a path outside `/v1` is left whole."""
        return self.full_path.removeprefix(API_PREFIX) if self.is_for_api else self.full_path

    @property
    def is_for_api(self) -> bool:
        """Whether the path lies under `/v1`."""
        return self.full_path.startswith(f"{API_PREFIX}/")

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The parts of `path` between slashes, each percent-decoded on its own."""
        return tuple(unquote(part) for part in self.path.split("/")[1:])

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query parameters, each with all of its values in the order sent."""
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.target.partition("?")[2], keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return query

    @cached_property
    def document(self) -> Any:
        """The JSON value of the body, None for an empty one; raises ApiError (`invalid_json`)."""
        if not self.body:
            return None
        try:
            return json.loads(self.body.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise bad_request("The body of the request is no valid JSON.", "invalid_json", None) from error

    @property
    def bearer_key(self) -> str | None:
        """The key of the Authorization header, None if there is none."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True)
class Response:
    """An answer: `raw` bytes are sent as they are, else the JSON of `document`."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    changed: bool = False

    @classmethod
    def refusal(cls, error: ApiError) -> "Response":
        """The answer that an error stands for."""
        return cls(error.status, error.document, error.headers)

    @cached_property
    def body(self) -> bytes:
        """The bytes of the body; non-ASCII characters are escaped, so lone surrogates survive."""
        return json.dumps(self.document).encode("ascii") if self.raw is None else self.raw


def encode_head(response: Response, headers: Mapping[str, str | None]) -> bytes:
    """The status line and all headers; those given win, and one that is None is left out."""
    lines: dict[str, str | None] = {
        "content-type": "application/json",
        "content-length": str(len(response.body)),
        **response.headers,
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {response.status} {_reason(response.status)}\r\n{text}\r\n".encode("latin-1", "replace")


def has_body(request: Request, response: Response) -> bool:
    """Whether HTTP lets this answer have a body at all."""
    return request.method != "HEAD" and response.status >= 200 and response.status not in (204, 304)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
