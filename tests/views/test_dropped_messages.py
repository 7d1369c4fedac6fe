"""What the pages say where a server kept fewer messages than it was sent."""

from collections.abc import Iterator

import pytest
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Event, Team
from conversations.sandbox import Dialect, Fault, Sandbox
from tests.factories import KEY, make_credential, make_known
from tests.html import form_in, text_of

pytestmark = pytest.mark.django_db

NEW = "/conversations/new/"


@pytest.fixture
def dropping(team: Team) -> Iterator[Credential]:
    with Sandbox(key=KEY, dialect=Dialect(drops_items=True)) as running:
        yield make_credential(running, teams=[team])


def test_a_creation_says_how_many_messages_were_kept(as_operator: Browser, dropping: Credential) -> None:
    form = form_in(as_operator.get(NEW), "token").fill("text", "Hello")
    created = form.send(as_operator, NEW, "create", follow=True)
    assert "Created, but the server kept only 0 of 1 messages." in text_of(created)
    event = as_operator.get(f"/activity/{Event.objects.get().pk}/")
    assert "0 of 1, according to the server" in text_of(event)


def test_a_creation_that_kept_all_says_created(as_operator: Browser, credential: Credential) -> None:
    form = form_in(as_operator.get(NEW), "token").fill("text", "Hello")
    assert "Created at OpenAI." in text_of(form.send(as_operator, NEW, "create", follow=True))


def test_an_addition_says_how_many_came_back(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    known: Conversation = make_known(sandbox, credential)
    url = f"{known.get_absolute_url()}items/new/"
    sandbox.faults.add(Fault(method="POST", body='{"data": [], "has_more": false}'))
    form = form_in(as_operator.get(url), "token").fill("text", "Hello")
    assert "the server’s response has only 0 of 1 messages" in text_of(form.send(as_operator, url, "send", follow=True))
