"""JSON, and JSON Lines."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.importing import Format, FoundId, ImportProblem, Shape, preview
from tests.importing.steps import UUID, A, B, C, conv, found_in, read, tally_of

JSON, JSON_LINES = Shape(Format.JSON), Shape(Format.JSON_LINES)
OTLP = {
    "resourceSpans": [
        {"scopeSpans": [{"spans": [
            {"traceId": "ab" * 16, "attributes": [{"key": "gen_ai.conversation.id", "value": {"stringValue": UUID}}]},
            {"traceId": "cd" * 16, "attributes": [{"value": "b-1234567", "key": "gen_ai.conversation.id"}]},
        ]}]}
    ]
}  # fmt: skip
RESPONSE = {
    "id": "resp_68aaaaaaaaaaaaaa",
    "object": "response",
    "conversation": {"id": A},
    "output": [{"id": "msg_68aaaaaaaaaaaaaa", "type": "message", "content": [{"text": f"You mean {B}?"}]}],
}

# (record, its ids)
RECORDS: list[tuple[Any, list[str]]] = [
    ({"conversation_id": A}, [A]),
    ({"a": [{"b": {"conversationId": A}}], "openai_conversation_id": B}, [A, B]),
    ({"gen_ai.conversation.id": UUID}, [UUID]),
    ({"gen_ai": {"conversation": {"id": UUID}}}, [UUID]),
    ({"conversation": A}, [A]),
    ({"conversation": {"id": UUID, "title": "x"}}, [UUID]),
    ({"conversation": "about something else", "id": A}, [A]),
    ({"conversation": [{"id": UUID}], "x": A}, [A]),
    (RESPONSE, [A]),
    (OTLP, [UUID, "b-1234567"]),
    ({"id": UUID, "sessionId": A, "observations": [{"id": UUID}]}, [A]),
    ({"id": "trace-123456", "session_id": UUID, "text": A}, [A]),
    ({"id": "obs-1234567", "metadata": {"attributes": {"gen_ai.conversation.id": UUID}}}, [UUID]),
    ({"id": UUID, "metadata": json.dumps({"attributes": {"gen_ai.conversation.id": A}})}, [A]),
    ({"id": A, "object": "conversation", "metadata": {"conversation_id": B}}, [A, B]),
    ({"id": UUID, "object": "conversation"}, [UUID]),
    ({"id": UUID, "title": f"Not {A}"}, [UUID]),
    ({"id": UUID, "object": "thread", "x": A}, [A]),
    ({"id": "msg_12345678", "text": f"see {A}, {A} and /conversations/{UUID}"}, [A, UUID]),
    ({"id": "short1", "x": [[["deep", A]]]}, [A]),
    ({A: {"n": 1}, B: {"n": 2}}, [A, B]),
    ({"conversation_id": A, "x": {"conversation_id": A}}, [A]),
    ({"id": "chatcmpl-12345678"}, []),
    ({"conversation_id": "unknown"}, []),
    ({"conversation_id": 12345678, "x": None, "y": True, "z": 1.5}, []),
    ({}, []),
    (UUID, [UUID]),
    (f"see {A}", [A]),
]


@pytest.mark.parametrize(("record", "ids"), RECORDS)
def test_the_ids_of_a_record(record: Any, ids: list[str]) -> None:
    last = '{"id": "conv_the_last_one_1"}'
    assert read(f"[{json.dumps(record)}, {last}]", shape=JSON) == [*ids, "conv_the_last_one_1"]
    assert read(f"{json.dumps(record)}\n{last}", shape=JSON_LINES) == [*ids, "conv_the_last_one_1"]


def test_lines_of_json() -> None:
    lines = f'{{"id": "{A}"}}\n\n{{"id": "{B}", "object": "conversation"}}\n'
    assert preview(lines.encode()).shape == JSON_LINES
    assert found_in(lines, size=7) == [FoundId(A, 1), FoundId(B, 3)]


def test_one_line_with_an_object() -> None:
    assert read(json.dumps(RESPONSE)) == [A]


def test_a_line_that_is_no_json_is_searched() -> None:
    tally = tally_of(f'{{"id": "{A}"}}\n{{"id": "{B}"}}\nError in {C}\n{{"x": \n')
    assert (tally.lines, tally.found, tally.without_id) == (4, 3, 1)


def test_half_a_character_is_in_no_id() -> None:
    assert read(f'{{"conversation_id": "bad\\ud800id-12345"}}\n{{"id": "{A}"}}') == [A]


def test_an_array() -> None:
    array = json.dumps([{"id": A}, {"id": UUID}, {"n": 1}, B, 5], indent=2)
    assert preview(array.encode()).shape == JSON
    assert found_in(array, size=3) == [FoundId(A, 1), FoundId(UUID, 2), FoundId(B, 4)]


def test_rows_without_ids_are_counted() -> None:
    tally = tally_of(json.dumps([{"id": A}, {"n": 1}, [], None, B]))
    assert (tally.lines, tally.found, tally.without_id) == (5, 2, 3)


def test_a_list_of_the_api() -> None:
    page = {"object": "list", "data": [{"id": A, "object": "conversation"}, {"id": UUID}], "first_id": A}
    assert read(json.dumps(page, indent=2))[:2] == [A, UUID]


def test_items_of_a_conversation_are_no_records() -> None:
    transcript = {"conversation_id": A, "items": [{"id": UUID, "text": B}]}
    assert read(json.dumps(transcript, indent=2)) == [A]


def test_several_documents_one_after_the_other() -> None:
    documents = f'{{"id":\n "{A}"}}{{"id": "{B}"}}\n[{{"id": "{C}"}}]'
    assert found_in(documents) == [FoundId(A, 1), FoundId(B, 2), FoundId(C, 3)]


def test_our_own_exports() -> None:
    rows = [{"id": each, "credential": "prod", "state": "active", "metadata": {"topic": "x"}} for each in (A, UUID)]
    assert read("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n") == [A, UUID]
    assert read("".join(f"{json.dumps(row)}\n" for row in rows)) == [A, UUID]


def test_a_mark_in_front_of_json() -> None:
    assert read(f'\ufeff[{{"id": "{A}"}}]') == [A]


@pytest.mark.parametrize("text", ['[{"id": "%s"}, oops]', '[{"id": "%s"}, {"x": tru}]', '[{"id": "%s"} {}]'])
def test_a_broken_document(text: str) -> None:
    assert preview((text % A).encode()).ids == [A]
    with pytest.raises(ImportProblem, match=r"isn’t valid JSON .*record \d.*Correct it"):
        read(text % A)


def test_an_incomplete_document() -> None:
    with pytest.raises(ImportProblem, match="This JSON is incomplete: it ends in record 2"):
        read(f'[{{"id": "{A}"}}, {{"id": "{B}"')


@pytest.mark.long
@pytest.mark.parametrize("depth", [600, 5_000, 90_000])
def test_a_deeply_nested_document(depth: int) -> None:
    assert read("[" * depth + f'"{A}"' + "]" * depth) == [A]
    assert read("[" * depth + f'"{A}"' + "]" * depth, shape=JSON_LINES) == [A]


@pytest.mark.long
def test_nesting_without_an_end() -> None:
    with pytest.raises(ImportProblem, match="nested too deeply"):
        read("[" * 1_000_000)
    assert read("[" * 1_000_000 + A, shape=JSON_LINES) == [A]


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999999", "-0.0000000001e-999", "9" * 5_000_000])
def test_huge_numbers(number: str) -> None:
    assert read(f'{{"n": {number}, "conversation_id": "{A}"}}', shape=JSON_LINES) == [A]


def test_a_number_that_python_cannot_read() -> None:
    with pytest.raises(ImportProblem, match="a number is too large"):
        read(f'[1e99999999999999999999, "{A}"]', shape=JSON)


@pytest.mark.long
def test_a_line_of_ten_megabytes() -> None:
    long = json.dumps({"conversation_id": A, "parts": ["some words "] * 700_000, "conversationId": B})
    assert read(f"{long}\n{json.dumps({'id': C})}\n", shape=JSON_LINES) == [A, B, C]


@pytest.mark.long
def test_a_long_line_that_is_no_json_to_its_end() -> None:
    words = ["some words "] * 60_000
    line = json.dumps({"conversation_id": A, "parts": words})[:-1] + f" oops {B} {words} {C}"
    assert read(f"{line}\n", shape=JSON_LINES) == [A, B, C]


def test_a_line_that_is_too_long() -> None:
    with pytest.raises(ImportProblem, match="Line 2 is longer than 16 million characters"):
        read(f'{{"id": "{A}"}}\n{{"x": "{"some words " * 1_600_000}"}}\n', shape=JSON_LINES)


@pytest.mark.long
def test_an_image_in_a_document_is_no_problem() -> None:
    assert read(f'[{{"id": "{A}", "image": "{"QUJD" * 6_000_000}"}}, {{"id": "{B}"}}]', shape=JSON) == [A, B]


def test_the_preview_of_a_document_that_is_cut() -> None:
    document = json.dumps([{"id": conv(number), "x": "y" * 300} for number in range(2_000)], indent=1)
    shown = preview(document.encode()[: 256 * 1024])
    assert (shown.description, len(shown.rows), shown.ids[0]) == ("A JSON document", 10, conv(0))


def test_the_preview_of_a_single_object_that_is_cut() -> None:
    shown = preview(f'{{"data": [{{"id": "{A}"}}, {{"id": "{UUID}"}}, {{"id": "conv_1234'.encode())
    assert (shown.shape, shown.ids) == (JSON, [A, UUID])


KEYS = st.sampled_from(
    ["id", "conversation", "conversation_id", "object", "key", "value", "stringValue", "metadata", "x"]
)
TEXTS = st.sampled_from([A, B, UUID, "conversation", "gen_ai.conversation.id", f"see {C}", "msg_12345678", ""])
VALUES = st.recursive(
    TEXTS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.long
@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_lines_and_documents_give_the_same_ids(value: Any) -> None:
    end = json.dumps({"conversation_id": "conv_the_last_one_1"})
    lines = read(f"{json.dumps(value)}\n{end}", shape=JSON_LINES)
    assert read(f"[{json.dumps(value)}, {end}]", shape=JSON, size=5) == lines
