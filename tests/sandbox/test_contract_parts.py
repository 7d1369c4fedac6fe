"""Pictures and files in messages, and more messages than one call takes, with the official `openai` package."""

from typing import Any

import openai
import pytest
from openai.types.responses import ResponseInputFile, ResponseInputImage, ResponseOutputRefusal, ResponseOutputText

from tests.sandbox.contract import official, running, sandbox

__all__ = ["official", "running", "sandbox"]  # fixtures

URL = "https://example.com/a.png"
DATA = "data:image/png;base64,AAAA"
IMAGES: list[Any] = [
    {"type": "input_image", "image_url": URL, "detail": "high"},
    {"type": "input_image", "image_url": DATA, "detail": "original"},
    {"type": "input_image", "file_id": "file-abc", "detail": "auto"},
]
FILES: list[Any] = [
    {"type": "input_file", "file_id": "file-abc"},
    {"type": "input_file", "file_url": "https://example.com/a.pdf", "detail": "low"},
    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
]


def said(*parts: Any, role: str = "user") -> Any:
    return {"type": "message", "role": role, "content": list(parts)}


def read(official: openai.OpenAI, conversation: str) -> list[Any]:
    include: Any = ["message.input_image.image_url"]
    return list(official.conversations.items.list(conversation, order="asc", include=include))


@pytest.mark.parametrize("role", ["user", "system", "developer"])
@pytest.mark.parametrize("part", [*IMAGES, *FILES])
def test_pictures_and_files_are_taken_and_returned(official: openai.OpenAI, role: str, part: Any) -> None:
    text = {"type": "input_text", "text": "Look"}
    created = official.conversations.create(items=[said(text, part, role=role)])
    [item] = read(official, created.id)
    kind = ResponseInputImage if part["type"] == "input_image" else ResponseInputFile
    assert isinstance(item.content[1], kind)
    assert item.content[1].to_dict() == part


@pytest.mark.parametrize("part", [*IMAGES, *FILES])
def test_those_of_the_assistant_are_refused(official: openai.OpenAI, part: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        official.conversations.create(items=[said(part, role="assistant")])
    assert refused.value.param == "items[0].content[0].type"


def test_the_assistant_has_texts_and_refusals(official: openai.OpenAI) -> None:
    parts = [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}]
    created = official.conversations.create(items=[said(*parts, role="assistant")])
    [item] = read(official, created.id)
    assert [type(part) for part in item.content] == [ResponseOutputText, ResponseOutputRefusal]


def test_an_unknown_level_of_detail_is_refused(official: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        official.conversations.create(items=[said({**IMAGES[0], "detail": "ultra"})])
    assert refused.value.param == "items[0].content[0].detail"


def test_more_than_twenty_arrive_in_several_calls(official: openai.OpenAI) -> None:
    items = [said({"type": "input_text", "text": str(number)}) for number in range(57)]
    created = official.conversations.create(items=items[:20])
    for start in (20, 40):
        added = official.conversations.items.create(created.id, items=items[start : start + 20])
        assert [item.content[0].text for item in added.data] == [str(n) for n in range(start, min(start + 20, 57))]  # type: ignore[union-attr]
    assert [item.content[0].text for item in read(official, created.id)] == [str(number) for number in range(57)]
