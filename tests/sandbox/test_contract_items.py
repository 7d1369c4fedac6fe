"""Every type of item as the official `openai` package reads it from the sandbox."""

from collections.abc import Iterator
from typing import Any, get_args

import openai
import pytest
from openai.types.conversations import Message
from openai.types.conversations.conversation_item import ConversationItem
from openai.types.responses import ResponseIncludable
from pydantic import BaseModel

from conversations.examples.items import every_type, hostile, unknown_types
from conversations.sandbox import Sandbox
from conversations.sandbox.include import INCLUDABLE
from tests.sandbox_fixtures import KEY
from tests.waiting import PATIENCE

TYPES = (
    *("message", "function_call", "function_call_output", "file_search_call", "web_search_call"),
    *("image_generation_call", "computer_call", "computer_call_output", "tool_search_call", "tool_search_output"),
    *("additional_tools", "reasoning", "program", "program_output", "compaction", "code_interpreter_call"),
    *("local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call"),
    *("apply_patch_call_output", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call"),
    *("custom_tool_call", "custom_tool_call_output"),
)
CLASSES: dict[str, type[BaseModel]] = {
    get_args(cls.model_fields["type"].annotation)[0]: cls for cls in get_args(get_args(ConversationItem)[0])
}
EXAMPLES = every_type()
INCLUDE: Any = list(INCLUDABLE)
# Documented by OpenAI, but missing in the package.
BEYOND_THE_PACKAGE = {"web_search_call": {"results"}, "local_shell_call_output": {"call_id"}}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(key=KEY) as running:
        yield running


@pytest.fixture(scope="module")
def official(sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=sandbox.url, api_key=KEY, max_retries=0, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def id(sandbox: Sandbox) -> str:
    return str(sandbox.store.create_conversation(items=EXAMPLES)["id"])


@pytest.fixture(scope="module")
def whole(official: openai.OpenAI, id: str) -> list[Any]:
    return list(official.conversations.items.list(id, order="asc", limit=100, include=INCLUDE))


@pytest.fixture(scope="module")
def bare(official: openai.OpenAI, id: str) -> list[Any]:
    return list(official.conversations.items.list(id, order="asc", limit=100))


# The examples


def test_all_28_types_and_the_newest_are_there() -> None:
    assert len(TYPES) == 28
    assert {item["type"] for item in EXAMPLES} == {*TYPES, "configuration_update"} == CLASSES.keys()


def test_all_roles_and_parts_are_there() -> None:
    messages = [item for item in EXAMPLES if item["type"] == "message"]
    roles = get_args(Message.model_fields["role"].annotation)
    parts = {part["type"] for message in messages for part in message["content"]}
    assert {message["role"] for message in messages} == {*roles}
    text_parts = {"input_text", "output_text", "text", "summary_text", "reasoning_text", "refusal"}
    assert parts == text_parts | {"input_image", "computer_screenshot", "input_file"}


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=lambda number: f"{number}-{EXAMPLES[number]['type']}")
def test_each_has_all_the_fields_of_its_class_and_no_others(number: int) -> None:
    item = {"id": "given", **EXAMPLES[number]}
    read = CLASSES[item["type"]].model_validate(item)  # unlike the client, this validates
    assert set(read.model_extra or ()) <= BEYOND_THE_PACKAGE.get(item["type"], set())


def test_the_includable_values_are_those_of_the_package() -> None:
    assert get_args(ResponseIncludable) == INCLUDABLE


# With everything that can be included


def test_each_is_read_as_its_own_class(whole: list[Any]) -> None:
    assert [item.type for item in whole] == [item["type"] for item in EXAMPLES]
    assert [type(item) for item in whole] == [CLASSES[item["type"]] for item in EXAMPLES]


def test_each_is_read_as_the_store_holds_it(whole: list[Any], sandbox: Sandbox, id: str) -> None:
    kept = sandbox.store.list_items(id)
    assert [item.to_dict() for item in whole] == kept
    assert [{**item, **given} for item, given in zip(kept, EXAMPLES, strict=True)] == kept


def test_each_has_an_id_of_its_kind(whole: list[Any]) -> None:
    prefixes: dict[str, set[str]] = {}
    for item in whole:
        prefixes.setdefault(item.id.rpartition("_")[0], set()).add(item.type)
    assert all(len(types) == 1 for types in prefixes.values())
    assert len(prefixes) == len(CLASSES)


def test_parts_and_annotations_are_read_as_their_own_classes(whole: list[Any]) -> None:
    parts = [part for item in whole if item.type == "message" for part in item.content]
    annotations = [one for part in parts if part.type == "output_text" for one in part.annotations]
    assert {type(part).__name__ for part in parts} == {
        *("ResponseInputText", "ResponseOutputText", "TextContent", "SummaryTextContent", "ContentReasoningText"),
        *("ResponseOutputRefusal", "ResponseInputImage", "ComputerScreenshotContent", "ResponseInputFile"),
    }
    kinds = {"file_citation", "url_citation", "container_file_citation", "file_path"}
    assert {one.type for one in annotations} == kinds
    assert len({type(one) for one in annotations}) == 4


def test_each_is_retrieved_as_it_is_listed(official: openai.OpenAI, whole: list[Any], bare: list[Any], id: str) -> None:
    items = official.conversations.items
    assert [items.retrieve(item.id, conversation_id=id, include=INCLUDE) for item in whole] == whole
    assert [items.retrieve(item.id, conversation_id=id) for item in bare] == bare


# Without


def test_each_is_read_as_its_own_class_without_the_optional_fields(bare: list[Any]) -> None:
    assert [type(item) for item in bare] == [CLASSES[item["type"]] for item in EXAMPLES]
    for item in bare:
        CLASSES[item.type].model_validate(item.to_dict())


def optional_fields(items: list[Any]) -> dict[str, list[Any]]:
    """The values of all fields that `include` controls."""
    of = {kind: [item for item in items if item.type == kind] for kind in TYPES}
    parts = [part for item in of["message"] for part in item.content]
    searches = of["web_search_call"]
    return {
        "file_search_call.results": [item.results for item in of["file_search_call"]],
        "web_search_call.results": [getattr(item, "results", None) for item in searches],
        "web_search_call.action.sources": [getattr(item.action, "sources", None) for item in searches],
        "message.input_image.image_url": [part.image_url for part in parts if part.type == "input_image"],
        "computer_call_output.output.image_url": [item.output.image_url for item in of["computer_call_output"]],
        "code_interpreter_call.outputs": [item.outputs for item in of["code_interpreter_call"]],
        "reasoning.encrypted_content": [item.encrypted_content for item in of["reasoning"]],
        "message.output_text.logprobs": [part.logprobs for part in parts if part.type == "output_text"],
    }


@pytest.mark.parametrize("name", INCLUDABLE)
def test_an_optional_field_is_returned_only_if_it_is_included(
    official: openai.OpenAI, whole: list[Any], bare: list[Any], id: str, name: Any
) -> None:
    assert any(optional_fields(whole)[name])
    assert not any(optional_fields(bare)[name])
    alone = optional_fields(list(official.conversations.items.list(id, order="asc", limit=100, include=[name])))
    assert {other for other, found in alone.items() if any(found)} == {name}
    assert alone[name] == optional_fields(whole)[name]


def test_items_are_created_as_they_were_sent(official: openai.OpenAI) -> None:
    conversation = official.conversations.create().id
    sent: list[Any] = [item for item in EXAMPLES if item["type"] in {"reasoning", "code_interpreter_call"}]
    added = official.conversations.items.create(conversation, items=sent).data
    assert [item.to_dict() for item in added] == [
        {**given, "id": item.id} for given, item in zip(sent, added, strict=True)
    ]


def test_an_unknown_value_of_include_is_refused(official: openai.OpenAI, whole: list[Any], id: str) -> None:
    unknown: Any = ["reasoning.encrypted_content", "everything"]
    calls = [
        lambda: official.conversations.items.list(id, include=unknown),
        lambda: official.conversations.items.retrieve(whole[0].id, conversation_id=id, include=unknown),
        lambda: official.conversations.items.create(id, items=[{"role": "user", "content": ""}], include=unknown),
    ]
    for call in calls:
        with pytest.raises(openai.BadRequestError) as refused:
            call()
        assert (refused.value.param, refused.value.code) == ("include", "invalid_value")


# Unknown to the package


@pytest.mark.parametrize("items", [unknown_types(), hostile()], ids=["unknown", "hostile"])
def test_the_package_lists_and_keeps_what_it_does_not_know(
    official: openai.OpenAI, sandbox: Sandbox, items: list[Any]
) -> None:
    conversation = sandbox.store.create_conversation(items=items)["id"]
    listed = list(official.conversations.items.list(conversation, order="asc", limit=100, include=INCLUDE))
    read = [item.to_dict(mode="python", warnings=False) for item in listed]
    assert read == sandbox.store.list_items(conversation)
