"""An item of a conversation as it is shown: who says it and its text, or its JSON where it is no plain message.

Pure. Everything is text; a type, role or part that is not known shows as JSON, never as an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TEXT_PARTS = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "summary_text": "text",
    "refusal": "refusal",
}


@dataclass(frozen=True)
class DisplayedItem:
    """`label`: the role or type in words; `kind`: what the style goes by; `is_code`: the text is JSON."""

    id: str
    label: str
    kind: str
    text: str
    is_code: bool


def displayed(item: Mapping[str, Any]) -> DisplayedItem:
    """One item, ready to be shown."""
    text = _message_text(item) if item.get("type") == "message" else None
    role = str(item.get("role", "")) if text is not None else ""
    label = role or str(item.get("type", "item")).replace("_", " ")
    return DisplayedItem(
        id=str(item.get("id", "")),
        label=label.capitalize(),
        kind=role if role in {"user", "assistant", "system", "developer"} else "tool",
        text=json.dumps(item, indent=2, ensure_ascii=False) if text is None else text,
        is_code=text is None,
    )


def _message_text(item: Mapping[str, Any]) -> str | None:
    content = item.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    return "\n".join(_part_text(part) for part in content)


def _part_text(part: Any) -> str:
    text = part.get(_TEXT_PARTS.get(str(part.get("type")), "")) if isinstance(part, Mapping) else None
    return text if isinstance(text, str) else json.dumps(part, indent=2, ensure_ascii=False)
