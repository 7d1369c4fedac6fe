"""The fields that a read returns only if `include` asks for them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .items import Item


@dataclass(frozen=True)
class _Parts:
    """A step of a path: into each part of this type in a list."""

    kind: str


_ABSENT = object()  # the field is left out instead of replaced by a value
# By name in `include`: the type of item, the path to the field, and what replaces it otherwise, as at OpenAI.
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
    """The item without the optional fields that aren't in `names`. `item` itself stays whole."""
    reduced = item
    for name, (kind, path, replacement) in _OPTIONAL.items():
        if name not in names and item.get("type") == kind:
            reduced = _without(reduced, path, replacement)
    return reduced


def _without(value: Any, path: tuple[str | _Parts, ...], replacement: Any) -> Any:
    """A copy with the field at the end of the path replaced or left out. A value without that field stays as it is."""
    step, rest = path[0], path[1:]
    if isinstance(step, _Parts):
        return _in_parts(value, step.kind, rest, replacement)
    if not isinstance(value, dict) or step not in value:
        return value
    if rest:
        return {**value, step: _without(value[step], rest, replacement)}
    if replacement is _ABSENT:
        return {name: kept for name, kept in value.items() if name != step}
    return {**value, step: replacement}


def _in_parts(parts: Any, kind: str, path: tuple[str | _Parts, ...], replacement: Any) -> Any:
    if not isinstance(parts, list):
        return parts
    return [
        _without(part, path, replacement) if isinstance(part, dict) and part.get("type") == kind else part
        for part in parts
    ]
