"""Transcripts in a real browser: read whole by scrolling, harmless whatever they hold, changed and taken along."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.examples.items import every_type, hostile, unknown_types
from conversations.models import Conversation, Event
from conversations.sandbox import Fault, Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.factories import add_messages

pytestmark = pytest.mark.browser

WIDTHS = {"wide": 1440, "phone": 390}


def items_path(conversation: Conversation) -> str:
    return f"{conversation.get_absolute_url()}items/"


def test_a_transcript_is_read_whole_by_scrolling(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 250)
    page.goto(known.get_absolute_url())
    expect(page.get_by_text("Message 100", exact=True)).to_be_attached()
    expect(page.get_by_text("Message 101", exact=True)).to_have_count(0)
    for number in (101, 201, 250):
        page.mouse.wheel(0, 60_000)
        expect(page.get_by_text(f"Message {number}", exact=True)).to_be_attached()
    expect(page.get_by_text("End of transcript · fetched just now")).to_be_attached()
    assert page.locator("article").count() == 250


def test_the_address_keeps_the_place_and_the_order(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 150)
    page.goto(known.get_absolute_url())
    page.get_by_role("link", name="Show newest first").click()
    expect(page.locator("article").first).to_contain_text("Message 150")
    page.mouse.wheel(0, 60_000)
    expect(page.get_by_text("Message 1", exact=True)).to_be_attached()
    expect(page).to_have_url(re.compile(rf"{known.get_absolute_url()}\?items=newest&item_after=msg_"))
    page.reload()
    expect(page.locator("article").first).to_contain_text("Message 50")
    page.get_by_role("link", name="Later items").click()
    expect(page.locator("article").first).to_contain_text("Message 150")


def test_who_comes_back_from_an_item_finds_it_again(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 250)
    page.goto(f"{known.get_absolute_url()}?q=tenant%3Aacme")
    expect(page.get_by_text("Message 100", exact=True)).to_be_attached()
    for number in (101, 201):
        page.mouse.wheel(0, 60_000)
        expect(page.get_by_text(f"Message {number}", exact=True)).to_be_attached()
    page.locator("article").nth(119).get_by_role("link", name="Open").click()
    expect(page).to_have_url(re.compile(r"/item/msg_"))
    page.go_back()
    expect(page.locator("article").first).to_contain_text("Message 120")
    expect(page).to_have_url(re.compile(r"\?q=tenant%3Aacme&item_after=msg_|item_after=msg_.*q=tenant%3Aacme"))


def test_without_scripts_it_is_read_by_links(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, known, 150)
    page = open_browser(operator, java_script_enabled=False).new_page()
    page.goto(known.get_absolute_url())
    page.get_by_role("link", name="Fetch transcript from OpenAI").click()
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("article").first).to_contain_text("Message 101")
    page.get_by_role("link", name="Earlier items").click()
    expect(page.locator("article").first).to_contain_text("Message 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_type_of_item_has_its_view_and_fits(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox, width: str, scheme: str
) -> None:
    examples = [*every_type(), *unknown_types()]
    sandbox.store.add_items(known.openai_id, examples)
    page = open_browser(
        operator, viewport={"width": WIDTHS[width], "height": 900}, color_scheme=scheme, device_scale_factor=1
    ).new_page()
    page.goto(items_path(known))
    assert page.locator("[data-item]").count() == len(examples)
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTHS[width]
    expect(page.locator("pre", has_text="hologram_call_output")).to_have_count(1)


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_content_does_nothing_and_breaks_no_layout(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox, width: str
) -> None:
    """The guard fails for any script that runs, dialog, error or request to another host."""
    sandbox.store.add_items(known.openai_id, hostile())
    page = open_browser(operator, viewport={"width": WIDTHS[width], "height": 900}).new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(items_path(known))
    expect(page.get_by_text("<script>alert").first).to_be_attached()
    for summary in page.locator(".fold summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTHS[width]
    assert page.locator(".turn script, .turn img, .turn iframe, .turn a[href^='javascript']").count() == 0
    assert dialogs == []


def test_a_message_of_a_megabyte_is_read_on_the_page_of_its_item(
    page: Page, known: Conversation, sandbox: Sandbox
) -> None:
    content = "x" * 1_000_000
    (item,) = sandbox.store.add_items(known.openai_id, [{"type": "message", "role": "user", "content": content}])
    page.goto(items_path(known))
    page.get_by_role("link", name="Show all 1,000,000 characters").click()
    expect(page).to_have_url(re.compile(f"/item/{item['id']}/"))
    assert page.locator("[data-text]").first.evaluate("element => element.textContent.length") == 1_000_000
    assert page.evaluate("document.documentElement.scrollWidth") == 1440


def test_a_long_message_unfolds(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    text = "\n".join(f"line {number}" for number in range(60))
    sandbox.store.add_items(known.openai_id, [{"type": "message", "role": "user", "content": text}])
    page.goto(known.get_absolute_url())
    expect(page.get_by_text("line 59")).not_to_be_visible()
    page.get_by_text(f"All {len(text)} characters").click()
    expect(page.get_by_text("line 59")).to_be_visible()
    expect(page.locator(".fold-beginning")).not_to_be_visible()


def test_a_message_is_copied_exactly(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    said = "<b>one</b>\n\tturned \u202e and red \x1b[31m 🙂"
    sandbox.store.add_items(known.openai_id, [{"type": "message", "role": "user", "content": said}])
    page = open_browser(operator, permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(known.get_absolute_url())
    page.get_by_role("button", name="Copy this user message").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == said


def test_messages_are_added(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    page.goto(known.get_absolute_url())
    page.get_by_role("link", name="Add messages").first.click()
    page.get_by_label("Text of message 1").fill("We looked into it.")
    page.get_by_role("button", name="Add message", exact=True).click()
    page.get_by_label("Text of message 2").fill("It is repaired.")
    page.get_by_role("button", name="Add to conversation").click()
    expect(page.get_by_text("2 messages added at OpenAI.")).to_be_visible()
    expect(page.locator("article").first).to_contain_text("It is repaired.")
    assert len(sandbox.store.list_items(known.openai_id)) == 2


def test_a_call_is_deleted_with_its_output(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}", "status": "completed"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "found", "status": "completed"}
    sandbox.store.add_items(known.openai_id, [call, output])
    page.goto(known.get_absolute_url())
    page.locator("summary", has_text="look_up").click()
    page.get_by_role("link", name="Delete this function call").click()
    expect(page.get_by_label("Also delete its counterpart")).to_be_checked()
    page.get_by_role("button", name="Delete at OpenAI").click()
    expect(page.get_by_text("Both items deleted at OpenAI.")).to_be_visible()
    assert sandbox.store.list_items(known.openai_id) == []


def test_a_locked_conversation_is_explained(page: Page, known: Conversation, sandbox: Sandbox, guard: Guard) -> None:
    guard.expects.add(502)
    sandbox.faults.add(Fault(method="POST", locked=True, times=3))
    page.goto(f"{items_path(known)}new/")
    page.get_by_label("Text of message 1").fill("Are you there?")
    page.get_by_role("button", name="Add to conversation").click()
    expect(page.get_by_text("A response is being generated in this conversation.")).to_be_visible()
    expect(page.get_by_label("Text of message 1")).to_have_value("Are you there?")


def test_a_transcript_is_downloaded_and_the_page_says_that_it_is_whole(
    page: Page, known: Conversation, sandbox: Sandbox, tmp_path: Path
) -> None:
    add_messages(sandbox, known, 120)
    page.goto(known.get_absolute_url())
    page.get_by_role("link", name="Download…").click()
    page.get_by_label("JSON One list, as OpenAI returned it.").check()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    started.value.save_as(tmp_path / "transcript.json")
    document = json.loads((tmp_path / "transcript.json").read_text())
    assert document["data"] == sandbox.store.list_items(known.openai_id)
    expect(page.locator("#downloads")).to_contain_text("Complete")
    expect(page.locator("#downloads")).to_contain_text("120 items")


def test_a_download_that_breaks_off_is_told_on_the_page(
    page: Page, known: Conversation, sandbox: Sandbox, guard: Guard
) -> None:
    add_messages(sandbox, known, 150)
    sandbox.faults.add(Fault(path=".*/items", skip=1, times=3, status=500, message="Lost half-way."))
    page.goto(f"{items_path(known)}export/")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    assert "This file is incomplete" in started.value.path().read_text()
    expect(page.locator("#downloads")).to_contain_text("Incomplete")
    expect(page.locator("#downloads")).to_contain_text("Lost half-way.")
    assert Event.objects.get().item_count == 100
