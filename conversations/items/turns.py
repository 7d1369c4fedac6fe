"""Items as they are read: a call with its output beside it, told by the id that both bear."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .kinds import DisplayedItem, displayed

Item = Any  # what a list holds, be it an item or not
Key = tuple[str, str]

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
_SHARED = {  # the fields that bear the id in common, where it is not the call's alone
    "mcp_approval_request": ("id",),
    "mcp_approval_response": ("approval_request_id",),
    "local_shell_call_output": ("call_id", "id"),  # the API's reference documents the second
}
_CALLS = frozenset(_CALL_OF.values())


@dataclass(frozen=True)
class Turn:
    """An item, with what it was answered where it is a call."""

    item: DisplayedItem
    outputs: tuple[DisplayedItem, ...] = ()

    @property
    def items(self) -> tuple[DisplayedItem, ...]:
        """The item and its outputs."""
        return (self.item, *self.outputs)


@dataclass(frozen=True)
class Partner:
    """The other half of a call and its output."""

    key: Key
    is_later: bool  # it is the output, which comes after the call

    def is_met_by(self, item: Item) -> bool:
        """Whether this is it."""
        return _key(item) == self.key and _is_output(item) == self.is_later


def turns(items: Iterable[Item]) -> list[Turn]:
    """The items in their order, each output with its call where that is among them."""
    listed = list(items)
    calls = {key for item in listed if not _is_output(item) and (key := _key(item)) is not None}
    outputs: dict[Key, list[DisplayedItem]] = {}
    made: list[tuple[Turn, Key | None]] = []
    for item in listed:
        key = _key(item)
        if key is not None and key in calls and _is_output(item):
            outputs.setdefault(key, []).append(displayed(item))
        else:
            made.append((Turn(displayed(item)), key))
    taken: set[Key] = set()  # two calls may bear one id; the first has the output
    return [_with_outputs(turn, key, outputs, taken) for turn, key in made]


def _with_outputs(turn: Turn, key: Key | None, outputs: Mapping[Key, list[DisplayedItem]], taken: set[Key]) -> Turn:
    if key is None or key in taken or key not in outputs:
        return turn
    taken.add(key)
    return replace(turn, outputs=tuple(outputs[key]))


def partner_of(item: Item) -> Partner | None:
    """What to look for as the other half of a call or an output; None for an item that is neither."""
    key = _key(item)
    return Partner(key, is_later=not _is_output(item)) if key is not None else None


def _is_output(item: Item) -> bool:
    return isinstance(item, Mapping) and str(item.get("type")) in _CALL_OF


def _key(item: Item) -> Key | None:
    """The type of the call, and the id that it shares with its output."""
    if not isinstance(item, Mapping):
        return None
    kind = str(item.get("type"))
    call = _CALL_OF.get(kind, kind)
    if call not in _CALLS:
        return None
    shared = next(filter(None, map(item.get, _SHARED.get(kind, ("call_id",)))), None)
    return (call, shared) if isinstance(shared, str) else None
