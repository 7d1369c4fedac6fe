"""Refusals in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from collections.abc import Mapping
from typing import Any

INVALID_REQUEST = "invalid_request_error"


class ApiError(Exception):
    """An answer that is no success; `code` and `param` may be None, as they may be at OpenAI."""

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
    """The 400 for a request that breaks a rule; `param` names the field at fault."""
    return ApiError(400, message, code=code, param=param)


def invalid_type(param: str, expected: str, value: object) -> ApiError:
    """The 400 for a field of the wrong JSON type; `expected` reads like "a string"."""
    message = f"Invalid type for '{param}': {expected} is expected, but {describe(value)} was sent."
    return bad_request(message, "invalid_type", param)


def invalid_value(param: str, value: str, supported: tuple[str, ...]) -> ApiError:
    """The 400 for a string that is none of the supported values."""
    choices = ", ".join(f"'{choice}'" for choice in supported)
    message = f"Invalid value for '{param}': '{value}' is none of the supported values: {choices}."
    return bad_request(message, "invalid_value", param)


def missing_parameter(param: str) -> ApiError:
    """The 400 for a required field that was left out."""
    return bad_request(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)


def unknown_parameter(param: str) -> ApiError:
    """The 400 for a field that the call does not know."""
    return bad_request(f"Unknown parameter: '{param}'.", "unknown_parameter", param)


def not_found(what: str, id: str) -> ApiError:
    """The 404 for an id that is unknown or deleted; its code is null, as at OpenAI."""
    return ApiError(404, f"{what} with id '{id}' not found.")


def describe(value: object) -> str:
    """Name the JSON type of a value, with its article, for an error message."""
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
