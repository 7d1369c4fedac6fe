"""JSON: exports, dumps and traces."""

import json
from typing import Any

import pytest

from conversations.importing import Format, ImportProblem, preview
from conversations.importing.recognising import ids_of
from tests.importing.steps import A, B, C, conv, read, tally_of

UUID = "3f2c1b9e-5a77-4c1e-9d1b-0a2b3c4d5e6f"
OTLP = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "app"}}]},
            "scopeSpans": [
                {"spans": [{"attributes": [{"key": "gen_ai.conversation.id", "value": {"stringValue": UUID}}]}]}
            ],
        }
    ]
}


def lines(*records: Any) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def test_an_object_a_line() -> None:
    assert read(lines({"id": A}, {"conversation_id": B}, {"conversation": {"id": C}})) == [A, B, C]


def test_a_list() -> None:
    assert read(json.dumps([{"id": A, "metadata": {}}, {"id": B}], indent=2)) == [A, B]


def test_one_object() -> None:
    assert read(json.dumps({"id": A, "object": "conversation"}, indent=2)) == [A]


def test_a_list_inside_an_object() -> None:
    document = {"object": "list", "data": [{"id": UUID, "object": "conversation"}, {"id": A, "object": "conversation"}]}
    assert read(json.dumps(document, indent=1)) == [UUID, A]


def test_several_documents_after_each_other() -> None:
    assert read(json.dumps({"id": A}, indent=1) + json.dumps({"id": B}, indent=1)) == [A, B]


def test_responses_of_openai() -> None:
    response = {
        "id": "resp_68a1b2c3",
        "object": "response",
        "conversation": {"id": A},
        "output": [{"id": "msg_1a2b3c4d"}],
    }
    assert read(lines(response, {**response, "conversation": {"id": B}})) == [A, B]


def test_traces_of_opentelemetry() -> None:
    assert read(lines(OTLP, OTLP)) == [UUID, UUID]
    assert read(json.dumps(OTLP, indent=1)) == [UUID]


@pytest.mark.parametrize(
    "record",
    [
        {"id": "tr-1a2b3c4d", "sessionId": A},
        {"id": "tr-1a2b3c4d", "metadata": {"attributes": {"gen_ai.conversation.id": A}}},
        {"id": "tr-1a2b3c4d", "metadata": json.dumps({"attributes": {"gen_ai.conversation.id": A}})},
        {"id": "tr-1a2b3c4d", "gen_ai": {"conversation": {"id": A}}},
        {"id": "tr-1a2b3c4d", "input": f"… {A} …"},
    ],
    ids=["session", "attributes", "text", "nested", "anywhere"],
)
def test_traces_of_langfuse(record: dict[str, Any]) -> None:
    assert ids_of(record) == [A]


@pytest.mark.parametrize("own", ["resp_68a1b2c3d4", "msg_68a1b2c3d4", "chatcmpl-1a2b3c4d", "run_1a2b3c4d5e", "short1"])
def test_the_id_of_something_else_is_none(own: str) -> None:
    assert ids_of({"id": own, "text": "hello"}) == []


def test_the_id_of_another_server_is_one_where_nothing_else_is() -> None:
    assert ids_of({"id": UUID, "metadata": {}}) == [UUID]


def test_our_own_exports() -> None:
    record = {"id": A, "credential": "Sandbox", "state": "active", "metadata": {"note": "see conv_not-this-1"}}
    assert read("[\n" + json.dumps(record) + "\n]\n") == [A]
    assert read(lines(record, {**record, "id": B})) == [A, B]


def test_a_line_that_is_no_json_is_searched() -> None:
    assert read(lines({"id": A}) + f"{{broken {B}\n" + lines({"id": C})) == [A, B, C]


def test_a_document_that_ends_too_early() -> None:
    with pytest.raises(ImportProblem, match="isn’t valid JSON"):
        read(json.dumps([{"id": A}, {"id": B}], indent=1)[:-30])


def test_nesting_without_end_is_searched_as_text() -> None:
    assert read(lines({"id": A}) + '{"a":' * 100_000 + f'"{B}"\n') == [A, B]


def test_a_huge_number_is_no_problem() -> None:
    assert read(lines({"id": A}) + f'{{"id": "{B}", "n": {"9" * 10_000}}}\n') == [A, B]


def test_records_without_an_id_are_counted() -> None:
    tally = tally_of(lines({"id": A}, {"name": "x"}, {"id": B}))
    assert (tally.lines, tally.found, tally.without_id) == (3, 2, 1)


@pytest.mark.long
def test_a_large_document_is_read_piece_by_piece() -> None:
    records = [{"id": conv(number), "text": "x" * 2_000} for number in range(9_000)]
    found = read(json.dumps({"object": "list", "data": records}, indent=1), size=1 << 16)
    assert found == [conv(number) for number in range(9_000)]


def test_the_preview_of_a_cut_document() -> None:
    content = json.dumps([{"id": conv(number), "text": "x" * 2_000} for number in range(500)], indent=1).encode()
    found = preview(content[: 256 * 1024])
    assert (found.shape.format, bool(found.ids)) == (Format.JSON, True)
