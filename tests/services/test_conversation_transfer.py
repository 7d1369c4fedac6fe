"""R1: handing a conversation over to another credential of the same server."""

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation, Credential, Event, Outcome, State, Term
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import transfer_conversation
from conversations.services.errors import CredentialUnusable, ServiceError
from tests.factories import make_credential, make_known

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(credential: Credential, sandbox: Sandbox) -> Conversation:
    return make_known(sandbox, credential, {"a": "1"})


def transfer(operator: User, known: Conversation, credential: Credential) -> Conversation:
    return transfer_conversation(actor=operator, conversation=known, credential=credential)


def test_r1_a_read_proves_it_and_the_row_moves(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    other = make_credential(sandbox)
    row = transfer(operator, known, other)
    assert (row.credential, row.state) == (other, State.ACTIVE)
    assert [entry.method for entry in sandbox.log] == ["GET"]


def test_r23_its_terms_move_too(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    other = make_credential(sandbox)
    transfer(operator, known, other)
    assert list(Term.objects.values_list("credential", "count")) == [(other.pk, 1)] * 3  # pair, key and state


def test_news_come_along(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.set_metadata(known.openai_id, {"b": "2"})
    row = transfer(operator, known, make_credential(sandbox))
    assert (row.state, row.metadata) == (State.DIFFERS, {"b": "2"})
    assert set(Term.objects.values_list("key", flat=True)) == {"b", None}


def test_r1_without_the_proof_nothing_moves(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=404))
    with pytest.raises(errors.NotFound):
        transfer(operator, known, make_credential(sandbox))
    again = Conversation.objects.get()
    assert (again.credential, again.state) == (known.credential, State.ACTIVE)
    assert Event.objects.get().outcome == Outcome.REFUSED


def test_r1_it_goes_to_no_other_server(
    operator: User, known: Conversation, sandbox: Sandbox, replacing_sandbox: Sandbox
) -> None:
    with pytest.raises(ServiceError, match="another server"):
        transfer(operator, known, make_credential(replacing_sandbox))
    assert not Event.objects.exists()
    assert not replacing_sandbox.log


def test_to_the_same_credential_it_is_a_read(operator: User, known: Conversation) -> None:
    assert transfer(operator, known, known.credential).credential == known.credential
    assert Event.objects.get().outcome == Outcome.SUCCEEDED


def test_a_credential_that_is_not_active_gets_nothing(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    with pytest.raises(CredentialUnusable):
        transfer(operator, known, make_credential(sandbox, is_active=False))
    assert Conversation.objects.get().credential == known.credential
