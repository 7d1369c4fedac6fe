"""A folded turn says in one line what was asked for and what came out."""

from typing import Any

import pytest

from conversations.examples.tool_items import PNG
from conversations.items import Line, line_of, turns
from conversations.items.finding import matches, places
from conversations.items.kinds import displayed

Item = dict[str, Any]
CALL = {"type": "function_call", "call_id": "c", "name": "look_up", "arguments": '{"order": 7}', "status": "completed"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "found\nit", "status": "completed"}


def line(*items: Item) -> Line | None:
    return line_of(turns(items)[0])


def test_a_call_with_its_output() -> None:
    assert line(CALL, OUTPUT) == Line("Function call", "look_up", '{ "order": 7 }', "found it", "")


def test_the_first_unusual_status_is_told() -> None:
    assert line(CALL, {**OUTPUT, "status": "incomplete"}).status == "incomplete"  # type: ignore[union-attr]


def test_how_a_command_ended_comes_before_what_it_printed() -> None:
    call = {"type": "shell_call", "call_id": "s", "action": {"commands": ["ls -l"]}}
    output = {"stdout": "a.txt", "outcome": {"type": "exit", "exit_code": 2}}
    shown = line(call, {"type": "shell_call_output", "call_id": "s", "output": [output]})
    assert shown is not None
    assert (shown.call, shown.result) == ("ls -l", "Exit code 2 · a.txt")


def test_an_item_that_has_its_own_output() -> None:
    shown = line({"type": "mcp_call", "name": "get", "server_label": "shop", "arguments": "{}", "output": "none"})
    assert shown is not None
    assert (shown.name, shown.call, shown.result) == ("shop · get", "{}", "none")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"summary": [{"type": "summary_text", "text": "First\nthis"}]}, "10 characters: First this"),
        ({"encrypted_content": "x" * 1_204}, "Encrypted content, 1,204 characters"),
        ({}, "Reasoning without a summary"),
    ],
)
def test_a_reasoning(item: Item, words: str) -> None:
    shown = line({"type": "reasoning", **item})
    assert shown is not None
    assert shown.call == words


def test_a_long_text_is_cut() -> None:
    shown = line({**CALL, "arguments": "x" * 1_000_000}, {**OUTPUT, "output": "y" * 1_000_000})
    assert shown is not None
    assert (len(shown.call), len(shown.result)) == (91, 141)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "user", "content": "hi"},
        {"type": "message", "role": "critic", "content": "hi"},
        {"type": "image_generation_call", "result": PNG},
        {"type": "telepathy"},
        {},
    ],
)
def test_messages_pictures_and_what_nobody_knows_stay_open(item: Item) -> None:
    assert line(item) is None


def test_a_text_is_found_without_regard_to_case_where_it_is() -> None:
    text = "İstanbul, Order ORDER straße"
    assert [text[start:end] for start, end in places(text, "oRDer")] == ["Order", "ORDER"]
    assert [text[start:end] for start, end in places(text, "STRASS")] == []
    assert list(places("aaaa", "aa")) == [(0, 2), (2, 4)]
    assert list(places("anything", "")) == []


def test_matches_are_counted_in_all_that_an_item_shows() -> None:
    item = displayed({**CALL, "id": "fc_order", "name": "order", "extra": "in order"})
    assert matches(item, "ORDER") == 3
    assert matches(item, "fc_order") == 1
    assert matches(item, "") == 0


def test_a_turn_says_what_is_missing_of_it() -> None:
    assert [turn.lacks for turn in turns([CALL])] == ["output"]
    assert [turn.lacks for turn in turns([OUTPUT])] == ["call"]
    assert [turn.lacks for turn in turns([CALL, OUTPUT, {"type": "reasoning"}])] == ["", ""]
