"""The fields that a read leaves out, unless `include` asks for them."""

from copy import deepcopy
from typing import Any

import pytest

from conversations.sandbox import Sandbox
from conversations.sandbox.include import INCLUDABLE, included
from tests.sandbox_fixtures import KEY, Http

URL = "https://example.com/a.png"
LOGPROB = {"token": "a", "bytes": [97], "logprob": -0.1, "top_logprobs": []}


def message(*parts: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts)}


def text(logprobs: list[Any]) -> dict[str, Any]:
    return {"type": "output_text", "text": "a", "annotations": [], "logprobs": logprobs}


def image(url: str | None) -> dict[str, Any]:
    return {"type": "input_image", "detail": "low", "image_url": url}


def searched(**action: Any) -> dict[str, Any]:
    return {"type": "web_search_call", "action": {"type": "search", "query": "q", **action}}


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "file_search_call.results",
        {"type": "file_search_call", "queries": ["q"], "results": [{"score": 1}]},
        {"type": "file_search_call", "queries": ["q"], "results": None},
    ),
    (
        "web_search_call.results",
        {"type": "web_search_call", "results": [1], "action": {"type": "open_page"}},
        {"type": "web_search_call", "action": {"type": "open_page"}},
    ),
    ("web_search_call.action.sources", searched(sources=[{"type": "url", "url": URL}]), searched()),
    ("message.input_image.image_url", message(image(URL), "bare"), message(image(None), "bare")),
    (
        "computer_call_output.output.image_url",
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": URL}},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot"}},
    ),
    (
        "code_interpreter_call.outputs",
        {"type": "code_interpreter_call", "code": "1", "outputs": [{"type": "logs", "logs": ""}]},
        {"type": "code_interpreter_call", "code": "1", "outputs": None},
    ),
    (
        "reasoning.encrypted_content",
        {"type": "reasoning", "summary": [], "encrypted_content": "x"},
        {"type": "reasoning", "summary": []},
    ),
    ("message.output_text.logprobs", message(text([LOGPROB]), None), message(text([]), None)),
]
IDS = [name for name, _, _ in CASES]


def test_the_cases_are_the_eight_values_of_the_api() -> None:
    assert tuple(IDS) == INCLUDABLE


@pytest.mark.parametrize(("name", "whole", "bare"), CASES, ids=IDS)
def test_what_no_name_asks_for_is_left_out(name: str, whole: dict[str, Any], bare: dict[str, Any]) -> None:
    assert included(whole, set(INCLUDABLE) - {name}) == bare
    assert included(whole, ()) == bare


@pytest.mark.parametrize(("name", "whole", "bare"), CASES, ids=IDS)
def test_what_a_name_asks_for_stays(name: str, whole: dict[str, Any], bare: dict[str, Any]) -> None:
    assert included(whole, [name]) == whole


@pytest.mark.parametrize(("name", "whole", "bare"), CASES, ids=IDS)
def test_the_given_item_stays_whole(name: str, whole: dict[str, Any], bare: dict[str, Any]) -> None:
    before = deepcopy(whole)
    included(whole, ())
    assert whole == before


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"type": None, "results": [1]},
        {"type": ["message"]},
        {"type": "message"},
        {"type": "message", "content": None},
        {"type": "message", "content": "text"},
        message({}, {"type": None}, {"type": "input_image", "file_id": "file-1"}, 7),
        {"type": "web_search_call", "action": None},
        {"type": "web_search_call", "action": [1]},
        {"type": "computer_call_output", "output": "text"},
        {"type": "function_call_output", "output": [image(URL)]},
        {"type": "hologram_call", "results": [1], "outputs": [1], "encrypted_content": "x"},
    ],
)
def test_an_item_without_such_fields_is_returned_as_it_is(item: dict[str, Any]) -> None:
    assert included(item, ()) == item


# Over HTTP


@pytest.mark.parametrize("parameter", ["include", "include[]"])
def test_several_values_may_be_sent_under_either_name(parameter: str) -> None:
    with Sandbox(key=KEY) as sandbox, Http(sandbox) as web:
        items = [whole for _, whole, _ in CASES]
        id = sandbox.store.create_conversation(items=items)["id"]
        query = "&".join(f"{parameter}={name}" for name in INCLUDABLE)
        page = web.call("GET", f"/v1/conversations/{id}/items?order=asc&{query}").document
        assert page["data"] == sandbox.store.list_items(id)


def test_an_unknown_value_is_refused_and_nothing_is_changed() -> None:
    with Sandbox(key=KEY) as sandbox, Http(sandbox) as web:
        id = web.create()["id"]
        body = {"items": [{"role": "user", "content": "hi"}]}
        refused = web.call("POST", f"/v1/conversations/{id}/items?include=everything", body)
        assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "invalid_value", "include")
        assert sandbox.store.list_items(id) == []
