"""What OpenAI adds to a new item: an id, a status, and content as parts."""

import secrets
from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]

# The prefixes of most outputs and of the newest types are guesses; the others are OpenAI's.
_ID_PREFIXES = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "file_search_call": "fs_",
    "web_search_call": "ws_",
    "image_generation_call": "ig_",
    "computer_call": "cu_",
    "computer_call_output": "cuo_",
    "tool_search_call": "tsc_",
    "tool_search_output": "tso_",
    "additional_tools": "at_",
    "configuration_update": "cfg_",
    "reasoning": "rs_",
    "program": "prog_",
    "program_output": "progo_",
    "compaction": "cmp_",
    "code_interpreter_call": "ci_",
    "local_shell_call": "lsh_",
    "local_shell_call_output": "lsho_",
    "shell_call": "sh_",
    "shell_call_output": "sho_",
    "apply_patch_call": "apc_",
    "apply_patch_call_output": "apco_",
    "mcp_list_tools": "mcpl_",
    "mcp_approval_request": "mcpr_",
    "mcp_approval_response": "mcpa_",
    "mcp_call": "mcp_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "ctco_",
}
_PART_DEFAULTS: dict[str, dict[str, Any]] = {
    "output_text": {"annotations": [], "logprobs": []},
    "input_image": {"detail": "auto"},
}


def new_id(prefix: str) -> str:
    """The prefix and 48 random hexadecimal digits."""
    return prefix + secrets.token_hex(24)


def complete_item(item: Mapping[str, Any]) -> Item:
    """The item as it's stored: with an id, unless it has one, and for a message with a status and content parts."""
    kind = item.get("type", "message")
    completed: Item = {"id": new_id(_ID_PREFIXES.get(str(kind), "item_")), "type": kind}
    if kind == "message":
        completed["status"] = "completed"
    completed.update(item)
    if kind == "message" and "content" in item:
        completed["content"] = _content_parts(item.get("role"), item["content"])
    return completed


def _content_parts(role: object, content: Any) -> Any:
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    return [_complete_part(part) for part in content] if isinstance(content, list) else content


def _complete_part(part: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    defaults = _PART_DEFAULTS.get(str(part.get("type")), {})
    return {**part, **{name: value for name, value in defaults.items() if name not in part}}
