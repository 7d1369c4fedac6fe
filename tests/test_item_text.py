"""Items as they are shown: text where it is a plain message, JSON for whatever else there is."""

import json
from typing import Any

import pytest

from conversations.item_text import displayed


def message(content: Any, role: Any = "user") -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": role, "content": content}


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text", "summary_text"])
def test_a_part_with_text_shows_its_text(kind: str) -> None:
    item = displayed(message([{"type": kind, "text": " hi\n"}]))
    assert (item.text, item.is_code) == (" hi\n", False)


def test_a_refusal_shows_its_words() -> None:
    assert displayed(message([{"type": "refusal", "refusal": "I won't."}])).text == "I won't."


def test_parts_stand_one_after_the_other() -> None:
    parts = [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": "x"}]
    assert displayed(message(parts)).text.startswith('look\n{\n  "type": "input_image"')


def test_plain_text_is_shown_as_it_is() -> None:
    assert displayed(message("hi")).text == "hi"


@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
def test_a_known_role_has_its_look(role: str) -> None:
    item = displayed(message("hi", role))
    assert (item.label, item.kind) == (role.capitalize(), role)


@pytest.mark.parametrize("role", ["critic", "tool", "unknown", '"><b>', {"a": 1}, 7])
def test_an_unknown_role_is_named_and_looks_like_a_tool(role: Any) -> None:
    item = displayed(message("hi", role))
    assert (item.kind, item.text) == ("tool", "hi")


@pytest.mark.parametrize(
    "item",
    [
        {"type": "function_call", "name": "f"},
        {"type": "telepathy"},
        {"type": None},
        {"type": {"a": 1}},
        {},
        message(None),
        message(7),
        message({"a": 1}),
    ],
)
def test_whatever_else_there_is_shows_as_its_json(item: dict[str, Any]) -> None:
    shown = displayed(item)
    assert shown.is_code
    assert json.loads(shown.text) == item


@pytest.mark.parametrize("part", [None, 7, "text", [], {}, {"type": "text"}, {"type": "text", "text": 5}, {"type": []}])
def test_a_part_that_is_none_shows_as_its_json(part: Any) -> None:
    assert json.loads(displayed(message([part])).text) == part


def test_an_item_without_an_id_or_content_is_shown_too() -> None:
    assert displayed({"type": "message", "content": []}).text == ""
    assert displayed({"type": "message", "content": []}).id == ""


def test_a_type_is_said_in_words() -> None:
    assert displayed({"type": "file_search_call"}).label == "File search call"
