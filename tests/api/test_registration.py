"""Registering what applications created, and searching it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from conversations.jobs import schedule
from conversations.models import Conversation, Credential, Job
from conversations.sandbox import Sandbox
from tests.factories import make_conversation, make_credential, make_remote
from tests.html import text_of
from tests.jobs.steps import run

pytestmark = pytest.mark.django_db

Call = Callable[..., HttpResponse]
A, B = "conv_" + "a1" * 24, "conv_" + "b2" * 24


def ids(response: HttpResponse) -> list[str]:
    return [each["id"] for each in response.json()["data"]]


def test_one_conversation(post: Call, credential: Credential) -> None:
    response = post({"id": A, "object": "conversation", "metadata": {"tenant": "acme"}, "created_at": 1764331200})
    assert response.status_code == 202
    assert response.json()["data"] == [{"id": A, "object": "conversation.registration", "status": "registered"}]
    row = Conversation.objects.get()
    assert (row.state, row.origin, row.credential) == ("unread", "registered", credential)
    assert row.metadata == {"tenant": "acme"}
    assert row.created_at.timestamp() == 1764331200


def test_a_list(post: Call) -> None:
    response = post([{"id": A}, {"id": B, "metadata": None}])
    assert [each["status"] for each in response.json()["data"]] == ["registered", "registered"]


def test_registering_twice_changes_nothing(post: Call) -> None:
    post({"id": A, "metadata": {"tenant": "acme"}})
    response = post([{"id": A, "metadata": {"tenant": "globex"}}, {"id": A}])
    assert [each["status"] for each in response.json()["data"]] == ["known", "known"]
    assert Conversation.objects.get().metadata == {"tenant": "acme"}


def test_a_known_conversation_stays_as_it_was_read(post: Call, conversation: Conversation) -> None:
    assert post({"id": conversation.openai_id, "metadata": {}}).json()["data"][0]["status"] == "known"
    conversation.refresh_from_db()
    assert (conversation.state, conversation.metadata) == ("active", {"tenant": "acme"})


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("{", "invalid_json", None),
        ("1", "invalid_type", None),
        (["x"], "invalid_type", "[0]"),
        ({}, "invalid_value", "id"),
        ({"id": 7}, "invalid_value", "id"),
        ({"id": "a/b"}, "invalid_value", "id"),
        ({"id": ""}, "invalid_value", "id"),
        ([{"id": A}, {"id": "x" * 256}], "invalid_value", "[1].id"),
        ([{"id": A}, {"id": B, "metadata": "x"}], "invalid_type", "[1].metadata"),
        ({"id": A, "metadata": {"k": "v" * 70_000}}, "string_above_max_length", "metadata"),
        ({"id": A, "created_at": "soon"}, "invalid_type", "created_at"),
        ([{"id": A}] * 1001, "array_above_max_length", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_invalid_is_named_and_nothing_is_registered(
    post: Call, body: Any, code: str, param: str | None
) -> None:
    response = post(body if isinstance(body, str) else json.dumps(body))
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, code, param)
    assert error["type"] == "invalid_request_error"
    assert not Conversation.objects.exists()


def test_characters_that_can_not_be_stored_are_replaced(post: Call) -> None:
    assert post({"id": A, "metadata": {"k": "a\x00b\ud800"}}).status_code == 202
    assert Conversation.objects.get().metadata == {"k": "a\ufffdb\ufffd"}


def test_nesting_without_end_is_refused(post: Call) -> None:
    assert post("[" * 100_000).status_code == 400


def test_a_body_that_is_too_large_is_refused_in_json(token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    response = Browser().post(
        "/api/v1/conversations", b" " * 17 * 1024 * 1024, content_type="application/json", headers=headers
    )
    assert (response.status_code, response.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.django_db(transaction=True)
def test_what_was_registered_is_read_by_a_job(post: Call, sandbox: Sandbox) -> None:
    remote = make_remote(sandbox, {"tenant": "acme"})
    post({"id": remote, "metadata": {"tenant": "wrong"}})
    schedule.make_due_jobs()
    run(Job.objects.get())
    row = Conversation.objects.get()
    assert (row.state, row.metadata) == ("active", {"tenant": "acme"})


# Searching


def test_a_search_in_the_language_of_the_dashboard(get: Call, credential: Credential) -> None:
    acme = make_conversation(credential, {"tenant": "acme"})
    make_conversation(credential, {"tenant": "globex"})
    assert ids(get(q="tenant:acme state:active")) == [acme.openai_id]


def test_a_conversation_has_openais_fields_and_what_the_index_knows(get: Call, conversation: Conversation) -> None:
    found = get(f"/{conversation.openai_id}").json()
    assert found["id"] == conversation.openai_id
    assert (found["object"], found["metadata"], found["state"]) == ("conversation", {"tenant": "acme"}, "active")
    assert get().json()["data"] == [found]


def test_pages_follow_each_other_by_the_last_id(get: Call, credential: Credential) -> None:
    rows = [make_conversation(credential) for _ in range(5)]
    found, after = [], ""
    for _ in range(3):
        page = get(limit=2, after=after)
        found += ids(page)
        after = page.json()["last_id"]
    assert sorted(found) == sorted(row.openai_id for row in rows)
    assert not page.json()["has_more"]


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"q": "state:absurd"}, "q"),
        ({"q": "credential:Nobody"}, "q"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"after": "conv_unknown"}, "after"),
    ],
)
def test_a_search_that_is_not_understood_is_refused_r24(get: Call, parameters: dict[str, str], param: str) -> None:
    response = get(**parameters)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_a_token_sees_the_conversations_of_its_credential_only_r23(get: Call, credential: Credential) -> None:
    foreign = make_conversation(make_credential(teams=credential.teams.all()), {"tenant": "acme"})
    assert ids(get(q="tenant:acme")) == []
    assert get(f"/{foreign.openai_id}").status_code == 404
    assert get(after=foreign.openai_id).status_code == 400


def test_an_unknown_id_is_not_found(get: Call) -> None:
    response = get("/conv_unknown")
    assert response.status_code == 404
    assert "conv_unknown" in response.json()["error"]["message"]


def test_the_reference_is_a_page(as_operator: Browser) -> None:
    page = text_of(as_operator.get("/api/v1/"))
    assert "The official Python client" in page
    assert "/api/v1/openapi.json" in page
