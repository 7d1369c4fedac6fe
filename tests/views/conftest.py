"""What the tests of several pages are about, besides the conversation of all tests."""

import pytest
from django.contrib.auth.models import User

from conversations.examples.media_items import from_other_servers
from conversations.jobs import control
from conversations.jobs.drafts import draft_of_rows
from conversations.jobs.erasure_requests import document_of, document_text
from conversations.jobs.imports import create_import
from conversations.models import (
    Conversation,
    Credential,
    Erasure,
    ErasureRequest,
    Event,
    Hold,
    Job,
    Outcome,
    RetentionRule,
    SavedView,
    Team,
)
from conversations.sandbox import Sandbox
from conversations.services.erasures import start_erasure, stop_erasure
from conversations.services.holds import place_hold
from conversations.services.people import make_link
from tests.factories import add_messages, make_credential, make_user, make_view
from tests.jobs.bulk import done_here


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
def bulk_draft(conversation: Conversation, operator: User) -> Job:
    """An edit of one conversation that the operator hasn't started."""
    return draft_of_rows(actor=operator, kind="edit", keys=[conversation.pk])


@pytest.fixture
def edit_job(bulk_draft: Job) -> Job:
    """An edit that is done."""
    bulk_draft.parameters = {"steps": [{"verb": "set", "key": "seen", "value": "yes", "to": ""}]}
    return done_here(bulk_draft)


@pytest.fixture
def erase_job(conversation: Conversation, operator: User) -> Job:
    """An erasure of one conversation that is done."""
    return done_here(draft_of_rows(actor=operator, kind="erase", keys=[conversation.pk]))


@pytest.fixture
def export_job(conversation: Conversation, operator: User) -> Job:
    """An export of one conversation that is done."""
    job = draft_of_rows(actor=operator, kind="export", keys=[conversation.pk])
    job.parameters = {"content": "metadata", "package": "jsonl", "format": "json"}
    return done_here(job)


@pytest.fixture
def hold(conversation: Conversation, operator: User) -> Hold:
    """One on a conversation."""
    return place_hold(actor=operator, conversations=[conversation], reason="Case 7")


@pytest.fixture
def rule(credential: Credential, operator: User) -> RetentionRule:
    """One that waits for approval."""
    rule = RetentionRule(name="Old tests", query="tenant:test", age_days=30, action="erase", reason="Policy 3")
    rule.change(author=operator)
    rule.credentials.set([credential])
    return rule


@pytest.fixture
def erasure_request(conversation: Conversation, credential: Credential, operator: User) -> ErasureRequest:
    """One that is open."""
    request = ErasureRequest(reference="Ticket 9", actor=operator, actor_name="operator")
    request.identify([("tenant", "acme")])
    request.save()
    request.credentials.set([credential])
    return request


@pytest.fixture
def signed_request(erasure_request: ErasureRequest, operator: User) -> ErasureRequest:
    """One that was signed off."""
    erasure_request.sign_off(by=operator, document=document_text(document_of(erasure_request, operator)))
    return erasure_request


@pytest.fixture
def join_link(superuser: User) -> dict[str, str]:
    """The arguments of the URL with which somebody who was invited chooses a password."""
    return make_link(actor=superuser, person=make_user("invited", role="Viewer"))


@pytest.fixture
def items(sandbox: Sandbox, conversation: Conversation) -> dict[str, str]:
    """The ids of three items of the conversation."""
    message = {"type": "message", "role": "user", "content": "Hello"}
    call = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
    added = sandbox.store.add_items(conversation.openai_id, [message, call, from_other_servers()[0]])
    return dict(zip(["message", "call", "picture"], [item["id"] for item in added], strict=True))


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


@pytest.fixture
def other_server(team: Team) -> Credential:
    """A credential of another server."""
    return make_credential(name="Elsewhere", teams=[team])
