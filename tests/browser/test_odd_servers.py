"""Servers that answer oddly, as somebody sees them who scrolls and clicks."""

import json

import pytest
from playwright.sync_api import Page, expect

from conversations.models import Conversation
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_messages, metadata_at

pytestmark = pytest.mark.browser


def listing(*ids: str, has_more: bool = True) -> str:
    data = [{"id": item_id, "type": "message", "role": "user", "content": f"says {item_id}"} for item_id in ids]
    return json.dumps({"data": data, "has_more": has_more, "last_id": ids[-1] if ids else None})


def test_pages_that_go_round_end_with_a_sentence(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    pages = [[f"{name}{number}" for number in range(60)] for name in ("a", "b", "a", "b")]
    for ids in pages:
        sandbox.faults.add(Fault(method="GET", path=".*/items", body=listing(*ids)))
    page.goto(known.get_absolute_url())
    expect(page.get_by_text("says a59")).to_be_attached()
    page.mouse.wheel(0, 60_000)
    expect(page.get_by_text("says b59")).to_be_attached()
    page.mouse.wheel(0, 60_000)
    expect(page.get_by_text("returns the same items again and again")).to_be_visible()
    assert page.locator("article").count() == 120
    assert (
        page.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size")
        == page.locator("[id]").count()
    )
    page.mouse.wheel(0, 60_000)
    page.wait_for_timeout(500)
    assert len([entry for entry in sandbox.log if entry.path.endswith("/items")]) == 3


def test_a_server_that_keeps_items_back_is_told(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="GET", path=".*/items", body=listing()))
    page.goto(known.get_absolute_url())
    expect(page.get_by_text("This transcript is incomplete.")).to_be_visible()


def test_a_key_that_the_server_keeps_is_set_to_the_empty_text(
    page: Page, known: Conversation, sandbox: Sandbox
) -> None:
    before = metadata_at(sandbox, known.openai_id)
    sandbox.faults.add(Fault(method="POST", skip=1, status=400, message="null is not for me"))
    page.goto(f"{known.get_absolute_url()}metadata/")
    page.get_by_role("button", name="Remove pair 1").click()
    page.get_by_role("button", name="Save to OpenAI").click()
    page.get_by_role("link", name="Set to empty text…").click()
    page.get_by_role("button", name="Save to OpenAI").click()
    expect(page.get_by_text("The result for each key:")).to_be_visible()
    key = next(iter(before))
    assert metadata_at(sandbox, known.openai_id) == {**before, key: ""}


def test_items_kept_after_the_last_page_are_whole(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 100)
    page.goto(known.get_absolute_url())
    page.mouse.wheel(0, 60_000)
    expect(page.get_by_text("End of transcript · fetched just now")).to_be_attached()
    assert page.locator("article").count() == 100
