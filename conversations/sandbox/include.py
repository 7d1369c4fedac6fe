"""The fields that a read answers only to who asks for them by `include`."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .items import Item


@dataclass(frozen=True)
class _Parts:
    """A step of a path: into each part of this type that a list holds."""

    kind: str


_ABSENT = object()  # the field is left out; any other value stands in its place, as at OpenAI
# By the names that `include` takes: the type of item, the path to the field, and what is answered in its place.
_OPTIONAL: dict[str, tuple[str, tuple[str | _Parts, ...], Any]] = {
    "file_search_call.results": ("file_search_call", ("results",), None),
    "web_search_call.results": ("web_search_call", ("results",), _ABSENT),
    "web_search_call.action.sources": ("web_search_call", ("action", "sources"), _ABSENT),
    "message.input_image.image_url": ("message", ("content", _Parts("input_image"), "image_url"), None),
    "computer_call_output.output.image_url": ("computer_call_output", ("output", "image_url"), _ABSENT),
    "code_interpreter_call.outputs": ("code_interpreter_call", ("outputs",), None),
    "reasoning.encrypted_content": ("reasoning", ("encrypted_content",), _ABSENT),
    "message.output_text.logprobs": ("message", ("content", _Parts("output_text"), "logprobs"), []),
}
INCLUDABLE = tuple(_OPTIONAL)


def included(item: Item, names: Collection[str]) -> Item:
    """The item without the optional fields that none of the `include` names asks for; the given one stays whole."""
    answered = item
    for name, (kind, path, instead) in _OPTIONAL.items():
        if name not in names and item.get("type") == kind:
            answered = _without(answered, path, instead)
    return answered


def _without(value: Any, path: tuple[str | _Parts, ...], instead: Any) -> Any:
    """A copy with the field at the end of the path replaced or left out; a value without it stays as it is."""
    step, rest = path[0], path[1:]
    if isinstance(step, _Parts):
        return _in_parts(value, step.kind, rest, instead)
    if not isinstance(value, dict) or step not in value:
        return value
    if rest:
        return {**value, step: _without(value[step], rest, instead)}
    if instead is _ABSENT:
        return {name: kept for name, kept in value.items() if name != step}
    return {**value, step: instead}


def _in_parts(parts: Any, kind: str, path: tuple[str | _Parts, ...], instead: Any) -> Any:
    if not isinstance(parts, list):
        return parts
    return [
        _without(part, path, instead) if isinstance(part, dict) and part.get("type") == kind else part for part in parts
    ]
