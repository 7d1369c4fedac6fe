"""Items of each type, as a label, a few fields and blocks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from . import tools
from .blocks import Block, as_json, as_list, as_text, joined, note, remaining, rest, text
from .parts import content

Item = Mapping[str, Any]

ROLES = ("user", "assistant", "system", "developer")
MAX_BLOCKS = 3_000  # of one item; what follows is shown as a single block
QUIET_STATUSES = ("", "completed")  # of messages, which aren't worth showing


@dataclass(frozen=True)
class DisplayedItem:
    """An item, prepared for display.

    label: its role or type, for people; kind: a role, or `tool`, which decides how it looks; name: of the function,
    tool or server; status: "" if there is none; fields: names and values that are shown in the header; is_known:
    whether its type is known.
    """

    id: str
    type: str
    label: str
    kind: str
    name: str
    status: str
    call_id: str
    blocks: tuple[Block, ...]
    fields: tuple[tuple[str, str], ...] = ()
    is_known: bool = True

    @property
    def text(self) -> str:
        """The text of all blocks, except remaining fields."""
        return "\n\n".join(block.text for block in self.blocks if block.kind != "rest")

    @property
    def data(self) -> list[str]:
        """Images and sound in base64, in the order of `Block.media`."""
        return [block.data for block in self.blocks if block.data]


@dataclass(frozen=True)
class _Kind:
    """How items of one type are displayed.

    holds: the fields that its blocks show; name: fields that make up its name; fields: those shown in the header.
    """

    label: str
    blocks: Callable[[Item], list[Block]]
    holds: tuple[str, ...]
    name: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def all_fields(self) -> tuple[str, ...]:
        """All fields that are shown somewhere; any other ends up in the block for the rest."""
        return (*_HEADER_FIELDS, *self.holds, *self.name, *self.fields, *_COMMON_FIELDS)


def displayed(item: Any) -> DisplayedItem:
    """An item, prepared for display. Anything else in the list is shown as JSON."""
    if not isinstance(item, Mapping):
        return _unknown({}, item)
    kind = as_text(item.get("type"))
    if kind == "message" or (not kind and item.get("role")):  # some servers leave out the type of messages
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
        blocks=_numbered([*shown, *rest(item, known.all_fields)]),
        fields=_fields(item, (*known.fields, *_COMMON_FIELDS)),
    )


def _unknown(item: Item, whole: Any) -> DisplayedItem:
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
    """A message; None if its content is neither a string nor a list."""
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
        blocks=_numbered([*content(item["content"]), *rest(item, _MESSAGE_FIELDS)]),
        fields=_fields(item, ("phase",)),
    )


def _numbered(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """At most MAX_BLOCKS blocks; those with an image or sound get an index, which is in the URL of the data."""
    indexes, listed = count(), list(blocks)
    shown = [replace(block, media=next(indexes)) if block.data else block for block in listed[:MAX_BLOCKS]]
    return (*shown, *remaining([block.text for block in listed[MAX_BLOCKS:]], "pieces"))


def _fields(item: Item, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", " "), shown) for name in names if (shown := _field_text(item.get(name))))


def _field_text(value: Any) -> str:
    """A value in one line; "" for false, and for an object of strings these strings, `type` first."""
    if isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
        return joined((value[name] for name in sorted(value, key=lambda name: (name != "type", name))), " ")
    return "" if value is False else "yes" if value is True else as_text(value)


def _reasoning(item: Item) -> list[Block]:
    parts = [*content(item.get("summary")), *content(item.get("content"))]
    return [*parts, *_encrypted(item)] or [note("Reasoning without a summary")]


def _encrypted(item: Item) -> list[Block]:
    encrypted = as_text(item.get("encrypted_content"))
    return [note(f"Encrypted content, {len(encrypted):,} characters")] if encrypted else []


def _compaction(item: Item) -> list[Block]:
    return [note("Earlier items, compacted by OpenAI"), *_encrypted(item)]


def _approval(item: Item) -> list[Block]:
    approve = item.get("approve")
    verdict = ("Approved" if approve else "Denied") if isinstance(approve, bool) else as_text(approve)
    return [*text(verdict), *text(item.get("reason"), "Reason")]


def _tool_list(item: Item) -> list[Block]:
    return [
        *text(item.get("error"), "Error"),
        *(each for tool in as_list(item.get("tools")) for each in tools.tool(tool)),
    ]


_HEADER_FIELDS = ("id", "type", "status", "call_id")
_COMMON_FIELDS = ("async", "caller", "created_by")
_MESSAGE_FIELDS = ("id", "type", "status", "role", "content", "phase")
_FUNCTION_NAME = ("namespace", "name")
_SERVER_NAME = ("server_label", "name")
_IMAGE_FIELDS = ("action", "size", "quality", "background", "output_format")

_KINDS: dict[str, _Kind] = {
    "function_call": _Kind("Function call", tools.arguments, ("arguments",), _FUNCTION_NAME),
    "function_call_output": _Kind("Function output", tools.output, ("output",), _FUNCTION_NAME),
    "custom_tool_call": _Kind("Custom tool call", tools.custom_input, ("input",), _FUNCTION_NAME),
    "custom_tool_call_output": _Kind("Custom tool output", tools.output, ("output",), _FUNCTION_NAME),
    "file_search_call": _Kind("File search", tools.file_search, ("queries", "results")),
    "web_search_call": _Kind("Web search", tools.web_search, ("action", "results")),
    "image_generation_call": _Kind(
        "Image generation",
        tools.image_generation,
        ("result", "revised_prompt", "error", "svg_usage"),
        (),
        _IMAGE_FIELDS,
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
    "mcp_approval_request": _Kind("MCP approval request", tools.arguments, ("arguments",), _SERVER_NAME),
    "mcp_approval_response": _Kind("MCP approval", _approval, ("approve", "reason"), (), ("approval_request_id",)),
    "mcp_call": _Kind(
        "MCP call", tools.mcp_call, ("arguments", "output", "error"), _SERVER_NAME, ("approval_request_id",)
    ),
}
