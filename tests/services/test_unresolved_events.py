"""R7: resolving an event with an unknown outcome."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Action, Conversation, Credential, Event, Outcome, State
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import create_conversation
from conversations.services.errors import ServiceError
from conversations.services.unresolved_events import accept_remote_metadata, resolve_by_id, resolve_by_note
from tests.factories import in_threads, make_conversation

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(operator: User, credential: Credential, sandbox: Sandbox) -> Event:
    """A creation that was done and never told."""
    sandbox.faults.add(Fault(method="POST", drop="after"))
    with pytest.raises(errors.NoResponse):
        create_conversation(actor=operator, credential=credential, items=[], metadata={"a": "1"})
    return Event.objects.get()


def created_id(sandbox: Sandbox) -> str:
    (created,) = sandbox.store.list_conversations()
    return created["id"]


def test_r7_a_creation_is_resolved_by_its_id(operator: User, lost: Event, sandbox: Sandbox) -> None:
    row = resolve_by_id(actor=operator, event=lost, openai_id=created_id(sandbox))
    lost.refresh_from_db()
    assert (row.metadata, lost.outcome, lost.is_unresolved) == ({"a": "1"}, Outcome.UNKNOWN, False)
    assert lost.resolved_by == Event.objects.get(action=Action.GET)
    assert lost.conversation == row


def test_r7_a_wrong_id_resolves_nothing(operator: User, lost: Event) -> None:
    with pytest.raises(errors.NotFound):
        resolve_by_id(actor=operator, event=lost, openai_id="conv_unknown")
    lost.refresh_from_db()
    assert lost.is_unresolved
    assert not Conversation.objects.exists()


def test_r7_without_its_credential_a_creation_is_resolved_by_a_note_only(operator: User, lost: Event) -> None:
    lost.credential = None
    with pytest.raises(ServiceError, match="Resolve it with a note"):
        resolve_by_id(actor=operator, event=lost, openai_id="conv_1")


def test_r7_a_note_resolves_and_is_an_event_of_its_own(operator: User, lost: Event) -> None:
    settling = resolve_by_note(actor=operator, event=lost, note="Looked: nothing there.")
    lost.refresh_from_db()
    assert (lost.resolved_by, lost.is_unresolved) == (settling, False)
    assert (settling.action, settling.detail.note, settling.actor) == (
        Action.RESOLVE,
        "Looked: nothing there.",
        operator,
    )


def test_r7_a_dead_event_that_is_resolved_holds_no_lock(operator: User, credential: Credential) -> None:
    dead = Event.objects.create(
        action=Action.UPDATE,
        actor_name="operator",
        credential=credential,
        base_url=credential.base_url,
        openai_id="conv_1",
        created_at=timezone.now() - timedelta(hours=1),
    )
    resolve_by_note(actor=operator, event=dead, note="It crashed.")
    assert not Event.objects.lock_holders(credential.base_url, "conv_1").exists()


# Where metadata differs (R2)


def test_r2_keeping_openais_metadata_is_an_event(operator: User, credential: Credential) -> None:
    row = make_conversation(credential, {"a": "1"})
    row.store_response({"a": "2"}, is_own_change=False)
    accept_remote_metadata(actor=operator, conversation=row)
    event = Event.objects.get()
    assert (event.action, event.outcome, event.conversation) == (Action.ACCEPT_REMOTE, Outcome.SUCCEEDED, row)
    assert Conversation.objects.get().state == State.ACTIVE


@pytest.mark.parametrize("state", [State.ACTIVE, State.MISSING, State.REMOVED])
def test_r2_where_nothing_differs_keeping_does_nothing(operator: User, credential: Credential, state: str) -> None:
    row = make_conversation(credential, {"a": "1"}, state=state)
    accept_remote_metadata(actor=operator, conversation=row)
    assert Conversation.objects.get().state == state
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_resolve_one_event_at_once_one_is_told(operator: User, credential: Credential) -> None:
    event = Event.objects.create(
        actor_name="x", action="create", outcome=Outcome.UNKNOWN, credential=credential, base_url=credential.base_url
    )
    own = [Event.objects.get(pk=event.pk) for _ in range(2)]
    results = in_threads(*(lambda it=it: resolve_by_note(actor=operator, event=it, note="looked") for it in own))
    (told,) = [result for result in results if isinstance(result, ServiceError)]
    assert "Someone else has just resolved this" in str(told)
    assert Event.objects.filter(action=Action.RESOLVE).count() == 1
