"""How items are displayed, in any form that the API returns."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.examples.items import every_type, hostile, unknown_types
from conversations.items import DisplayedItem, displayed
from conversations.items.blocks import INDENTED_LENGTH, Block, image, reindented, safe_url
from conversations.items.kinds import _KINDS

TYPES = [*_KINDS, "message", "telepathy"]
EXAMPLES = [*every_type(), *unknown_types(), *hostile()]
FIELDS = sorted({name for item in EXAMPLES for name in item} - {"type"})
INNER = ["type", "text", "url", "title", "score", "filename", "command", "x", "y", "path", "keys", "outcome", "stdout"]
PART_TYPES = ["input_text", "refusal", "input_image", "input_file", "search", "open_page", "logs", "url_citation"]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(PART_TYPES)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(INNER) | st.text(), inner, max_size=4),
    max_leaves=12,
)


def message(content: Any, role: Any = "user", **fields: Any) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": role, "content": content, **fields}


def said(*parts: Any) -> DisplayedItem:
    return displayed(message(list(parts)))


def strings_of(item: DisplayedItem) -> list[Any]:
    """All attributes that have to be strings."""
    texts = [item.id, item.type, item.label, item.kind, item.name, item.status, item.call_id, item.text]
    texts += [text for fact in item.fields for text in fact]
    return texts + [text for block in item.blocks for text in (block.kind, block.text, block.caption, block.url)]


# Messages


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text"])
def test_a_part_with_text_shows_its_text(kind: str) -> None:
    assert said({"type": kind, "text": " hi\n"}).blocks == (Block("text", " hi\n"),)


@pytest.mark.parametrize(("kind", "caption"), [("summary_text", "Summary"), ("reasoning_text", "Reasoning")])
def test_a_part_of_reasoning_is_named(kind: str, caption: str) -> None:
    assert said({"type": kind, "text": "hm"}).blocks == (Block("text", "hm", caption),)


def test_a_refusal_shows_its_text() -> None:
    assert said({"type": "refusal", "refusal": "I won't."}).blocks == (Block("refusal", "I won't.", "Refusal"),)


def test_parts_stand_one_after_the_other() -> None:
    shown = said({"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": "https://a.example/"})
    assert [block.kind for block in shown.blocks] == ["text", "note"]
    assert shown.text == "look\n\nImage: https://a.example/"


def test_plain_text_is_shown_as_it_is() -> None:
    assert displayed(message('{"a":1}')).blocks == (Block("text", '{"a":1}'),)


def test_what_a_text_cites_stands_below_it() -> None:
    cited = {"type": "url_citation", "title": "Kettles", "url": "https://example.com/"}
    shown = said({"type": "output_text", "text": "Yes.", "annotations": [cited, {"type": "file_path", "file_id": "f"}]})
    assert shown.blocks[1] == Block("reference", "Kettles", "Cites", "https://example.com/")
    assert shown.blocks[2] == Block("reference", "f", "Points to the file")


def test_a_file_shows_its_name_its_kind_and_its_size_and_not_its_data() -> None:
    data = "data:text/csv;base64," + "AAAA" * 1000
    shown = said({"type": "input_file", "filename": "a.csv", "file_data": data, "file_id": "file-1"})
    assert shown.text == "File “a.csv”, text/csv, 3.0 kB, file-1"


@pytest.mark.parametrize(
    ("url", "file_id", "text"),
    [
        ("https://example.com/a.png", None, "Image: https://example.com/a.png"),
        ("data:image/png;base64,AAAA", None, "Image, image/png, 3 bytes"),
        (None, "file-1", "Image: file file-1"),
        (None, None, "Image: URL not included"),
    ],
)
def test_an_image_is_named_and_never_fetched(url: str | None, file_id: str | None, text: str) -> None:
    assert image(url, file_id).text == text


@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
def test_a_known_role_has_its_look(role: str) -> None:
    item = displayed(message("hi", role))
    assert (item.label, item.kind) == (role.capitalize(), role)


@pytest.mark.parametrize("role", ["critic", "tool", "unknown", '"><b>', {"a": 1}, 7])
def test_an_unknown_role_is_named_and_looks_like_a_tool(role: Any) -> None:
    item = displayed(message("hi", role))
    assert (item.kind, item.text) == ("tool", "hi")
    assert item.label.lower() == (role if isinstance(role, str) else json.dumps(role, indent=2)).lower()


@pytest.mark.parametrize(("status", "shown"), [("completed", ""), ("in_progress", "in_progress"), (None, "")])
def test_a_message_says_its_status_unless_it_is_complete(status: str | None, shown: str) -> None:
    assert displayed(message("hi", status=status)).status == shown


def test_the_phase_of_a_message_stands_beside_it() -> None:
    assert displayed(message("hi", phase="commentary")).fields == (("phase", "commentary"),)


# Unknown forms


@pytest.mark.parametrize(
    "item",
    [{"type": "telepathy"}, {"type": None}, {"type": {"a": 1}}, {}, message(None), message(7), message({"a": 1})],
)
def test_whatever_else_there_is_shows_as_its_json(item: dict[str, Any]) -> None:
    shown = displayed(item)
    assert [block.kind for block in shown.blocks] == ["code"]
    assert json.loads(shown.text) == item


@pytest.mark.parametrize("part", [None, 7, [], {}, [1], {"type": "text"}, {"type": "text", "text": 5}, {"type": []}])
def test_a_part_that_is_none_shows_as_its_json(part: Any) -> None:
    assert json.loads(said(part).text) == part


def test_an_item_without_an_id_or_content_is_shown_too() -> None:
    shown = displayed({"type": "message", "content": []})
    assert (shown.id, shown.text, shown.label) == ("", "", "Message")


def test_an_unknown_type_is_shown_without_underscores() -> None:
    shown = displayed({"type": "hologram_call"})
    assert (shown.label, shown.is_known) == ("Hologram call", False)


@pytest.mark.parametrize("item", EXAMPLES, ids=lambda item: item["type"])
def test_every_example_is_displayed_as_text(item: dict[str, Any]) -> None:
    shown = displayed(item)
    assert all(isinstance(text, str) for text in strings_of(shown))
    assert shown.blocks or item["content"] == []


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), values, max_size=6))
def test_whatever_stands_in_its_fields_an_item_is_displayed_as_text(kind: str, fields: dict[str, Any]) -> None:
    assert all(isinstance(text, str) for text in strings_of(displayed({**fields, "type": kind})))


@pytest.mark.long
@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=40, deadline=None)
@given(value=values)
def test_whatever_stands_in_all_its_fields_an_item_is_displayed_as_text(kind: str, value: Any) -> None:
    assert all(isinstance(text, str) for text in strings_of(displayed({**dict.fromkeys(FIELDS, value), "type": kind})))


@pytest.mark.parametrize("score", [10**400, float("inf"), float("nan"), True], ids=["int", "inf", "nan", "true"])
def test_no_score_of_a_file_is_too_large_to_be_shown(score: float) -> None:
    shown = displayed({"type": "file_search_call", "queries": [], "results": [{"file_id": "f", "score": score}]})
    assert shown.blocks[0].text == "f"


# URLs


@pytest.mark.parametrize("url", ["https://example.com/a?b=c#d", "http://127.0.0.1:8000/", "HTTPS://EXAMPLE.COM"])
def test_an_url_of_the_web_may_be_followed(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " \x01JaVaScRiPt:alert(1)",
        "data:text/html,<script>",
        "//example.com/",
        "/path",
        "https:///path",
        "https://",
        "http://[::1",
        "https://example.com/a b",
        "https://example.com/\x7f",
        "https://example.com/\n",
        "file:///etc/passwd",
        "vbscript:x",
        "https://example.com/" + "a" * 2000,
        "",
        None,
        7,
        ["https://example.com/"],
    ],
)
def test_no_other_url_is_safe(url: Any) -> None:
    assert safe_url(url) == ""


# Indented JSON


def test_json_is_indented_with_its_numbers_and_repeated_keys_as_they_came() -> None:
    text = '{"a":1e999,"b":123456789012345678901234567890,"a":[1.0,{}],"c":[]}'
    expected = (
        '{\n  "a": 1e999,\n  "b": 123456789012345678901234567890,\n  "a": [\n    1.0,\n    {}\n  ],\n  "c": []\n}'
    )
    assert reindented(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "7",
        "no JSON",
        '"text"',
        '{"a": ',
        "[1,]",
        "{'a': 1}",
        "[" * 41 + "1" + "]" * 41,
        "[" * 2000 + "]" * 2000,
        "[" * 100_000,
        f'["{"x" * INDENTED_LENGTH}"]',
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_or_too_long_or_too_deep_stays_as_it_is(text: str) -> None:
    assert reindented(text) == text


@pytest.mark.parametrize("escape", ["\\ud800", "\\u202e", "\\u0000", "\\u001b", "\\u2028"])
def test_what_is_not_to_be_seen_stays_escaped(escape: str) -> None:
    assert reindented(f'["{escape}"]') == f'[\n  "{escape}"\n]'


def test_letters_stand_in_place_of_their_escapes() -> None:
    assert reindented('["\\u00e4\\ud83d\\ude00"]') == '[\n  "ä😀"\n]'


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(), values) | st.lists(values))
def test_indented_json_says_what_it_said(value: Any) -> None:
    text = json.dumps(value)
    assert json.dumps(json.loads(reindented(text))) == text


# Folding


@pytest.mark.parametrize(
    ("text", "is_long", "is_huge"),
    [
        ("a" * 1_500, False, False),
        ("a" * 1_501, True, False),
        ("a\n" * 15, False, False),
        ("a\n" * 16, True, False),
        ("a" * 20_000, True, False),
        ("a" * 20_001, True, True),
    ],
)
def test_a_long_text_folds_and_a_huge_one_stands_elsewhere(text: str, is_long: bool, is_huge: bool) -> None:
    block = Block("text", text)
    assert (block.is_long, block.is_huge) == (is_long, is_huge)


def test_the_beginning_of_a_folded_text_is_sixteen_lines_or_1500_characters() -> None:
    assert Block("text", "line\n" * 100).beginning == "\n".join(["line"] * 16)
    assert Block("text", "a" * 9_000).beginning == "a" * 1_500
