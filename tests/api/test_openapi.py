"""The description of the API is valid OpenAPI 3.1, and says what the API does."""

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import get_resolver
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from conversations.api.openapi import document
from conversations.models import Conversation
from tests.api.conftest import URL

pytestmark = pytest.mark.django_db


def validator(schema: str) -> Draft202012Validator:
    components = document("https://convadmin.example.com")["components"]
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": components})


def test_it_is_valid() -> None:
    validate(document("https://convadmin.example.com"))


def test_it_is_served_without_a_token() -> None:
    content = Browser().get("/api/v1/openapi.json").json()
    assert (content["openapi"], content["servers"]) == ("3.1.0", [{"url": "http://testserver/api/v1"}])


def test_it_describes_each_route() -> None:
    routes = {str(pattern.pattern) for pattern in get_resolver().url_patterns[1].url_patterns}
    described = {f"api/v1{path}" for path in document("")["paths"]}
    api = {route.replace("<str:openai_id>", "{id}") for route in routes if route.startswith("api/v1/conversations")}
    assert api == described


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("ConversationList", ""),
        ("Conversation", "/{id}"),
        ("Error", "/conv_unknown"),
        ("Error", "?limit=0"),
    ],
)
def test_responses_are_as_described(token: str, conversation: Conversation, schema: str, path: str) -> None:
    url = URL + path.format(id=conversation.openai_id)
    content: Any = Browser().get(url, headers={"Authorization": f"Bearer {token}"}).json()
    validator(schema).validate(content)


def test_a_registration_is_as_described(token: str) -> None:
    sent = {"id": "conv_1", "metadata": {"a": "b"}, "created_at": 1764331200, "object": "conversation"}
    validator("Registration").validate(sent)
    headers = {"Authorization": f"Bearer {token}"}
    response = Browser().post(URL, sent, content_type="application/json", headers=headers)
    validator("RegistrationList").validate(response.json())
