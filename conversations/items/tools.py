"""What tools were asked to do and what they answered, as blocks. Each function takes an item of its type."""

import shlex
from collections.abc import Mapping
from typing import Any

from . import blocks
from .blocks import Block, as_list, as_map, as_text, code, each_text, joined, reference, text, thing
from .parts import content, screenshot

Item = Mapping[str, Any]


def arguments(item: Item) -> list[Block]:
    """The arguments of a call."""
    return code(item.get("arguments"), "Arguments") or [thing("Without arguments")]


def custom_input(item: Item) -> list[Block]:
    """What a tool of one's own is given: any text."""
    return code(item.get("input"), "Input") or [thing("Without input")]


def output(item: Item) -> list[Block]:
    """What a call answered: a text or parts."""
    return content(item.get("output"), is_code=True) or [thing("Without output")]


def program(item: Item) -> list[Block]:
    """The program that calls tools."""
    return code(item.get("code"))


def program_result(item: Item) -> list[Block]:
    """What a program gave."""
    return code(item.get("result")) or [thing("Without a result")]


def file_search(item: Item) -> list[Block]:
    """What was looked for in files, and what was found where."""
    found = [block for result in as_list(item.get("results")) for block in _file_result(result)]
    return [*each_text(item.get("queries"), "Looked for"), *found]


def _file_result(result: Any) -> list[Block]:
    known = as_map(result)
    if not known:
        return code(result)
    score = known.get("score")
    caption = f"Found, score {score:.2f}" if isinstance(score, float) else joined(["Found", score])
    title = known.get("filename") or known.get("file_id")
    return [reference(title, caption=caption), *text(known.get("text")), *code(known.get("attributes"), "Attributes")]


def web_search(item: Item) -> list[Block]:
    """What was searched for on the web, opened, or looked for in a page."""
    action = as_map(item.get("action"))
    if action.get("type") == "search":
        queries = as_list(action.get("queries")) or as_list(action.get("query"))
        sources = [reference("", as_map(each).get("url") or each, "Source") for each in as_list(action.get("sources"))]
        return [*each_text(queries, "Searched for"), *sources]
    if action.get("type") == "open_page":
        return [reference("", action.get("url"), "Opened")] if action.get("url") else [thing("Opened a page")]
    if action.get("type") == "find_in_page":
        return [*text(action.get("pattern"), "Looked for"), reference("", action.get("url"), "In the page")]
    return code(item.get("action"), "Action")


def image_generation(item: Item) -> list[Block]:
    """What an image was to show; the image itself by its size."""
    result, kind = as_text(item.get("result")), as_text(item.get("output_format"))
    made = [thing(f"Image, {kind + ', ' if kind else ''}{blocks.as_size(len(result) * 3 // 4)}")] if result else []
    return [*text(item.get("revised_prompt"), "Prompt"), *made, *_error(item)] or [thing("No image yet")]


def computer(item: Item) -> list[Block]:
    """What was done with mouse and keyboard, and what has to be confirmed."""
    actions = [*as_list(item.get("action")), *as_list(item.get("actions"))]
    done = "\n".join(map(_action, actions))
    return [*code(done), *_checks(item.get("pending_safety_checks"), "To be confirmed")] or [thing("No action")]


def computer_output(item: Item) -> list[Block]:
    """What the screen showed then."""
    return [screenshot(item.get("output")), *_checks(item.get("acknowledged_safety_checks"), "Confirmed")]


def _checks(checks: Any, caption: str) -> list[Block]:
    named = (joined([as_map(each).get("code"), as_map(each).get("message")], ": ") for each in as_list(checks))
    return [block for check in named for block in text(check, caption)]


def _action(action: Any) -> str:
    """One action in a line: its name, then what else is known of it."""
    known = dict(as_map(action))
    name = as_text(known.pop("type", "")) or as_text(action)
    if {"x", "y"} <= known.keys():
        name += f" at {as_text(known.pop('x'))}, {as_text(known.pop('y'))}"
    if isinstance(known.get("path"), list):
        name += " " + " → ".join(
            f"{as_text(as_map(p).get('x'))}, {as_text(as_map(p).get('y'))}" for p in known.pop("path")
        )
    if isinstance(known.get("keys"), list):
        name += " " + "+".join(map(as_text, known.pop("keys")))
    return " ".join([name, *(f"{field}: {as_text(value)}" for field, value in known.items() if as_text(value))])


def code_interpreter(item: Item) -> list[Block]:
    """The code that ran, and what came of it."""
    outputs = [block for each in as_list(item.get("outputs")) for block in _code_output(each)]
    return [*code(item.get("code")), *outputs] or [thing("No code yet")]


def _code_output(value: Any) -> list[Block]:
    known = as_map(value)
    if known.get("type") == "logs":
        return code(known.get("logs"), "Logs")
    return [blocks.image(known.get("url"))] if known.get("type") == "image" else code(value)


def local_shell(item: Item) -> list[Block]:
    """The command of a shell on somebody's own machine."""
    action = as_map(item.get("action"))
    command = action.get("command")
    line = shlex.join(map(as_text, command)) if isinstance(command, list) else as_text(command)
    beside = {name.replace("_", " "): action.get(name) for name in ("working_directory", "user", "timeout_ms", "env")}
    return [*code(line), *(block for name, value in beside.items() for block in code(value, name.capitalize()))]


def shell(item: Item) -> list[Block]:
    """The commands of a shell."""
    action = as_map(item.get("action"))
    return code("\n".join(map(as_text, as_list(action.get("commands"))))) or code(item.get("action"))


def shell_output(item: Item) -> list[Block]:
    """What each command printed, and how it ended."""
    return [block for each in as_list(item.get("output")) for block in _command_output(each)] or [thing("No output")]


def _command_output(value: Any) -> list[Block]:
    known = as_map(value)
    if not known:
        return code(value)
    outcome = as_map(known.get("outcome"))
    ended = "Timed out" if outcome.get("type") == "timeout" else f"Exit code {as_text(outcome.get('exit_code')) or '?'}"
    return [*code(known.get("stdout"), "Output"), *code(known.get("stderr"), "Errors"), thing(ended)]


def patch(item: Item) -> list[Block]:
    """What shall be changed in a file."""
    operation = as_map(item.get("operation"))
    name = as_text(operation.get("type")).replace("_", " ").capitalize()
    return [*text(as_text(operation.get("path")), name), *code(operation.get("diff"))] or code(item.get("operation"))


def mcp_call(item: Item) -> list[Block]:
    """A call of a tool on an MCP server, with its answer."""
    asked = code(item.get("arguments"), "Arguments")
    return [*asked, *code(item.get("output"), "Output"), *_error(item)] or [thing("Without arguments")]


def _error(item: Item) -> list[Block]:
    error = item.get("error")
    known = as_map(error)
    words = joined([known.get("type"), known.get("code"), known.get("message")], ": ")
    content_ = code(known.get("content"), "Error")
    return [*text(words or error, "Error"), *content_]


def tool(value: Any) -> list[Block]:
    """A tool that is offered: its name and what it does; the rest as JSON."""
    known = as_map(value)
    name = as_text(known.get("name")) or as_text(known.get("server_label")) or as_text(known.get("type"))
    rest = {key: each for key, each in known.items() if key not in ("name", "description")}
    if not name:
        return code(value)
    return [reference(name, caption="Tool"), *text(known.get("description")), *code(rest)]
