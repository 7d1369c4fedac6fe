"""Getting a conversation by its id."""

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from conversations.models import Conversation, Credential, Event, Outcome, State
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import get_conversation
from conversations.services.errors import AlreadySubmitted, BeingChanged, BelongsToAnother
from tests.factories import in_threads, make_credential, make_known, make_remote
from tests.waiting import Gate

pytestmark = pytest.mark.django_db


def get(operator: User, credential: Credential, openai_id: str, token: str | None = None) -> Conversation:
    return get_conversation(actor=operator, credential=credential, openai_id=openai_id, token=token)


def test_an_unknown_row_is_entered(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    row = get(operator, credential, make_remote(sandbox, {"a": "1"}))
    assert (row.metadata, row.origin, row.added_by, row.state) == ({"a": "1"}, "fetched", operator, State.ACTIVE)
    assert [entry.method for entry in sandbox.log] == ["GET"]


def test_a_known_row_gets_the_news(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    row = make_known(sandbox, credential, {"a": "1"})
    sandbox.store.set_metadata(row.openai_id, {"a": "2"})
    again = get(operator, credential, row.openai_id)
    assert (again.pk, again.metadata, again.state) == (row.pk, {"a": "2"}, State.DIFFERS)


def test_an_unknown_id_enters_nothing(operator: User, credential: Credential) -> None:
    with pytest.raises(errors.NotFound):
        get(operator, credential, "conv_unknown")
    assert not Conversation.objects.exists()
    assert (Event.objects.get().outcome, Event.objects.get().status) == (Outcome.REFUSED, 404)


def test_r2_a_known_row_that_is_gone_is_missing(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    row = make_known(sandbox, credential)
    sandbox.store.delete_conversation(row.openai_id)
    with pytest.raises(errors.NotFound):
        get(operator, credential, row.openai_id)
    row.refresh_from_db()
    assert row.state == State.MISSING


def test_r1_a_row_of_another_credential_is_told_and_kept_there(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, make_credential(sandbox), {"a": "1"})
    with pytest.raises(BelongsToAnother) as caught:
        get(operator, credential, row.openai_id)
    assert caught.value.conversation.credential == row.credential
    assert Conversation.objects.count() == 1


def test_r23_what_a_row_of_another_credential_held_is_not_told(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, make_credential(sandbox), {"before": "theirs"})
    sandbox.store.set_metadata(row.openai_id, {"now": "read"})
    with pytest.raises(BelongsToAnother):
        get(operator, credential, row.openai_id)
    event = Event.objects.get()
    assert (event.detail.before, event.detail.after, event.keys) == (None, {"now": "read"}, {})


def test_r2_another_credential_that_cannot_see_it_proves_nothing(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, make_credential(sandbox))
    sandbox.faults.add(Fault(status=404))
    with pytest.raises(errors.NotFound):
        get(operator, credential, row.openai_id)
    row.refresh_from_db()
    assert row.state == State.ACTIVE


def test_r7_a_response_resolves_what_was_unresolved(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    openai_id = make_remote(sandbox)
    lost = Event.objects.create(
        action="update", outcome=Outcome.UNKNOWN, base_url=sandbox.url, openai_id=openai_id, actor_name="operator"
    )
    get(operator, credential, openai_id)
    lost.refresh_from_db()
    assert lost.resolved_by is not None
    assert lost.resolved_by.action == "get"


def test_r8_the_same_form_reads_once(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    openai_id = make_remote(sandbox)
    get(operator, credential, openai_id, token="t")
    with pytest.raises(AlreadySubmitted):
        get(operator, credential, openai_id, token="t")
    assert len(sandbox.log) == 1


def test_no_read_is_unknown_since_it_changes_nothing(
    operator: User, credential: Credential, sandbox: Sandbox, settings: Settings
) -> None:
    settings.REQUEST_BUDGET = 0.3
    sandbox.faults.add(Fault(drop="after", times=None))
    with pytest.raises(errors.NoResponse):
        get(operator, credential, make_remote(sandbox))
    assert Event.objects.get().outcome == Outcome.FAILED


@pytest.mark.django_db(transaction=True)
def test_r1_r6_two_who_get_the_same_at_once_enter_it_once(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    openai_id = make_remote(sandbox)
    gate = Gate()
    sandbox.faults.add(gate.fault(times=None))
    results = in_threads(*[gate.opened_by_failing(lambda: get(operator, credential, openai_id))] * 2)
    assert {type(result) for result in results} == {BeingChanged, Conversation}
    assert Conversation.objects.count() == 1
