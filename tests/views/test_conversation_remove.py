"""Removing a conversation at OpenAI."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_conversation
from tests.html import (
    REFUSALS,
    UNREACHABLE,
    form_in,
    fragment,
    is_page,
    signed_in,
    text_of,
)


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/remove/"


def test_asks_and_says_what_it_means(as_operator: Browser, conversation: Conversation, url: str) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    assert conversation.openai_id in text_of(response)
    assert "nobody can read or delete them anymore" in text_of(response)
    assert f'href="/conversations/{conversation.pk}/erase/"' in text_of(response)


def test_leads_htmx_to_the_page_afterwards(as_operator: Browser, conversation: Conversation, url: str) -> None:
    form = form_in(as_operator.get(url), "token")
    response = form.send(as_operator, url, headers=fragment("main"))
    assert response["HX-Redirect"] == conversation.get_absolute_url()


def test_does_not_exist_for_a_stranger_r23(client: Browser, stranger: User, url: str, sandbox: Sandbox) -> None:
    assert signed_in(client, stranger).get(url).status_code == 404
    assert client.post(url, {"token": "t"}).status_code == 404
    assert len(sandbox.log) == 0


def test_removes_it_once_openai_confirms_r2(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    text = text_of(form_in(as_operator.get(url), "token").send(as_operator, url, follow=True))
    conversation.refresh_from_db()
    assert conversation.state == "removed"
    assert "Removed at OpenAI." in text
    assert sandbox.store.get_conversation(conversation.openai_id) is None


def test_a_form_without_its_token_does_nothing(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    response = as_operator.post(url)
    assert response.status_code == 422
    assert "This form can’t be sent (This field is required.) Reload the page" in text_of(response)
    assert len(sandbox.log) == 0


def test_a_first_404_only_makes_it_missing_r2(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    sandbox.store.delete_conversation(conversation.openai_id)
    response = form_in(as_operator.get(url), "token").send(as_operator, url)
    conversation.refresh_from_db()
    assert (response.status_code, conversation.state) == (502, "missing")


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_tells_what_openai_says(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str, method: str
) -> None:
    sandbox.faults.add(Fault(**{**vars(fault), "method": method}))
    response = form_in(as_operator.get(url), "token").send(as_operator, url)
    assert response.status_code == 502
    assert words in text_of(response)


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = form_in(as_operator.get(url), "token")
    sandbox.stop()
    assert UNREACHABLE in text_of(form.send(as_operator, url))


def test_after_an_unknown_outcome_a_confirmed_repeat_resolves_it_r2_r8(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    stop = {"x-should-retry": "false"}
    sandbox.faults.add(Fault(method="DELETE", status=500, after=True, headers=stop))
    asked = form_in(form_in(as_operator.get(url), "token").send(as_operator, url), "after_unknown")
    assert Event.objects.get().outcome == Outcome.UNKNOWN
    assert asked.send(as_operator, url).status_code == 422
    assert asked.tick("again").send(as_operator, url).status_code == 302
    conversation.refresh_from_db()
    assert conversation.state == "removed"


def test_the_same_form_sent_twice_shows_the_first_result_r8(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    form = form_in(as_operator.get(url), "token")
    form.send(as_operator, url)
    assert form.send(as_operator, url)["Location"] == conversation.get_absolute_url()
    assert [entry.method for entry in sandbox.log] == ["GET", "DELETE"]


def test_asks_as_many_queries_for_many_pairs_as_for_two(as_operator: Browser, credential: Credential) -> None:
    counts = []
    for pairs in (2, 16):
        conversation = make_conversation(credential, {f"k{n}": "v" for n in range(pairs)})
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(f"/conversations/{conversation.pk}/remove/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
