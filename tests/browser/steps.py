"""What an operator does on the pages, step by step."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.db import transaction
from playwright.sync_api import Locator, Page, expect

from conversations.models import Conversation, Credential
from tests.factories import make_conversation


def fill_message(page: Page, number: int, text: str, role: str = "user") -> None:
    page.get_by_label(f"Role of message {number}").select_option(role)
    page.get_by_label(f"Text of message {number}").fill(text)


def fill_pair(page: Page, number: int, key: str, value: str) -> None:
    page.get_by_label(f"Key {number}", exact=True).fill(key)
    page.get_by_label(f"Value {number}", exact=True).fill(value)


def keys_of(page: Page) -> list[str]:
    """What stands in the key fields, from top to bottom."""
    return [field.input_value() for field in page.locator("[name=key]").all()]


def texts_of(page: Page) -> list[str]:
    """What stands in the message fields, from top to bottom."""
    return [field.input_value() for field in page.locator("[name=text]").all()]


def open_new(page: Page, *, messages: Sequence[str] = (), metadata: Mapping[str, str] | None = None) -> None:
    """The New page, filled by hand."""
    page.goto("/conversations/new/")
    for number, text in enumerate(messages, start=1):
        if number > 1:
            page.get_by_role("button", name="Add message").click()
        fill_message(page, number, text)
    for number, (key, value) in enumerate((metadata or {}).items(), start=1):
        if number > 1:
            page.get_by_role("button", name="Add pair").click()
        fill_pair(page, number, key, value)


def create_button(page: Page) -> Locator:
    return page.locator(".actions").get_by_role("button", name="Create conversation")


def open_detail(page: Page, conversation: Conversation) -> None:
    """The page of a conversation, once its messages were read or could not be."""
    page.goto(conversation.get_absolute_url())
    expect(page.get_by_text("Fetching from OpenAI…")).to_have_count(0)


def edit_metadata(page: Page) -> None:
    """Open the editor, in place or as a page."""
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_role("button", name="Save to OpenAI")).to_be_visible()


def search_box(page: Page) -> Locator:
    return page.get_by_label("Search conversations")


def open_list(page: Page, search: str | None = None, **more: str) -> None:
    """The list of what a search finds, once the filters beside it were counted."""
    parameters = more if search is None else {"q": search, **more}
    page.goto(f"/conversations/?{urlencode(parameters)}")
    filters_counted(page)


def filters_counted(page: Page) -> None:
    expect(page.locator("#overview .facets section").first).to_be_attached()


def search_for(page: Page, text: str) -> None:
    search_box(page).fill(text)
    search_box(page).press("Enter")


def rows_of(page: Page) -> Locator:
    return page.locator("[data-list] tbody tr")


def row_of(page: Page, conversation: Conversation) -> Locator:
    return page.locator(f"#c{conversation.pk}")


def expect_first(page: Page, conversation: Conversation) -> None:
    """Wait until the list begins with this one."""
    expect(rows_of(page).first).to_have_attribute("data-id", conversation.openai_id)


def turn_to(page: Page, name: str) -> None:
    """Follow a link under the list: Older, Newer, Newest, Oldest."""
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()


def facet_value(page: Page, title: str, value: str) -> Locator:
    """The link of one value beside the list."""
    return page.get_by_role("region", name=title, exact=True).get_by_role("link", name=re.compile(f"^{value}"))


def chip_of(page: Page, words: str) -> Locator:
    """The term with these words, under the search box."""
    return page.get_by_role("group", name="Search terms").locator(".term").filter(has_text=words)


def save_view(page: Page, name: str) -> None:
    """Keep the search that is shown under a name."""
    page.get_by_role("link", name="Save view").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save view").click()


def make_many(credential: Credential, count: int = 120) -> list[Conversation]:
    """Conversations of three tenants and two environments, one a day from 1 January 2026 on; the newest first."""
    first = datetime(2026, 1, 1, 12, tzinfo=UTC)
    made = []
    with transaction.atomic():
        for number in range(count):
            metadata = {
                "tenant": ("acme", "globex", "initech")[number % 3],
                "env": ("prod", "staging")[number % 2],
                "owner": f"owner {number}",
            }
            made.append(make_conversation(credential, metadata, created_at=first + timedelta(days=number)))
    return made[::-1]
