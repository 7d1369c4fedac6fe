"""Items as a request to create them takes them, made of items as OpenAI, a file or another API has them. Pure.

Source: the input items of OpenAI's API reference. What only OpenAI makes (reasoning, calls of its own tools) has ids or
encrypted content that are bound to the response it came from: it can be read, but not created.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..metadata import replace_unstorable

Item = dict[str, Any]
Part = dict[str, Any]

ROLES = ("user", "system", "developer", "assistant")  # of messages that can be created
DETAILS = ("auto", "low", "high", "original")  # of pictures
FILE_DETAILS = ("auto", "low", "high")

_FIELDS = {  # of other items that can be created, besides their type
    "function_call": ("call_id", "name", "namespace", "arguments"),
    "function_call_output": ("call_id", "output"),
    "custom_tool_call": ("call_id", "name", "namespace", "input"),
    "custom_tool_call_output": ("call_id", "output"),
    "shell_call": ("call_id", "action"),
    "shell_call_output": ("call_id", "output", "max_output_length"),
    "apply_patch_call": ("call_id", "operation", "status"),
    "apply_patch_call_output": ("call_id", "output", "status"),
}
_TEXTS = ("input_text", "output_text", "text")
_BY_OPENAI = "only OpenAI can make an item of this type"
_REASONS = {
    "reasoning": "reasoning belongs to the response that it was part of",
    "compaction": "compacted items are encrypted for the conversation that they belong to",
}


@dataclass(frozen=True)
class Creatable:
    """What can be created of an item, if anything, and what can't: a few words for each reason."""

    item: Item | None
    left_out: tuple[str, ...] = ()


def creatable(item: Any) -> Creatable:
    """The item as a request takes it, without id, status and whatever else a server adds."""
    if not isinstance(item, Mapping):
        return Creatable(None, ("it isn’t an object",))
    kind = item.get("type") or ("message" if "role" in item else "")
    if kind == "message":
        return _message(item)
    if not isinstance(kind, str) or kind not in _FIELDS:
        reason = _REASONS.get(str(kind), _BY_OPENAI) if kind else "it has neither a role nor a type"
        return Creatable(None, (reason,))
    caller = item.get("caller")
    if isinstance(caller, Mapping) and caller.get("type") == "program":
        return Creatable(None, ("it’s part of a program that OpenAI runs",))
    kept = {name: item[name] for name in _FIELDS[kind] if item.get(name) is not None}
    return Creatable({"type": kind, **kept}) if "call_id" in kept else Creatable(None, ("it has no call_id",))


def same_items(sent: Sequence[Item], listed: Sequence[Any]) -> int:
    """How many of the items that were sent, from the first on, stand in a row in what a server lists."""
    wanted, found = [_said(item) for item in sent], [_said(item) for item in listed]
    runs = (_run(wanted, found[start:]) for start in range(len(found)))
    return max(runs, default=0)


def _run(wanted: Sequence[Any], found: Sequence[Any]) -> int:
    pairs = zip(wanted, found, strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(wanted), len(found)))


def _said(item: Any) -> tuple[Any, ...]:
    """What stays the same from a request to a list: role and texts, or the call. Servers may leave out pictures."""
    if not isinstance(item, Mapping):
        return (item,)
    if (kind := item.get("type", "message")) != "message":
        return (kind, item.get("call_id"))
    content = item.get("content")
    if isinstance(content, str):
        return (kind, item.get("role"), ("text", content))
    parts = content if isinstance(content, list) else []
    return (kind, item.get("role"), *map(_said_in, parts))


def _said_in(part: Any) -> tuple[Any, ...]:
    kind = part.get("type") if isinstance(part, Mapping) else part
    if kind in _TEXTS:
        return ("text", part.get("text"))
    return (kind, part.get("refusal") if kind == "refusal" else None)


# Messages


def _message(item: Mapping[str, Any]) -> Creatable:
    role, content = item.get("role"), item.get("content")
    if role not in ROLES:
        return Creatable(None, (f"messages of the role “{replace_unstorable(str(role)[:40])}” can’t be created",))
    found, problems = _content(content, role == "assistant")
    refusal = item.get("refusal")  # in Chat Completions, beside the content
    if isinstance(refusal, str) and refusal and role == "assistant":
        found.append({"type": "refusal", "refusal": refusal})
    if item.get("tool_calls") or item.get("function_call"):
        problems.append("its tool calls")
    if not found:
        return Creatable(None, tuple(problems or ["it has no text"]))
    phase = item.get("phase")
    more = {"phase": phase} if role == "assistant" and isinstance(phase, str) else {}
    is_text = isinstance(content, str) and len(found) == 1
    return Creatable(
        {"type": "message", "role": role, "content": content if is_text else found, **more}, tuple(problems)
    )


def _content(content: Any, is_assistant: bool) -> tuple[list[Part], list[str]]:
    """The parts that can be created, and what was left out."""
    given = [{"type": "text", "text": content}] if isinstance(content, str) and content else content or []
    if not isinstance(given, list):
        return [], ["its content, which is neither text nor a list"]
    parts: list[Part] = []
    problems: list[str] = []
    for part in given:
        made = _part(part, is_assistant) if isinstance(part, Mapping) else "a part that isn’t an object"
        if isinstance(made, str):
            problems.append(made)
        else:
            parts.append(made)
        if isinstance(part, Mapping) and part.get("annotations"):
            problems.append("its citations")
    return parts, problems


def _part(part: Mapping[str, Any], is_assistant: bool) -> Part | str:
    """The part, or what it is if it can't be created."""
    kind, text = part.get("type"), part.get("text")
    if kind in _TEXTS and isinstance(text, str):
        return {"type": "output_text" if is_assistant else "input_text", "text": text}
    if kind == "refusal" and is_assistant and isinstance(part.get("refusal"), str):
        return {"type": "refusal", "refusal": part["refusal"]}
    make = _MEDIA.get(str(kind))
    if make is None:
        return f"a part of the type “{replace_unstorable(str(kind)[:40])}”"
    if is_assistant:
        return "a picture or file, which only other roles can have"
    return make(part)


def _image(part: Mapping[str, Any]) -> Part | str:
    given = part.get("image_url")
    holder = given if isinstance(given, Mapping) else part  # an object in Chat Completions
    url = given.get("url") if isinstance(given, Mapping) else given
    detail = holder.get("detail")
    known = {"image_url": url, "file_id": part.get("file_id")}
    where = {name: value for name, value in known.items() if isinstance(value, str) and value}
    if not where:
        return "a picture without a URL or file id"
    return {"type": "input_image", **where, "detail": detail if detail in DETAILS else "auto"}


def _file(part: Mapping[str, Any]) -> Part | str:
    given = part.get("file")
    holder = given if isinstance(given, Mapping) else part  # an object in Chat Completions
    names = ("file_id", "file_url", "file_data", "filename", "detail")
    known = {name: holder[name] for name in names if isinstance(holder.get(name), str) and holder[name]}
    if known.get("detail", "auto") not in FILE_DETAILS:
        del known["detail"]
    if not known.keys() & {"file_id", "file_url", "file_data"}:
        return "a file without an id, URL or content"
    return {"type": "input_file", **known}


_MEDIA = {"input_image": _image, "image_url": _image, "input_file": _file, "file": _file}
