"""The example items, and the example conversations that consist of them."""

import json
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from conversations.examples.dialogues import MAX_METADATA_LENGTH
from conversations.examples.items import every_type, from_other_servers, hostile, long, unknown_types
from conversations.items import displayed
from conversations.items.media import decode_media
from conversations.management.commands.seed import COUNT, KEPT, LONG, make_all
from conversations.models import Conversation
from conversations.sandbox import Sandbox, Store
from conversations.sandbox.items import complete_item


def text_of(item: dict[str, Any]) -> str:
    return str(item["content"][0]["text"])


@pytest.fixture(scope="module")
def store() -> Store:
    store = Store()
    make_all(store)
    return store


# Items


def test_examples_are_made_anew_each_time() -> None:
    first = every_type()
    first[0]["tools"].clear()
    assert every_type()[0]["tools"]


def test_no_id_stands_twice() -> None:
    ids = [item["id"] for item in every_type() if "id" in item]
    assert len(ids) == len(set(ids)) == 2


def test_calls_and_outputs_belong_together() -> None:
    items = every_type()
    called = {item["call_id"] for item in items if "call_id" in item and "output" not in item["type"]}
    answered = {item["call_id"] for item in items if "call_id" in item and "output" in item["type"]}
    assert answered <= called
    requests = {item["id"] for item in items if item["type"] == "mcp_approval_request"}
    assert {item["approval_request_id"] for item in items if "approval_request_id" in item} == requests


def test_invented_items_are_of_no_type_role_or_part_that_is_known() -> None:
    known = {item["type"] for item in every_type()}
    types = {item["type"] for item in unknown_types()} - known
    assert types == {"hologram_call", "hologram_call_output"}
    assert "moderator" in {item.get("role") for item in unknown_types()}


def test_examples_hold_a_picture_and_sound_that_are_whole_and_a_call_without_its_output() -> None:
    shown, said, _, call = map(displayed, from_other_servers())
    formats = [decode_media(data)[0].extension for item in (shown, said) for data in item.data]  # type: ignore[index]
    assert formats == ["png", "wav", "wav"]
    assert call.call_id not in {item.get("call_id") for item in every_type()}


def test_a_long_transcript_is_numbered_and_both_speak_in_turn() -> None:
    items = list(long(5000))
    assert text_of(items[16]).startswith("Message 17 of 5000: ")
    assert [item["role"] for item in items[:3]] == ["user", "assistant", "user"]
    assert len(items) == 5000


@pytest.mark.parametrize(
    "text",
    ["<script>", "onerror", "javascript:", "data:text/html", "\x1b[31m", "\x00", "\x9f", "\u202e", "\u202d", "\u2066"],
)
def test_hostile_items_hold_what_could_do_harm(text: str) -> None:
    assert text in "".join(strings_of(hostile()))


def strings_of(value: Any) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in values for text in strings_of(one)]


def test_hostile_items_hold_a_long_line_many_lines_and_deep_brackets() -> None:
    texts = strings_of(hostile())
    assert any(len(text) == 1_000_000 and text.isalnum() for text in texts)
    assert any(text.count("\n") + 1 == 100_000 for text in texts)
    assert "[" * 2000 + "]" * 2000 in texts


@pytest.mark.parametrize("content", [None, "", [], [None], ["text"], [{}], [{"type": None}], [{"text": "no type"}], 7])
def test_a_message_is_kept_whatever_its_content_is(content: Any) -> None:
    kept = complete_item({"type": "message", "role": "user", "content": content})
    assert kept["content"] == ([{"type": "input_text", "text": ""}] if content == "" else content)


def test_a_message_without_content_and_a_type_that_is_no_text_are_kept() -> None:
    assert "content" not in complete_item({"type": "message", "role": "user"})
    assert complete_item({"type": ["odd"]})["type"] == ["odd"]


# Conversations


def test_the_special_conversations_stand_just_before_the_newest(store: Store) -> None:
    made = store.list_conversations()
    assert [one["metadata"].get("topic") for one in made[-4:]] == [
        "long transcript",
        "hostile content",
        "every item type",
        "escalation",
    ]
    assert made[-1]["metadata"] == MAX_METADATA_LENGTH
    times = [one["created_at"] for one in made]
    assert times == sorted(times)
    assert times[-1] - times[-KEPT] == 240


def test_four_conversations_belong_to_one_customer(store: Store) -> None:
    made = store.list_conversations()
    assert len(made) == COUNT == 200
    found = [one["metadata"] for one in made if one["metadata"].get("user_id") == "48213"]
    assert len(found) == 4
    assert {metadata["tenant"] for metadata in found} == {"acme"}
    assert all(made.index(one) >= COUNT - KEPT for one in made if one["metadata"].get("user_id") == "48213")


def test_the_special_conversations_hold_their_items(store: Store) -> None:
    ids = [one["id"] for one in store.list_conversations()[-4:-1]]
    shown = [*every_type(), *unknown_types(), *from_other_servers()]
    assert [len(store.list_items(id)) for id in ids] == [LONG, len(hostile()), len(shown)]


@pytest.mark.long
@pytest.mark.django_db
def test_the_newest_conversations_stay_as_they_were_made(tmp_path: Path, admin_user: object) -> None:
    with Sandbox(path=tmp_path / "sandbox.sqlite3") as sandbox:
        call_command("seed", port=sandbox.port, file=str(sandbox.path), verbosity=0)
        kept = {one["id"] for one in sandbox.store.list_conversations()[-KEPT:]}
    rows = Conversation.objects.filter(openai_id__in=kept)
    assert [row.state for row in rows] == ["active"] * KEPT


def test_five_thousand_items_are_kept_in_one_transaction_and_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []

    class Noted(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.set_trace_callback(statements.append)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Noted))
    store = Store(tmp_path / "sandbox.sqlite3")
    id = store.create_conversation()["id"]
    statements.clear()
    store.add_items(id, long(5000))
    inserted = sum(statement.startswith("INSERT") for statement in statements)
    assert (inserted, statements.count("COMMIT")) == (5000, 1)
    assert len(statements) < 5010
    assert json.dumps(store.list_items(id, order="desc", limit=1)[0]).count("Message 5000 of 5000") == 1
    store.close()
