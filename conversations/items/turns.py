"""Pairs calls with their outputs, by the id that both have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .kinds import DisplayedItem, displayed

Item = Any  # an entry of a list, which may not be an object
Key = tuple[str, str]  # the type of a call, and the id that the call shares with its outputs

_CALL_OF = {
    "function_call_output": "function_call",
    "custom_tool_call_output": "custom_tool_call",
    "computer_call_output": "computer_call",
    "tool_search_output": "tool_search_call",
    "program_output": "program",
    "local_shell_call_output": "local_shell_call",
    "shell_call_output": "shell_call",
    "apply_patch_call_output": "apply_patch_call",
    "mcp_approval_response": "mcp_approval_request",
}
_ID_FIELDS = {  # the fields with the shared id, if it isn't in `call_id`
    "mcp_approval_request": ("id",),
    "mcp_approval_response": ("approval_request_id",),
    "local_shell_call_output": ("call_id", "id"),  # OpenAI's guide has the first, its reference the second
}
_CALLS = frozenset(_CALL_OF.values())


@dataclass(frozen=True)
class Turn:
    """An item; if it's a call, with its outputs.

    lacks: "output" for a call whose output isn't among the items, "call" for an output without its call, else "".
    """

    item: DisplayedItem
    outputs: tuple[DisplayedItem, ...] = ()
    lacks: str = ""

    @property
    def items(self) -> tuple[DisplayedItem, ...]:
        return (self.item, *self.outputs)


@dataclass(frozen=True)
class Partner:
    """What to look for to complete a call or an output."""

    key: Key
    is_later: bool  # it's the output, which comes after the call

    def matches(self, item: Item) -> bool:
        return _key(item) == self.key and _is_output(item) == self.is_later


def turns(items: Iterable[Item]) -> list[Turn]:
    """The items in their order. Each output moves to its call, if that is among them."""
    listed = list(items)
    calls = {key for item in listed if not _is_output(item) and (key := _key(item)) is not None}
    outputs: dict[Key, list[DisplayedItem]] = {}
    made: list[tuple[Turn, Key | None]] = []
    for item in listed:
        key = _key(item)
        if key is not None and key in calls and _is_output(item):
            outputs.setdefault(key, []).append(displayed(item))
        else:
            lacks = "" if key is None else "call" if _is_output(item) else "output"
            made.append((Turn(displayed(item), lacks=lacks), key))
    taken: set[Key] = set()  # if two calls have the same id, the first gets the outputs
    return [_with_outputs(turn, key, outputs, taken) for turn, key in made]


def _with_outputs(turn: Turn, key: Key | None, outputs: Mapping[Key, list[DisplayedItem]], taken: set[Key]) -> Turn:
    if key is None or key in taken or key not in outputs:
        return turn
    taken.add(key)
    return replace(turn, outputs=tuple(outputs[key]), lacks="")


def partner_of(item: Item) -> Partner | None:
    """The output that belongs to a call, or the call that belongs to an output; None for any other item."""
    key = _key(item)
    return Partner(key, is_later=not _is_output(item)) if key is not None else None


def _is_output(item: Item) -> bool:
    return isinstance(item, Mapping) and str(item.get("type")) in _CALL_OF


def _key(item: Item) -> Key | None:
    if not isinstance(item, Mapping):
        return None
    kind = str(item.get("type"))
    call = _CALL_OF.get(kind, kind)
    if call not in _CALLS:
        return None
    shared = next(filter(None, map(item.get, _ID_FIELDS.get(kind, ("call_id",)))), None)
    return (call, shared) if isinstance(shared, str) else None
