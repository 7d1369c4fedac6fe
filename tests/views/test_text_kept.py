"""R18, R19: hostile text goes through the pages and comes out as it was typed, or is refused."""

import html
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import get_conversation
from tests.factories import make_known, make_remote, metadata_at
from tests.html import HOSTILE, Form, form_in, text_of

NEW = "/conversations/new/"
MARKUP = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&"


def filled(browser: Browser, **fields: str) -> Form:
    form = form_in(browser.get(NEW), "token")
    for name, value in fields.items():
        form.fill(name, value)
    return form


def shown_values(text: str) -> list[str]:
    """The metadata values that the page of a conversation shows."""
    cells = re.findall(r'<dd dir="auto">(.*?)</dd>', text, re.DOTALL)
    return [
        html.unescape(re.sub(r"</?bdi[^>]*>", "", cell)) for cell in cells
    ]  # characters that nobody sees are marked


@pytest.mark.long
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_created_shown_edited_and_kept_exactly_r19(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, value: str
) -> None:
    filled(as_operator, key="k", value=value).send(as_operator, NEW, "create")
    conversation = Conversation.objects.get()
    url = f"{conversation.get_absolute_url()}metadata/"
    edit = form_in(form_in(as_operator.get(url), "opened_with").send(as_operator, url, "add-pair"), "key")
    saved = edit.fill("key", "k", "other").fill("value", value, "new").send(as_operator, url, "save", follow=True)
    assert metadata_at(sandbox, conversation.openai_id) == {"k": value, "other": "new"}
    assert shown_values(text_of(saved)) == [value or "(empty)", "new"]


@pytest.mark.parametrize("key", [case for case in HOSTILE if case.id not in {"empty", "512 emoji"}])
def test_a_key_that_someone_else_chose_survives_an_edit_of_another_r19(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, key: str
) -> None:
    known = make_known(sandbox, credential, {key: "one", "plan": "free"})
    url = f"{known.get_absolute_url()}metadata/"
    form = form_in(as_operator.get(url), "opened_with").fill("value", "one", "pro")
    assert form.send(as_operator, url, "save").status_code == 302
    assert metadata_at(sandbox, known.openai_id) == {key: "one", "plan": "pro"}


@pytest.mark.long
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_that_was_got_is_kept_while_another_is_edited_r19(
    as_operator: Browser, operator: User, credential: Credential, sandbox: Sandbox, value: str
) -> None:
    remote = make_remote(sandbox, {"k": f"{value}\r\n"[:512], "plan": "free"})
    known = get_conversation(actor=operator, credential=credential, openai_id=remote)
    url = f"{known.get_absolute_url()}metadata/"
    form = form_in(as_operator.get(url), "opened_with")
    for do in ("add-pair", "remove-pair-2"):
        form = form_in(form.send(as_operator, url, do), "opened_with")
    form.put("value", *form.values("value")[:1], "pro").send(as_operator, url, "save")
    assert metadata_at(sandbox, remote) == {"k": f"{value}\r\n"[:512], "plan": "pro"}


@pytest.mark.long
@pytest.mark.parametrize("text", [case for case in HOSTILE if case.id != "empty"])
def test_a_message_is_sent_and_shown_as_it_was_typed(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, text: str
) -> None:
    filled(as_operator, text=text).send(as_operator, NEW, "create")
    conversation = Conversation.objects.get()
    [item] = sandbox.store.list_items(conversation.openai_id)
    assert item["content"][0]["text"] == text
    page = text_of(as_operator.get(f"{conversation.get_absolute_url()}items/"))
    [shown] = re.findall(r'<div class="turn-text" dir="auto" data-text>(.*?)</div>', page, re.DOTALL)
    assert html.unescape(re.sub(r"</?bdi[^>]*>", "", shown)) == text


@pytest.mark.long
@pytest.mark.parametrize("value", HOSTILE)
def test_a_row_button_keeps_the_text_of_every_row(as_operator: Browser, credential: Credential, value: str) -> None:
    form = filled(as_operator, key="k", value=value, text=value, json=value)
    for do in ("add-pair", "add-message", "up-message-1", "preview"):
        form = form_in(form.send(as_operator, NEW, do), "token")
    assert value in form.values("value")
    assert value in form.values("text")
    assert form.values("json") == [value]


@pytest.mark.parametrize("field", ["key", "value", "text"])
def test_nul_is_refused_with_a_reason_at_its_row_r18(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, field: str
) -> None:
    form = filled(as_operator, key="k", value="v", text="t").fill(field, "a\0b")
    response = form.send(as_operator, NEW, "create")
    assert response.status_code == 422
    assert "contains a NUL or a broken character. Enter it again." in text_of(response)
    assert sandbox.store.list_conversations() == []


@pytest.mark.parametrize("stored", ["a\0b", "a\ud800b"])
def test_what_openai_holds_and_no_database_does_is_marked_and_not_overwritten_r18(
    as_operator: Browser, operator: User, credential: Credential, sandbox: Sandbox, stored: str
) -> None:
    remote = make_remote(sandbox, {"k": stored, "plan": "free"})
    known = get_conversation(actor=operator, credential=credential, openai_id=remote)
    page = text_of(as_operator.get(known.get_absolute_url()))
    assert "They’re shown as “�”" in page
    url = f"{known.get_absolute_url()}metadata/"
    form_in(as_operator.get(url), "opened_with").fill("value", "a�b", "pro").send(as_operator, url, "save")
    assert metadata_at(sandbox, remote) == {"k": stored, "plan": "pro"}


def test_values_that_are_no_text_are_shown_as_json_and_kept_r18_r19(
    as_operator: Browser, operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    strange = {"n": 5, "f": 1.0, "t": True, "list": ["<b>", None], "map": {"a": [1]}}
    sandbox.faults.add(Fault(body='{"id": "conv_s", "metadata": {"n": 5, "f": 1.0, "list": ["<b>", null]}}'))
    known = get_conversation(actor=operator, credential=credential, openai_id="conv_s")
    assert known.metadata == {name: strange[name] for name in ("n", "f", "list")}
    assert shown_values(text_of(as_operator.get(known.get_absolute_url()))) == ["5", "1.0", '["<b>", null]']


def hostile_conversation(sandbox: Sandbox, credential: Credential, operator: User) -> Conversation:
    """One whose id, keys, values and messages are markup."""
    openai_id = MARKUP.replace("/", "")
    sandbox.store.create_conversation(
        id=openai_id,
        metadata={MARKUP: MARKUP},
        items=[
            {"type": "message", "role": MARKUP, "content": MARKUP, "id": MARKUP},
            {"type": MARKUP, "text": MARKUP, "id": "2"},
        ],
    )
    return get_conversation(actor=operator, credential=credential, openai_id=openai_id)


@pytest.mark.parametrize("part", ["", "metadata/", "items/", "remove/"])
def test_markup_is_escaped_wherever_it_stands(
    as_operator: Browser, operator: User, credential: Credential, sandbox: Sandbox, part: str
) -> None:
    known = hostile_conversation(sandbox, credential, operator)
    text = text_of(as_operator.get(known.get_absolute_url() + part))
    assert "alert(" in text
    assert "<script>alert" not in text
    assert "<img" not in text


@pytest.mark.parametrize("url", ["/conversations/", "/activity/", "/conversations/get/?id=", "/conversations/?q="])
def test_markup_is_escaped_in_lists_and_urls(
    as_operator: Browser, operator: User, credential: Credential, sandbox: Sandbox, url: str
) -> None:
    hostile_conversation(sandbox, credential, operator)
    text = text_of(as_operator.get(url + (MARKUP if url.endswith("=") else "")))
    assert "&lt;" in text
    assert "<script>alert" not in text
    assert "<img" not in text


@pytest.mark.parametrize("field", ["message", "param", "code"])
def test_markup_in_openais_words_is_escaped(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, field: str
) -> None:
    sandbox.faults.add(Fault(status=400, **{field: MARKUP}, headers={"x-request-id": "<img src=y>"}))
    text = text_of(filled(as_operator, key="k", value="v").send(as_operator, NEW, "create"))
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "<img" not in text


def test_markup_in_names_of_credentials_and_people_is_escaped(
    as_operator: Browser, operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    credential.name = operator.username = MARKUP
    credential.save()
    operator.save()
    known = make_known(sandbox, credential)
    as_operator.post(f"{known.get_absolute_url()}refresh/")
    for url in ("/conversations/", NEW, "/activity/", known.get_absolute_url()):
        text = text_of(as_operator.get(url))
        assert "<script>alert" not in text
        assert "<img" not in text
