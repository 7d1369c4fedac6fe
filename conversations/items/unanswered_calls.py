"""Calls whose output the application has to add: without it, every later response of the conversation fails. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from .blocks import as_map
from .turns import Key, partner_of

Item = Mapping[str, Any]

# For all other types, OpenAI or an MCP server adds the output.
APPLICATION_CALLS = (
    *("function_call", "custom_tool_call", "computer_call"),
    *("local_shell_call", "shell_call", "apply_patch_call"),
)


def is_call(item: Any) -> bool:
    """Whether an item is a call whose output the application adds."""
    return isinstance(item, Mapping) and item.get("type") in APPLICATION_CALLS


def needs_output(item: Any) -> bool:
    """Whether responses fail as long as this item has no output."""
    # Not yet if it's still being generated, and not at all if it's asynchronous or runs in OpenAI's container.
    if not is_call(item) or item.get("status") == "in_progress" or item.get("async") is True:
        return False
    return as_map(item.get("environment")).get("type") != "container_reference"


class Unanswered:
    """Finds the calls without an output among items that are read page by page, in any order."""

    def __init__(self) -> None:
        self._calls: list[tuple[Key, Item]] = []
        self._with_output: set[Key] = set()

    def read(self, items: Iterable[Any]) -> None:
        for item in items:
            partner = partner_of(item)
            if partner is None:
                continue
            if not partner.is_later:  # its partner is a call, so the item is an output
                self._with_output.add(partner.key)
            elif needs_output(item):
                self._calls.append((partner.key, item))

    @property
    def calls(self) -> list[Item]:
        """The calls without an output so far, in the order in which they were read."""
        return [item for key, item in self._calls if key not in self._with_output]
