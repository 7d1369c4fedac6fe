"""Items that no page could hold: shown as far as a page can, and whole as a file."""

import json
from typing import Any

import pytest
from django.test import Client as Browser

from conversations.items import displayed
from conversations.models import Conversation
from conversations.sandbox import Fault, Sandbox
from tests.html import text_of

PARTS = [{"type": "input_text", "text": f"part {number}"} for number in range(5_000)]


def put(sandbox: Sandbox, conversation: Conversation, item: dict[str, Any]) -> str:
    return sandbox.store.add_items(conversation.openai_id, [item])[0]["id"]


def test_of_many_parts_the_first_are_shown_and_the_others_as_json() -> None:
    shown = displayed({"type": "message", "role": "user", "content": PARTS})
    assert (len(shown.blocks), shown.blocks[0].text) == (1_001, "part 0")
    assert shown.blocks[-1].caption == "4,000 more parts"
    assert json.loads(shown.blocks[-1].text) == PARTS[1_000:]


def test_of_many_pieces_the_first_are_shown_and_the_others_together() -> None:
    results = [{"filename": f"file {number}", "text": "x"} for number in range(4_000)]
    shown = displayed({"type": "file_search_call", "results": results})
    assert len(shown.blocks) == 3_001
    assert "file 3999" in shown.blocks[-1].text


@pytest.mark.long
def test_the_transcript_and_the_page_of_an_item_of_many_parts_stay_small(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    item_id = put(sandbox, conversation, {"type": "message", "role": "user", "content": PARTS})
    transcript = text_of(as_operator.get(f"{conversation.get_absolute_url()}items/"))
    assert len(transcript) < 60_000
    assert ("part 99<" in transcript, "part 100<" in transcript) == (True, False)
    assert "Only the beginning is shown." in transcript
    assert "4,000 more parts" in text_of(as_operator.get(f"{conversation.get_absolute_url()}item/{item_id}/"))


def test_a_vast_text_is_led_to_as_a_file(as_operator: Browser, conversation: Conversation, sandbox: Sandbox) -> None:
    item_id = put(sandbox, conversation, {"type": "message", "role": "user", "content": "x" * 3_000_000})
    page = f"{conversation.get_absolute_url()}item/{item_id}/"
    text = text_of(as_operator.get(page))
    assert len(text) < 100_000
    assert f'href="{page}item.json"' in text
    file = as_operator.get(f"{page}item.json")
    assert (file["Content-Type"], "attachment" in file["Content-Disposition"]) == ("application/json", True)
    assert json.loads(file.content)["content"][0]["text"] == "x" * 3_000_000


def test_where_the_file_cannot_be_read_the_page_says_why(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(status=403, message="Not for you.", times=None))
    response = as_operator.get(f"{conversation.get_absolute_url()}item/msg_1/item.json")
    assert response.status_code == 502
    assert "Not for you." in text_of(response)


def test_a_long_url_is_cut_on_the_transcript(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    part = {"type": "input_image", "image_url": "https://example.com/" + "x" * 100_000}
    put(sandbox, conversation, {"type": "message", "role": "user", "content": [part]})
    include = {"include": "message.input_image.image_url"}
    assert len(text_of(as_operator.get(f"{conversation.get_absolute_url()}items/", include))) < 30_000
