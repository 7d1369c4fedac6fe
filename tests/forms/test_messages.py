"""Messages of a form: their texts, pictures and files, as items of the API and back."""

import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from conversations.examples.media_items import png
from conversations.forms.messages import MAX_MESSAGES, MAX_PARTS, ONLY_TEXT, MessageRow, MessageRows, rows_of
from conversations.sandbox.validation import read_items


def said(*messages: tuple[str, str]) -> MessageRows:
    data = QueryDict(mutable=True)
    for role, text in messages:
        data.appendlist("role", role)
        data.appendlist("text", text.replace("\n", "\r\n"))
    return MessageRows.from_data(data)


def test_a_message_without_text_is_none_and_the_others_keep_their_text() -> None:
    items = said(("user", " one\ntwo "), ("user", ""), ("assistant", "\n")).clean()
    assert [(item["role"], item["content"]) for item in items] == [("user", " one\ntwo "), ("assistant", "\n")]


def test_the_item_that_openai_names_is_found_among_the_rows_that_were_sent() -> None:
    rows = said(("user", ""), ("user", "a"), ("user", ""), ("user", "b"))
    assert rows.row_of_param("items[1].content") is rows.rows[3]
    assert rows.row_of_param("items[2]") is None
    assert rows.row_of_param("metadata.a") is None


@pytest.mark.parametrize(("role", "text"), [("tool", "a"), ("", "a"), ("user", "\0"), ("user", "\ud800")])
def test_a_role_or_text_that_cannot_be_is_refused_at_its_row_r18(role: str, text: str) -> None:
    rows = said(("user", "fine"), (role, text))
    rows.clean()
    assert [bool(row.errors) for row in rows] == [False, True]


def test_more_messages_than_a_form_takes_are_too_many() -> None:
    rows = said(*[("user", "a")] * (MAX_MESSAGES + 1), ("user", ""))
    rows.clean()
    assert rows.errors == [f"There are {MAX_MESSAGES + 1} messages. This form takes {MAX_MESSAGES}."]


def test_a_message_moves_with_its_role() -> None:
    rows = said(("user", "a"), ("assistant", "b"))
    rows.act("up-message-1")
    assert [(row.role, row.text) for row in rows] == [("assistant", "b"), ("user", "a")]


# Pictures and files

PNG = png(8, 8)
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
JPEG = b"\xff\xd8\xff\xe0" + bytes(60)
GIF = b"GIF89a" + bytes(60)
WEBP = b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(60)
URL = "https://example.com/a.png"


def with_part(
    kind: str, reference: str = "", *, role: str = "user", file: Any = None, text: str = "Look", **more: str
) -> MessageRows:
    """A message with a text and this part."""
    data = QueryDict(mutable=True)
    fields = {"role": role, "text": text, "part": "0", "part_of": "0", "part_kind": kind, "part_reference": reference}
    for name, value in (fields | {"part_name": "", "part_data": "", "part_detail": "auto"} | more).items():
        data[name] = value
    return MessageRows.from_data(data, MultiValueDict({"upload_0": [file]} if file else {}))


def upload(content: bytes, name: str = "a.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def part_of(rows: MessageRows) -> Any:
    """The last part of the only item, or what is wrong with it."""
    [item] = rows.clean()
    errors = [error for part in rows.parts for error in part.errors] + rows.errors
    if errors:
        return errors
    read_items([item])
    return item["content"][-1]


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (with_part("picture", URL), {"type": "input_image", "image_url": URL, "detail": "auto"}),
        (
            with_part("picture", f" {URL} ", part_detail="low"),
            {"type": "input_image", "image_url": URL, "detail": "low"},
        ),
        (with_part("picture", "file-abc"), {"type": "input_image", "file_id": "file-abc", "detail": "auto"}),
        (with_part("file", "file-abc"), {"type": "input_file", "file_id": "file-abc"}),
        (with_part("file", "http://a.example/a.pdf"), {"type": "input_file", "file_url": "http://a.example/a.pdf"}),
        (with_part("text", "More\n"), {"type": "input_text", "text": "More\n"}),
        (with_part("text", "More", role="assistant"), {"type": "output_text", "text": "More"}),
        (with_part("refusal", "No.", role="assistant"), {"type": "refusal", "refusal": "No."}),
    ],
)
def test_a_part_is_sent_as_the_api_takes_it(rows: MessageRows, part: dict[str, Any]) -> None:
    assert part_of(rows) == part


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")],
)
def test_a_picture_is_told_by_its_content(content: bytes, kind: str) -> None:
    part = part_of(with_part("picture", file=upload(content, "a.txt")))
    assert part["image_url"] == f"data:{kind};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize("content", [b"<svg/>", b"%PDF-1.7", b"BM" + bytes(60), PNG[:40], b"RIFF" + bytes(60)])
def test_what_is_no_picture_is_refused_whatever_its_name_is(content: bytes) -> None:
    [error] = part_of(with_part("picture", "", file=upload(content)))
    assert "“a.png” isn’t a PNG, JPEG, GIF or WebP picture" in error


def test_a_file_keeps_its_name_and_type() -> None:
    part = part_of(with_part("file", file=upload(b"%PDF-1.7", "report.pdf")))
    data = f"data:application/pdf;base64,{base64.b64encode(b'%PDF-1.7').decode()}"
    assert part == {"type": "input_file", "filename": "report.pdf", "file_data": data}


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "“a.bin” is empty."), (bytes(4_000_001), "“a.bin” has 4.0 MB. Choose a file of up to 4 MB.")],
)
def test_the_size_of_a_file_is_bounded(content: bytes, words: str) -> None:
    rows = with_part("file", "", file=upload(content, "a.bin"))
    assert words in rows.parts[0].errors[0]
    assert rows.parts[0].data == ""


def test_the_size_of_all_files_is_bounded() -> None:
    rows = with_part("file", file=upload(bytes(3_900_000)))
    rows.rows[0].parts *= 3
    rows.clean()
    assert rows.errors == ["The files have 11.7 MB together. This form takes 8 MB. Remove one, or give its URL."]


def test_a_chosen_file_is_carried_along_and_sent_then() -> None:
    [part] = with_part("picture", file=upload(PNG)).parts
    assert part.described.startswith("a.png (image/png, 12")
    again = with_part("picture", part_name=part.name, part_data=part.data)
    assert part_of(again)["image_url"] == part.data


def test_another_choice_replaces_it_and_one_that_is_refused_does_not() -> None:
    [part] = with_part("picture", file=upload(PNG)).parts
    carried = {"part_name": part.name, "part_data": part.data}
    assert with_part("picture", file=upload(JPEG, "b.jpg"), **carried).parts[0].name == "b.jpg"
    kept = with_part("picture", file=upload(b"x", "b.jpg"), **carried).parts[0]
    assert (kept.name, kept.data, len(kept.errors)) == ("a.png", part.data, 1)


@pytest.mark.parametrize(
    "data", ["data:text/html,<b>", "data:image/png;base64,AAAA", "javascript:x", "data:image/png;base64,%"]
)
def test_carried_content_is_checked_again(data: str) -> None:
    assert part_of(with_part("picture", part_name="a.png", part_data=data))[0]


def test_a_file_that_got_lost_has_to_be_chosen_again() -> None:
    assert part_of(with_part("file", part_name="a.pdf")) == ["The chosen file got lost. Choose it again."]


@pytest.mark.parametrize(
    "reference", ["ftp://a.example/a", "a b", "javascript:alert(1)", "https:// a", "C:\\a.png", "a/b"]
)
def test_what_is_neither_a_url_nor_an_id_is_refused(reference: str) -> None:
    assert part_of(with_part("picture", reference))[0].startswith("Enter a URL that begins with https://")


@pytest.mark.parametrize("kind", ["picture", "file"])
def test_an_assistant_can_only_have_text(kind: str) -> None:
    assert part_of(with_part(kind, URL, role="assistant")) == [ONLY_TEXT]


def test_only_an_assistant_can_refuse() -> None:
    assert part_of(with_part("refusal", "No.")) == ["Only the assistant can refuse. Choose that role, or remove this."]


@pytest.mark.parametrize(
    ("name", "value"), [("part_kind", "sound"), ("part_detail", "ultra"), ("part_reference", "\0")]
)
def test_what_no_form_sends_is_refused(name: str, value: str) -> None:
    assert (
        len(
            part_of(
                with_part(
                    "picture", **{"reference": URL, name: value} if name != "part_reference" else {"reference": value}
                )
            )
        )
        == 1
    )


def test_a_blank_part_is_not_sent() -> None:
    assert with_part("picture", "  ").clean()[0]["content"] == "Look"


def test_a_message_may_have_no_text_but_a_picture() -> None:
    [item] = with_part("picture", URL, text="").clean()
    assert [part["type"] for part in item["content"]] == ["input_image"]


def test_parts_are_added_to_a_message_and_removed() -> None:
    rows = MessageRows([MessageRow(), MessageRow()])
    for do in ("picture-message-1", "file-message-1", "text-message-0", "picture-message-7"):
        assert rows.act(do)
    assert [[part.kind for part in row.parts] for row in rows] == [["text"], ["picture", "file"]]
    assert rows.act("remove-part-1")
    assert [[part.kind for part in row.parts] for row in rows] == [["text"], ["file"]]
    assert rows.act("remove-part-9")


def test_parts_move_with_their_message() -> None:
    rows = MessageRows([MessageRow(text="a"), MessageRow(text="b")])
    rows.act("picture-message-1")
    rows.act("up-message-1")
    assert [(row.text, len(row.parts)) for row in rows] == [("b", 1), ("a", 0)]


def test_a_form_has_so_many_parts_and_no_more() -> None:
    rows = MessageRows([MessageRow(text="a")])
    for _ in range(MAX_PARTS + 1):
        rows.act("text-message-0")
    assert (len(rows.parts), rows.is_full_of_parts) == (MAX_PARTS, True)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=20)
MEDIA = st.sampled_from(
    [
        {"type": "input_image", "image_url": URL, "detail": "high"},
        {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        {"type": "input_file", "file_url": "https://a.example/a.pdf"},
        {"type": "input_file", "file_id": "file-2", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "input_image", "image_url": PNG_URL, "detail": "auto"},
    ]
)


def messages(role: str, kind: str, others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    texts = st.builds(lambda text: {"type": kind, "text": text}, TEXTS)
    content = TEXTS | st.lists(texts | others, min_size=2, max_size=4)
    return st.builds(lambda content: {"type": "message", "role": role, "content": content}, content)


REFUSALS = st.builds(lambda text: {"type": "refusal", "refusal": text}, TEXTS)


@pytest.mark.long
@given(st.lists(messages("user", "input_text", MEDIA) | messages("assistant", "output_text", REFUSALS), max_size=4))
def test_rows_make_the_items_that_they_were_made_of(items: list[Any]) -> None:
    rows = rows_of(items)
    assert rows.clean() == items
    assert not rows.has_errors
