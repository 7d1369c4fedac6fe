"""What OpenAI makes of an item that it is given: an id, a status, and content in parts."""

import secrets
from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]

_ID_PREFIXES = {"message": "msg_", "function_call": "fc_", "function_call_output": "fco_", "reasoning": "rs_"}


def new_id(prefix: str) -> str:
    """A fresh id: the prefix and 48 hexadecimal digits."""
    return prefix + secrets.token_hex(24)


def complete_item(item: Mapping[str, Any]) -> Item:
    """The item as it is kept: an id it brings stays; a message gains status and content parts."""
    kind = item.get("type", "message")
    completed: Item = {"id": new_id(_ID_PREFIXES.get(kind, "item_")), "type": kind}
    if kind == "message":
        completed["status"] = "completed"
    completed.update(item)
    if kind == "message":
        completed["content"] = _content_parts(item.get("role"), item["content"])
    return completed


def _content_parts(role: object, content: Any) -> list[Any]:
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    return [_complete_part(part) for part in content]


def _complete_part(part: Mapping[str, Any]) -> dict[str, Any]:
    defaults: dict[str, dict[str, Any]] = {
        "output_text": {"annotations": [], "logprobs": []},
        "input_image": {"detail": "auto"},
    }
    return {**part, **{k: v for k, v in defaults.get(part["type"], {}).items() if k not in part}}
