"""Tool calls and their outputs, as blocks. Each public function takes an item of one type; `kinds` lists them."""

import shlex
from collections.abc import Mapping
from typing import Any

from . import blocks
from .blocks import Block, as_list, as_map, as_text, code, each_text, is_empty, joined, note, reference, rest, text
from .parts import content, picture

Item = Mapping[str, Any]


def arguments(item: Item) -> list[Block]:
    """The arguments of a call."""
    return code(item.get("arguments"), "Arguments") or [note("No arguments")]


def custom_input(item: Item) -> list[Block]:
    """The input of a custom tool: any text."""
    return code(item.get("input"), "Input") or [note("No input")]


def output(item: Item) -> list[Block]:
    """The output of a call: a string or parts."""
    return content(item.get("output"), is_code=True) or [note("No output")]


def program(item: Item) -> list[Block]:
    """The code of a program that calls tools."""
    return code(item.get("code"))


def program_result(item: Item) -> list[Block]:
    """The result of a program."""
    return code(item.get("result")) or [note("No result")]


def file_search(item: Item) -> list[Block]:
    """The queries of a file search, and what was found in which file."""
    found = [block for result in as_list(item.get("results")) for block in _file_result(result)]
    return [*each_text(item.get("queries"), "Searched for"), *found]


def _file_result(result: Any) -> list[Block]:
    known = as_map(result)
    if not known:
        return code(result)
    score, name, file_id = known.get("score"), known.get("filename"), known.get("file_id")
    scored = f"score {score:.2f}" if isinstance(score, float) else as_text(score)
    return [
        reference(name or file_id, caption=joined(["Found", scored, file_id if name else ""])),
        *text(known.get("text")),
        *code(known.get("attributes"), "Attributes"),
        *rest(known, ("file_id", "filename", "score", "text", "attributes")),
    ]


def web_search(item: Item) -> list[Block]:
    """A web search, a page that was opened or searched, and what was found."""
    found = [block for each in as_list(item.get("results")) for block in _web_result(each)]
    return [*_web_action(item.get("action")), *found]


def _web_action(value: Any) -> list[Block]:
    action = as_map(value)
    kind, url = action.get("type"), action.get("url")
    if kind == "search":
        queries = as_list(action.get("queries"))
        queries += [each for each in as_list(action.get("query")) if each not in queries]
        sources = [block for each in as_list(action.get("sources")) for block in _source(each)]
        shown = [*each_text(queries, "Searched for"), *sources]
        return [*shown, *rest(action, ("type", "queries", "query", "sources"))]
    if kind == "open_page":
        opened = reference("", url, "Opened") if url else note("Opened a page")
        return [opened, *rest(action, ("type", "url"))]
    if kind == "find_in_page":
        looked_for = text(action.get("pattern"), "Searched for")
        return [*looked_for, reference("", url, "In the page"), *rest(action, ("type", "url", "pattern"))]
    return code(value, "Action")


def _source(value: Any) -> list[Block]:
    known = as_map(value)
    title, url = known.get("title"), known.get("url")
    if is_empty(url):
        return [reference("", value, "Source")]
    return [reference(title, url, "Source"), *rest(known, ("type", "title", "url"))]


def _web_result(value: Any) -> list[Block]:
    known = as_map(value)
    title, url = known.get("title"), known.get("url")
    if not isinstance(title or url, str):
        return [Block("code", blocks.as_json(value), "Found")]
    text_fields = ("snippet", "text")
    texts = [block for name in text_fields for block in text(known.get(name))]
    return [reference(title, url, "Found"), *texts, *rest(known, ("type", "title", "url", *text_fields))]


def image_generation(item: Item) -> list[Block]:
    """The prompt, the image, and what went wrong."""
    result, kind = as_text(item.get("result")), as_text(item.get("output_format"))
    made = [blocks.embedded("Image", result, declared=kind)] if result else []
    shown = [*text(item.get("revised_prompt"), "Prompt"), *made, *error(item)] or [note("No image yet")]
    return [*shown, *code(item.get("svg_usage"), "SVG usage")]


def computer(item: Item) -> list[Block]:
    """Actions with mouse and keyboard, and the safety checks to be confirmed."""
    actions = [*as_list(item.get("action")), *as_list(item.get("actions"))]
    done = "\n".join(map(_action, actions))
    return [*code(done), *_checks(item.get("pending_safety_checks"), "To confirm")] or [note("No action")]


def computer_output(item: Item) -> list[Block]:
    """A screenshot, and the safety checks that were confirmed."""
    output = item.get("output")
    checks = _checks(item.get("acknowledged_safety_checks"), "Confirmed")
    if not is_empty(output) and not isinstance(output, Mapping):
        return [*code(output), *checks]
    others = rest(as_map(output), ("type", "image_url", "file_id", "detail"))
    return [*picture(output, "Screenshot"), *others, *checks]


def _checks(checks: Any, caption: str) -> list[Block]:
    return [block for check in as_list(checks) for block in _check(check, caption)]


def _check(value: Any, caption: str) -> list[Block]:
    names = ("id", "code", "message")
    summary = joined(map(as_map(value).get, names), ": ")
    return [*text(summary, caption), *rest(as_map(value), names)] if summary else code(value, caption)


def _action(action: Any) -> str:
    """An action in one line: its name, then its other fields."""
    known = dict(as_map(action))
    name = as_text(known.pop("type", "")) or as_text(action)
    if {"x", "y"} <= known.keys():
        name += f" at {as_text(known.pop('x'))}, {as_text(known.pop('y'))}"
    if isinstance(known.get("path"), list):
        name += " " + " → ".join(
            f"{as_text(as_map(point).get('x'))}, {as_text(as_map(point).get('y'))}" for point in known.pop("path")
        )
    if isinstance(known.get("keys"), list):
        name += " " + "+".join(map(as_text, known.pop("keys")))
    return " ".join([name, *(f"{field}: {as_text(value)}" for field, value in known.items() if as_text(value))])


def code_interpreter(item: Item) -> list[Block]:
    """The code that ran, and its logs and images."""
    outputs = [block for each in as_list(item.get("outputs")) for block in _code_output(each)]
    return [*code(item.get("code")), *outputs] or [note("No code yet")]


def _code_output(value: Any) -> list[Block]:
    known = as_map(value)
    if known.get("type") == "logs":
        return [*code(known.get("logs"), "Logs"), *rest(known, ("type", "logs"))]
    if known.get("type") == "image":
        return [blocks.image(known.get("url")), *rest(known, ("type", "url"))]
    return code(value)


def local_shell(item: Item) -> list[Block]:
    """The command of a shell on the user's machine."""
    action = as_map(item.get("action"))
    command = action.get("command")
    line = shlex.join(map(as_text, command)) if isinstance(command, list) else as_text(command)
    return _command(item.get("action"), line, ("working_directory", "user", "timeout_ms", "env"), ("command", "type"))


def shell(item: Item) -> list[Block]:
    """The commands of a shell."""
    lines = "\n".join(map(as_text, as_list(as_map(item.get("action")).get("commands"))))
    return _command(item.get("action"), lines, ("timeout_ms", "max_output_length"), ("commands", "type"))


def _command(value: Any, line: str, options: tuple[str, ...], shown: tuple[str, ...]) -> list[Block]:
    """The line of a shell command, and its options, each with its name. `shown`: fields that the line contains."""
    action = as_map(value)
    if not line:
        return code(value)
    named = ((name.replace("_", " ").capitalize(), action.get(name)) for name in options)
    return [*code(line), *(block for name, each in named for block in code(each, name)), *rest(action, options + shown)]


def shell_output(item: Item) -> list[Block]:
    """What each command printed, and its exit code."""
    return [block for each in as_list(item.get("output")) for block in _command_output(each)] or [note("No output")]


def _command_output(value: Any) -> list[Block]:
    known = as_map(value)
    if not known:
        return code(value)
    outcome = as_map(known.get("outcome"))
    others = [*rest(known, ("stdout", "stderr", "outcome")), *rest(outcome, ("type", "exit_code"))]
    ended = "Timed out" if outcome.get("type") == "timeout" else f"Exit code {as_text(outcome.get('exit_code')) or '?'}"
    return [*code(known.get("stdout"), "Output"), *code(known.get("stderr"), "Errors"), note(ended), *others]


def patch(item: Item) -> list[Block]:
    """A change of a file."""
    operation = as_map(item.get("operation"))
    name = as_text(operation.get("type")).replace("_", " ").capitalize()
    shown = [*text(as_text(operation.get("path")), name), *code(operation.get("diff"))]
    return [*shown, *rest(operation, ("type", "path", "diff"))] if shown else code(item.get("operation"))


def mcp_call(item: Item) -> list[Block]:
    """A call of a tool on an MCP server, with its output."""
    arguments = code(item.get("arguments"), "Arguments")
    return [*arguments, *code(item.get("output"), "Output"), *error(item)] or [note("No arguments")]


def error(item: Item) -> list[Block]:
    """What went wrong, and why moderation stopped it."""
    known = as_map(item.get("error"))
    names = ("type", "code", "message")
    summary = joined(map(known.get, names), ": ")
    if not summary and not known.get("content"):
        return text(item.get("error"), "Error")
    others = rest(known, (*names, "content", "moderation_details"), "Other fields of the error")
    shown = [*text(summary, "Error"), *code(known.get("content"), "Error")]
    return [*shown, *_moderation(known.get("moderation_details")), *others]


def _moderation(value: Any) -> list[Block]:
    known = as_map(value)
    stage, categories = known.get("moderation_stage"), known.get("categories")
    if not isinstance(stage, str) or not isinstance(categories, list):
        return code(value, "Moderation")
    where = f"Stopped at the {stage}" if stage in ("input", "output") else f"Stopped at the stage “{stage}”"
    return [*text(joined([where, *categories]), "Moderation"), *rest(known, ("moderation_stage", "categories"))]


def configuration(item: Item) -> list[Block]:
    """What changes for later responses: the reasoning effort and the text format."""
    reasoning, text_options = as_map(item.get("reasoning")), as_map(item.get("text"))
    text_format = as_map(text_options.get("format"))
    plain = as_text(text_format.get("type")) if text_format.keys() == {"type"} else ""
    shown = [
        *text(reasoning.get("effort"), "Reasoning effort"),
        *(text(plain, "Text format") if plain else code(text_options.get("format"), "Text format")),
        *rest(reasoning, ("effort",), "Other fields of the reasoning"),
        *rest(text_options, ("format",), "Other fields of the text"),
    ]
    # as_map() turns anything but an object into {}: show that as it is.
    others = {name: item[name] for name in ("reasoning", "text") if not isinstance(item.get(name), Mapping | None)}
    return [*shown, *rest(others, ())] or [note("No changes")]


def tool(value: Any) -> list[Block]:
    """A tool that a model may call: its name and description, and the rest as JSON."""
    known = as_map(value)
    name = as_text(known.get("name")) or as_text(known.get("server_label")) or as_text(known.get("type"))
    others = {key: each for key, each in known.items() if key not in ("name", "description")}
    if not name:
        return code(value)
    return [reference(name, caption="Tool"), *text(known.get("description")), *code(others)]
