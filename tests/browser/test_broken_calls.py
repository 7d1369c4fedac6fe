"""A conversation that a call without output broke, repaired in a real browser."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation
from conversations.sandbox import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.factories import add_messages

pytestmark = pytest.mark.browser

CALL = {"type": "function_call", "call_id": "call_1", "name": "refund", "arguments": "{}"}


def repair(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    """Find the call in a long transcript, and add its output."""
    sandbox.store.add_items(known.openai_id, [CALL])
    add_messages(sandbox, known, 250)
    page.goto(f"{known.get_absolute_url()}items/")
    page.get_by_role("link", name="Calls without output").click()
    expect(page.get_by_text("1 call without output in all 251 items.")).to_be_visible()
    page.get_by_role("link", name="Add output").click()
    page.get_by_label("Output", exact=True).fill("49.90 went back.")
    page.get_by_role("button", name="Add to conversation").click()
    expect(page.get_by_text("Output added at OpenAI.")).to_be_visible()
    assert sandbox.store.list_items(known.openai_id)[-1]["output"] == "49.90 went back."


def test_a_call_without_output_is_found_and_gets_one(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    repair(page, known, sandbox)
    page.get_by_role("link", name="Calls without output").click()
    expect(page.get_by_text("No calls without output")).to_be_visible()
    page.get_by_role("link", name="All items").click()
    expect(page.get_by_text("Message 250", exact=True)).to_be_attached()


def test_who_comes_back_from_a_call_finds_all_of_them_again(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.add_items(known.openai_id, [CALL, {**CALL, "call_id": "call_2"}, {**CALL, "call_id": "call_3"}])
    page.goto(f"{known.get_absolute_url()}items/?show=broken")
    page.locator("article").nth(2).get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", name="Raw JSON")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("3 calls without output")).to_be_visible()


def test_the_same_without_scripts(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    repair(open_browser(operator, java_script_enabled=False).new_page(), known, sandbox)
