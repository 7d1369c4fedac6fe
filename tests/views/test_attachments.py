"""Pictures and files of messages, on the pages that create a conversation and add to one."""

import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from conversations.examples.media_items import png
from conversations.models import Conversation, Credential, Event, EventDetail
from conversations.sandbox import Fault, Sandbox
from tests.html import Form, form_in, text_of, words_of

NEW = "/conversations/new/"
PNG = png(8, 8)
ENCODED = base64.b64encode(PNG).decode()


def chosen(content: bytes = PNG, name: str = "sun.png") -> dict[str, Any]:
    """A file chosen in the first part of a form."""
    return {"upload_0": SimpleUploadedFile(name, content)}


def sent(browser: Browser, form: Form, url: str, do: str, **files: Any) -> Any:
    """The form as a browser sends one with files."""
    data: dict[str, Any] = {}
    for name, value in form.fields:
        data.setdefault(name, []).append(value)
    return browser.post(url, {**data, "do": do, **files})


def with_part(browser: Browser, url: str = NEW, kind: str = "picture") -> Form:
    """The form with a text and an empty part."""
    form = form_in(browser.get(url), "token").fill("text", "Look")
    return form_in(form.send(browser, url, f"{kind}-message-0"), "token")


def parts_at(sandbox: Sandbox) -> list[dict[str, Any]]:
    [item] = sandbox.store.list_items(Conversation.objects.get().openai_id)
    content: list[dict[str, Any]] = item["content"]
    return content


@pytest.fixture
def adding(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/items/new/"


def test_a_picture_by_its_url(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    form = with_part(as_operator).fill("part_reference", "https://example.com/sun.png").fill("part_detail", "low")
    assert form.send(as_operator, NEW, "create").status_code == 302
    assert [part["type"] for part in parts_at(sandbox)] == ["input_text", "input_image"]
    assert (parts_at(sandbox)[1]["image_url"], parts_at(sandbox)[1]["detail"]) == ("https://example.com/sun.png", "low")


def test_an_uploaded_picture(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    assert sent(as_operator, with_part(as_operator), NEW, "create", **chosen()).status_code == 302
    assert parts_at(sandbox)[1]["image_url"] == f"data:image/png;base64,{ENCODED}"


def test_an_uploaded_file_for_a_conversation_that_is_there(as_operator: Browser, adding: str, sandbox: Sandbox) -> None:
    form = with_part(as_operator, adding, "file")
    assert sent(as_operator, form, adding, "send", **chosen(b"a,b", "a.csv")).status_code == 302
    data = f"data:text/csv;base64,{base64.b64encode(b'a,b').decode()}"
    assert parts_at(sandbox)[1] == {"type": "input_file", "filename": "a.csv", "file_data": data}


@pytest.mark.parametrize("do", ["add-pair", "add-message", "picture-message-0", "preview"])
def test_a_chosen_file_stays_when_the_form_comes_back(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, do: str
) -> None:
    response = sent(as_operator, with_part(as_operator), NEW, do, **chosen())
    assert "sun.png (image/png" in text_of(response)
    assert form_in(response, "token").send(as_operator, NEW, "create").status_code == 302
    assert parts_at(sandbox)[1]["image_url"].endswith(ENCODED)


def test_a_chosen_file_stays_after_a_refusal(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=400, message="Not now."))
    response = sent(as_operator, with_part(as_operator), NEW, "create", **chosen())
    assert response.status_code == 502
    assert form_in(response, "token").send(as_operator, NEW, "create").status_code == 302
    assert parts_at(sandbox)[1]["image_url"].endswith(ENCODED)


def test_what_is_no_picture_is_refused_at_its_field(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    response = sent(as_operator, with_part(as_operator), NEW, "create", **chosen(b"<svg/>"))
    assert response.status_code == 422
    assert "“sun.png” isn’t a PNG, JPEG, GIF or WebP picture" in words_of(response)
    assert form_in(response, "token").values("text") == ["Look"]
    assert len(sandbox.log) == 0


def test_a_large_file_is_refused_and_not_sent_back(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    response = sent(
        as_operator, with_part(as_operator, kind="file"), NEW, "create", **chosen(bytes(4_100_000), "a.bin")
    )
    assert "“a.bin” has 4.1 MB. Choose a file of up to 4 MB." in words_of(response)
    assert len(response.content) < 100_000


def test_a_picture_of_the_assistant_is_refused(as_operator: Browser, credential: Credential) -> None:
    form = with_part(as_operator).fill("part_reference", "https://example.com/sun.png").fill("role", "assistant")
    response = form.send(as_operator, NEW, "create")
    assert response.status_code == 422
    assert "A message of the assistant can only have text." in words_of(response)


def test_the_preview_shortens_what_nobody_reads(as_operator: Browser, credential: Credential) -> None:
    response = sent(as_operator, with_part(as_operator), NEW, "preview", **chosen())
    assert "Pictures and files are shortened here, and sent whole." in words_of(response)
    assert ENCODED not in response.context_data["json"]
    assert '"image_url": "data:image/png;base64,' in response.context_data["json"]


def test_the_live_preview_needs_no_content(as_operator: Browser, credential: Credential) -> None:
    form = form_in(sent(as_operator, with_part(as_operator), NEW, "preview", **chosen()), "token").put("part_data")
    assert "(sun.png)" in form.send(as_operator, f"{NEW}preview/").context_data["json"]


def test_what_was_uploaded_is_stored_nowhere_here(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add(Fault(status=400, message="No."))
    sent(as_operator, with_part(as_operator), NEW, "create", **chosen())
    sent(as_operator, with_part(as_operator), NEW, "create", **chosen())
    rows = [vars(row) for model in (Event, EventDetail, Conversation) for row in model.objects.all()]
    assert ENCODED[:40] not in repr(rows) + caplog.text
    assert "sun.png" not in repr(rows) + caplog.text


def test_the_transcript_shows_the_picture_afterwards(as_operator: Browser, credential: Credential) -> None:
    sent(as_operator, with_part(as_operator), NEW, "create", **chosen())
    pk = Conversation.objects.get().pk
    text = text_of(as_operator.get(f"/conversations/{pk}/items/?include=message.input_image.image_url"))
    assert "image/png" in text


def test_what_was_not_sent_keeps_its_files(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    form = form_in(as_operator.get(NEW), "token").put("role", *["user"] * 21)
    form = form_in(form.put("text", *map(str, range(21))).send(as_operator, NEW, "picture-message-20"), "token")
    sandbox.faults.add(Fault(method="POST", path=".*/items", status=403))
    rest = form_in(sent(as_operator, form, NEW, "create", **chosen()), "token")
    assert rest.values("part_data") == [f"data:image/png;base64,{ENCODED}"]
    assert rest.send(as_operator, rest.attributes["action"], "send").status_code == 302
    [*_, last] = sandbox.store.list_items(Conversation.objects.get().openai_id)
    assert last["content"][1]["image_url"].endswith(ENCODED)
