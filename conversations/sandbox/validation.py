"""OpenAI's limits on requests. Every function raises a 400 if they aren't met."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..metadata import MAX_KEY_LENGTH, MAX_PAIRS, MAX_VALUE_LENGTH
from .errors import bad_request, invalid_type, invalid_value, missing_parameter, unknown_parameter
from .include import INCLUDABLE
from .items import Item

MAX_ITEMS = 20
MAX_LIMIT = 100
DEFAULT_LIMIT = 20
ORDERS = ("asc", "desc")
INCLUDE_PARAMETERS = ("include", "include[]")
ROLES = ("user", "assistant", "system", "developer")

_MESSAGE_FIELDS = ("type", "role", "content", "id", "status", "phase")
_ASSISTANT_PARTS = ("output_text", "refusal")
_OTHER_PARTS = ("input_text", "input_image", "input_file")
_DETAILS = {"input_image": ("low", "high", "auto", "original"), "input_file": ("low", "high", "auto")}
_TEXT_FIELDS = {"output_text": "text", "refusal": "refusal", "input_text": "text"}


def read_fields(document: Any, known: Collection[str]) -> dict[str, Any]:
    """The top-level fields of a body, which may be empty."""
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise bad_request("The body of the request must be a JSON object.", "invalid_type", None)
    refuse_unknown(document, known)
    return document


def refuse_unknown(names: Collection[str], known: Collection[str], prefix: str = "") -> None:
    """Raise for the first unknown name."""
    for name in names:
        if name not in known:
            raise unknown_parameter(f"{prefix}{name}")


def read_metadata(value: Any, *, nulls: bool = False) -> dict[str, str | None]:
    """The metadata in a request. `nulls`: a value may be null, which removes its key."""
    if not isinstance(value, dict):
        raise invalid_type("metadata", "an object", value)
    check_pair_count(value)
    for key, text in value.items():
        _check_key(key)
        if not (nulls and text is None):
            _check_value(key, text)
    return value


def check_pair_count(metadata: Mapping[str, Any]) -> None:
    """Raise if there are more pairs than a conversation may have."""
    if len(metadata) > MAX_PAIRS:
        message = f"Invalid 'metadata': at most {MAX_PAIRS} properties are allowed, but it has {len(metadata)}."
        raise bad_request(message, "object_above_max_properties", "metadata")


def _check_key(key: str) -> None:
    if len(key) > MAX_KEY_LENGTH:
        message = (
            f"Invalid property name in 'metadata': '{key}' has {len(key)} characters, "
            f"but at most {MAX_KEY_LENGTH} are allowed."
        )
        raise bad_request(message, "property_name_above_max_length", "metadata")


def _check_value(key: str, value: Any) -> None:
    param = f"metadata.{key}"
    if not isinstance(value, str):
        raise invalid_type(param, "a string", value)
    if len(value) > MAX_VALUE_LENGTH:
        message = (
            f"Invalid '{param}': the string has {len(value)} characters, but at most {MAX_VALUE_LENGTH} are allowed."
        )
        raise bad_request(message, "string_above_max_length", param)


def read_items(value: Any) -> list[Item]:
    """The items in a request, without ids, which the store assigns."""
    if not isinstance(value, list):
        raise invalid_type("items", "an array", value)
    if len(value) > MAX_ITEMS:
        message = f"Invalid 'items': at most {MAX_ITEMS} are allowed at a time, but {len(value)} were sent."
        raise bad_request(message, "array_above_max_length", "items")
    for index, item in enumerate(value):
        _check_item(item, f"items[{index}]")
    return [{name: field for name, field in item.items() if name != "id"} for item in value]


def _check_item(item: Any, param: str) -> None:
    if not isinstance(item, dict):
        raise invalid_type(param, "an object", item)
    if _read_string(item, "type", param, default="message") == "message":
        refuse_unknown(item, _MESSAGE_FIELDS, f"{param}.")
        _check_message(item, param)


def _check_message(item: Item, param: str) -> None:
    role = _read_string(item, "role", param)
    if role not in ROLES:
        raise invalid_value(f"{param}.role", role, ROLES)
    if "content" not in item:
        raise missing_parameter(f"{param}.content")
    content = item["content"]
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise invalid_type(f"{param}.content", "a string or an array", content)
    for index, part in enumerate(content):
        _check_part(part, role, f"{param}.content[{index}]")


def _check_part(part: Any, role: str, param: str) -> None:
    if not isinstance(part, dict):
        raise invalid_type(param, "an object", part)
    kind = _read_string(part, "type", param)
    supported = _ASSISTANT_PARTS if role == "assistant" else _OTHER_PARTS
    if kind not in supported:
        raise invalid_value(f"{param}.type", kind, supported)
    if kind in _TEXT_FIELDS:
        _read_string(part, _TEXT_FIELDS[kind], param)
    detail = part.get("detail", "auto")
    if kind in _DETAILS and detail not in _DETAILS[kind]:
        raise invalid_value(f"{param}.detail", str(detail), _DETAILS[kind])


def _read_string(holder: Mapping[str, Any], name: str, param: str, default: str | None = None) -> str:
    if name not in holder:
        if default is None:
            raise missing_parameter(f"{param}.{name}")
        return default
    value = holder[name]
    if not isinstance(value, str):
        raise invalid_type(f"{param}.{name}", "a string", value)
    return value


def read_limit(text: str | None) -> int:
    """The page size of a list: 1 to 100, by default 20."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 20):
        raise invalid_type("limit", "an integer", text)
    limit = int(text)
    if limit < 1:
        message = f"Invalid 'limit': it must be at least 1, but {limit} was sent."
        raise bad_request(message, "integer_below_min_value", "limit")
    if limit > MAX_LIMIT:
        message = f"Invalid 'limit': it must be at most {MAX_LIMIT}, but {limit} was sent."
        raise bad_request(message, "integer_above_max_value", "limit")
    return limit


def read_order(text: str | None) -> str:
    """The order of a list, by default newest first (`desc`)."""
    if text is None:
        return "desc"
    if text not in ORDERS:
        raise invalid_value("order", text, ORDERS)
    return text


def read_include(query: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The optional fields that a read asks for."""
    names = [name for parameter in INCLUDE_PARAMETERS for name in query.get(parameter, ())]
    for name in names:
        if name not in INCLUDABLE:
            raise invalid_value("include", name, INCLUDABLE)
    return frozenset(names)
