"""The command palette: by keyboard alone, and as a page where scripts are off."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Credential
from tests.browser.conftest import OpenBrowser

pytestmark = pytest.mark.browser


def test_ctrl_k_finds_and_opens_by_keyboard_alone(page: Page, known: Conversation) -> None:
    page.goto("/conversations/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("link", name="Import ids page")).to_be_visible()
    page.keyboard.type("import")
    expect(page.get_by_role("link", name="Search conversations for “import”")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Import ids")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type(known.openai_id)
    expect(page.get_by_role("link", name=f"{known.openai_id} conversation")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(known.get_absolute_url()))


def test_escape_and_ctrl_k_close_it(page: Page, credential: Credential) -> None:
    page.goto("/jobs/")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("link", name="Import ids page")).to_be_visible()
    page.keyboard.press("Escape")
    for key in ("Escape", "Control+k"):
        page.keyboard.press("Control+k")
        expect(page.locator("dialog.palette")).to_be_visible()
        page.keyboard.press(key)
        expect(page.locator("dialog.palette")).to_be_hidden()


def test_without_scripts_the_bar_leads_to_a_page(
    open_browser: OpenBrowser, operator: User, credential: Credential
) -> None:
    page = open_browser(operator, java_script_enabled=False).new_page()
    page.goto("/jobs/")
    page.get_by_role("link", name="Go to").click()
    page.get_by_label("Page, view, id or words").fill("new conv")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="New conversation page").click()
    expect(page.get_by_role("heading", name="New conversation")).to_be_visible()
