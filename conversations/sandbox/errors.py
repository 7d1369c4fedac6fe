"""Errors in OpenAI's format: `{"error": {"message", "type", "param", "code"}}`."""

from collections.abc import Mapping
from typing import Any

INVALID_REQUEST = "invalid_request_error"


class ApiError(Exception):
    """An error response. `code` and `param` may be None, as at OpenAI."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = INVALID_REQUEST,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.document: dict[str, Any] = {"error": {"message": message, "type": type, "param": param, "code": code}}


def bad_request(message: str, code: str, param: str | None) -> ApiError:
    """A 400; `param` names the invalid field."""
    return ApiError(400, message, code=code, param=param)


def invalid_type(param: str, expected: str, value: object) -> ApiError:
    """A 400 for a field of the wrong JSON type; `expected` is something like "a string"."""
    message = f"Invalid type for '{param}': {expected} is expected, but {describe(value)} was sent."
    return bad_request(message, "invalid_type", param)


def invalid_value(param: str, value: str, supported: tuple[str, ...]) -> ApiError:
    """A 400 for a string that isn't one of the supported values."""
    choices = ", ".join(f"'{choice}'" for choice in supported)
    message = f"Invalid value for '{param}': '{value}' is none of the supported values: {choices}."
    return bad_request(message, "invalid_value", param)


def missing_parameter(param: str) -> ApiError:
    """A 400 for a missing field."""
    return bad_request(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)


def unknown_parameter(param: str) -> ApiError:
    """A 400 for a field or query parameter that the call doesn't have."""
    return bad_request(f"Unknown parameter: '{param}'.", "unknown_parameter", param)


def not_found(what: str, id: str) -> ApiError:
    """A 404 for an id that is unknown or deleted. Its code is null, as at OpenAI."""
    return ApiError(404, f"{what} with id '{id}' not found.")


def describe(value: object) -> str:
    """The JSON type of a value, with an article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "a string",
        int: "an integer",
        float: "a number",
    }
    return names[type(value)]
