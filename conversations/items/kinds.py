"""What each type of item holds, as blocks. Each function takes an item of its type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import tools
from .blocks import Block, as_json, as_list, as_text, text, thing
from .parts import content

Item = Mapping[str, Any]

ROLES = ("user", "assistant", "system", "developer")
QUIET_STATUSES = ("", "completed")


@dataclass(frozen=True)
class DisplayedItem:
    """An item, ready to be shown.

    label: its role or type in words; kind: what its look goes by, a role or `tool`; name: of the function, tool or
    server; status: "" where there is none; facts: names and values that stand beside; is_known: whether its type is.
    """

    id: str
    type: str
    label: str
    kind: str
    name: str
    status: str
    call_id: str
    blocks: tuple[Block, ...]
    facts: tuple[tuple[str, str], ...] = ()
    is_known: bool = True

    @property
    def text(self) -> str:
        """All that it says, without what stands around it."""
        return "\n\n".join(block.text for block in self.blocks)


@dataclass(frozen=True)
class _Kind:
    """How the items of a type are shown; `name`: fields that name it; `facts`: fields that stand beside it."""

    label: str
    blocks: Callable[[Item], list[Block]]
    name: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


def displayed(item: Item) -> DisplayedItem:
    """One item, ready to be shown."""
    kind_of_item = as_text(item.get("type"))
    if kind_of_item == "message" and (shown := _message(item)) is not None:
        return shown
    known = _KINDS.get(kind_of_item)
    blocks = known.blocks(item) if known else [Block("code", as_json(item))]
    return DisplayedItem(
        id=as_text(item.get("id")),
        type=kind_of_item,
        label=known.label if known else kind_of_item.replace("_", " ").capitalize() or "Item",
        kind="tool",
        name=" · ".join(filter(None, (as_text(item.get(name)) for name in known.name))) if known else "",
        status=as_text(item.get("status")) if known else "",
        call_id=as_text(item.get("call_id")) if known else "",
        blocks=tuple(blocks or [Block("code", as_json(item))]),
        facts=_facts(item, known.facts) if known else (),
        is_known=known is not None,
    )


def _message(item: Item) -> DisplayedItem | None:
    """A message, unless its content is neither text nor parts."""
    if not isinstance(item.get("content"), str | list):
        return None
    role = as_text(item.get("role"))
    return DisplayedItem(
        id=as_text(item.get("id")),
        type="message",
        label=role.capitalize() or "Message",
        kind=role if role in ROLES else "tool",
        name="",
        status="" if item.get("status") in QUIET_STATUSES else as_text(item.get("status")),
        call_id="",
        blocks=tuple(content(item["content"])),
        facts=_facts(item, ("phase",)),
    )


def _facts(item: Item, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", " "), shown) for name in names if (shown := as_text(item.get(name))))


def _reasoning(item: Item) -> list[Block]:
    parts = [*content(item.get("summary")), *content(item.get("content"))]
    return [*parts, *_encrypted(item)] or [thing("Reasoning without a summary")]


def _encrypted(item: Item) -> list[Block]:
    sealed = as_text(item.get("encrypted_content"))
    return [thing(f"Encrypted content, {len(sealed):,} characters")] if sealed else []


def _compaction(item: Item) -> list[Block]:
    return [thing("Earlier items, put together by OpenAI"), *_encrypted(item)]


def _approval(item: Item) -> list[Block]:
    answer = {True: "Approved", False: "Denied"}.get(item["approve"]) if isinstance(item.get("approve"), bool) else None
    return [*text(answer or as_text(item.get("approve"))), *text(item.get("reason"), "Reason")]


def _tool_list(item: Item) -> list[Block]:
    return [
        *text(item.get("error"), "Error"),
        *(each for tool in as_list(item.get("tools")) for each in tools.tool(tool)),
    ]


_KINDS: dict[str, _Kind] = {
    "function_call": _Kind("Function call", tools.arguments, ("namespace", "name")),
    "function_call_output": _Kind("Function output", tools.output, ("namespace", "name")),
    "custom_tool_call": _Kind("Custom tool call", tools.custom_input, ("namespace", "name")),
    "custom_tool_call_output": _Kind("Custom tool output", tools.output),
    "file_search_call": _Kind("File search", tools.file_search),
    "web_search_call": _Kind("Web search", tools.web_search),
    "image_generation_call": _Kind(
        "Image generation", tools.image_generation, (), ("action", "size", "quality", "background", "output_format")
    ),
    "computer_call": _Kind("Computer call", tools.computer),
    "computer_call_output": _Kind("Computer output", tools.computer_output),
    "tool_search_call": _Kind("Tool search", tools.arguments, (), ("execution",)),
    "tool_search_output": _Kind("Tools found", _tool_list, (), ("execution",)),
    "additional_tools": _Kind("Additional tools", _tool_list, (), ("role",)),
    "reasoning": _Kind("Reasoning", _reasoning),
    "program": _Kind("Program", tools.program),
    "program_output": _Kind("Program output", tools.program_result),
    "compaction": _Kind("Compaction", _compaction),
    "code_interpreter_call": _Kind("Code interpreter", tools.code_interpreter, (), ("container_id",)),
    "local_shell_call": _Kind("Local shell", tools.local_shell),
    "local_shell_call_output": _Kind("Local shell output", tools.output),
    "shell_call": _Kind("Shell", tools.shell),
    "shell_call_output": _Kind("Shell output", tools.shell_output),
    "apply_patch_call": _Kind("Patch", tools.patch),
    "apply_patch_call_output": _Kind("Patch output", tools.output),
    "mcp_list_tools": _Kind("MCP tools", _tool_list, ("server_label",)),
    "mcp_approval_request": _Kind("MCP approval asked for", tools.arguments, ("server_label", "name")),
    "mcp_approval_response": _Kind("MCP approval", _approval),
    "mcp_call": _Kind("MCP call", tools.mcp_call, ("server_label", "name")),
}
