"""Accepting OpenAI's metadata where it differs."""

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Action, Conversation, Credential, Event
from conversations.sandbox import Sandbox
from conversations.services.conversations import refresh_conversation
from tests.factories import make_known
from tests.html import fragment, text_of


@pytest.fixture
def differing(sandbox: Sandbox, credential: Credential, operator: User) -> Conversation:
    """One whose metadata was changed elsewhere."""
    known = make_known(sandbox, credential, {"tenant": "acme"})
    sandbox.store.set_metadata(known.openai_id, {"tenant": "umbrella"})
    refresh_conversation(actor=operator, conversation=known)
    sandbox.log.clear()
    return known


@pytest.fixture
def url(differing: Conversation) -> str:
    return f"/conversations/{differing.pk}/accept/"


def test_keeps_what_openai_holds_and_sends_nothing_r2(
    as_operator: Browser, differing: Conversation, url: str, sandbox: Sandbox
) -> None:
    text = text_of(as_operator.post(url, follow=True))
    differing.refresh_from_db()
    assert (differing.state, differing.metadata) == ("active", {"tenant": "umbrella"})
    assert differing.our_metadata is None
    assert "Accepted OpenAI’s version. Nothing was sent." in text
    assert len(sandbox.log) == 0


def test_leads_htmx_to_the_page(as_operator: Browser, differing: Conversation, url: str) -> None:
    response = as_operator.post(url, headers=fragment("metadata"))
    assert response["HX-Redirect"] == differing.get_absolute_url()


def test_is_written_down_once_however_often_it_is_clicked(as_operator: Browser, url: str) -> None:
    as_operator.post(url)
    as_operator.post(url)
    assert Event.objects.filter(action=Action.ACCEPT_REMOTE).count() == 1
