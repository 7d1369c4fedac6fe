"""What an event tells: nothing of other teams, whatever it meets of theirs on the same server."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from conversations.forms.conversations import RemoveForm
from conversations.models import Action, Conversation, Credential, ErasedItem, Erasure, Event, Team
from conversations.models.choices import ItemOutcome, Stage
from conversations.models.erasure import LeaseLost
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import (
    get_conversation,
    refresh_conversation,
    remove_conversation,
    transfer_conversation,
)
from conversations.services.erasures import MAX_WAITS, start_erasure, work_on
from conversations.services.errors import BeingChanged, ServiceError
from conversations.services.recording import start_on
from tests.factories import add_messages, in_threads, make_credential, make_known, make_team, make_user
from tests.html import form_in, text_of
from tests.waiting import PATIENCE, Gate

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(sandbox: Sandbox, credential: Credential) -> Conversation:
    return make_known(sandbox, credential, {"secret": "of the former team"})


@pytest.fixture
def other_team() -> Team:
    return make_team("Sales")


@pytest.fixture
def other_credential(sandbox: Sandbox, other_team: Team) -> Credential:
    return make_credential(sandbox, name="Of Sales", teams=[other_team])


@pytest.fixture
def seller(other_team: Team) -> User:
    return make_user("seller", teams=[other_team])


def test_who_is_changing_it_is_told_to_the_own_team_alone(
    operator: User, seller: User, known: Conversation, other_credential: Credential
) -> None:
    Event.objects.create(
        actor=operator,
        actor_name="operator",
        action="update",
        credential=known.credential,
        base_url=known.base_url,
        openai_id=known.openai_id,
    )
    with pytest.raises(BeingChanged, match=r"^Someone from another team has been changing"):
        get_conversation(actor=seller, credential=other_credential, openai_id=known.openai_id)
    with pytest.raises(
        BeingChanged, match=r"^operator has been changing this conversation since .* UTC \(edit metadata\)"
    ):
        refresh_conversation(actor=operator, conversation=known)


def test_a_transfer_takes_no_values_of_the_former_team_along(
    superuser: User, known: Conversation, sandbox: Sandbox, other_credential: Credential
) -> None:
    sandbox.store.set_metadata(known.openai_id, {"new": "1"})
    transfer_conversation(actor=superuser, conversation=known, credential=other_credential)
    event = Event.objects.get()
    assert (event.detail.before, event.detail.after) == (None, {"new": "1"})
    assert "former team" not in repr(vars(event.detail))


def test_a_form_asks_about_no_event_of_another_team(
    operator: User, seller: User, known: Conversation, client: Browser
) -> None:
    event = Event.objects.create(
        actor_name="operator", action="remove", outcome="unknown", credential=known.credential, base_url=known.base_url
    )
    data = {"token": "t", "after_unknown": str(event.pk)}
    assert RemoveForm(data, user=operator).unknown_event == event
    assert RemoveForm(data, user=seller).unknown_event is None
    assert RemoveForm(data).unknown_event is None


@pytest.mark.parametrize("key", ["9" * 19, "²", "-1", "1e3", "x"])
def test_a_key_that_no_event_has_is_no_error(operator: User, key: str) -> None:
    assert RemoveForm({"token": "t", "after_unknown": key}, user=operator).unknown_event is None


# Checks under the lock


@pytest.mark.django_db(transaction=True)
def test_of_an_erasure_and_a_removal_at_once_only_one_begins(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    for _ in range(5):
        known = make_known(sandbox, credential)
        results = in_threads(
            lambda known=known: start_erasure(actor=operator, conversation=known, reason="r"),
            lambda known=known: remove_conversation(actor=operator, conversation=known),
        )
        refused = [result for result in results if isinstance(result, ServiceError | errors.NotFound)]
        assert len(refused) == 1, results


def test_what_became_wrong_before_the_lock_was_held_begins_nothing(operator: User, known: Conversation) -> None:
    answers = iter([None, ServiceError("An erasure was started meanwhile.")])

    def check() -> None:
        if (error := next(answers)) is not None:
            raise error

    with pytest.raises(ServiceError, match="meanwhile"):
        start_on(known, actor=operator, action=Action.REMOVE, check=check)
    assert not Event.objects.exists()


# Leases


def test_who_lost_the_lease_stores_nothing(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 1)
    erasure = start_erasure(actor=operator, conversation=known, reason="r")
    late = Erasure.objects.lease(erasure.pk, -1)
    assert Erasure.objects.lease(erasure.pk, 60)
    with pytest.raises(LeaseLost), erasure.leased(late):
        erasure.keep(after="stale")
    assert Erasure.objects.get().after == ""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_stalled_takes_nothing_back_from_the_one_that_continued(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    known = make_known(sandbox, credential)
    add_messages(sandbox, known, 3)
    erasure = start_erasure(actor=operator, conversation=known, reason="r")
    gate = Gate()
    sandbox.faults.add(gate.fault(method="DELETE"))
    stalled = threading.Thread(target=_work, args=(operator, erasure))
    stalled.start()
    gate.wait()
    assert ErasedItem.objects.filter(outcome=ItemOutcome.SENT).exists()
    Erasure.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    done = work_on(actor=operator, erasure=erasure)
    before = list(done.items.values())
    gate.open()
    stalled.join(PATIENCE)
    assert done.stage == Stage.FINISHED
    assert list(done.items.values()) == before
    assert Erasure.objects.get().stage == Stage.FINISHED


def _work(actor: User, erasure: Erasure) -> None:
    try:
        work_on(actor=actor, erasure=erasure)
    finally:
        connection.close()


def test_an_erasure_that_is_asked_to_wait_for_ever_stops_in_the_end(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    erasure = start_erasure(actor=operator, conversation=known, reason="r")
    sandbox.faults.add(Fault(status=429, headers={"Retry-After": "60"}, times=None))
    Erasure.objects.update(failures_in_a_row=MAX_WAITS - 1)
    assert work_on(actor=operator, erasure=erasure).stage == Stage.RUNNING
    Erasure.objects.update(not_before=None)
    assert work_on(actor=operator, erasure=erasure).stage == Stage.STOPPED


# Items whose id holds a slash


def test_an_item_with_a_slash_in_its_id_has_its_pages(
    as_operator: Browser, known: Conversation, sandbox: Sandbox
) -> None:
    for _ in range(3):
        body = '{"id": "a/b~c", "type": "message", "role": "user", "content": "hello"}'
        sandbox.faults.add(Fault(method="GET", path=".*/items/", body=body))
    sandbox.faults.add(Fault(method="GET", path=".*/items", body=f'{{"data": [{body}], "has_more": false}}'))
    text = text_of(as_operator.get(f"{known.get_absolute_url()}items/"))
    url = f"{known.get_absolute_url()}item/a~2Fb~7Ec/"
    assert f'href="{url}"' in text
    assert "hello" in text_of(as_operator.get(url))
    assert form_in(as_operator.get(f"{url}delete/"), "token")
    assert {entry.path.rpartition("/")[2] for entry in sandbox.log if "/items/" in entry.path} == {"a%2Fb~c"}
