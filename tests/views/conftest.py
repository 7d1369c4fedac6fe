"""What the tests of several pages are about, besides the conversation of all tests."""

import pytest
from django.contrib.auth.models import User

from conversations.jobs import control
from conversations.jobs.imports import create_import
from conversations.models import Conversation, Credential, Erasure, Event, Job, Outcome, SavedView
from conversations.sandbox import Sandbox
from conversations.services.erasures import start_erasure, stop_erasure
from tests.factories import add_messages, make_view


@pytest.fixture
def view(operator: User) -> SavedView:
    """A saved view of the operator's own."""
    return make_view(operator)


@pytest.fixture
def erasure(conversation: Conversation, operator: User, sandbox: Sandbox) -> Erasure:
    """One that is started, of a conversation with five items none of which is deleted yet."""
    add_messages(sandbox, conversation, 5)
    return start_erasure(actor=operator, conversation=conversation, reason="Ticket 7")


@pytest.fixture
def job(conversation: Conversation, credential: Credential, operator: User) -> Job:
    """A refresh of one conversation that waits for a worker."""
    return control.create(kind="refresh", credentials=[credential], actor=operator)


@pytest.fixture
def draft(credential: Credential, operator: User) -> Job:
    """An import that waits for somebody to start it."""
    return create_import(actor=operator, credentials=[credential], chunks=[b"conv_" + b"a1" * 24])


@pytest.fixture
def stopped(erasure: Erasure, operator: User) -> Erasure:
    """The erasure, stopped by the operator."""
    return stop_erasure(actor=operator, erasure=erasure)


@pytest.fixture
def unknown(credential: Credential, operator: User) -> Event:
    """A creation with an unknown outcome."""
    return Event.objects.create(
        actor=operator,
        actor_name="operator",
        action="create",
        outcome=Outcome.UNKNOWN,
        credential=credential,
        credential_name=credential.name,
        base_url=credential.base_url,
        attempts=[{"id": "attempt-1", "method": "POST", "at": "", "status": None}],
        keys={"added": ["<b>tenant</b>"]},
    )
