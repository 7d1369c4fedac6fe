"""What each type of item holds, as blocks. Each function takes an item of its type."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from . import tools
from .blocks import Block, as_json, as_list, as_text, joined, left_over, rest, text, thing
from .parts import content

Item = Mapping[str, Any]

ROLES = ("user", "assistant", "system", "developer")
MOST_BLOCKS = 3_000  # of one item that are shown each by itself
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
        return "\n\n".join(block.text for block in self.blocks if block.kind != "rest")

    @property
    def data(self) -> list[str]:
        """The pictures and sound in it, in base64, by their numbers."""
        return [block.data for block in self.blocks if block.data]


@dataclass(frozen=True)
class _Kind:
    """How the items of a type are shown; `holds`: the fields that its blocks show; `name`: fields that name it;
    `facts`: fields that stand beside it."""

    label: str
    blocks: Callable[[Item], list[Block]]
    holds: tuple[str, ...]
    name: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that have a place."""
        return (*_EVERYWHERE, *self.holds, *self.name, *self.facts, *_COMMON_FACTS)


def displayed(item: Any) -> DisplayedItem:
    """One item, ready to be shown; whatever a list holds that is none, as its JSON."""
    if not isinstance(item, Mapping):
        return _unknown({}, item)
    kind = as_text(item.get("type"))
    if kind == "message" or (not kind and item.get("role")):
        return _message(item) or _unknown(item, item)
    known = _KINDS.get(kind)
    return _known(item, kind, known) if known else _unknown(item, item)


def _known(item: Item, kind: str, known: _Kind) -> DisplayedItem:
    shown = known.blocks(item) or [Block("code", as_json(item))]
    return DisplayedItem(
        id=as_text(item.get("id")),
        type=kind,
        label=known.label,
        kind="tool",
        name=" · ".join(filter(None, (as_text(item.get(name)) for name in known.name))),
        status=as_text(item.get("status")),
        call_id=as_text(item.get("call_id")),
        blocks=_numbered([*shown, *rest(item, known.fields)]),
        facts=_facts(item, (*known.facts, *_COMMON_FACTS)),
    )


def _unknown(item: Item, whole: Any) -> DisplayedItem:
    """An item of a type that is not known: its JSON."""
    kind = as_text(item.get("type"))
    return DisplayedItem(
        id=as_text(item.get("id")),
        type=kind,
        label=kind.replace("_", " ").capitalize() or "Item",
        kind="tool",
        name="",
        status="",
        call_id="",
        blocks=(Block("code", as_json(whole)),),
        is_known=False,
    )


def _message(item: Item) -> DisplayedItem | None:
    """A message, unless its content is neither text nor parts. One that has a role needs no type to be one."""
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
        blocks=_numbered([*content(item["content"]), *rest(item, _OF_MESSAGES)]),
        facts=_facts(item, ("phase",)),
    )


def _numbered(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks, with the number of each that holds a picture or sound."""
    numbers, listed = count(), list(blocks)
    shown = [replace(block, media=next(numbers)) if block.data else block for block in listed[:MOST_BLOCKS]]
    return (*shown, *left_over([block.text for block in listed[MOST_BLOCKS:]], "pieces"))


def _facts(item: Item, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", " "), shown) for name in names if (shown := _fact(item.get(name))))


def _fact(value: Any) -> str:
    """A value in a line: that which is false is not worth one, a map of texts shows these."""
    if isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
        return joined((value[name] for name in sorted(value, key=lambda name: (name != "type", name))), " ")
    return "" if value is False else "yes" if value is True else as_text(value)


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


_EVERYWHERE = ("id", "type", "status", "call_id")
_COMMON_FACTS = ("async", "caller", "created_by")
_OF_MESSAGES = ("id", "type", "status", "role", "content", "phase")
_NAMED = ("namespace", "name")
_ON_SERVER = ("server_label", "name")
_DRAWN = ("action", "size", "quality", "background", "output_format")

_KINDS: dict[str, _Kind] = {
    "function_call": _Kind("Function call", tools.arguments, ("arguments",), _NAMED),
    "function_call_output": _Kind("Function output", tools.output, ("output",), _NAMED),
    "custom_tool_call": _Kind("Custom tool call", tools.custom_input, ("input",), _NAMED),
    "custom_tool_call_output": _Kind("Custom tool output", tools.output, ("output",), _NAMED),
    "file_search_call": _Kind("File search", tools.file_search, ("queries", "results")),
    "web_search_call": _Kind("Web search", tools.web_search, ("action", "results")),
    "image_generation_call": _Kind(
        "Image generation", tools.image_generation, ("result", "revised_prompt", "error", "svg_usage"), (), _DRAWN
    ),
    "computer_call": _Kind("Computer call", tools.computer, ("action", "actions", "pending_safety_checks")),
    "computer_call_output": _Kind("Computer output", tools.computer_output, ("output", "acknowledged_safety_checks")),
    "tool_search_call": _Kind("Tool search", tools.arguments, ("arguments",), (), ("execution",)),
    "tool_search_output": _Kind("Tools found", _tool_list, ("error", "tools"), (), ("execution",)),
    "additional_tools": _Kind("Additional tools", _tool_list, ("error", "tools"), (), ("role",)),
    "configuration_update": _Kind("Configuration update", tools.configuration, ("reasoning", "text")),
    "reasoning": _Kind("Reasoning", _reasoning, ("summary", "content", "encrypted_content")),
    "program": _Kind("Program", tools.program, ("code",), (), ("fingerprint",)),
    "program_output": _Kind("Program output", tools.program_result, ("result",)),
    "compaction": _Kind("Compaction", _compaction, ("encrypted_content",)),
    "code_interpreter_call": _Kind(
        "Code interpreter", tools.code_interpreter, ("code", "outputs"), (), ("container_id",)
    ),
    "local_shell_call": _Kind("Local shell", tools.local_shell, ("action",)),
    "local_shell_call_output": _Kind("Local shell output", tools.output, ("output",)),
    "shell_call": _Kind("Shell", tools.shell, ("action",), (), ("environment",)),
    "shell_call_output": _Kind("Shell output", tools.shell_output, ("output",), (), ("max_output_length",)),
    "apply_patch_call": _Kind("Patch", tools.patch, ("operation",)),
    "apply_patch_call_output": _Kind("Patch output", tools.output, ("output",)),
    "mcp_list_tools": _Kind("MCP tools", _tool_list, ("error", "tools"), ("server_label",)),
    "mcp_approval_request": _Kind("MCP approval asked for", tools.arguments, ("arguments",), _ON_SERVER),
    "mcp_approval_response": _Kind("MCP approval", _approval, ("approve", "reason"), (), ("approval_request_id",)),
    "mcp_call": _Kind(
        "MCP call", tools.mcp_call, ("arguments", "output", "error"), _ON_SERVER, ("approval_request_id",)
    ),
}
