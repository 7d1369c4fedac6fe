"""Hours count the conversations that were created in them, whatever happens to these."""

from datetime import timedelta

import pytest
from django.db import transaction

from conversations.models import Conversation, Credential, HourCount, State
from conversations.models.index.hours import beginning_of, hour_of
from conversations.models.index.rebuild import differences
from conversations.models.index.terms import sort_key_at
from tests.factories import CREATED_AT, make_conversation, make_credential

pytestmark = pytest.mark.django_db

NOON = hour_of(sort_key_at(CREATED_AT))
LATER = CREATED_AT + timedelta(hours=5)


@pytest.fixture
def owner() -> Credential:
    return make_credential()


def counted() -> dict[tuple[int, int], int]:
    """How many each credential has in each hour, since the noon of the factory."""
    assert list(differences()) == []
    return {
        (pk, hour - NOON): count for pk, hour, count in HourCount.objects.values_list("credential", "hour", "count")
    }


@pytest.mark.parametrize(("minutes", "hour"), [(-1, -1), (0, 0), (59, 0), (60, 1)])
def test_an_hour_begins_with_its_first_second(minutes: int, hour: int) -> None:
    sort_key = sort_key_at(CREATED_AT + timedelta(minutes=minutes))
    assert hour_of(sort_key) == NOON + hour
    assert beginning_of(NOON + hour) <= sort_key < beginning_of(NOON + hour + 1)


def test_each_hour_counts_its_own(owner: Credential) -> None:
    other = make_credential()
    for credential, created_at in ((owner, CREATED_AT), (owner, CREATED_AT), (owner, LATER), (other, LATER)):
        make_conversation(credential, created_at=created_at)
    assert counted() == {(owner.pk, 0): 2, (owner.pk, 5): 1, (other.pk, 5): 1}


def test_many_are_counted_as_one_by_one(owner: Credential) -> None:
    rows = [Conversation.unread(owner, f"conv_{number}", origin="imported") for number in range(3)]
    for row in rows:
        row.created_at = LATER
    Conversation.objects.add_many([*rows, rows[0]])
    assert counted() == {(owner.pk, 5): 3}


@pytest.mark.parametrize("state", State.values)
def test_a_change_of_state_or_metadata_changes_no_hour(owner: Credential, state: str) -> None:
    conversation = make_conversation(owner, {"a": "b"}, state=state)
    conversation.store_response({"a": "c"}, is_own_change=True)
    assert counted() == {(owner.pk, 0): 1}


def test_a_corrected_time_moves_it(owner: Credential) -> None:
    conversation = make_conversation(owner)
    conversation.store_response({}, is_own_change=False, created_at=int(LATER.timestamp()))
    assert counted() == {(owner.pk, 5): 1}


def test_a_transfer_takes_it_along(owner: Credential) -> None:
    conversation, other = make_conversation(owner), make_credential()
    conversation.transfer(other)
    assert counted() == {(other.pk, 0): 1}


def test_a_purge_takes_it_out(owner: Credential) -> None:
    conversation = make_conversation(owner)
    make_conversation(owner)
    conversation.purge()
    assert counted() == {(owner.pk, 0): 1}


def test_what_is_rolled_back_is_not_counted(owner: Credential) -> None:
    with transaction.atomic():
        make_conversation(owner)
        transaction.set_rollback(True)
    assert counted() == {}
