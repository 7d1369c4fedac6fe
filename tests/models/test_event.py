"""Events: the lock, what is unresolved, what they keep, and who sees them."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.metadata import compare
from conversations.models import Action, Conversation, Credential, Event, EventDetail, Outcome
from conversations.models.event import PENDING_FOR
from tests.factories import in_threads, make_conversation, make_credential

pytestmark = pytest.mark.django_db


def make_event(credential: Credential, **fields: Any) -> Event:
    known: dict[str, Any] = {"action": Action.UPDATE, "credential": credential, "base_url": credential.base_url}
    return Event.objects.create(**{**known, "actor_name": "operator", "openai_id": "conv_1", **fields})


def removal(credential: Credential, *calls: tuple[str, int | None], outcome: str = Outcome.UNKNOWN) -> Event:
    attempts = [
        {"id": str(number), "method": method, "status": status} for number, (method, status) in enumerate(calls)
    ]
    return make_event(credential, action=Action.REMOVE, outcome=outcome, attempts=attempts)


def was_sent(credential: Credential) -> bool:
    return Event.objects.removal_was_sent(credential.base_url, "conv_1")


def test_r6_a_conversation_has_one_pending_event(credential: Credential) -> None:
    make_event(credential)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_event(credential)


@pytest.mark.parametrize("fields", [{"openai_id": "conv_2"}, {"openai_id": ""}, {"base_url": "https://elsewhere"}])
def test_r6_others_may_be_pending_at_the_same_time(credential: Credential, fields: dict[str, str]) -> None:
    make_event(credential, **({**fields, "openai_id": ""} if fields == {"openai_id": ""} else {}))
    assert make_event(credential, **fields).is_pending


def test_r6_a_finished_event_holds_no_lock(credential: Credential) -> None:
    make_event(credential).finish(Outcome.REFUSED)
    assert make_event(credential).is_pending


def test_r8_a_token_is_used_once(credential: Credential) -> None:
    make_event(credential, token="t", outcome=Outcome.SUCCEEDED)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_event(credential, token="t")


def test_events_that_came_from_no_form_have_no_token(credential: Credential) -> None:
    for number in range(2):
        make_event(credential, openai_id=f"conv_{number}", token=None)
    assert Event.objects.with_token("") is None


@pytest.mark.parametrize(
    ("outcome", "age", "unresolved"),
    [
        (Outcome.PENDING, 0, False),
        (Outcome.PENDING, 120, False),
        (Outcome.PENDING, 120.001, True),
        (Outcome.UNKNOWN, 0, True),
        (Outcome.SUCCEEDED, 500, False),
        (Outcome.REFUSED, 500, False),
        (Outcome.FAILED, 500, False),
        (Outcome.STOPPED, 500, False),
    ],
)
def test_r7_pending_for_long_and_unknown_are_unresolved(
    credential: Credential, now: datetime, outcome: str, age: float, unresolved: bool
) -> None:
    event = make_event(credential, outcome=outcome, created_at=now - timedelta(seconds=age))
    assert event.is_unresolved is unresolved
    assert Event.objects.unresolved().exists() is unresolved
    assert event.is_pending is (outcome == Outcome.PENDING and not unresolved)


def test_r7_what_is_resolved_is_not_unresolved(credential: Credential) -> None:
    event = make_event(credential, outcome=Outcome.UNKNOWN)
    event.resolved_by = make_event(credential, outcome=Outcome.SUCCEEDED)
    event.save()
    assert not event.is_unresolved
    assert not Event.objects.unresolved().exists()


def dead_event(credential: Credential) -> Event:
    return make_event(credential, created_at=timezone.now() - timedelta(hours=1))


def test_r7_resolving_says_by_what_and_that_nobody_knew(credential: Credential) -> None:
    event, settling = dead_event(credential), make_event(credential, outcome=Outcome.SUCCEEDED)
    assert event.resolve(by=settling)
    assert (event.outcome, event.resolved_by, event.is_unresolved) == (Outcome.UNKNOWN, settling, False)
    assert Event.objects.get(pk=event.pk).resolved_by == settling


def test_r7_what_is_resolved_stays_as_it_was_resolved_first(credential: Credential) -> None:
    event = dead_event(credential)
    first, second = (make_event(credential, outcome=Outcome.SUCCEEDED) for _ in range(2))
    mine, theirs = Event.objects.get(pk=event.pk), Event.objects.get(pk=event.pk)
    assert mine.resolve(by=first)
    assert not theirs.resolve(by=second)
    assert theirs.resolved_by == first


def test_r7_what_became_known_meanwhile_is_not_resolved(credential: Credential) -> None:
    event, settling = dead_event(credential), make_event(credential, outcome=Outcome.SUCCEEDED)
    Event.objects.get(pk=event.pk).finish(Outcome.SUCCEEDED)
    assert not event.resolve(by=settling)
    assert (event.outcome, event.resolved_by) == (Outcome.SUCCEEDED, None)


@pytest.mark.django_db(transaction=True)
def test_r7_of_two_who_resolve_at_once_one_does(credential: Credential) -> None:
    event = dead_event(credential)
    settling = [make_event(credential, outcome=Outcome.SUCCEEDED) for _ in range(2)]
    mine, theirs = (partial(Event.objects.get(pk=event.pk).resolve, by=by) for by in settling)
    did = in_threads(mine, theirs)
    assert sorted(did) == [False, True]
    assert Event.objects.get(pk=event.pk).resolved_by == settling[did.index(True)]


def test_finishing_keeps_a_resolution_that_came_meanwhile(credential: Credential) -> None:
    event, settling = dead_event(credential), make_event(credential, outcome=Outcome.SUCCEEDED)
    slow = Event.objects.get(pk=event.pk)
    event.resolve(by=settling)
    slow.finish(Outcome.SUCCEEDED, status=200)
    after = Event.objects.get(pk=event.pk)
    assert (after.outcome, after.status, after.resolved_by) == (Outcome.SUCCEEDED, 200, settling)


def test_finishing_saves_what_was_noted_on_the_way(credential: Credential) -> None:
    event = make_event(credential)
    event.attempts, event.request_id, event.item_count = [{"id": "1", "status": 200}], "req_1", 3
    event.record_changes(compare({}, {"a": "1"}))
    event.finish(Outcome.SUCCEEDED, item_ids=["msg_1"])
    after = Event.objects.get(pk=event.pk)
    for name in ("attempts", "request_id", "item_count", "keys", "item_ids", "outcome", "finished_at"):
        assert getattr(after, name) == getattr(event, name)


@pytest.mark.parametrize(("silence", "unresolved"), [(0, False), (120, False), (120.001, True)])
def test_r7_long_work_that_shows_signs_of_life_is_not_stale(
    credential: Credential, now: datetime, silence: float, unresolved: bool
) -> None:
    times = {"created_at": now - timedelta(hours=2), "touched_at": now - timedelta(seconds=silence)}
    event = make_event(credential, action=Action.ERASE, **times)
    assert (event.is_unresolved, event.is_pending) == (unresolved, not unresolved)
    assert Event.objects.unresolved().exists() is Event.objects.stale().exists() is unresolved


@pytest.mark.parametrize("action", Action)
def test_r7_a_read_of_the_conversation_resolves_nothing_about_its_items(credential: Credential, action: str) -> None:
    event = make_event(credential, action=action, outcome=Outcome.UNKNOWN)
    settled = Event.objects.resolvable_by_reading(event.base_url, event.openai_id).exists()
    assert settled is (action not in {Action.ADD_ITEMS, Action.DELETE_ITEMS, Action.ERASE})


def test_r7_nobody_waits_longer_than_any_request_lives() -> None:
    assert PENDING_FOR.total_seconds() == 120


def test_r9_an_event_keeps_names_of_keys_and_never_values(credential: Credential) -> None:
    event = make_event(credential)
    event.record_changes(compare({"a": "secret 1", "b": "same"}, {"a": "secret 2", "c": "secret 3", "b": "same"}))
    assert event.keys == {"changed": ["a"], "added": ["c"]}


def test_r9_forgetting_takes_the_values_and_leaves_the_event(credential: Credential) -> None:
    event = make_event(credential, keys={"changed": ["a"]})
    EventDetail.objects.create(event=event, before={"a": "1"}, after={"a": "2"})
    Event.objects.forget_details()
    event = Event.objects.get()
    assert (event.changes, event.keys) == ([], {"changed": ["a"]})


def test_an_event_tells_key_by_key_what_it_changed(credential: Credential) -> None:
    event = make_event(credential)
    assert event.changes == []
    EventDetail.objects.create(event=event, before={"a": "1"}, after={})
    assert [(change.key, change.kind) for change in Event.objects.get().changes] == [("a", "removed")]


def test_the_list_takes_one_query(credential: Credential, django_assert_num_queries: Any) -> None:
    for number in range(3):
        EventDetail.objects.create(event=make_event(credential, openai_id=f"conv_{number}"), message="said")
    with django_assert_num_queries(1):
        assert [(event.is_unresolved, event.detail.message, event.conversation) for event in Event.objects.for_list()]


# R23


def test_r23_events_are_seen_by_those_who_see_the_credential(
    credential: Credential, operator: User, stranger: User, superuser: User
) -> None:
    make_event(credential)
    seen = [Event.objects.visible_to(user).count() for user in (operator, superuser, stranger)]
    assert seen == [1, 1, 0]


def test_r23_rows_are_seen_by_those_who_see_the_credential(
    credential: Credential, operator: User, stranger: User, superuser: User
) -> None:
    make_conversation(credential)
    make_conversation(make_credential(name="Nobody's"))
    seen = [Conversation.objects.visible_to(user).count() for user in (operator, superuser, stranger)]
    assert seen == [1, 2, 0]


def test_r23_a_superuser_who_is_not_active_sees_nothing(credential: Credential, superuser: User) -> None:
    make_conversation(credential)
    superuser.is_active = False
    assert not Conversation.objects.visible_to(superuser).exists()


def test_r23_the_events_of_a_deleted_credential_are_left_to_superusers(
    credential: Credential, operator: User, superuser: User
) -> None:
    make_event(credential)
    credential.delete()
    assert Event.objects.visible_to(superuser).get().credential is None
    assert not Event.objects.visible_to(operator).exists()


# R2: was a removal sent that may have been done?


@pytest.mark.parametrize(
    ("calls", "outcome", "sent"),
    [
        ([("GET", 200), ("DELETE", 503)], Outcome.UNKNOWN, True),
        ([("GET", 200), ("DELETE", None)], Outcome.UNKNOWN, True),
        ([("GET", 200), ("DELETE", None)], Outcome.PENDING, True),
        ([("GET", 200), ("DELETE", 200)], Outcome.SUCCEEDED, True),
        ([("GET", 200), ("DELETE", 403)], Outcome.REFUSED, False),
        ([("GET", 200), ("DELETE", None)], Outcome.FAILED, False),
        ([("GET", 404), ("DELETE", 503)], Outcome.UNKNOWN, False),
        ([("DELETE", 503)], Outcome.UNKNOWN, False),
        ([("GET", 503), ("GET", 200), ("DELETE", 503)], Outcome.UNKNOWN, True),
        ([("GET", 200)], Outcome.UNKNOWN, False),
    ],
)
def test_r2_a_removal_counts_that_was_sent_after_a_read(
    credential: Credential, calls: list[tuple[str, int | None]], outcome: str, sent: bool
) -> None:
    removal(credential, *calls, outcome=outcome)
    assert was_sent(credential) is sent


def test_r2_a_read_that_finds_it_after_the_removal_undoes_the_proof(credential: Credential) -> None:
    removal(credential, ("GET", 200), ("DELETE", 503))
    removal(credential, ("GET", 404))
    assert was_sent(credential)
    removal(credential, ("GET", 200))
    assert not was_sent(credential)
