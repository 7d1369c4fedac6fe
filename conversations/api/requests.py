"""What requests of the API may hold. Each problem is an ApiError that names the field."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from ..openai.ids import MAX_ID_LENGTH, is_legal_id
from ..openai.objects import unix_seconds
from ..query import Query, parse_bounded
from ..services.registrations import Registration
from .responses import ApiError

MAX_REGISTRATIONS = 1_000  # in one request
MAX_METADATA = 64 * 1024  # characters of JSON of one conversation
MAX_LIMIT = 100


def read_registrations(request: HttpRequest) -> list[Registration]:
    """The conversations in the body: one object, or a list of up to 1,000."""
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body isn't valid JSON.", code="invalid_json") from None
    if isinstance(content, dict):
        return [_registration(content, "")]
    if not isinstance(content, list):
        raise ApiError(400, "Send an object with an id, or a list of such objects.", code="invalid_type")
    if len(content) > MAX_REGISTRATIONS:
        message = f"The list has {len(content):,} conversations. Send at most {MAX_REGISTRATIONS:,} at once."
        raise ApiError(400, message, code="array_above_max_length")
    return [_registration(entry, f"[{number}].") for number, entry in enumerate(content)]


def read_query(request: HttpRequest) -> Query:
    """The search in `q`; without one, everything matches."""
    query = parse_bounded(request.GET.get("q", ""))
    refuse_problems(query)
    return query


def refuse_problems(query: Query) -> None:
    """Raise a 400 for a search that isn't understood (R24)."""
    for problem in query.problems:
        raise ApiError(400, f"{problem.text} isn't understood. {problem.message}", code="invalid_query", param="q")


def read_limit(request: HttpRequest) -> int:
    """The number of conversations that a page may have: 20 by default."""
    text = request.GET.get("limit", "20")
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:6]) <= MAX_LIMIT:
        message = f"Invalid 'limit': send a number from 1 to {MAX_LIMIT}."
        raise ApiError(400, message, code="invalid_value", param="limit")
    return int(text)


def _registration(entry: Any, place: str) -> Registration:
    if not isinstance(entry, dict):
        raise ApiError(400, "Send an object with an id.", code="invalid_type", param=place.rstrip(".") or None)
    return Registration(_id(entry, place), _metadata(entry, place), _created_at(entry, place))


def _id(entry: Mapping[str, Any], place: str) -> str:
    value = entry.get("id")
    if not isinstance(value, str) or not is_legal_id(value):
        message = f"Invalid 'id': send the id of a conversation, of at most {MAX_ID_LENGTH} characters."
        raise ApiError(400, message, code="invalid_value", param=f"{place}id")
    return value


def _metadata(entry: Mapping[str, Any], place: str) -> dict[str, Any] | None:
    value = entry.get("metadata")
    if value is not None and not isinstance(value, dict):
        raise ApiError(400, "Invalid 'metadata': send an object.", code="invalid_type", param=f"{place}metadata")
    if value is not None and len(json.dumps(value)) > MAX_METADATA:
        message = f"Invalid 'metadata': it has more than {MAX_METADATA:,} characters."
        raise ApiError(400, message, code="string_above_max_length", param=f"{place}metadata")
    return value


def _created_at(entry: Mapping[str, Any], place: str) -> int | None:
    value = entry.get("created_at")
    seconds = unix_seconds(value)
    if value is not None and seconds is None:
        message = "Invalid 'created_at': send Unix seconds."
        raise ApiError(400, message, code="invalid_type", param=f"{place}created_at")
    return seconds
