"""Reading a conversation again."""

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Event
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_known
from tests.html import REFUSALS, UNREACHABLE, fragment, text_of


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/refresh/"


def test_reads_it_and_goes_back_to_its_page(as_operator: Browser, conversation: Conversation, url: str) -> None:
    response = as_operator.post(url, follow=True)
    assert response.redirect_chain == [(conversation.get_absolute_url(), 302)]
    assert "Refreshed. The metadata is as expected." in text_of(response)


def test_leads_htmx_to_its_page_and_serves_no_part(as_operator: Browser, conversation: Conversation, url: str) -> None:
    response = as_operator.post(url, headers=fragment("metadata"))
    assert response["HX-Redirect"] == conversation.get_absolute_url()
    assert response.content == b""


def test_metadata_that_changed_elsewhere_differs_r1_r2(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    sandbox.store.set_metadata(conversation.openai_id, {"tenant": "umbrella"})
    assert "The metadata at OpenAI has changed." in text_of(as_operator.post(url, follow=True))
    conversation.refresh_from_db()
    assert (conversation.state, conversation.metadata) == ("differs", {"tenant": "umbrella"})


def test_what_openai_does_not_know_is_missing_and_kept_r2(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    sandbox.store.delete_conversation(conversation.openai_id)
    text = text_of(as_operator.post(url, follow=True))
    conversation.refresh_from_db()
    assert (conversation.state, conversation.metadata) == ("missing", {"tenant": "acme"})
    assert "not found." in text
    assert Event.objects.get().request_id in text


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says(as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str) -> None:
    sandbox.faults.add(fault)
    assert words in text_of(as_operator.post(url, follow=True))


def test_shows_the_index_and_what_went_wrong_where_openai_cannot_be_reached(
    as_operator: Browser, url: str, sandbox: Sandbox
) -> None:
    sandbox.stop()
    text = text_of(as_operator.post(url, follow=True))
    assert UNREACHABLE in text
    assert "acme" in text


def test_an_inactive_credential_sends_nothing(
    as_operator: Browser, credential: Credential, url: str, sandbox: Sandbox
) -> None:
    credential.is_active = False
    credential.save()
    assert "is inactive" in text_of(as_operator.post(url, follow=True))
    assert len(sandbox.log) == 0


def test_asks_as_many_queries_in_a_full_index_as_in_an_empty_one(
    as_operator: Browser, sandbox: Sandbox, credential: Credential, url: str
) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            as_operator.post(url)
        counts.append(len(queries))
        for _ in range(10):
            make_known(sandbox, credential, {"tenant": "acme"})
    assert counts[1] <= counts[0]
