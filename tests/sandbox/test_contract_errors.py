"""Every error of the sandbox is the right exception in the official `openai` package."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from conversations.sandbox import Fault, Sandbox
from tests.sandbox.contract import official, running, sandbox

__all__ = ["official", "running", "sandbox"]  # fixtures


def message(**fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": "hi", **fields}


# Limits


PAIRS_17 = {f"k{number}": "" for number in range(17)}
REFUSED_METADATA = [
    (PAIRS_17, "object_above_max_properties", "metadata"),
    ({"k" * 65: ""}, "property_name_above_max_length", "metadata"),
    ({"key": "v" * 513}, "string_above_max_length", "metadata.key"),
    ({"key": 1}, "invalid_type", "metadata.key"),
    ({"key": True}, "invalid_type", "metadata.key"),
    ({"key": ["x"]}, "invalid_type", "metadata.key"),
    ("text", "invalid_type", "metadata"),
]


@pytest.mark.parametrize(("metadata", "code", "param"), REFUSED_METADATA)
def test_metadata_over_a_limit_is_refused_on_create(
    official: openai.OpenAI, sandbox: Sandbox, metadata: Any, code: str, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.create(metadata=metadata)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id == sandbox.log[-1].request_id


@pytest.mark.parametrize(("metadata", "code", "param"), REFUSED_METADATA)
def test_metadata_over_a_limit_is_refused_on_update_and_changes_nothing(
    official: openai.OpenAI, metadata: Any, code: str, param: str
) -> None:
    created = official.conversations.create(metadata={"a": "b"})
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.update(created.id, metadata=metadata)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert official.conversations.retrieve(created.id) == created


def test_null_is_no_value_on_create(official: openai.OpenAI) -> None:
    metadata: Any = {"key": None}
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.create(metadata=metadata)
    assert (caught.value.code, caught.value.param) == ("invalid_type", "metadata.key")


def test_metadata_at_its_limits_is_taken(official: openai.OpenAI) -> None:
    metadata = {f"{number:x}" + "🙂" * 63: "🙂" * 512 for number in range(16)}
    assert official.conversations.create(metadata=metadata).metadata == metadata


@pytest.mark.parametrize(
    ("items", "code", "param"),
    [
        ([message()] * 21, "array_above_max_length", "items"),
        ("hi", "invalid_type", "items"),
        ([message(), "hi"], "invalid_type", "items[1]"),
        ([{"type": 3}], "invalid_type", "items[0].type"),
        ([{"role": "user"}], "missing_required_parameter", "items[0].content"),
        ([{"content": "hi"}], "missing_required_parameter", "items[0].role"),
        ([message(role="tool")], "invalid_value", "items[0].role"),
        ([message(role=None)], "invalid_type", "items[0].role"),
        ([message(content=None)], "invalid_type", "items[0].content"),
        ([message(text="hi")], "unknown_parameter", "items[0].text"),
        ([message(content=["hi"])], "invalid_type", "items[0].content[0]"),
        ([message(content=[{"text": "hi"}])], "missing_required_parameter", "items[0].content[0].type"),
        ([message(content=[{"type": "output_text"}])], "invalid_value", "items[0].content[0].type"),
        ([message(content=[{"type": "input_text"}])], "missing_required_parameter", "items[0].content[0].text"),
        (
            [message(role="assistant", content=[{"type": "input_text", "text": ""}])],
            "invalid_value",
            "items[0].content[0].type",
        ),
    ],
)
def test_items_that_are_wrong_are_refused_by_both_calls(
    official: openai.OpenAI, items: Any, code: str, param: str
) -> None:
    id = official.conversations.create().id
    with pytest.raises(openai.BadRequestError) as created:
        official.conversations.create(items=items)
    with pytest.raises(openai.BadRequestError) as added:
        official.conversations.items.create(id, items=items)
    assert {(error.value.code, error.value.param) for error in (created, added)} == {(code, param)}


def test_twenty_items_are_taken(official: openai.OpenAI) -> None:
    items: Any = [message()] * 20
    id = official.conversations.create(items=items).id
    assert len(official.conversations.items.create(id, items=items).data) == 20


@pytest.mark.parametrize(
    ("items", "code"),
    [([], "empty_array"), (None, "invalid_type"), (openai.omit, "missing_required_parameter")],
)
def test_adding_no_items_is_refused(official: openai.OpenAI, items: Any, code: str) -> None:
    id = official.conversations.create().id
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.items.create(id, items=items)
    assert (caught.value.code, caught.value.param) == (code, "items")


def test_one_wrong_item_keeps_all_from_being_made(official: openai.OpenAI, sandbox: Sandbox) -> None:
    before = len(sandbox.store.list_conversations())
    items: Any = [message(), message(role="nobody")]
    with pytest.raises(openai.BadRequestError):
        official.conversations.create(items=items)
    assert len(sandbox.store.list_conversations()) == before


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ({"limit": 0}, "integer_below_min_value", "limit"),
        ({"limit": -5}, "integer_below_min_value", "limit"),
        ({"limit": 101}, "integer_above_max_value", "limit"),
        ({"limit": "many"}, "invalid_type", "limit"),
        ({"limit": ""}, "invalid_type", "limit"),
        ({"order": "up"}, "invalid_value", "order"),
        ({"extra_query": {"before": "x"}}, "unknown_parameter", "before"),
    ],
)
def test_a_list_query_that_is_wrong_is_refused(official: openai.OpenAI, query: Any, code: str, param: str) -> None:
    id = official.conversations.create().id
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.items.list(id, **query)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_limit_of_one_hundred_is_taken(official: openai.OpenAI, sandbox: Sandbox) -> None:
    id = sandbox.store.create_conversation(items=[message()] * 101)["id"]
    page = official.conversations.items.list(id, limit=100)
    assert (len(page.data), page.has_more) == (100, True)


def test_unknown_parameters_are_refused(official: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.create(extra_body={"title": "x"})
    assert (caught.value.code, caught.value.param) == ("unknown_parameter", "title")


def test_an_update_without_metadata_is_refused(official: openai.OpenAI) -> None:
    id = official.conversations.create().id
    metadata: Any = openai.omit
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.update(id, metadata=metadata)
    assert (caught.value.code, caught.value.param) == ("missing_required_parameter", "metadata")


# Not found, not allowed


CALLS: list[Callable[[openai.OpenAI, str], Any]] = [
    lambda client, id: client.conversations.retrieve(id),
    lambda client, id: client.conversations.update(id, metadata={}),
    lambda client, id: client.conversations.delete(id),
    lambda client, id: client.conversations.items.list(id),
    lambda client, id: client.conversations.items.create(id, items=[{"role": "user", "content": "hi"}]),
    lambda client, id: client.conversations.items.retrieve("msg_1", conversation_id=id),
    lambda client, id: client.conversations.items.delete("msg_1", conversation_id=id),
]


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_conversation_is_not_found(
    official: openai.OpenAI, sandbox: Sandbox, call: Callable[[openai.OpenAI, str], Any]
) -> None:
    with pytest.raises(openai.NotFoundError, match="Conversation with id 'conv_none' not found") as caught:
        call(official, "conv_none")
    assert (caught.value.code, caught.value.type) == (None, "invalid_request_error")
    assert caught.value.request_id == sandbox.log[-1].request_id


@pytest.mark.parametrize("call", CALLS)
def test_a_deleted_conversation_is_not_found(
    official: openai.OpenAI, call: Callable[[openai.OpenAI, str], Any]
) -> None:
    items: Any = [message()]
    id = official.conversations.create(items=items).id
    official.conversations.delete(id)
    with pytest.raises(openai.NotFoundError):
        call(official, id)


def test_an_unknown_or_deleted_item_is_not_found(official: openai.OpenAI) -> None:
    items: Any = [message()]
    id = official.conversations.create(items=items).id
    item_id = str(official.conversations.items.list(id).data[0].id)
    official.conversations.items.delete(item_id, conversation_id=id)
    for call in (official.conversations.items.retrieve, official.conversations.items.delete):
        with pytest.raises(openai.NotFoundError, match=item_id):
            call(item_id, conversation_id=id)
    with pytest.raises(openai.NotFoundError, match=item_id):
        official.conversations.items.list(id, after=item_id)


def test_an_item_of_another_conversation_is_not_found(official: openai.OpenAI) -> None:
    items: Any = [message()]
    id = official.conversations.create(items=items).id
    item_id = str(official.conversations.items.list(id).data[0].id)
    with pytest.raises(openai.NotFoundError):
        official.conversations.items.retrieve(item_id, conversation_id=official.conversations.create().id)


def test_a_wrong_key_is_an_authentication_error(official: openai.OpenAI, sandbox: Sandbox) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        official.with_options(api_key="sk-wrong").conversations.create()
    assert (caught.value.code, "sk-wrong" in caught.value.message) == ("invalid_api_key", True)
    assert caught.value.request_id == sandbox.log[-1].request_id


# Faults


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_each_status_is_its_exception(
    official: openai.OpenAI, sandbox: Sandbox, status: int, kind: type[openai.APIStatusError]
) -> None:
    sandbox.faults.add(Fault(status=status, code="some_code", param="some_param"))
    with pytest.raises(kind) as caught:
        official.conversations.create()
    assert (caught.value.code, caught.value.param) == ("some_code", "some_param")


def test_a_locked_conversation_is_a_bad_request(official: openai.OpenAI, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(locked=True))
    with pytest.raises(openai.BadRequestError) as caught:
        official.conversations.create()
    assert caught.value.code == "conversation_locked"


def test_a_page_of_a_proxy_has_no_code(official: openai.OpenAI, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=502, body="<html>Bad gateway</html>"))
    with pytest.raises(openai.InternalServerError) as caught:
        official.conversations.create()
    assert caught.value.code is None


@pytest.mark.parametrize("drop", ["before", "after", "middle"])
def test_a_dropped_connection_is_a_connection_error(official: openai.OpenAI, sandbox: Sandbox, drop: str) -> None:
    sandbox.faults.add(Fault(drop=drop))
    with pytest.raises(openai.APIConnectionError):
        official.conversations.create()


@pytest.mark.long
def test_a_late_response_is_a_timeout(official: openai.OpenAI, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(delay=30))
    with pytest.raises(openai.APITimeoutError):
        official.conversations.create(timeout=0.1)


def test_the_official_client_tries_again_and_succeeds(official: openai.OpenAI, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=429, headers={"retry-after-ms": 1}))
    official.with_options(max_retries=1).conversations.create()
    assert [entry.status for entry in sandbox.log] == [429, 200]
