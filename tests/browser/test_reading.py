"""Reading a conversation in a real browser: rendered, folded, by keyboard, looking for a text, and on paper."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation
from conversations.sandbox import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.browser.test_look import look_at
from tests.factories import add_messages

pytestmark = pytest.mark.browser

ANSWER = """## Found

Your order **48213** was delivered. See the [policy](https://example.com/policy).

| Item | Amount |
|---|--:|
| Kettle, with a name so long that no phone has room for it in one line of a table that doesn’t break words | 49.00 |

```python
def refund(order):
    return order.total  # a line that is longer than the column, so that it is broken or scrolls in a frame of its own
```

![a kettle](https://example.com/kettle.png) <script>alert(1)</script>
"""
ITEMS: list[dict[str, Any]] = [
    {"type": "message", "role": "user", "content": "Was order 48213 delivered? 🙂"},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "I look it **up**."}]},
    {
        "type": "function_call",
        "call_id": "c",
        "name": "look_up",
        "arguments": '{"order": 48213}',
        "status": "completed",
    },
    {"type": "function_call_output", "call_id": "c", "output": '{"delivered": true}', "status": "completed"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]},
    {"type": "message", "role": "user", "content": "مرحبا، أريد **استرداد** الثمن"},
]


@pytest.fixture
def url(known: Conversation, sandbox: Sandbox) -> str:
    """Of a transcript with a bit of everything."""
    sandbox.store.add_items(known.openai_id, ITEMS)
    return known.get_absolute_url()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('.item')?.querySelector('[data-text]').textContent ?? ''"))


def test_a_reader_switches_opens_copies_and_finds(
    open_browser: OpenBrowser, operator: User, url: str, sandbox: Sandbox
) -> None:
    page = open_browser(operator, permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(url)
    expect(page.get_by_text("## Found")).to_be_visible()
    page.get_by_role("link", name="Show rendered").click()
    expect(page.locator("strong", has_text="48213")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?text=rendered$"))
    page.reload()
    expect(page.locator(".markdown script, .markdown img")).to_have_count(0)
    page.get_by_role("button", name="Copy this code").last.click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).startswith("def refund(order):\n    return")
    page.get_by_role("button", name="Copy this assistant message").click()
    page.wait_for_function("async (answer) => (await navigator.clipboard.readText()) === answer", arg=ANSWER)
    expect(page.locator("pre", has_text="delivered")).not_to_be_visible()
    page.locator("summary", has_text="look_up").click()
    expect(page.locator("pre", has_text="delivered")).to_be_visible()
    page.get_by_label("Find in this transcript").fill("ORDER")
    page.get_by_label("Find in this transcript").press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"text=rendered&find=ORDER|find=ORDER&text=rendered"))
    page.get_by_role("link", name="Search all items").click()
    expect(page.get_by_text("in all 6 items.")).to_be_visible()


def test_n_and_p_walk_through_the_messages_of_users_across_pages(
    page: Page, known: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, known, 102)
    page.goto(f"{known.get_absolute_url()}items/")
    for number in (1, 2):
        page.keyboard.press("n")
        assert focused(page) == f"Message {number}"
    page.keyboard.press("p")
    assert focused(page) == "Message 1"
    page.locator(".item").nth(99).evaluate("item => { item.tabIndex = -1; item.focus(); }")
    page.keyboard.press("n")
    expect(page.locator(".item:focus")).to_contain_text("Message 101")
    item_id = str(page.locator(".item").nth(100).get_attribute("id"))
    page.goto(f"{known.get_absolute_url()}items/?item_after={item_id.removeprefix('item-')}")
    page.keyboard.press("n")
    assert focused(page) == "Message 102"
    page.keyboard.press("p")
    expect(page.locator(".item:focus")).to_contain_text("Message 101")
    page.keyboard.press("?")
    expect(page.get_by_text("next and previous user message")).to_be_visible()


def test_a_copied_link_leads_to_the_item(
    open_browser: OpenBrowser, operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, known, 150)
    page = open_browser(operator, permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(f"{known.get_absolute_url()}items/")
    page.bring_to_front()  # or the clipboard is not its own
    page.get_by_role("button", name="Copy link to this user message").nth(79).click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    link = str(page.evaluate("navigator.clipboard.readText()"))
    page.get_by_role("button", name="Copy id of this user message").nth(79).click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('msg_')")
    assert link.endswith(f"#item-{page.evaluate('navigator.clipboard.readText()')}")
    page.goto(link)
    expect(page.locator(".item:target")).to_contain_text("Message 80")
    expect(page.locator(".item:target")).to_be_in_viewport()
    assert focused(page) == "Message 80"


def test_without_scripts_everything_is_a_link_or_a_form(
    open_browser: OpenBrowser, operator: User, url: str, sandbox: Sandbox
) -> None:
    page = open_browser(operator, java_script_enabled=False).new_page()
    page.goto(url)
    page.get_by_role("link", name="Fetch transcript from OpenAI").click()
    page.get_by_role("link", name="Show rendered").click()
    expect(page.locator("strong", has_text="48213")).to_be_visible()
    page.get_by_role("link", name="Unfold all").click()
    expect(page.locator("pre", has_text="delivered")).to_be_visible()
    page.get_by_role("link", name="Fold all").click()
    expect(page.locator("pre", has_text="delivered")).not_to_be_visible()
    page.get_by_label("Find in this transcript").fill("48213")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("mark")).to_have_count(3)
    page.get_by_role("link", name="First match").click()
    expect(page.locator(".item:target")).to_contain_text("Was order")
    page.get_by_role("link", name="Next match").first.click()
    expect(page.locator(".item:target")).to_contain_text("Arguments")
    expect(page.get_by_role("button", name=re.compile("^Copy"))).to_have_count(0)
    page.get_by_role("link", name="Open this user message").first.click()
    page.get_by_role("link", name="Show in transcript").click()
    expect(page.locator(".item:target")).to_contain_text("Was order")


@pytest.mark.parametrize(
    "query", ["?text=rendered", "items/?text=rendered&folds=open", "items/?find=order&text=rendered"]
)
def test_it_looks_as_the_house_does_and_fits(page: Page, url: str, query: str) -> None:
    assert look_at(page, f"{url}{query}") == {}
    assert page.evaluate("document.documentElement.scrollWidth") == 1440


def test_at_a_desk_the_text_has_a_readable_width_and_its_facts_stand_beside_it(page: Page, url: str) -> None:
    page.goto(f"{url}items/?text=rendered")
    facts, text, metadata = (
        page.locator(where).first.bounding_box() or {} for where in (".item-facts", ".markdown", "#metadata")
    )
    assert facts["x"] + facts["width"] <= text["x"]
    assert text["x"] + text["width"] < metadata["x"]
    assert abs(facts["y"] - text["y"]) < 4
    tops = page.locator(".turn-actions").first.evaluate("row => [...row.children].map(each => each.offsetTop)")
    assert len(set(tops)) == 1
    long = page.locator(".markdown", has_text="policy").bounding_box() or {}
    assert 500 < long["width"] < 720


def test_on_paper_everything_is_open_black_and_without_buttons(page: Page, url: str) -> None:
    page.goto(f"{url}items/?text=rendered")
    page.get_by_role("link", name="Unfold to print").click()
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("pre", has_text="delivered")).to_be_visible()
    assert page.locator("main :is(button, .button, summary):visible").count() == 0
    link = page.locator(".markdown a").first
    assert "https://example.com/policy" in str(link.evaluate("link => getComputedStyle(link, '::after').content"))
    assert link.evaluate("link => getComputedStyle(link).color") == "rgb(0, 0, 0)"
