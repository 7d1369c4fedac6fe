"""Transcripts as files: complete or visibly truncated, exact, and harmless to the programs that open them."""

import csv
import json
import re
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.examples.items import every_type, hostile, unknown_types
from conversations.exports.transcripts import BYTE_ORDER_MARK, COLUMNS, FORMATS
from conversations.items import displayed

Item = dict[str, Any]

ITEMS = [*every_type(), *unknown_types(), *hostile()]
EXAMPLES = [{"id": f"item_{number}", **item} for number, item in enumerate(ITEMS)]
SHORT = [item for item in EXAMPLES if len(str(item)) < 5_000]
BIG = {"id": "big", "type": "telepathy", "number": 123456789012345678901234567890, "small": 1e-300}
BROKEN = {"id": "broken", "type": "telepathy", "text": "half an emoji: \ud83d"}


def message(text: str, **fields: Any) -> Item:
    return {"id": "msg_1", "type": "message", "role": "user", "content": text, **fields}


def written(kind: str, *pages: list[Item], openai_id: str = "conv_1") -> str:
    """The complete file of these pages."""
    file = FORMATS[kind](openai_id)
    return "".join([file.head(), *map(file.page, pages), file.foot()])


def broken_off(kind: str, *pages: list[Item], why: str) -> str:
    """The file, truncated after these pages."""
    file = FORMATS[kind]("conv_1")
    return "".join([file.head(), *map(file.page, pages), file.truncated(why)])


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""), strict=True))


def outside_fences(text: str) -> str:
    """The lines outside of code fences."""
    kept, fence = [], ""
    for line in text.split("\n"):
        found = re.match("`{3,}", line)
        if fence:
            fence = "" if re.fullmatch(f" {{0,3}}{fence}`*\\s*", line) else fence
        elif found:
            fence = found[0]
        else:
            kept.append(line)
    assert fence == ""
    return "\n".join(kept)


# JSON


def test_json_is_a_list_of_openai_with_all_items_as_they_were_given() -> None:
    items = [*EXAMPLES, BIG, BROKEN]
    assert json.loads(written("json", items)) == {
        "object": "list",
        "data": items,
        "first_id": "item_0",
        "last_id": "broken",
        "has_more": False,
    }


@pytest.mark.parametrize("sizes", [(), (0,), (1,), (2, 1), (1, 0, 2), (0, 3)])
def test_json_of_several_pages_is_one_document(sizes: tuple[int, ...]) -> None:
    pages = [[message("hi", id=f"{page}/{number}") for number in range(size)] for page, size in enumerate(sizes)]
    ids = [item["id"] for page in pages for item in page]
    document = json.loads(written("json", *pages))
    assert [item["id"] for item in document["data"]] == ids
    assert (document["first_id"], document["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_number_that_is_larger_than_any_float_leaves_the_file_json(kind: str) -> None:
    too_large = {"id": "large", "type": "telepathy", "number": float("inf")}  # how Python parses 1e999
    assert "Infinity" not in written(kind, [too_large])


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_file_can_be_written_whatever_its_characters_are(kind: str) -> None:
    assert written(kind, [BROKEN, message("ä\u2028😀")]).encode().decode().count("ä") == 1


@pytest.mark.long
@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_can_be_encoded_whatever_the_items_hold(kind: str) -> None:
    halves = [message("half \ud83d", name="\udfff", id="\ud800"), {"type": "\ud800", "id": 1}]
    text = written(kind, [*halves, *EXAMPLES])
    has_half = any("\ud800" <= character <= "\udfff" for character in text)
    assert not has_half


# JSON Lines


def test_json_lines_are_an_item_a_line() -> None:
    lines = written("jsonl", EXAMPLES[:3], EXAMPLES[3:]).split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == EXAMPLES


# CSV


def test_csv_is_read_back_with_a_row_for_each_item() -> None:
    header, *found = rows(written("csv", SHORT[:5], SHORT[5:]))
    assert tuple(header) == COLUMNS
    assert [json.loads(row[-1]) for row in found] == SHORT
    assert [row[0] for row in found] == [str(number) for number in range(1, len(SHORT) + 1)]


def test_csv_says_what_the_page_says() -> None:
    item = {"type": "function_call", "id": "fc", "name": "f", "status": "completed", "call_id": "c", "arguments": "{}"}
    _, first, second = rows(written("csv", [item, message('two\r\nlines, "quoted"')]))
    assert first[1:8] == ["fc", "function_call", "function_call", "f", "completed", "c", "{}"]
    assert second[1:8] == ["msg_1", "message", "user", "", "", "", 'two\r\nlines, "quoted"']


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_csv_is_taken_for_a_formula(beginning: str) -> None:
    text = f"{beginning}HYPERLINK(1)"
    item = {"type": "function_call", "id": text, "name": text, "status": text, "call_id": text, "arguments": text}
    cells = rows(written("csv", [item]))[1]
    assert cells.count(f"'{text}") == 5
    assert not any(cell.startswith(beginning) for cell in cells)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_csv_holds_any_text_but_for_the_apostrophes(texts: list[str]) -> None:
    found = [row[7] for row in rows(written("csv", [message(text) for text in texts]))[1:]]
    assert [cell.replace("'", "") for cell in found] == [text.replace("'", "") for text in texts]


def test_csv_ends_each_row_in_cr_lf_and_begins_with_its_mark() -> None:
    text = written("csv", [message("hi")])
    assert text.startswith(f"{BYTE_ORDER_MARK}position,id,")
    assert text.count("\r\n") == text.count("\n") == 2


# Markdown


def test_markdown_holds_each_text_in_a_fence() -> None:
    text = written("md", [message("Hello *you*\n# no heading", status="in_progress")])
    assert text.startswith("# Conversation `conv_1`\n\n## User\n\n`in_progress`, `msg_1`\n")
    assert "```text\nHello *you*\n# no heading\n```\n" in text
    assert text.endswith("End of transcript.\n")


@pytest.mark.parametrize("inside", ["```", "````\n```", "a ``````` b", "`" * 40])
def test_a_fence_is_longer_than_any_in_its_text(inside: str) -> None:
    text = written("md", [message(inside)])
    longest = max(map(len, re.findall("`+", inside)))
    assert f"\n{'`' * (longest + 1)}text\n{inside}\n{'`' * (longest + 1)}\n" in text


@pytest.mark.parametrize("item", SHORT, ids=lambda item: item["id"])
def test_outside_of_fences_an_item_has_plain_words_only(item: Item) -> None:
    text = outside_fences(written("md", [item]))
    assert re.search(r"[<>\[\]!$|\\~&*]", re.sub(r"`[^`\n]*`", "", text)) is None
    for block in displayed(item).blocks:
        assert f"{block.kind}\n{storable_halves(block.text)}\n`" in written("md", [item])


def storable_halves(text: str) -> str:
    """Lone surrogates, which no file can contain, replaced."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


@pytest.mark.parametrize("hostile_text", ["<script>x</script>", "a\n# b", "[a](javascript:x)", "`` a ` b", "![x](y)"])
def test_no_name_or_role_is_taken_for_markdown(hostile_text: str) -> None:
    item = {"type": "function_call", "id": hostile_text, "name": hostile_text, "arguments": ""}
    text = written("md", [item, message("x", role=hostile_text), {"type": hostile_text}], openai_id=hostile_text)
    bare = re.sub(r"`[^`\n]*`", "", outside_fences(text))
    assert re.search(r"[<>\[\]!()`]", bare) is None
    assert [line for line in bare.split("\n") if line.startswith("# ")] == ["# Conversation "]


# Truncated files


@pytest.mark.parametrize("why", ["No answer.", 'He said "no".', "two\r\nlines\\"])
@pytest.mark.parametrize("pages", [[], [[message("hi")]]], ids=["at once", "after a page"])
def test_json_that_breaks_off_is_no_json(pages: list[list[Item]], why: str) -> None:
    text = broken_off("json", *pages, why=why)
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert "This file is incomplete" in text


@pytest.mark.parametrize("why", ["No answer.", 'He said "no".', "two\r\nlines\\"])
def test_json_lines_that_break_off_end_in_a_line_that_is_no_json(why: str) -> None:
    *whole, last = broken_off("jsonl", [message("hi")], why=why).split("\n")
    assert [json.loads(line)["id"] for line in whole] == ["msg_1"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(last)


@pytest.mark.parametrize("why", ["No answer.", 'He said "no".', "two\r\nlines"])
def test_csv_that_breaks_off_ends_in_a_quote_that_is_never_closed(why: str) -> None:
    text = broken_off("csv", [message("hi")], why=why)
    with pytest.raises(csv.Error, match="unexpected end of data"):
        rows(text)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_breaks_off_says_why(kind: str) -> None:
    text = broken_off(kind, [message("hi")], why="The server is on fire.")
    assert "This file is incomplete: the transcript was cut off here" in text
    assert "The server is on fire." in text.rpartition("not whole")[2]


def test_markdown_that_breaks_off_holds_the_reason_in_a_fence() -> None:
    text = broken_off("md", [message("hi")], why="```\n# Heading <b>")
    assert "Heading" not in outside_fences(text)
    assert "End of transcript." not in text
