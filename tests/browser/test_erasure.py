"""Erasing in a real browser: the page posts on by itself, can be stopped, continues, and ends in a receipt."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Erasure
from conversations.models.choices import Stage
from conversations.sandbox import Fault, Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.factories import add_messages

pytestmark = pytest.mark.browser


def ask_for_erasure(page: Page, conversation: Conversation) -> None:
    """From the conversation's page to the erasure's."""
    page.goto(conversation.get_absolute_url())
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("link", name="Erase…").click()
    page.get_by_label("Reason").fill("Ticket 7")
    page.get_by_label("type the last 6 characters of the id").fill(conversation.openai_id[-6:])
    page.get_by_role("button", name="Erase every item and the conversation").click()
    expect(page).to_have_url(re.compile(r"/erasures/\d+/"))


def slowly(sandbox: Sandbox) -> None:
    """Each deletion takes a while."""
    sandbox.faults.add(Fault(method="DELETE", delay=0.2, times=None))


def test_the_page_continues_by_itself_to_the_receipt(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 120)
    ask_for_erasure(page, known)
    expect(page.get_by_text("Erased", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="Deleted 120")).to_be_visible()
    assert sandbox.store.get_conversation(known.openai_id) is None
    assert sandbox.store.list_items(known.openai_id) == []
    page.goto(known.get_absolute_url())
    page.get_by_role("link", name="Receipt").click()
    expect(page.get_by_text("Ticket 7")).to_be_visible()


def test_it_continues_after_dropped_connections(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 40)
    sandbox.faults.add(Fault(method="DELETE", drop="after", chance=0.2, times=None))
    sandbox.faults.add(Fault(method="DELETE", drop="before", chance=0.2, times=None))
    ask_for_erasure(page, known)
    expect(page.get_by_text("Erased", exact=True)).to_be_visible(timeout=60_000)
    assert sum(entry.changed for entry in sandbox.log if entry.method == "DELETE") == 41


def test_it_is_stopped_and_resumes(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 40)
    slowly(sandbox)
    ask_for_erasure(page, known)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped by operator.")).to_be_visible()
    page.wait_for_timeout(2_500)
    assert Erasure.objects.get().stage == Stage.STOPPED
    left = len(sandbox.store.list_items(known.openai_id))
    assert left > 0
    page.reload()
    sandbox.faults.clear()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Erased", exact=True)).to_be_visible()


def test_looking_at_it_in_another_tab_does_not_disturb(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 30)
    slowly(sandbox)
    ask_for_erasure(page, known)
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (other, page):
        expect(tab.get_by_text("Erased", exact=True)).to_be_visible(timeout=30_000)
    assert sum(entry.changed for entry in sandbox.log if entry.method == "DELETE") == 31


def test_a_viewer_watches_and_presses_nothing(
    page: Page, open_browser: OpenBrowser, viewer: User, known: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, known, 30)
    slowly(sandbox)
    ask_for_erasure(page, known)
    watching = open_browser(viewer).new_page()
    watching.goto(page.url)
    expect(watching.get_by_role("button", name="Stop")).to_have_count(0)
    expect(watching.get_by_text("Erased", exact=True)).to_be_visible(timeout=30_000)


def test_without_scripts_each_press_continues(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, known, 60)
    slowly(sandbox)
    page = open_browser(operator, java_script_enabled=False).new_page()
    ask_for_erasure(page, known)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text(re.compile(r"of 60 items"))).to_be_visible()
    sandbox.faults.clear()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Erased", exact=True)).to_be_visible()


def test_a_wrong_ending_keeps_what_was_typed(page: Page, known: Conversation, sandbox: Sandbox, guard: Guard) -> None:
    guard.expects.add(422)
    page.goto(f"{known.get_absolute_url()}erase/")
    page.get_by_role("link", name="Count items").click()
    expect(page.get_by_text("0 items")).to_be_visible()
    page.get_by_label("Reason").fill("Ticket 7")
    page.get_by_label("type the last 6 characters of the id").fill("wrong")
    with page.expect_navigation():
        page.get_by_role("button", name="Erase every item").click()
    expect(page.get_by_text("These aren’t the last 6 characters")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("Ticket 7")
    assert not Erasure.objects.exists()
