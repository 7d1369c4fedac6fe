"""What of an item can be created again, and whether a server lists what was sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.examples.items import every_type, hostile, unknown_types
from conversations.items.creation import ROLES, creatable, same_items
from conversations.sandbox.items import complete_item
from conversations.sandbox.validation import read_items

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CREATED = {
    *("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
    *("shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output"),
}


def message(content: Any, role: str = "user", **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content, **more}


@pytest.mark.parametrize("item", every_type(), ids=lambda item: item["type"])
def test_of_every_type_the_sandbox_takes_what_is_creatable(item: dict[str, Any]) -> None:
    made = creatable(complete_item(item))
    assert made.item is not None or made.left_out
    if made.item is not None:
        assert item["type"] in CREATED
        assert "id" not in made.item
        read_items([made.item])


@pytest.mark.parametrize("item", [*unknown_types(), *hostile()], ids=str)
def test_of_odd_items_too(item: Any) -> None:
    made = creatable(item)
    assert made.item is not None or made.left_out
    read_items([made.item] if made.item else [])


@pytest.mark.long
@given(JSON, st.sampled_from([*ROLES, "tool"]), JSON)
def test_anything_has_a_creatable_form_or_a_reason(content: Any, role: str, item: Any) -> None:
    for each in (message(content, role), message([item], role), item):
        made = creatable(each)
        assert made.item is not None or made.left_out


@pytest.mark.parametrize(("role", "kind"), [("user", "input_text"), ("assistant", "output_text")])
def test_a_text_gets_the_part_of_its_role(role: str, kind: str) -> None:
    made = creatable(message([{"type": "text", "text": "a"}], role))
    assert made.item == message([{"type": kind, "text": "a"}], role)


def test_citations_are_left_out_and_said_to_be() -> None:
    text = {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}]}
    made = creatable(message([text], "assistant"))
    assert (made.item, made.left_out) == (
        message([{"type": "output_text", "text": "a"}], "assistant"),
        ("its citations",),
    )


def test_pictures_and_files_of_chat_completions_are_translated() -> None:
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    made = creatable({"role": "user", "content": parts})
    assert made.item == message(
        [
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
            {"type": "input_file", "file_id": "file-1"},
        ]
    )


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"type": "input_image", "image_url": None}, "a picture without a URL or file id"),
        ({"type": "input_file", "filename": "a.pdf"}, "a file without an id, URL or content"),
        ({"type": "input_audio", "input_audio": {}}, "a part of the type “input_audio”"),
        ("text", "a part that isn’t an object"),
    ],
)
def test_parts_that_cannot_be_created_are_named(part: Any, reason: str) -> None:
    made = creatable(message([{"type": "input_text", "text": "a"}, part]))
    assert (made.item, made.left_out) == (message([{"type": "input_text", "text": "a"}]), (reason,))


def test_an_assistant_has_no_pictures() -> None:
    picture = {"type": "input_image", "image_url": "https://example.com/a.png"}
    assert creatable(message([picture], "assistant")).item is None


def test_what_a_program_of_openai_called_is_left_out() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "caller": {"type": "program"}}
    assert creatable(call).item is None


# What a server lists


def listed(*texts: str) -> list[dict[str, Any]]:
    return [complete_item(message(text)) for text in texts]


def sent(*texts: str) -> list[dict[str, Any]]:
    return [message(text) for text in texts]


@pytest.mark.parametrize(
    ("found", "count"),
    [("abc", 3), ("xabcy", 3), ("ab", 2), ("abx", 2), ("", 0), ("bc", 0), ("aabc", 3), ("axb", 1)],
)
def test_those_that_stand_in_a_row_are_counted(found: str, count: int) -> None:
    assert same_items(sent(*"abc"), listed(*found)) == count


def test_another_role_is_another_message() -> None:
    assert same_items(sent("a"), [complete_item(message("a", "system"))]) == 0


def test_a_picture_that_the_server_does_not_return_is_the_same() -> None:
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:,"}]
    kept = complete_item(message([parts[0], {**parts[1], "image_url": None}]))
    assert same_items([message(parts)], [kept]) == 1
