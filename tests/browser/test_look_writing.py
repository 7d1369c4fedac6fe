"""What the pages look like on which messages with pictures and files, many messages, files and copies are written."""

import json

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.examples.media_items import png
from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.steps import create_button, open_new
from tests.browser.test_look import faults_of
from tests.factories import add_messages

pytestmark = pytest.mark.browser

PICTURE = {"name": "sun " * 30 + ".png", "mimeType": "image/png", "buffer": png(8, 8)}
ITEMS = [{"role": "user", "content": f"Message {number}"} for number in range(1, 23)]


@pytest.fixture
def page(open_browser: OpenBrowser, superuser: User, credential: Credential, guard: Guard) -> Page:
    """A page of someone who may do everything, and so sees everything."""
    guard.expects |= {422, 502}
    return open_browser(superuser).new_page()


def choose_file(page: Page, content: object) -> None:
    page.goto("/conversations/new/from-file/")
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    page.get_by_label("File", exact=True).set_input_files({"name": "a.json", "mimeType": "text/plain", "buffer": data})
    page.get_by_role("button", name="Read file").click()


def test_a_message_with_parts_and_their_errors(page: Page) -> None:
    open_new(page, messages=["What is this?"])
    page.get_by_role("button", name="Add picture to message 1").click()
    page.get_by_label("Or choose a file").set_input_files(PICTURE)  # type: ignore[arg-type]
    page.get_by_role("button", name="Add file to message 1").click()
    expect(page.get_by_label("URL or file id")).to_have_count(1)
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.get_by_label("URL or file id").fill("no url " * 20)
    page.get_by_role("button", name="Add text to message 1").click()
    expect(page.get_by_label("More text 3 of message 1", exact=True)).to_be_visible()
    assert faults_of(page) == []
    create_button(page).click()
    expect(page.get_by_text("Enter a URL that begins with")).to_be_visible()
    assert faults_of(page) == []


def test_a_file_that_fills_the_form_and_the_rest_of_its_messages(page: Page, sandbox: Sandbox) -> None:
    choose_file(page, b"[{")
    expect(page.get_by_text("this isn’t valid JSON")).to_be_visible()
    assert faults_of(page) == []
    choose_file(page, [*ITEMS, {"type": "reasoning"}, {"type": "long_" * 30}])
    expect(page.get_by_text("22 messages read")).to_be_visible()
    assert faults_of(page) == []
    sandbox.faults.add(Fault(method="POST", path=".*/items", drop="before"))
    create_button(page).click()
    expect(page.get_by_text("It’s unknown whether the other 2 were added.")).to_be_visible()
    assert faults_of(page) == []


def test_a_copy_before_and_after_a_failure(page: Page, sandbox: Sandbox, known: Conversation) -> None:
    add_messages(sandbox, known, 45)
    sandbox.store.add_items(known.openai_id, [{"type": "reasoning", "summary": []}] * 3)
    page.goto(f"{known.get_absolute_url()}copy/")
    expect(page.get_by_text("45 items will be copied")).to_be_visible()
    assert faults_of(page) == []
    sandbox.faults.add(Fault(method="POST", path=".*/items", drop="before"))
    page.get_by_role("button", name="Duplicate conversation").click()
    expect(page.get_by_text("20 items copied so far.")).to_be_visible()
    assert faults_of(page) == []
