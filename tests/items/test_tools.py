"""What each type of item shows: its label, name and status, and its blocks."""

from typing import Any

import pytest

from conversations.examples.items import every_type
from conversations.items import displayed
from conversations.items.kinds import _KINDS

Shown = tuple[str, str, str, list[tuple[str, str, str]]]


def shown(kind: str, **fields: Any) -> Shown:
    """Label, name and status, and the blocks as kind, caption and text."""
    item = displayed({"type": kind, **fields})
    return item.label, item.name, item.status, [(each.kind, each.caption, each.text) for each in item.blocks]


def blocks(kind: str, **fields: Any) -> list[tuple[str, str, str]]:
    return shown(kind, **fields)[3]


CASES: list[tuple[dict[str, Any], Shown]] = [
    (
        {"type": "function_call", "name": "f", "namespace": "n", "arguments": '{"a":1}', "status": "in_progress"},
        ("Function call", "n · f", "in_progress", [("code", "Arguments", '{\n  "a": 1\n}')]),
    ),
    (
        {"type": "function_call_output", "output": "plain", "status": "completed"},
        ("Function output", "", "completed", [("code", "", "plain")]),
    ),
    (
        {"type": "custom_tool_call", "name": "q", "input": "a\nb"},
        ("Custom tool call", "q", "", [("code", "Input", "a\nb")]),
    ),
    (
        {"type": "custom_tool_call_output", "output": [{"type": "input_text", "text": "1 row"}]},
        ("Custom tool output", "", "", [("text", "", "1 row")]),
    ),
    (
        {
            "type": "file_search_call",
            "queries": ["a", "b"],
            "results": [{"filename": "f.md", "score": 0.9132, "text": "t"}],
        },
        (
            "File search",
            "",
            "",
            [("text", "Searched for", "a\nb"), ("reference", "Found, score 0.91", "f.md"), ("text", "", "t")],
        ),
    ),
    (
        {
            "type": "web_search_call",
            "action": {"type": "search", "query": "a", "sources": [{"url": "https://e.example/"}]},
        },
        ("Web search", "", "", [("text", "Searched for", "a"), ("reference", "Source", "https://e.example/")]),
    ),
    (
        {"type": "image_generation_call", "result": "AAAA", "output_format": "png", "revised_prompt": "A kettle"},
        ("Image generation", "", "", [("text", "Prompt", "A kettle"), ("note", "", "Image, png, 3 bytes")]),
    ),
    (
        {"type": "computer_call", "action": {"type": "click", "button": "left", "x": 5, "y": 7}},
        ("Computer call", "", "", [("code", "", "click at 5, 7 button: left")]),
    ),
    (
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "f"}},
        ("Computer output", "", "", [("note", "", "Screenshot: file f")]),
    ),
    (
        {"type": "tool_search_call", "arguments": {"query": "track"}},
        ("Tool search", "", "", [("code", "Arguments", '{\n  "query": "track"\n}')]),
    ),
    (
        {"type": "tool_search_output", "tools": [{"name": "f", "description": "Does it."}]},
        ("Tools found", "", "", [("reference", "Tool", "f"), ("text", "", "Does it.")]),
    ),
    (
        {"type": "additional_tools", "tools": [{"type": "web_search"}]},
        (
            "Additional tools",
            "",
            "",
            [("reference", "Tool", "web_search"), ("code", "", '{\n  "type": "web_search"\n}')],
        ),
    ),
    (
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "x" * 1234},
        ("Reasoning", "", "", [("text", "Summary", "s"), ("note", "", "Encrypted content, 1,234 characters")]),
    ),
    (
        {"type": "configuration_update", "reasoning": {"effort": "high"}, "text": {"format": {"type": "text"}}},
        ("Configuration update", "", "", [("text", "Reasoning effort", "high"), ("text", "Text format", "text")]),
    ),
    ({"type": "program", "code": "return 1"}, ("Program", "", "", [("code", "", "return 1")])),
    ({"type": "program_output", "result": "1"}, ("Program output", "", "", [("code", "", "1")])),
    (
        {"type": "compaction", "encrypted_content": "xy"},
        (
            "Compaction",
            "",
            "",
            [("note", "", "Earlier items, compacted by OpenAI"), ("note", "", "Encrypted content, 2 characters")],
        ),
    ),
    (
        {"type": "code_interpreter_call", "code": "1", "outputs": [{"type": "logs", "logs": "out"}]},
        ("Code interpreter", "", "", [("code", "", "1"), ("code", "Logs", "out")]),
    ),
    (
        {"type": "local_shell_call", "action": {"command": ["echo", "a b"], "user": "me"}},
        ("Local shell", "", "", [("code", "", "echo 'a b'"), ("code", "User", "me")]),
    ),
    ({"type": "local_shell_call_output", "output": "out"}, ("Local shell output", "", "", [("code", "", "out")])),
    ({"type": "shell_call", "action": {"commands": ["a", "b"]}}, ("Shell", "", "", [("code", "", "a\nb")])),
    (
        {"type": "shell_call_output", "output": [{"stdout": "o", "stderr": "e", "outcome": {"exit_code": 0}}]},
        ("Shell output", "", "", [("code", "Output", "o"), ("code", "Errors", "e"), ("note", "", "Exit code 0")]),
    ),
    (
        {"type": "apply_patch_call", "operation": {"type": "update_file", "path": "a.py", "diff": "+1"}},
        ("Patch", "", "", [("text", "Update file", "a.py"), ("code", "", "+1")]),
    ),
    ({"type": "apply_patch_call_output", "output": "Done."}, ("Patch output", "", "", [("code", "", "Done.")])),
    (
        {"type": "mcp_list_tools", "server_label": "s", "tools": [], "error": "late"},
        ("MCP tools", "s", "", [("text", "Error", "late")]),
    ),
    (
        {"type": "mcp_approval_request", "server_label": "s", "name": "f", "arguments": "{}"},
        ("MCP approval request", "s · f", "", [("code", "Arguments", "{}")]),
    ),
    (
        {"type": "mcp_approval_response", "approve": False, "reason": "No."},
        ("MCP approval", "", "", [("text", "", "Denied"), ("text", "Reason", "No.")]),
    ),
    (
        {"type": "mcp_call", "server_label": "s", "name": "f", "output": "o", "error": {"type": "t", "message": "m"}},
        ("MCP call", "s · f", "", [("code", "Output", "o"), ("text", "Error", "t: m")]),
    ),
]


def test_there_is_a_case_for_each_known_type() -> None:
    assert {item["type"] for item, _ in CASES} == set(_KINDS)


@pytest.mark.parametrize(("item", "expected"), CASES, ids=[item["type"] for item, _ in CASES])
def test_a_type_shows_its_label_its_name_its_status_and_what_it_holds(item: dict[str, Any], expected: Shown) -> None:
    assert shown(item["type"], **{name: value for name, value in item.items() if name != "type"}) == expected


def test_a_tool_looks_like_one_and_has_the_id_of_its_call() -> None:
    item = displayed({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""})
    assert (item.kind, item.id, item.call_id, item.is_known) == ("tool", "fc_1", "call_1", True)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("function_call", "No arguments"),
        ("custom_tool_call", "No input"),
        ("function_call_output", "No output"),
        ("program_output", "No result"),
        ("reasoning", "Reasoning without a summary"),
        ("image_generation_call", "No image yet"),
        ("computer_call", "No action"),
        ("code_interpreter_call", "No code yet"),
        ("shell_call_output", "No output"),
        ("mcp_call", "No arguments"),
    ],
)
def test_what_holds_nothing_says_so(kind: str, text: str) -> None:
    assert blocks(kind) == [("note", "", text)]


def test_all_that_a_type_is_known_to_hold_stands_beside_it() -> None:
    item = displayed({"type": "image_generation_call", "size": "1024x1024", "quality": "low"})
    assert item.fields == (("size", "1024x1024"), ("quality", "low"))


def test_the_actions_on_a_screen_stand_in_a_line_each() -> None:
    actions = [
        {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
        {"type": "keypress", "keys": ["CTRL", "A"]},
        {"type": "type", "text": "48213"},
    ]
    assert blocks("computer_call", actions=actions) == [
        ("code", "", "drag 1, 2 → 3, 4\nkeypress CTRL+A\ntype text: 48213")
    ]


def test_what_has_to_be_confirmed_before_an_action_is_shown() -> None:
    checks = [{"code": "odd", "message": "Look."}]
    assert blocks("computer_call", pending_safety_checks=checks) == [("text", "To confirm", "odd: Look.")]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"type": "open_page", "url": "https://e.example/"}, [("reference", "Opened", "https://e.example/")]),
        ({"type": "open_page"}, [("note", "", "Opened a page")]),
        (
            {"type": "find_in_page", "url": "https://e.example/", "pattern": "x"},
            [("text", "Searched for", "x"), ("reference", "In the page", "https://e.example/")],
        ),
        ({"type": "dance"}, [("code", "Action", '{\n  "type": "dance"\n}')]),
    ],
)
def test_each_action_of_a_web_search_is_shown(action: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert blocks("web_search_call", action=action) == expected


def test_a_command_that_ran_out_of_time_says_so() -> None:
    assert blocks("shell_call_output", output=[{"outcome": {"type": "timeout"}}]) == [("note", "", "Timed out")]


def test_nothing_that_an_example_says_is_left_out_of_its_blocks() -> None:
    shown_text = "".join(block.text for item in every_type() for block in displayed(item).blocks)
    for words in ("KETTLE-17", "moderation_blocked", "4f1c9a7 Label", "No such article.", "Sets goods aside.", "B4"):
        assert words in shown_text
