"""Writing more than text: pictures, files and many messages, with a mouse and htmx, and without JavaScript."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.examples.media_items import png
from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.steps import create_button, fill_message
from tests.factories import add_messages

pytestmark = pytest.mark.browser

PICTURE = {"name": "sun.png", "mimeType": "image/png", "buffer": png(8, 8)}


@pytest.fixture(params=["htmx", "no JavaScript"])
def page(request: pytest.FixtureRequest, open_browser: OpenBrowser, operator: User, credential: Credential) -> Page:
    """A page of an operator, in a browser with JavaScript and in one without."""
    return open_browser(operator, java_script_enabled=request.param == "htmx").new_page()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def test_a_picture_and_a_file_beside_text(page: Page, sandbox: Sandbox) -> None:
    page.goto("/conversations/new/")
    fill_message(page, 1, "What is this?")
    press(page, "Add picture to message 1")
    page.get_by_label("Or choose a file").set_input_files(PICTURE)  # type: ignore[arg-type]
    press(page, "Add file to message 1")
    expect(page.get_by_text("sun.png (image/png")).to_be_visible()
    page.get_by_label("URL or file id").fill("https://example.com/report.pdf")
    press(page, "Add message")
    fill_message(page, 2, "And this?")
    press(page, "Move message 2 up")
    expect(page.get_by_label("Text of message 2")).to_have_value("What is this?")
    create_button(page).click()
    expect(page.get_by_text("Created at OpenAI.")).to_be_visible()
    items = sandbox.store.list_items(Conversation.objects.get().openai_id)
    kinds = [[part["type"] for part in item["content"]] for item in items]
    assert kinds == [["input_text"], ["input_text", "input_image", "input_file"]]


def test_what_is_no_picture_is_refused_with_everything_kept(page: Page, guard: Guard) -> None:
    guard.expects |= {422}
    page.goto("/conversations/new/")
    fill_message(page, 1, "What is this?")
    press(page, "Add picture to message 1")
    fake = {"name": "sun.png", "mimeType": "image/png", "buffer": b"<svg/>"}
    page.get_by_label("Or choose a file").set_input_files(fake)  # type: ignore[arg-type]
    create_button(page).click()
    expect(page.get_by_text("isn’t a PNG, JPEG, GIF or WebP picture")).to_be_visible()
    expect(page.get_by_label("Text of message 1")).to_have_value("What is this?")


def test_the_rest_of_many_messages_after_a_refusal(page: Page, guard: Guard, sandbox: Sandbox) -> None:
    guard.expects |= {502}
    sandbox.faults.add(Fault(method="POST", path=".*/items", status=400, message="Not now."))
    page.goto("/conversations/new/")
    for number in range(1, 23):
        if number > 1:
            press(page, "Add message")
        fill_message(page, number, f"Message {number}")
    create_button(page).click()
    expect(page.get_by_text("Conversation created with 20 of 22 messages.")).to_be_visible()
    expect(page.get_by_text("Not now.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add messages")
    press(page, "Add the remaining 2")
    expect(page.get_by_text("2 messages added at OpenAI.")).to_be_visible()
    texts = [item["content"][0]["text"] for item in sandbox.store.list_items(Conversation.objects.get().openai_id)]
    assert texts == [f"Message {number}" for number in range(1, 23)]


def test_a_conversation_from_a_file(page: Page, sandbox: Sandbox) -> None:
    page.goto("/conversations/new/")
    page.get_by_role("link", name="From a file…").click()
    content = b'{"messages": [{"role": "user", "content": "Hello"}, {"role": "tool", "content": "42"}]}'
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "talk.json", "mimeType": "application/json", "buffer": content}
    )
    press(page, "Read file")
    expect(page.get_by_text("1 message read from talk.json.")).to_be_visible()
    expect(page.get_by_text("No. 2, Tool: messages of the role “tool” can’t be created.")).to_be_visible()
    expect(page.get_by_label("Text of message 1")).to_have_value("Hello")
    create_button(page).click()
    expect(page.get_by_text("Created at OpenAI.")).to_be_visible()
    [item] = sandbox.store.list_items(Conversation.objects.get().openai_id)
    assert item["content"][0]["text"] == "Hello"


def test_a_copy_that_is_continued(page: Page, guard: Guard, sandbox: Sandbox, known: Conversation) -> None:
    guard.expects |= {502}
    add_messages(sandbox, known, 45)
    sandbox.faults.add(Fault(method="POST", path=".*/items", status=400, message="Not now."))
    page.goto(known.get_absolute_url())
    page.get_by_role("link", name="Duplicate…").click()
    expect(page.get_by_text("45 items will be copied")).to_be_visible()
    press(page, "Duplicate conversation")
    expect(page.get_by_text("20 items copied so far.")).to_be_visible()
    press(page, "Continue")
    expect(page.get_by_text("Copied: 45 items.")).to_be_visible()
    copy = Conversation.objects.exclude(pk=known.pk).get()
    assert len(sandbox.store.list_items(copy.openai_id)) == 45


def test_the_live_preview_names_a_chosen_file_without_its_content(
    open_browser: OpenBrowser, operator: User, credential: Credential
) -> None:
    page = open_browser(operator).new_page()
    page.goto("/conversations/new/")
    press(page, "Add picture to message 1")
    page.get_by_label("Or choose a file").set_input_files(PICTURE)  # type: ignore[arg-type]
    press(page, "Add message")
    expect(page.get_by_text("sun.png (image/png")).to_be_visible()
    page.wait_for_timeout(500)  # no person types before the new form listens
    with page.expect_request("**/conversations/new/preview/") as sent:
        page.get_by_label("Text of message 2").press_sequentially("Hi")
    assert "part_data" not in (sent.value.post_data or "")
    expect(page.locator("#preview")).to_contain_text("(sun.png)")
