"""Messages in files: as we write them, as other APIs have them, written by hand, and broken."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.examples.items import every_type, hostile, unknown_types
from conversations.exports.transcripts import FORMATS
from conversations.importing import ImportProblem
from conversations.importing.transcripts import MAX_BYTES, Transcript, read_transcript
from conversations.sandbox.items import complete_item
from conversations.sandbox.validation import read_items
from tests.effort import limited_computing

URL = "https://example.com/a.png"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
TRICKY = TEXTS | st.sampled_from(
    ["```", "## User", "---\n\nEnd of transcript.", "````text\n", "\n\n", "# Conversation `x`"]
)


def part(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def read(text: str | bytes, *, max_messages: int = 200, max_parts: int = 50) -> Transcript:
    content = text if isinstance(text, bytes) else text.encode()
    return read_transcript(content, max_messages=max_messages, max_parts=max_parts)


def said(transcript: Transcript) -> list[tuple[str, Any]]:
    """Role and content of each message; a single text as a string."""
    found = []
    for item in transcript.items:
        content = item["content"]
        is_text = isinstance(content, list) and len(content) == 1 and "text" in content[0]
        found.append((item["role"], content[0]["text"] if is_text else content))
    return found


def problem(text: str | bytes) -> str:
    with pytest.raises(ImportProblem) as caught:
        read(text)
    return str(caught.value)


# As we write them

USER = st.lists(
    st.builds(lambda text: part("input_text", text=text), TRICKY)
    | st.sampled_from(
        [
            part("input_image", image_url=URL, detail="auto"),
            part("input_image", file_id="file-1", detail="high"),
            part("input_file", file_id="file-2"),
            part("input_file", file_url="https://example.com/a.pdf"),
        ]
    ),
    min_size=1,
    max_size=3,
)
ASSISTANT = st.lists(
    st.builds(lambda text: part("output_text", text=text), TRICKY)
    | st.builds(lambda text: part("refusal", refusal=text), TRICKY),
    min_size=1,
    max_size=3,
)
MESSAGES = st.lists(
    st.builds(lambda content: part("message", role="user", content=content), USER)
    | st.builds(lambda content: part("message", role="assistant", content=content), ASSISTANT),
    min_size=1,
    max_size=5,
)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["json", "jsonl", "md"])
@given(MESSAGES)
def test_a_transcript_is_read_back_with_the_same_messages(kind: str, messages: list[Any]) -> None:
    file = FORMATS[kind]("conv_1")
    text = "".join([file.head(), file.page([complete_item(each) for each in messages]), file.foot()])
    found = read(text)
    assert found.items == messages
    assert found.left_out == []


@pytest.mark.parametrize("kind", ["json", "jsonl", "md"])
def test_of_every_item_there_is_a_message_or_a_reason(kind: str) -> None:
    items = [complete_item(each) for each in [*every_type(), *unknown_types()]]
    file = FORMATS[kind]("conv_1")
    found = read("".join([file.head(), file.page(items), file.foot()]))
    read_items(found.items[:20])
    told = {each.number for each in found.left_out}
    messages = sum(item.get("type") == "message" for item in items)
    assert len(found.items) + len(told) >= len(items) if kind != "md" else told
    assert 0 < len(found.items) <= messages


def test_what_is_left_out_is_named_with_its_number() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    found = read(json.dumps([{"role": "user", "content": "a"}, call, {"type": "reasoning", "summary": []}]))
    assert [(each.number, each.name) for each in found.left_out] == [(2, "Function call"), (3, "Reasoning")]
    assert "a form can only create messages" in found.left_out[0].reason


@pytest.mark.parametrize("kind", ["json", "jsonl", "md"])
def test_a_transcript_that_was_cut_off_says_so(kind: str) -> None:
    file = FORMATS[kind]("conv_1")
    message = complete_item(part("message", role="user", content="Hello"))
    text = "".join([file.head(), file.page([message]), file.truncated("The server stopped.")])
    if kind == "json":
        assert problem(text).startswith("The transcript was cut off when it was downloaded")
    else:
        found = read(text)
        assert said(found) == [("user", "Hello")]
        assert "incomplete" in found.left_out[0].reason


# As others have them

CHAT = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": URL}}],
    },
    {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1"}]},
    {"role": "tool", "content": "42", "tool_call_id": "call_1"},
    {"role": "assistant", "content": "A sun."},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(CHAT),
        json.dumps({"messages": CHAT, "model": "gpt"}),
        json.dumps({"input": CHAT}, indent=2),
        json.dumps({"items": CHAT}),
        json.dumps({"messages": CHAT}) + "\n",
        "\ufeff" + json.dumps(CHAT),
        "\n".join(map(json.dumps, CHAT)),
        "\r\n".join(map(json.dumps, CHAT)) + "\r\n\r\n",
    ],
    ids=["list", "request", "responses", "create", "fine-tuning", "byte order mark", "lines", "CR LF"],
)
def test_messages_of_chat_completions(text: str) -> None:
    found = read(text)
    picture = part("input_image", image_url=URL, detail="auto")
    assert said(found) == [
        ("system", "Be brief."),
        ("user", [part("input_text", text="What is this?"), picture]),
        ("assistant", "A sun."),
    ]
    assert [each.number for each in found.left_out] == [3, 4]


def test_metadata_comes_along_as_text() -> None:
    found = read(json.dumps({"items": CHAT, "metadata": {"tenant": "acme", "n": 5, "list": [], "none": None}}))
    assert found.metadata == {"tenant": "acme", "n": "5"}
    assert [each.name for each in found.left_out if not each.number] == ["Metadata “list”", "Metadata “none”"]


def test_a_string_as_input_is_a_message_of_the_user() -> None:
    assert said(read('{"input": "Hello"}')) == [("user", "Hello")]


def test_markdown_that_was_written_by_hand() -> None:
    text = "## User\n\nHello\n\n```python\n## User\n```\n\n### assistant:\nHi *there*\n"
    assert said(read(text)) == [("user", "Hello\n\n```python\n## User\n```"), ("assistant", "Hi *there*")]


# Bounds


def test_more_messages_than_a_form_takes_are_left_out_and_counted() -> None:
    found = read(json.dumps([{"role": "user", "content": str(number)} for number in range(12)]), max_messages=10)
    assert len(found.items) == 10
    [left_out] = found.left_out
    assert (left_out.number, left_out.reason) == (11, "the form is full. 1 more items follow this one in the file")


def test_more_parts_than_a_form_takes_are_left_out() -> None:
    pictures = [{"type": "image_url", "image_url": {"url": URL}}] * 3
    found = read(json.dumps([{"role": "user", "content": pictures}] * 3), max_parts=7)
    assert (len(found.items), found.left_out[0].number) == (2, 3)


@pytest.mark.long
def test_reasons_are_counted_beyond_a_hundred() -> None:
    found = read("[1" + ",1" * 999_999 + "]")
    assert (len(found.left_out), found.more_left_out) == (100, 999_900)


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}], None])
def test_an_empty_message_is_left_out(content: Any) -> None:
    found = read(json.dumps([{"role": "user", "content": content}, {"role": "user", "content": "a"}]))
    assert (said(found), found.left_out[0].number) == ([("user", "a")], 1)


def test_what_cannot_be_sent_is_replaced_and_said_to_be_r18() -> None:
    found = read('[{"role": "user", "content": "a\\u0000b\\ud800"}]')
    assert said(found) == [("user", "a\ufffdb\ufffd")]
    assert "replaced" in found.left_out[0].reason


# Broken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "The file is empty."),
        (b" \n ", "The file is empty."),
        (b"\xff\xfe{", "Byte 1 isn’t UTF-8."),
        (b"\x89PNG", "Byte 1 isn’t UTF-8."),
        (bytes(MAX_BYTES + 1), "The file has 4.0 MB. It can have up to 4 MB."),
        ('[{"role": "user",\n "content": }]', "Line 2, column 13: this isn’t valid JSON"),
        ('{"role": "user", "content": "a"}\n{"role": "user" "content"}', "Line 2, column 17: this isn’t valid JSON"),
        ("[" * 100_000, "The file is nested too deeply."),
        ('{"a": 1}', "A list of messages is expected"),
        ("[]", "The file has no messages."),
        ('{"messages": []}', "The file has no messages."),
        ('{"messages": []}\n{"messages": []}', "Line 2 follows a whole conversation."),
        ("\n\nHello", "Line 3: a heading with the role of a message is expected"),
        ("# Conversation `c`\n\n## User\n\n```text\nHello", "Line 5: the block that begins here has no end."),
        ("# Conversation `c`\n\n---\n\nEnd of transcript.\n", "The file has no messages."),
        ("[" + "1" * 5_000 + "]", "A number in the file is too long."),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_wrong_is_said_with_its_place(text: str | bytes, words: str) -> None:
    assert problem(text).startswith(words)


@given(st.binary(max_size=80) | TRICKY | st.lists(TRICKY).map("\n".join))
def test_junk_raises_nothing_but_a_problem(content: Any) -> None:
    with suppress(ImportProblem):
        read(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "data", "messages", "text", "user", "metadata"]), inner
        )
    ),
    max_leaves=10,
)


@pytest.mark.long
@given(JSON, st.booleans())
def test_any_json_raises_nothing_but_a_problem(value: Any, is_lines: bool) -> None:
    try:
        found = read(f"{json.dumps(value)}\n" * (2 if is_lines else 1))
    except ImportProblem:
        return
    read_items(found.items[:20])
    assert found.items or found.left_out


@pytest.mark.parametrize("item", hostile(), ids=str)
def test_hostile_items_are_read(item: Any) -> None:
    with suppress(ImportProblem):
        read(json.dumps([item]))


def test_a_line_of_blanks_after_a_role_takes_no_longer_than_others() -> None:
    text = f"# user{' ' * 200_000}x\n"
    with limited_computing(5), suppress(ImportProblem):
        read(text.encode())
