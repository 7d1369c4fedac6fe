"""What an operator does on the pages, step by step."""

from collections.abc import Mapping, Sequence

from playwright.sync_api import Locator, Page, expect

from conversations.models import Conversation


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
    expect(page.get_by_text("Reading from OpenAI…")).to_have_count(0)


def edit_metadata(page: Page) -> None:
    """Open the editor, in place or as a page."""
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.get_by_role("button", name="Save to OpenAI")).to_be_visible()
