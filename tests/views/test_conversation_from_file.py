"""A new conversation from a file."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from conversations.exports.transcripts import FORMATS
from conversations.models import Conversation, Credential
from conversations.sandbox import Sandbox
from tests.factories import add_messages
from tests.html import form_in, is_page, text_of, words_of

URL = "/conversations/new/from-file/"
NEW = "/conversations/new/"
ITEMS = [
    {"role": "user", "content": "Hello"},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"role": "assistant", "content": "Hi"},
]


def upload(browser: Browser, content: str | bytes, name: str = "talk.json") -> object:
    data = content.encode() if isinstance(content, str) else content
    return browser.post(URL, {"file": SimpleUploadedFile(name, data)})


def test_asks_for_a_file(as_operator: Browser) -> None:
    response = as_operator.get(URL)
    assert is_page(response)
    assert form_in(response, "csrfmiddlewaretoken").attributes
    assert URL in text_of(as_operator.get(NEW))


def test_fills_the_form_and_sends_nothing(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    response = upload(as_operator, json.dumps({"items": ITEMS, "metadata": {"tenant": "acme"}}))
    form = form_in(response, "token")
    assert form.values("text") == ["Hello", "Hi"]
    assert form.values("role") == ["user", "assistant"]
    assert (form.values("key"), form.values("value")) == (["tenant"], ["acme"])
    assert len(sandbox.log) == 0


def test_tells_what_was_left_out(as_operator: Browser, credential: Credential) -> None:
    words = words_of(upload(as_operator, json.dumps(ITEMS)))
    assert "2 messages read from talk.json." in words
    assert "No. 2, Function call: a form can only create messages" in words


def test_the_form_creates_what_the_file_has(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    form = form_in(upload(as_operator, json.dumps(ITEMS)), "token")
    assert form.send(as_operator, form.attributes["action"], "create").status_code == 302
    items = sandbox.store.list_items(Conversation.objects.get().openai_id)
    assert [(item["role"], item["content"][0]["text"]) for item in items] == [("user", "Hello"), ("assistant", "Hi")]


@pytest.mark.parametrize("kind", ["json", "jsonl", "md"])
def test_a_download_makes_the_same_conversation_again(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, kind: str
) -> None:
    add_messages(sandbox, conversation, 25)
    download = as_operator.get(f"/conversations/{conversation.pk}/items/export/file/?format={kind}")
    content = b"".join(download.streaming_content)
    form = form_in(upload(as_operator, content, f"talk.{FORMATS[kind].extension}"), "token")
    form.send(as_operator, NEW, "create")
    copy = Conversation.objects.exclude(pk=conversation.pk).get()
    said = [[item["content"] for item in sandbox.store.list_items(each.openai_id)] for each in (conversation, copy)]
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b'[{"role": "user"', "Line 1, column 17: this isn’t valid JSON"),
        (b"Hello", "Line 1: a heading with the role of a message is expected"),
        (b"x" * 4_000_001, "The file has 4.0 MB. It can have up to 4 MB."),
    ],
)
def test_says_what_is_wrong_and_that_the_file_has_to_be_chosen_again(
    as_operator: Browser, content: bytes, words: str
) -> None:
    response = upload(as_operator, content)
    assert response.status_code == 422
    assert words in words_of(response)
    assert "Choose the file again once it’s corrected" in words_of(response)


def test_a_file_is_wanted(as_operator: Browser) -> None:
    response = as_operator.post(URL)
    assert (response.status_code, "Choose a file." in text_of(response)) == (422, True)


def test_hostile_names_and_texts_stay_text(as_operator: Browser, credential: Credential) -> None:
    hostile = "</textarea><script>alert(1)</script>"
    response = upload(as_operator, json.dumps([{"role": "user", "content": hostile}, {"type": hostile}]), hostile)
    assert "<script>alert" not in text_of(response)
    assert form_in(response, "token").values("text") == [hostile]


@pytest.mark.parametrize(
    "item", [{"role": "\ud800", "content": "x"}, {"role": "user", "content": [{"type": "\udfff"}]}]
)
def test_what_no_page_can_hold_is_shown_as_such(as_operator: Browser, credential: Credential, item: Any) -> None:
    assert upload(as_operator, json.dumps([item, {"role": "user", "content": "hi"}])).status_code in (200, 422)
