"""Transferring a conversation to another credential of its server."""

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_credential, make_team
from tests.html import REFUSALS, UNREACHABLE, fragment, signed_in, text_of


@pytest.fixture
def other(sandbox: Sandbox, credential: Credential) -> Credential:
    """Another credential of the same server and team."""
    return make_credential(sandbox, name="Other", teams=[*credential.teams.all()])


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/transfer/"


def test_transfers_it_once_a_read_proves_it_r1(
    as_operator: Browser, conversation: Conversation, other: Credential, url: str, sandbox: Sandbox
) -> None:
    text = text_of(as_operator.post(url, {"credential": other.pk, "token": "first"}, follow=True))
    conversation.refresh_from_db()
    assert conversation.credential == other
    assert "Transferred to Other." in text
    assert [entry.method for entry in sandbox.log] == ["GET"]


def test_leads_htmx_to_the_page(as_operator: Browser, conversation: Conversation, other: Credential, url: str) -> None:
    response = as_operator.post(url, {"credential": other.pk, "token": "first"}, headers=fragment("metadata"))
    assert response["HX-Redirect"] == conversation.get_absolute_url()


def test_does_not_exist_for_a_stranger_r23(
    client: Browser, stranger: User, other: Credential, url: str, sandbox: Sandbox
) -> None:
    assert signed_in(client, stranger).post(url, {"credential": other.pk, "token": "first"}).status_code == 404
    assert len(sandbox.log) == 0


def test_a_foreign_credential_is_refused_as_one_that_does_not_exist_r1_r23(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    foreign = make_credential(sandbox, name="Secret project", teams=[make_team()])
    forms = [{"credential": pk, "token": "first"} for pk in (foreign.pk, 999_999)]
    said = [text_of(as_operator.post(url, form, follow=True)) for form in forms]
    assert all("Choose a credential that you can use." in text for text in said)
    assert all("Secret project" not in text for text in said)
    assert len(sandbox.log) == 0


@pytest.mark.parametrize("choice", ["", "x", "9" * 5000, "-1", "\0"])
def test_a_choice_that_is_none_is_said(as_operator: Browser, url: str, choice: str) -> None:
    text = text_of(as_operator.post(url, {"credential": choice, "token": "first"}, follow=True))
    assert 'class="notice notice-error"' in text


def test_a_credential_of_another_server_cannot_have_it_r1(
    as_operator: Browser, credential: Credential, url: str, sandbox: Sandbox
) -> None:
    elsewhere = make_credential(name="Elsewhere", teams=[*credential.teams.all()])
    as_operator.post(url, {"credential": elsewhere.pk, "token": "first"})
    assert Conversation.objects.get().credential == credential
    assert len(sandbox.log) == 0


@pytest.mark.long
@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_and_leaves_it_where_it_is(
    as_operator: Browser,
    credential: Credential,
    other: Credential,
    url: str,
    sandbox: Sandbox,
    fault: Fault,
    words: str,
) -> None:
    sandbox.faults.add(fault)
    assert words in text_of(as_operator.post(url, {"credential": other.pk, "token": "first"}, follow=True))
    assert Conversation.objects.get().credential == credential


def test_tells_that_openai_cannot_be_reached(
    as_operator: Browser, other: Credential, url: str, sandbox: Sandbox
) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.post(url, {"credential": other.pk, "token": "first"}, follow=True))


def test_sent_twice_it_is_transferred_once(
    as_operator: Browser, other: Credential, url: str, conversation: Conversation
) -> None:
    for _ in range(2):
        response = as_operator.post(url, {"credential": other.pk, "token": "first"}, follow=True)
        assert response.status_code == 200
    assert Conversation.objects.get().credential == other
