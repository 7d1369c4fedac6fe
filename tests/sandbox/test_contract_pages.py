"""Pages show of each type of item what the official `openai` package reads."""

import html
import json
import re
from typing import Any

import openai
import pytest
from django.test import Client as Browser

from conversations.examples.items import every_type
from conversations.items import DisplayedItem, displayed
from conversations.models import Conversation, Credential
from conversations.pages.transcript_state import INCLUDABLE
from conversations.sandbox import Sandbox
from tests.factories import make_known
from tests.html import text_of
from tests.waiting import PATIENCE


@pytest.fixture
def with_all_types(sandbox: Sandbox, credential: Credential) -> Conversation:
    known = make_known(sandbox, credential)
    sandbox.store.add_items(known.openai_id, every_type())
    return known


def said(item: DisplayedItem) -> list[Any]:
    """What an item is displayed as. The package changes the order of JSON keys."""
    blocks = [(block.kind, block.caption, block.url, value_of(block.text)) for block in item.blocks]
    return [item.type, item.label, item.kind, item.name, item.status, item.call_id, item.fields, blocks]


def value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_officially(sandbox: Sandbox, conversation: Conversation, include: list[Any]) -> list[DisplayedItem]:
    """The items that the package read, displayed."""
    with openai.OpenAI(base_url=sandbox.url, api_key=sandbox.key, max_retries=0, timeout=PATIENCE) as official:
        found = official.conversations.items.list(conversation.openai_id, order="asc", limit=100, include=include)
        return [displayed(item.to_dict(mode="json")) for item in found]


@pytest.mark.long
@pytest.mark.parametrize("include", [[], [*INCLUDABLE]], ids=["plain", "with all that can be included"])
def test_each_item_is_shown_as_the_package_reads_it(
    as_operator: Browser, sandbox: Sandbox, with_all_types: Conversation, include: list[str]
) -> None:
    response = as_operator.get(f"{with_all_types.get_absolute_url()}items/", {"include": include})
    shown = {item.id: said(item) for turn in response.context_data["turns"] for item in turn.items}
    read = {item.id: said(item) for item in read_officially(sandbox, with_all_types, include)}
    assert len(shown) == len(every_type())
    assert shown == read


def test_the_texts_that_the_package_reads_stand_in_the_page(
    as_operator: Browser, sandbox: Sandbox, with_all_types: Conversation
) -> None:
    page = text_of(as_operator.get(f"{with_all_types.get_absolute_url()}items/"))
    visible = html.unescape(re.sub(r"<[^>]*>", "", page))
    read = [block.text for item in read_officially(sandbox, with_all_types, []) for block in item.blocks]
    assert [text for text in read if isinstance(value_of(text), str) and text not in visible] == []
