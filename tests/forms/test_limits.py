"""Forms that carry more than anyone types: they are refused soon, with a sentence."""

import json

import pytest
from django.test import Client as Browser

from conversations.models import Conversation, Credential
from tests.effort import limited_computing
from tests.html import form_in, fragment, text_of

NEW = "/conversations/new/"


@pytest.mark.long
@pytest.mark.parametrize("url", [NEW, f"{NEW}preview/"])
def test_a_long_request_is_not_shown_but_said_to_be_long(
    as_operator: Browser, credential: Credential, url: str
) -> None:
    form = form_in(as_operator.get(NEW), "token").fill("text", "<" * 1_000_001)
    response = form.send(as_operator, url, "preview", headers=fragment("preview"))
    assert "too long to show here" in text_of(response)
    assert "json" not in response.context_data
    assert url == NEW or len(response.content) < 10_000


def test_a_request_of_a_million_characters_is_shown(as_operator: Browser, credential: Credential) -> None:
    form = form_in(as_operator.get(NEW), "token").fill("text", "a" * 999_000)
    assert "a" * 999_000 in form.send(as_operator, f"{NEW}preview/").context_data["json"]


@pytest.mark.long
def test_a_map_that_is_too_large_to_carry_is_refused_soon(as_operator: Browser, conversation: Conversation) -> None:
    url = f"/conversations/{conversation.pk}/metadata/"
    form = form_in(as_operator.get(url), "opened_with")
    form.fill("opened_with", json.dumps({str(number): "" for number in range(100_000)}))
    with limited_computing():
        response = form.send(as_operator, url)
    assert response.status_code == 422
    assert "This form is damaged, too large or outdated." in text_of(response)
    assert len(response.content) < 10_000  # no part of it is shown again


def test_more_fields_than_any_form_has_are_refused(as_operator: Browser, credential: Credential) -> None:
    response = as_operator.post(NEW, {"key": ["x"] * 2_001})
    assert response.status_code == 400
    assert "Convadmin can’t read this request" in text_of(response)
