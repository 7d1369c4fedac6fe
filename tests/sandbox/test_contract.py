"""The official `openai` package against the sandbox: all eight calls, and paging."""

from typing import Any

import openai
import pytest
from openai.pagination import SyncConversationCursorPage
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItemList, Message
from openai.types.responses import ResponseInputText, ResponseOutputText

from conversations.sandbox import Sandbox
from tests.sandbox.contract import official, running, sandbox

__all__ = ["official", "running", "sandbox"]  # fixtures


def user_says(*texts: str) -> list[Any]:
    return [{"type": "message", "role": "user", "content": text} for text in texts]


def text_of(item: Any) -> str:
    return item.content[0].text


# Conversations


def test_create_with_nothing(official: openai.OpenAI) -> None:
    created = official.conversations.create()
    assert isinstance(created, Conversation)
    assert (created.object, created.metadata, created.id[:5]) == ("conversation", {}, "conv_")


def test_create_with_metadata_and_items(official: openai.OpenAI, sandbox: Sandbox) -> None:
    created = official.conversations.create(metadata={"topic": "demo"}, items=user_says("Hello!"))
    assert created.metadata == {"topic": "demo"}
    assert len(sandbox.store.list_items(created.id)) == 1


def test_create_takes_null_for_nothing(official: openai.OpenAI, sandbox: Sandbox) -> None:
    created = official.conversations.create(metadata=None, items=None)
    assert sandbox.log[-1].body == {"metadata": None, "items": None}
    assert created.metadata == {}


def test_retrieve_returns_what_was_created(official: openai.OpenAI) -> None:
    created = official.conversations.create(metadata={"a": "b"})
    assert official.conversations.retrieve(created.id) == created


def test_update_returns_the_merged_metadata(official: openai.OpenAI) -> None:
    created = official.conversations.create(metadata={"a": "1", "b": "2"})
    updated = official.conversations.update(created.id, metadata={"b": "3"})
    assert updated.metadata == {"a": "1", "b": "3"}
    assert official.conversations.retrieve(created.id) == updated


def test_update_with_null_for_the_whole_map_changes_nothing(official: openai.OpenAI) -> None:
    created = official.conversations.create(metadata={"a": "1"})
    assert official.conversations.update(created.id, metadata=None) == created


def test_delete_returns_that_it_is_deleted(official: openai.OpenAI) -> None:
    created = official.conversations.create()
    deleted = official.conversations.delete(created.id)
    assert isinstance(deleted, ConversationDeletedResource)
    assert (deleted.id, deleted.object, deleted.deleted) == (created.id, "conversation.deleted", True)


def test_every_response_has_a_request_id(official: openai.OpenAI, sandbox: Sandbox) -> None:
    created = official.conversations.create()
    assert getattr(created, "_request_id") == sandbox.log[-1].request_id  # noqa: B009 - named so by the package


# Items


def test_create_items_returns_the_new_items_only(official: openai.OpenAI) -> None:
    id = official.conversations.create(items=user_says("old")).id
    added = official.conversations.items.create(id, items=user_says("one", "two"))
    assert isinstance(added, ConversationItemList)
    assert [text_of(item) for item in added.data] == ["one", "two"]
    assert (added.first_id, added.last_id, added.has_more) == (added.data[0].id, added.data[1].id, False)


def test_messages_are_read_as_messages_with_typed_parts(official: openai.OpenAI) -> None:
    id = official.conversations.create().id
    messages: list[Any] = [{"role": role, "content": "hi"} for role in ("user", "assistant")]
    user, assistant = official.conversations.items.create(id, items=messages).data
    assert isinstance(user, Message)
    assert isinstance(user.content[0], ResponseInputText)
    assert isinstance(assistant, Message)
    assert isinstance(assistant.content[0], ResponseOutputText)
    assert (assistant.status, assistant.content[0].annotations) == ("completed", [])


@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
def test_every_role_may_write_text(official: openai.OpenAI, role: str) -> None:
    id = official.conversations.create().id
    item: Any = {"role": role, "content": ""}
    (added,) = official.conversations.items.create(id, items=[item]).data
    assert isinstance(added, Message)
    assert (added.role, text_of(added)) == (role, "")


def test_parts_are_kept_as_they_were_sent(official: openai.OpenAI) -> None:
    id = official.conversations.create().id
    content = [
        {"type": "input_text", "text": "Look:"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
        {"type": "input_file", "file_id": "file-1"},
    ]
    item: Any = {"role": "user", "content": content}
    (added,) = official.conversations.items.create(id, items=[item]).data
    assert isinstance(added, Message)
    assert [part.to_dict() for part in added.content] == content


@pytest.mark.long
def test_other_item_types_are_read_as_theirs(official: openai.OpenAI) -> None:
    id = official.conversations.create().id
    items: list[Any] = [
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "seen"},
        {"type": "reasoning", "summary": []},
    ]
    added = official.conversations.items.create(id, items=items).data
    assert [item.type for item in added] == ["function_call", "function_call_output", "reasoning"]
    assert [str(item.id).partition("_")[0] for item in added] == ["fc", "fco", "rs"]


def test_retrieve_item_returns_one_item(official: openai.OpenAI) -> None:
    id = official.conversations.create().id
    (added,) = official.conversations.items.create(id, items=user_says("hi")).data
    found = official.conversations.items.retrieve(
        str(added.id), conversation_id=id, include=["message.output_text.logprobs"]
    )
    assert found == added


def test_delete_item_returns_the_conversation(official: openai.OpenAI) -> None:
    created = official.conversations.create(metadata={"a": "b"}, items=user_says("one", "two"))
    items = list(official.conversations.items.list(created.id))
    assert official.conversations.items.delete(str(items[0].id), conversation_id=created.id) == created
    assert list(official.conversations.items.list(created.id)) == items[1:]


# Paging


def test_list_is_newest_first_and_twenty_long(official: openai.OpenAI, sandbox: Sandbox) -> None:
    items = user_says(*(str(number) for number in range(25)))
    id = sandbox.store.create_conversation(items=items)["id"]
    page = official.conversations.items.list(id)
    assert isinstance(page, SyncConversationCursorPage)
    assert [text_of(item) for item in page.data] == [str(number) for number in range(24, 4, -1)]
    assert (page.has_more, page.last_id) == (True, page.data[-1].id)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_all_pages_together_hold_every_item_once(official: openai.OpenAI, sandbox: Sandbox, order: Any) -> None:
    items = user_says(*(str(number) for number in range(25)))
    id = sandbox.store.create_conversation(items=items)["id"]
    texts = [text_of(item) for item in official.conversations.items.list(id, order=order, limit=10)]
    assert texts == [str(number) for number in (range(25) if order == "asc" else range(24, -1, -1))]
    assert [entry.status for entry in sandbox.log] == [200, 200, 200]


def test_a_last_page_that_is_full_is_the_last(official: openai.OpenAI, sandbox: Sandbox) -> None:
    id = sandbox.store.create_conversation(items=user_says("a", "b"))["id"]
    assert len(list(official.conversations.items.list(id, limit=1))) == 2
    assert len(sandbox.log) == 2


def test_an_empty_list_has_neither_first_nor_last(official: openai.OpenAI) -> None:
    page = official.conversations.items.list(official.conversations.create().id)
    assert (page.data, page.last_id, page.has_next_page()) == ([], None, False)


def test_list_continues_after_an_item_and_takes_include(official: openai.OpenAI) -> None:
    id = official.conversations.create(items=user_says("one", "two", "three")).id
    first = official.conversations.items.list(id, order="asc", limit=1).data[0]
    rest = official.conversations.items.list(
        id, order="asc", after=str(first.id), include=["message.input_image.image_url"]
    )
    assert [text_of(item) for item in rest] == ["two", "three"]
