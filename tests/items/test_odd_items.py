"""Items of compatible servers and newer versions of the API: every field is shown, whatever it contains."""

import csv
import json
from io import StringIO
from typing import Any, get_args

import pytest
from openai.types.conversations.conversation_item import ConversationItem

from conversations.examples.items import every_type
from conversations.exports.transcripts import BYTE_ORDER_MARK, FORMATS
from conversations.items import displayed, partner_of, turns
from conversations.items.blocks import Block, image
from conversations.items.kinds import _KINDS

Item = dict[str, Any]
Shown = list[tuple[str, str, str]]

ODD = [None, 7, "text", ["a"], True]
CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "id": "fco", "call_id": "c", "output": "1"}


def blocks(kind: str, **fields: Any) -> Shown:
    return [(each.kind, each.caption, each.text) for each in displayed({"type": kind, **fields}).blocks]


def message(**part: Any) -> Shown:
    """The blocks of a message with this part."""
    return blocks("message", role="user", content=[part])


def written(kind: str, items: list[Any]) -> str:
    file = FORMATS[kind]("conv_1")
    return "".join([file.head(), file.page(items), file.foot()])


# Entries that aren't items


@pytest.mark.parametrize("odd", ODD)
def test_an_entry_that_is_no_object_shows_as_its_json(odd: Any) -> None:
    shown = displayed(odd)
    assert (shown.id, shown.type, shown.is_known) == ("", "", False)
    assert json.loads(shown.text) == odd


@pytest.mark.parametrize("odd", ODD)
def test_an_entry_that_is_no_object_hides_nothing_beside_it(odd: Any) -> None:
    assert [[item.id for item in turn.items] for turn in turns([odd, CALL, odd, OUTPUT])] == [[""], ["fc", "fco"], [""]]


@pytest.mark.parametrize("odd", ODD)
def test_an_entry_that_is_no_object_is_nobodys_other_half(odd: Any) -> None:
    partner = partner_of(CALL)
    assert partner is not None
    assert not partner.matches(odd)
    assert partner_of(odd) is None


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_holds_what_is_no_object_beside_its_neighbours(kind: str, odd: Any) -> None:
    text = written(kind, [odd, CALL, odd])
    assert json.dumps(odd) in text or json.dumps(odd, indent=2) in text.replace('""', '"')
    assert text.count("fc") >= 1


def test_the_ends_of_a_file_of_json_have_no_id_where_they_are_no_objects() -> None:
    document = json.loads(written("json", [7, CALL, "x"]))
    assert (document["data"], document["first_id"], document["last_id"]) == ([7, CALL, "x"], None, None)


def test_a_row_of_a_csv_holds_the_json_of_what_is_no_object() -> None:
    rows = list(csv.reader(StringIO(written("csv", ["hm"]).removeprefix(BYTE_ORDER_MARK))))
    assert rows[1] == ["1", "", "", "", "", "", "", '"hm"', '"hm"']


# What compatible servers leave out or do differently


@pytest.mark.parametrize("kind", [{}, {"type": None}, {"type": ""}])
@pytest.mark.parametrize("content", ["hi", [{"type": "input_text", "text": "hi"}]])
def test_a_message_without_a_type_is_a_message(kind: Item, content: Any) -> None:
    shown = displayed({"id": "msg_1", "role": "user", "content": content, **kind})
    assert (shown.type, shown.label, shown.kind, shown.text) == ("message", "User", "user", "hi")


def test_the_url_of_an_image_may_stand_in_an_object() -> None:
    url = {"url": "https://example.com/a.png", "detail": "high"}
    assert message(type="input_image", image_url=url) == [("note", "High detail", "Image: https://example.com/a.png")]
    assert (
        displayed({"role": "user", "content": [{"type": "input_image", "image_url": url}]}).blocks[0].url == url["url"]
    )


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://example.com/a.png", "Image: https://example.com/a.png, file file-1"),
        ("data:image/png;base64,AAAA", "Image, image/png, 3 bytes, file file-1"),
        ({"url": "https://example.com/a.png"}, "Image: https://example.com/a.png, file file-1"),
        ({"address": "a"}, 'Image: {\n  "address": "a"\n}, file file-1'),
        (7, "Image: 7, file file-1"),
    ],
)
def test_an_image_shows_its_url_and_its_file(url: Any, text: str) -> None:
    assert image(url, "file-1").text == text


def test_a_source_of_a_web_search_shows_its_title() -> None:
    source = {"type": "url", "url": "https://e.example/", "title": "Kettles"}
    assert blocks("web_search_call", action={"type": "search", "sources": [source]}) == [
        ("reference", "Source", "Kettles")
    ]


@pytest.mark.parametrize("odd", [None, 7, [1], {}, {"content": "no title"}])
def test_a_result_of_a_web_search_that_is_of_no_known_form_shows_as_its_json(odd: Any) -> None:
    [shown] = blocks("web_search_call", action=None, results=[odd])
    assert shown[:2] == ("code", "Found")
    assert json.loads(shown[2]) == odd


@pytest.mark.parametrize("name", ["snippet", "text"])
def test_what_a_web_search_found_is_shown(name: str) -> None:
    found = {"type": "url", "title": "Kettles", "url": "https://e.example/", name: "How to care.", "rank": 2}
    item = displayed({"type": "web_search_call", "action": {"type": "open_page"}, "results": [found]})
    assert item.blocks[1:] == (
        Block("reference", "Kettles", "Found", "https://e.example/"),
        Block("text", "How to care."),
        Block("rest", '{\n  "rank": 2\n}', "Other fields"),
    )


# New in the API


def test_a_configuration_update_says_what_changes() -> None:
    form = {"type": "json_schema", "name": "order", "schema": {}}
    item = {"reasoning": {"effort": "high", "summary": "auto"}, "text": {"format": form}, "since": 5}
    assert displayed({"type": "configuration_update"}).label == "Configuration update"
    assert blocks("configuration_update", **item) == [
        ("text", "Reasoning effort", "high"),
        ("code", "Text format", json.dumps(form, indent=2)),
        ("rest", "Other fields of the reasoning", '{\n  "summary": "auto"\n}'),
        ("rest", "Other fields", '{\n  "since": 5\n}'),
    ]


@pytest.mark.parametrize("odd", ["high", 7, ["a"]])
def test_a_configuration_update_of_another_form_hides_nothing(odd: Any) -> None:
    [shown] = blocks("configuration_update", reasoning=odd)
    assert json.loads(shown[2]) == {"reasoning": odd}


def test_an_image_that_was_refused_says_why_and_where() -> None:
    details = {"moderation_stage": "output", "categories": ["violence", "self-harm"]}
    error = {"type": "image_generation_error", "code": "moderation_blocked", "message": "No.", "param": "prompt"}
    assert blocks("image_generation_call", error={**error, "moderation_details": details}) == [
        ("text", "Error", "image_generation_error: moderation_blocked: No."),
        ("text", "Moderation", "Stopped at the output, violence, self-harm"),
        ("rest", "Other fields of the error", '{\n  "param": "prompt"\n}'),
    ]


def test_the_tokens_of_a_drawing_are_shown() -> None:
    assert blocks("image_generation_call", result="AAAA", svg_usage={"model": "m", "total_tokens": 7})[1] == (
        "code",
        "SVG usage",
        '{\n  "model": "m",\n  "total_tokens": 7\n}',
    )


def test_who_called_and_how_stands_beside_a_call() -> None:
    caller = {"caller_id": "call_1", "type": "program"}
    fields = {"async": True, "caller": caller, "created_by": "someone"}
    item = displayed({"type": "custom_tool_call", "input": "x", **fields})
    assert item.fields == (("async", "yes"), ("caller", "program call_1"), ("created by", "someone"))
    assert displayed({"type": "custom_tool_call", "input": "x", "async": False, "caller": None}).fields == ()


# Nothing is lost


@pytest.mark.parametrize("kind", [*_KINDS, "message"])
@pytest.mark.parametrize("value", ["kept-somewhere", ["kept-somewhere"], {"deep": "kept-somewhere"}])
def test_a_field_that_nobody_knows_is_shown_whatever_the_type(kind: str, value: Any) -> None:
    item = {"type": kind, "role": "user", "content": "hi", "new_field": value}
    [rest] = [block.text for block in displayed(item).blocks if block.kind == "rest"][-1:]
    assert json.loads(rest)["new_field"] == value


def test_the_other_fields_are_no_part_of_what_an_item_says() -> None:
    assert displayed({"type": "function_call_output", "output": "1", "new_field": "x"}).text == "1"
    assert '"new_field": "x"' in written("md", [{"type": "function_call_output", "output": "1", "new_field": "x"}])


def test_an_empty_field_that_nobody_knows_is_not_worth_a_word() -> None:
    assert blocks("function_call_output", output="1", new_field=None, other=[]) == [("code", "", "1")]


def test_a_field_of_a_part_that_nobody_knows_is_shown() -> None:
    assert message(type="input_text", text="hi", prompt_cache_breakpoint={"mode": "explicit"}) == [
        ("text", "", "hi"),
        ("rest", "Other fields", '{\n  "prompt_cache_breakpoint": {\n    "mode": "explicit"\n  }\n}'),
    ]


PLACES = {"type", "index", "start_index", "end_index", "strict"}  # positions of citations; a field of all tools


def strings_of(value: Any) -> list[str]:
    """All strings, without types and roles."""
    if isinstance(value, dict):
        return [text for name, each in value.items() if name not in PLACES for text in strings_of(each)]
    return [text for each in value for text in strings_of(each)] if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize("item", every_type(), ids=lambda item: item["type"])
def test_whatever_stands_in_an_example_is_shown(item: Item) -> None:
    shown = displayed(item)
    seen = "\n".join([*(f"{each.caption} {each.text} {each.url} {each.data}" for each in shown.blocks), shown.label])
    seen += " ".join(
        [shown.name, shown.status, shown.call_id, shown.id, *(text for field in shown.fields for text in field)]
    )
    hidden = [text for text in strings_of(item) if str(text).lower() not in seen.lower() and len(text) > 2]
    assert [text for text in hidden if text not in QUIET and not is_elsewhere(text)] == []


QUIET = {"None", "False", "True", "auto", "completed"}  # defaults aren't shown; "Approved" shows the third


def is_elsewhere(text: str) -> bool:
    """Whether it's shown differently: encrypted or encoded data as its size, code as lines."""
    return len(text) > 100 or text.startswith(("data:", "{", "gAAAA", "0.")) or "'" in text


def test_each_known_type_is_one_of_the_package() -> None:
    classes = get_args(get_args(ConversationItem)[0])
    assert {*_KINDS, "message"} == {get_args(each.model_fields["type"].annotation)[0] for each in classes}
