"""Calls that the application has to answer: without their outputs OpenAI refuses each later response. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from .blocks import as_map
from .turns import Key, partner_of

Item = Mapping[str, Any]

# Their outputs come from the application; those of the other calls from OpenAI or from the server that it asks.
ANSWERED_BY_APPLICATION = (
    *("function_call", "custom_tool_call", "computer_call"),
    *("local_shell_call", "shell_call", "apply_patch_call"),
)


def is_call(item: Any) -> bool:
    """Whether it is a call of a type that the application answers."""
    return isinstance(item, Mapping) and item.get("type") in ANSWERED_BY_APPLICATION


def needs_output(item: Any) -> bool:
    """Whether a response fails for want of its output. One that is still being written, that runs beside the
    conversation, or that OpenAI runs in a container of its own may do without."""
    if not is_call(item) or item.get("status") == "in_progress" or item.get("async") is True:
        return False
    return as_map(item.get("environment")).get("type") != "container_reference"


class Unanswered:
    """The calls without an output among the items that were read so far, in any order."""

    def __init__(self) -> None:
        self._calls: list[tuple[Key, Item]] = []
        self._answered: set[Key] = set()

    def read(self, items: Iterable[Any]) -> None:
        """Take note of some items."""
        for item in items:
            half = partner_of(item)
            if half is None:
                continue
            if not half.is_later:
                self._answered.add(half.key)
            elif needs_output(item):
                self._calls.append((half.key, item))

    @property
    def calls(self) -> list[Item]:
        """Those that have none, in the order in which they were read."""
        return [item for key, item in self._calls if key not in self._answered]
