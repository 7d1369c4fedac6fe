"""What tools were asked to do and what they answered, as blocks. Each function takes an item of its type."""

import shlex
from collections.abc import Mapping
from typing import Any

from . import blocks
from .blocks import Block, as_list, as_map, as_text, code, each_text, is_nothing, joined, reference, rest, text, thing
from .parts import content, picture

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
    score, name, file_id = known.get("score"), known.get("filename"), known.get("file_id")
    scored = f"score {score:.2f}" if isinstance(score, float) else as_text(score)
    return [
        reference(name or file_id, caption=joined(["Found", scored, file_id if name else ""])),
        *text(known.get("text")),
        *code(known.get("attributes"), "Attributes"),
        *rest(known, ("file_id", "filename", "score", "text", "attributes")),
    ]


def web_search(item: Item) -> list[Block]:
    """What was searched for on the web, opened, or looked for in a page; and what was found."""
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
        opened = reference("", url, "Opened") if url else thing("Opened a page")
        return [opened, *rest(action, ("type", "url"))]
    if kind == "find_in_page":
        looked_for = text(action.get("pattern"), "Looked for")
        return [*looked_for, reference("", url, "In the page"), *rest(action, ("type", "url", "pattern"))]
    return code(value, "Action")


def _source(value: Any) -> list[Block]:
    known = as_map(value)
    title, url = known.get("title"), known.get("url")
    if is_nothing(url):
        return [reference("", value, "Source")]
    return [reference(title, url, "Source"), *rest(known, ("type", "title", "url"))]


def _web_result(value: Any) -> list[Block]:
    known = as_map(value)
    title, url = known.get("title"), known.get("url")
    if not isinstance(title or url, str):
        return [Block("code", blocks.as_json(value), "Found")]
    said = ("snippet", "text")
    texts = [block for name in said for block in text(known.get(name))]
    return [reference(title, url, "Found"), *texts, *rest(known, ("type", "title", "url", *said))]


def image_generation(item: Item) -> list[Block]:
    """What an image was to show, the image itself, and why there is none."""
    result, kind = as_text(item.get("result")), as_text(item.get("output_format"))
    made = [blocks.embedded("Image", result, declared=kind)] if result else []
    shown = [*text(item.get("revised_prompt"), "Prompt"), *made, *error(item)] or [thing("No image yet")]
    return [*shown, *code(item.get("svg_usage"), "SVG usage")]


def computer(item: Item) -> list[Block]:
    """What was done with mouse and keyboard, and what has to be confirmed."""
    actions = [*as_list(item.get("action")), *as_list(item.get("actions"))]
    done = "\n".join(map(_action, actions))
    return [*code(done), *_checks(item.get("pending_safety_checks"), "To be confirmed")] or [thing("No action")]


def computer_output(item: Item) -> list[Block]:
    """What the screen showed then."""
    output = item.get("output")
    checks = _checks(item.get("acknowledged_safety_checks"), "Confirmed")
    if not is_nothing(output) and not isinstance(output, Mapping):
        return [*code(output), *checks]
    others = rest(as_map(output), ("type", "image_url", "file_id", "detail"))
    return [*picture(output, "Screenshot"), *others, *checks]


def _checks(checks: Any, caption: str) -> list[Block]:
    return [block for check in as_list(checks) for block in _check(check, caption)]


def _check(value: Any, caption: str) -> list[Block]:
    names = ("id", "code", "message")
    words = joined(map(as_map(value).get, names), ": ")
    return [*text(words, caption), *rest(as_map(value), names)] if words else code(value, caption)


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
        return [*code(known.get("logs"), "Logs"), *rest(known, ("type", "logs"))]
    if known.get("type") == "image":
        return [blocks.image(known.get("url")), *rest(known, ("type", "url"))]
    return code(value)


def local_shell(item: Item) -> list[Block]:
    """The command of a shell on somebody's own machine."""
    action = as_map(item.get("action"))
    command = action.get("command")
    line = shlex.join(map(as_text, command)) if isinstance(command, list) else as_text(command)
    return _command(item.get("action"), line, ("working_directory", "user", "timeout_ms", "env"), ("command", "type"))


def shell(item: Item) -> list[Block]:
    """The commands of a shell."""
    lines = "\n".join(map(as_text, as_list(as_map(item.get("action")).get("commands"))))
    return _command(item.get("action"), lines, ("timeout_ms", "max_output_length"), ("commands", "type"))


def _command(value: Any, line: str, beside: tuple[str, ...], others: tuple[str, ...]) -> list[Block]:
    """A line for a shell, with what stands beside it, each by its name."""
    action = as_map(value)
    if not line:
        return code(value)
    named = ((name.replace("_", " ").capitalize(), action.get(name)) for name in beside)
    return [*code(line), *(block for name, each in named for block in code(each, name)), *rest(action, beside + others)]


def shell_output(item: Item) -> list[Block]:
    """What each command printed, and how it ended."""
    return [block for each in as_list(item.get("output")) for block in _command_output(each)] or [thing("No output")]


def _command_output(value: Any) -> list[Block]:
    known = as_map(value)
    if not known:
        return code(value)
    outcome = as_map(known.get("outcome"))
    others = [*rest(known, ("stdout", "stderr", "outcome")), *rest(outcome, ("type", "exit_code"))]
    ended = "Timed out" if outcome.get("type") == "timeout" else f"Exit code {as_text(outcome.get('exit_code')) or '?'}"
    return [*code(known.get("stdout"), "Output"), *code(known.get("stderr"), "Errors"), thing(ended), *others]


def patch(item: Item) -> list[Block]:
    """What shall be changed in a file."""
    operation = as_map(item.get("operation"))
    name = as_text(operation.get("type")).replace("_", " ").capitalize()
    shown = [*text(as_text(operation.get("path")), name), *code(operation.get("diff"))]
    return [*shown, *rest(operation, ("type", "path", "diff"))] if shown else code(item.get("operation"))


def mcp_call(item: Item) -> list[Block]:
    """A call of a tool on an MCP server, with its answer."""
    asked = code(item.get("arguments"), "Arguments")
    return [*asked, *code(item.get("output"), "Output"), *error(item)] or [thing("Without arguments")]


def error(item: Item) -> list[Block]:
    """What went wrong, and what was found to be against the rules."""
    known = as_map(item.get("error"))
    named = ("type", "code", "message")
    words = joined(map(known.get, named), ": ")
    if not words and not known.get("content"):
        return text(item.get("error"), "Error")
    others = rest(known, (*named, "content", "moderation_details"), "Other fields of the error")
    told = [*text(words, "Error"), *code(known.get("content"), "Error")]
    return [*told, *_moderation(known.get("moderation_details")), *others]


def _moderation(value: Any) -> list[Block]:
    known = as_map(value)
    stage, categories = known.get("moderation_stage"), known.get("categories")
    if not isinstance(stage, str) or not isinstance(categories, list):
        return code(value, "Moderation")
    words = f"Stopped at the {stage}" if stage in ("input", "output") else f"Stopped at a stage that is {stage}"
    return [*text(joined([words, *categories]), "Moderation"), *rest(known, ("moderation_stage", "categories"))]


def configuration(item: Item) -> list[Block]:
    """What changes for the responses that follow: how much is reasoned, and the form of the text."""
    reasoning, form = as_map(item.get("reasoning")), as_map(item.get("text"))
    wanted = as_map(form.get("format"))
    plain = as_text(wanted.get("type")) if wanted.keys() == {"type"} else ""
    shown = [
        *text(reasoning.get("effort"), "Reasoning effort"),
        *(text(plain, "Text format") if plain else code(form.get("format"), "Text format")),
        *rest(reasoning, ("effort",), "Other fields of the reasoning"),
        *rest(form, ("format",), "Other fields of the text"),
    ]
    odd = {name: item[name] for name in ("reasoning", "text") if not isinstance(item.get(name), Mapping | None)}
    return [*shown, *rest(odd, ())] or [thing("Nothing is changed")]


def tool(value: Any) -> list[Block]:
    """A tool that is offered: its name and what it does; the rest as JSON."""
    known = as_map(value)
    name = as_text(known.get("name")) or as_text(known.get("server_label")) or as_text(known.get("type"))
    rest = {key: each for key, each in known.items() if key not in ("name", "description")}
    if not name:
        return code(value)
    return [reference(name, caption="Tool"), *text(known.get("description")), *code(rest)]
