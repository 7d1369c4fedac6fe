"""The four operations end to end, as an operator does them: with a mouse and htmx, and without JavaScript."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Credential, State
from conversations.sandbox import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.browser.steps import create_button, edit_metadata, fill_message, fill_pair, keys_of, texts_of
from tests.factories import PASSWORD, make_remote, metadata_at

pytestmark = pytest.mark.browser

DETAIL = re.compile(r"/conversations/\d+/")


@pytest.fixture(params=["htmx", "no JavaScript"])
def page(request: pytest.FixtureRequest, open_browser: OpenBrowser, operator: User, credential: Credential) -> Page:
    """A page of an operator, in a browser with JavaScript and in one without."""
    return open_browser(operator, java_script_enabled=request.param == "htmx").new_page()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def write_three_messages(page: Page) -> None:
    fill_message(page, 1, "I was charged twice.")
    press(page, "Add message")
    fill_message(page, 2, "to be removed")
    press(page, "Add message")
    fill_message(page, 3, "Be brief.", "system")
    press(page, "Add message")
    fill_message(page, 4, "I see two payments.", "assistant")
    press(page, "Remove message 2")
    expect(page.get_by_label("Text of message 4")).to_have_count(0)
    press(page, "Move message 2 up")
    expect(page.get_by_label("Text of message 1")).to_have_value("Be brief.")
    press(page, "Move message 1 down")
    expect(page.get_by_label("Text of message 1")).to_have_value("I was charged twice.")
    press(page, "Move message 2 up")
    expect(page.get_by_label("Text of message 1")).to_have_value("Be brief.")


def write_two_pairs(page: Page) -> None:
    fill_pair(page, 1, "tenant", "acme")
    press(page, "Add pair")
    fill_pair(page, 2, "wrong", "row")
    press(page, "Add pair")
    fill_pair(page, 3, "topic", "billing dispute")
    press(page, "Remove pair 2")
    expect(page.get_by_label("Key 3", exact=True)).to_have_count(0)


def test_create_with_rows_that_were_added_moved_and_removed(page: Page, sandbox: Sandbox) -> None:
    page.goto("/conversations/")
    page.get_by_role("link", name="New conversation").first.click()
    write_three_messages(page)
    write_two_pairs(page)
    assert texts_of(page) == ["Be brief.", "I was charged twice.", "I see two payments."]
    assert keys_of(page) == ["tenant", "topic"]
    create_button(page).click()
    expect(page.get_by_text("Created at OpenAI.")).to_be_visible()
    created = Conversation.objects.get()
    assert metadata_at(sandbox, created.openai_id) == {"tenant": "acme", "topic": "billing dispute"}
    assert created.metadata == metadata_at(sandbox, created.openai_id)
    items = sandbox.store.list_items(created.openai_id, order="asc", after=None, limit=10)
    assert [item["role"] for item in items] == ["system", "user", "assistant"]


def test_get_by_its_id(page: Page, sandbox: Sandbox) -> None:
    remote = make_remote(sandbox, {"tenant": "globex"})
    page.goto("/conversations/")
    page.get_by_label("Search conversations").fill(remote)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Get from OpenAI").click()
    expect(page.get_by_label("Conversation id")).to_have_value(remote)
    page.get_by_role("button", name="Get from OpenAI").click()
    page.wait_for_url(DETAIL)
    expect(page.get_by_role("heading", level=1)).to_have_text(remote)
    assert Conversation.objects.get().metadata == {"tenant": "globex"}


def test_edit_the_metadata_and_read_the_response_key_by_key(page: Page, sandbox: Sandbox, known: Conversation) -> None:
    page.goto(known.get_absolute_url())
    edit_metadata(page)
    fill_pair(page, 1, "tenant", "globex")
    press(page, "Remove pair 2")
    expect(page.get_by_label("Key 2", exact=True)).to_have_count(0)
    press(page, "Add pair")
    fill_pair(page, 2, "owner", "ops")
    page.get_by_role("button", name="Save to OpenAI").click()
    told = page.locator(".notice", has_text="The result for each key:").get_by_role("listitem")
    expect(told).to_contain_text(["tenant changed", "env removed", "owner added"])
    assert metadata_at(sandbox, known.openai_id) == {"tenant": "globex", "owner": "ops"}


def test_remove_asks_and_then_removes(page: Page, sandbox: Sandbox, known: Conversation) -> None:
    page.goto(known.get_absolute_url())
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("link", name="Remove…").click()
    expect(page.get_by_text("nobody can read or delete them anymore")).to_be_visible()
    assert sandbox.store.get_conversation(known.openai_id) is not None
    page.get_by_role("button", name="Remove conversation").click()
    expect(page.get_by_text("Removed at OpenAI.", exact=True)).to_be_visible()
    assert sandbox.store.get_conversation(known.openai_id) is None
    known.refresh_from_db()
    assert known.state == State.REMOVED
    page.goto("/conversations/")
    expect(page.get_by_text(known.openai_id[:18])).to_have_count(0)


def test_find_again_by_metadata(page: Page, known: Conversation) -> None:
    page.goto("/conversations/")
    page.get_by_label("Search conversations").fill("tenant:acme -env:staging")
    page.get_by_label("Search conversations").press("Enter")
    page.locator(f"a[title={known.openai_id}]").click()
    page.wait_for_url(DETAIL)
    page.goto("/conversations/?q=tenant:nobody")
    expect(page.get_by_text("No matches")).to_be_visible()
    page.get_by_role("link", name="without tenant").click()
    expect(page.locator(f"a[title={known.openai_id}]")).to_be_visible()


def test_sign_in_and_out(page: Page, operator: User) -> None:
    page.goto("/activity/")
    press(page, "Sign out")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/activity/")
    page.get_by_label("Username").fill(operator.get_username())
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    expect(page.get_by_role("heading", name="Activity", exact=True)).to_be_visible()
