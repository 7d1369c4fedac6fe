"""The pictures and sound of an item: shown where they are what they seem, and served as nothing that could run."""

import base64
import re
from typing import Any

import pytest
from django.test import Client as Browser

from conversations.examples.media_items import from_other_servers, png, wav
from conversations.examples.tool_items import PNG_URL
from conversations.items import displayed
from conversations.items.media import MAX_BYTES, decode_media, detect_format
from conversations.models import Conversation
from conversations.sandbox import Fault, Sandbox
from tests.html import REFUSALS, UNREACHABLE, text_of

PNG = png(8, 8)
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 40
SOUND = [
    pytest.param(wav(), "audio/wav", id="wav"),
    pytest.param(b"ID3\x04" + b"\0" * 60, "audio/mpeg", id="mp3 with a tag"),
    pytest.param(b"\xff\xfb\x90\x00" + b"\0" * 60, "audio/mpeg", id="mp3"),
    pytest.param(b"OggS\0\x02" + b"\0" * 60, "audio/ogg", id="ogg"),
    pytest.param(b"fLaC\0\0\0\x22" + b"\0" * 60, "audio/flac", id="flac"),
    pytest.param(b"\xff\xf1\x50\x80" + b"\0" * 60, "audio/aac", id="aac"),
    pytest.param(b"\0\0\0\x20ftypM4A \0\0\0\0" + b"\0" * 60, "audio/mp4", id="m4a"),
]
PICTURES = [
    pytest.param(PNG, "image/png", id="png"),
    pytest.param(b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\0" * 60, "image/jpeg", id="jpeg"),
    pytest.param(b"GIF89a\x08\0\x08\0" + b"\0" * 60, "image/gif", id="gif"),
    pytest.param(WEBP, "image/webp", id="webp"),
]
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
REFUSED = [
    pytest.param(SVG, id="svg"),
    pytest.param(b"<!doctype html><script>alert(1)</script>", id="html"),
    pytest.param(PNG[:8] + b"garbage" * 20, id="signature and garbage"),
    pytest.param(PNG[:33] + b"garbage" * 20, id="header and garbage"),
    pytest.param(PNG[:-20], id="cut off"),
    pytest.param(b"RIFF\x24\0\0\0AVI LIST" + b"\0" * 60, id="avi"),
    pytest.param(b"\0\0\0\x20ftypavif" + b"\0" * 60, id="avif"),
    pytest.param(b"%PDF-1.7" + b"\0" * 60, id="pdf"),
    pytest.param(b"MZ" + b"\0" * 60, id="program"),
    pytest.param("\ufeff".encode("utf-16-le") + b"\0" * 60, id="text"),
    pytest.param(b"\xff", id="a byte"),
]


def url_of(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def message(*parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts)}


def seen(url: Any) -> dict[str, Any]:
    return message({"type": "input_image", "detail": "auto", "image_url": url})


def put(sandbox: Sandbox, conversation: Conversation, item: dict[str, Any]) -> str:
    """The URL of a new item."""
    [added] = sandbox.store.add_items(conversation.openai_id, [item])
    return f"/conversations/{conversation.pk}/item/{added['id']}/"


@pytest.fixture
def url(sandbox: Sandbox, conversation: Conversation) -> str:
    """Of a picture."""
    output = {"type": "function_call_output", "call_id": "c", "output": [seen(url_of(PNG))["content"][0]]}
    return f"{put(sandbox, conversation, output)}media/0/"


# What is one


@pytest.mark.parametrize(("content", "kind"), [*PICTURES, *SOUND])
def test_a_format_is_known_by_its_bytes_whatever_is_declared(content: bytes, kind: str) -> None:
    for value in (url_of(content, "text/html"), base64.b64encode(content).decode()):
        found = detect_format(value)
        assert found is not None
        assert (found.content_type, found.kind) == (kind, kind.partition("/")[0])
        assert decode_media(value) == (found, content)


@pytest.mark.parametrize("content", REFUSED)
def test_nothing_else_is_one_whatever_is_declared(content: bytes) -> None:
    assert detect_format(url_of(content)) is None
    assert decode_media(base64.b64encode(content).decode()) is None


@pytest.mark.parametrize(
    "value",
    [
        *("", "data:", "data:image/png;base64,", "data:image/png,%89PNG", PNG_URL + "=", PNG_URL[:-1], PNG_URL + "\n"),
        *(PNG_URL.replace("iVBOR", "iV*OR"), PNG_URL.replace("AAAA", "AA A"), PNG_URL.replace("AAAA", "AAA\u0430")),
        PNG_URL.replace(";base64", ""),
    ],
)
def test_base64_that_is_broken_holds_nothing(value: str) -> None:
    assert detect_format(value) is None
    assert decode_media(value) is None


@pytest.mark.long
def test_what_is_larger_than_20_mb_is_not_shown() -> None:
    most = b"GIF89a" + b"\0" * (MAX_BYTES - 6)
    assert decode_media(url_of(most)) is not None
    assert decode_media(url_of(most + b"\0")) is None
    assert detect_format(url_of(most + b"\0" * 3)) is None


# The numbers


def test_each_picture_and_sound_has_a_number_in_the_order_of_the_page() -> None:
    image_and_sound = from_other_servers()[0]["content"][1:]
    parts = [{"type": "input_text", "text": "hi"}, *image_and_sound, *seen("data:x,y")["content"]]
    shown = displayed(message(*parts))
    assert [(block.kind, block.media) for block in shown.blocks] == [
        ("text", None),
        ("image", 0),
        ("audio", 1),
        ("note", 2),
    ]
    assert shown.data == [block.data for block in shown.blocks if block.media is not None]


@pytest.mark.parametrize(
    "item",
    [
        seen(PNG_URL),
        seen({"url": PNG_URL}),
        message({"type": "computer_screenshot", "image_url": PNG_URL}),
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": PNG_URL}},
        {"type": "code_interpreter_call", "outputs": [{"type": "image", "url": PNG_URL}]},
        {"type": "image_generation_call", "result": PNG_URL.partition(",")[2]},
        {"type": "custom_tool_call_output", "output": seen(PNG_URL)["content"]},
    ],
    ids=lambda item: item["type"],
)
def test_wherever_a_picture_stands_it_is_shown(item: dict[str, Any]) -> None:
    assert [block.media for block in displayed(item).blocks if block.kind == "image"] == [0]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "{}", "format": "wav"}},
        {"type": "input_audio", "data": "{}", "format": "wav"},
        {"type": "output_audio", "data": "{}", "transcript": "hm"},
    ],
)
def test_wherever_sound_stands_it_is_played_and_its_words_shown(part: dict[str, Any]) -> None:
    data = base64.b64encode(wav()).decode()
    held = part.get("input_audio", part)
    held["data"] = data
    first, *others = displayed(message(part)).blocks
    assert (first.kind, first.data, first.media) == ("audio", data, 0)
    assert [(each.caption, each.text) for each in others] == ([("Transcript", "hm")] if "transcript" in part else [])


def test_a_picture_that_will_not_be_served_is_named_with_its_size() -> None:
    [block] = displayed(seen(url_of(SVG, "image/svg+xml"))).blocks
    assert (block.kind, block.text) == ("note", "Image, image/svg+xml, 60 bytes")


# The view


@pytest.mark.parametrize(("content", "kind"), [*PICTURES, *SOUND])
def test_serves_what_it_is_and_nothing_that_could_run(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, content: bytes, kind: str
) -> None:
    output = {"type": "function_call_output", "call_id": "c", "output": seen(url_of(content, "text/html"))["content"]}
    response = as_operator.get(f"{put(sandbox, conversation, output)}media/0/")
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["Content-Type"] == kind
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert re.fullmatch(r'inline; filename="fco_\w+-0\.\w+"', response.headers["Content-Disposition"])


@pytest.mark.long
@pytest.mark.parametrize("content", [*REFUSED, pytest.param(b"GIF89a" + b"\0" * (MAX_BYTES + 9), id="large")])
def test_anything_else_is_415_in_words(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, content: bytes
) -> None:
    output = {"type": "function_call_output", "call_id": "c", "output": seen(url_of(content))["content"]}
    item = put(sandbox, conversation, output)
    response = as_operator.get(f"{item}media/0/")
    assert (response.status_code, response.headers["Content-Type"]) == (415, "text/plain; charset=utf-8")
    assert "can’t show this image or sound" in text_of(response)
    assert 'class="media"' not in text_of(as_operator.get(item))


def test_asks_for_what_was_included_on_the_page(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    item = put(sandbox, conversation, seen(url_of(PNG)))
    page = text_of(as_operator.get(item, {"include": "message.input_image.image_url"}))
    [source] = re.findall(r'<img src="([^"]+)"', page)
    assert source == f"{item}media/0/?include=message.input_image.image_url"
    assert as_operator.get(source).content == PNG
    assert as_operator.get(f"{item}media/0/").status_code == 404


@pytest.mark.parametrize("number", ["1", "9" * 30])
def test_an_unknown_number_is_404(as_operator: Browser, url: str, number: str) -> None:
    assert as_operator.get(url.replace("/0/", f"/{number}/")).status_code == 404


def test_head_is_answered_without_a_body(as_operator: Browser, url: str) -> None:
    response = as_operator.head(url)
    assert (response.status_code, response.content, response.headers["Content-Type"]) == (200, b"", "image/png")


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says(as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(url)
    assert (response.status_code, response.headers["Content-Type"]) == (502, "text/plain; charset=utf-8")
    assert words in text_of(response)


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.get(url))


# The page


def test_a_picture_has_a_box_of_its_own_and_leads_to_the_whole(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, url: str
) -> None:
    [link, picture] = re.findall(
        r'<(?:a|img) (?:href|src)="[^"]*media/0/"[^>]*>', text_of(as_operator.get(items(conversation)))
    )
    assert f'href="{url}" target="_blank" rel="noopener"' in link
    for words in (f'src="{url}"', 'width="320" height="240"', 'loading="lazy"', 'alt="Image, image/png, '):
        assert words in picture


def items(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/items/"


def test_sound_is_played_only_when_it_is_requested(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    item = put(sandbox, conversation, from_other_servers()[1])
    [tag] = re.findall("<audio[^>]*>", text_of(as_operator.get(items(conversation))))
    assert f'src="{item}media/0/" controls preload="none" aria-label="Audio, ' in tag
    assert as_operator.get(f"{item}media/0/").content == wav()


def test_a_picture_of_an_item_without_an_id_is_named(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(body=b'{"data": [%s]}' % str(seen(PNG_URL)).replace("'", '"').encode()))
    text = text_of(as_operator.get(items(conversation)))
    assert "Image, image/png, " in text
    assert "<img" not in text


def test_the_policy_lets_pages_play_sound_of_their_own(as_operator: Browser, conversation: Conversation) -> None:
    assert "media-src 'self';" in as_operator.get(items(conversation)).headers["Content-Security-Policy"]
