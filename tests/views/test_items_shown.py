"""Every item of the examples as its pages show it: all of it is there, and none of it does anything."""

import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client as Browser

from conversations.examples.items import every_type, hostile, unknown_types
from conversations.items import displayed
from conversations.models import Conversation
from conversations.pages.transcript_state import INCLUDABLE
from conversations.sandbox import Sandbox
from tests.html import text_of

HARMLESS = ("http://", "https://", "/", "?", "#")


class Tags(HTMLParser):
    """The tags of a page and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def page_of(browser: Browser, sandbox: Sandbox, conversation: Conversation, items: list[dict[str, Any]]) -> str:
    sandbox.store.add_items(conversation.openai_id, items)
    return text_of(browser.get(f"/conversations/{conversation.pk}/items/", {"include": list(INCLUDABLE)}))


def read(page: str) -> str:
    """What a reader sees of the page."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def test_each_type_stands_in_the_page_with_all_that_it_says(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    page = page_of(as_operator, sandbox, conversation, [*every_type(), *unknown_types()])
    items = sandbox.store.list_items(conversation.openai_id)
    seen = read(page)
    assert page.count("data-item>") == len(items)
    for item in map(displayed, items):
        missing = [text for text in (item.label, *(block.text for block in item.blocks)) if text not in seen]
        assert not missing


PLACES = {
    "list": "items/",
    "rendered": "items/?text=rendered&folds=open",
    "found": "items/?text=rendered&find=e",
    "detail": "item/{id}/",
    "rendered detail": "item/{id}/?text=rendered",
    "delete": "item/{id}/delete/",
}
MARKDOWN = {"br", "hr", "strong", "em", "s", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "mark"}


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
def test_no_hostile_item_does_anything(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, place: str
) -> None:
    page = f"/conversations/{conversation.pk}/"
    plain = {*Tags(text_of(as_operator.get(page))).tags}
    kept = sandbox.store.add_items(conversation.openai_id, hostile())
    urls = {page + PLACES[place].format(id=item["id"]) for item in kept}
    responses = {url: as_operator.get(url) for url in urls}
    assert {response.status_code for response in responses.values()} == {200}
    found = {url: problems(text_of(response), plain) for url, response in responses.items()}
    assert {url: problem for url, problem in found.items() if problem} == {}


def problems(text: str, plain: set[str]) -> list[str]:
    """Tags that no page of ours holds, handlers, and links that lead to no URL of the web."""
    tags = Tags(text)
    allowed = {
        *plain,
        "article",
        "pre",
        "bdi",
        "details",
        "summary",
        "code",
        "b",
        "fieldset",
        "legend",
        "label",
    } | MARKDOWN
    found = [tag for tag in tags.tags if tag not in allowed]
    found += [name for name, _ in tags.attributes if name.startswith("on")]
    links = [value for name, value in tags.attributes if name in ("href", "src", "action", "formaction")]
    return found + [link for link in links if link and not link.lower().startswith(HARMLESS)]


@pytest.mark.parametrize("id", ["a/b", "..", "a b", '"><script>', "x" * 300, "%2e%2e", "é"])
def test_no_id_of_an_item_breaks_the_page(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox, id: str
) -> None:
    page = page_of(as_operator, sandbox, conversation, [{"type": "message", "role": "user", "content": "hi", "id": id}])
    assert "hi</div>" in page
    assert "<script>" not in page.replace('<script src="', "")
