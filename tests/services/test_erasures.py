"""Erasing: every item, then the conversation, then what the index holds of it; R25, R26 and R28."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.models import Conversation, Credential, ErasedItem, Erasure, Event, EventDetail, Outcome, State, Term
from conversations.models.choices import ItemOutcome, Stage
from conversations.models.erased_item import ListedItem
from conversations.openai.errors import NotFound
from conversations.sandbox import Fault, Sandbox
from conversations.services import erasure_run
from conversations.services.conversations import get_conversation
from conversations.services.erasures import (
    erase,
    resume_erasure,
    start_erasure,
    stop_erasure,
    wait_before_next,
    work_on,
)
from conversations.services.errors import BeingChanged, ServiceError
from conversations.services.metadata_edit import update_metadata
from tests.factories import add_messages, calls_in, make_known, make_user
from tests.waiting import Clock, Meanwhile


@pytest.fixture
def with_items(sandbox: Sandbox, credential: Credential) -> Conversation:
    known = make_known(sandbox, credential, {"user_id": "customer-48213", "env": "prod"})
    add_messages(sandbox, known, 5)
    sandbox.log.clear()
    return known


@pytest.fixture
def erasure(with_items: Conversation, operator: User) -> Erasure:
    return start_erasure(actor=operator, conversation=with_items, reason="Ticket 7")


def deletions(sandbox: Sandbox) -> list[str]:
    """The paths whose deletion changed something, in order."""
    return [entry.path for entry in sandbox.log if entry.method == "DELETE" and entry.changed]


def outcomes(erasure: Erasure) -> list[str]:
    return list(erasure.items.values_list("outcome", flat=True))


def test_r25_begins_with_a_recorded_read_and_deletes_nothing_yet(erasure: Erasure, sandbox: Sandbox) -> None:
    assert [(entry.method, entry.status) for entry in sandbox.log] == [("GET", 200)]
    assert erasure.first_read.request_id == sandbox.log[0].request_id
    assert erasure.events.get().attempts[0]["status"] == 200
    assert (erasure.stage, erasure.reason, erasure.keys) == (Stage.RUNNING, "Ticket 7", ["user_id", "env"])


@pytest.mark.parametrize("fault", [Fault(status=404), Fault(status=500, times=3), Fault(status=401)])
def test_r25_without_a_read_nothing_is_erased_and_there_is_no_receipt(
    with_items: Conversation, operator: User, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(Exception, match="The sandbox was told"):
        start_erasure(actor=operator, conversation=with_items, reason="Ticket 7")
    assert not Erasure.objects.exists()
    assert deletions(sandbox) == []
    assert Event.objects.get().outcome != Outcome.PENDING


def test_r26_deletes_every_item_then_the_conversation_and_proves_both(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    done = work_on(actor=operator, erasure=erasure)
    assert done.stage == Stage.FINISHED
    assert len(deletions(sandbox)) == 6
    assert deletions(sandbox)[-1] == f"/conversations/{erasure.openai_id}"
    last = calls_in(sandbox)[-3:]
    assert [(entry.method, entry.status) for entry in last] == [("GET", 200), ("DELETE", 200), ("GET", 404)]
    receipt = (done.empty_listing.request_id, done.deletion.request_id, done.last_read.request_id)
    assert receipt == tuple(entry.request_id for entry in last)


def test_the_receipt_names_each_item_with_its_request_ids(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    work_on(actor=operator, erasure=erasure)
    sent = [entry for entry in sandbox.log if entry.method == "DELETE" and "/items/" in entry.path]
    kept = list(erasure.items.values_list("item_id", "outcome", "request_id", "client_request_id", "type"))
    assert kept == [
        (entry.path.rpartition("/")[2], ItemOutcome.DELETED, entry.request_id, entry.client_request_id, "message")
        for entry in sent
    ]


def test_r28_values_terms_and_details_are_forgotten_and_keys_stay(
    with_items: Conversation, operator: User, sandbox: Sandbox, credential: Credential
) -> None:
    get_conversation(actor=operator, credential=credential, openai_id=with_items.openai_id)
    wanted = {"user_id": "customer-48213", "env": "dev"}
    update_metadata(actor=operator, conversation=with_items, opened_with=with_items.metadata, requested=wanted)
    assert EventDetail.objects.exists()
    erase(actor=operator, erasure=begin(with_items, operator), seconds=5)
    with_items.refresh_from_db()
    assert (with_items.metadata, with_items.our_metadata, with_items.state) == ({}, None, State.REMOVED)
    assert [(term.key, term.value) for term in Term.objects.all()] == [(None, "removed")]
    assert not EventDetail.objects.exists()
    assert Erasure.objects.get().keys == ["user_id", "env"]
    assert Event.objects.filter(action="update").get().keys == {"changed": ["env"]}


def begin(conversation: Conversation, actor: User) -> Erasure:
    return start_erasure(actor=actor, conversation=conversation, reason="Ticket 7")


def test_r28_the_terms_of_other_conversations_stay(
    with_items: Conversation, operator: User, sandbox: Sandbox, credential: Credential
) -> None:
    make_known(sandbox, credential, {"env": "prod"})
    erase(actor=operator, erasure=begin(with_items, operator), seconds=5)
    assert set(Term.objects.exclude(value=None).values_list("value", flat=True)) == {"prod", "active", "removed"}


def test_no_text_of_a_message_is_left_anywhere(with_items: Conversation, operator: User, sandbox: Sandbox) -> None:
    erase(actor=operator, erasure=begin(with_items, operator), seconds=5)
    kept = [*Erasure.objects.values(), *ErasedItem.objects.values(), *Event.objects.values()]
    assert "Message 1" not in str(kept)
    assert "customer-48213" not in str(kept)


def test_a_second_erasure_of_the_same_conversation_is_refused(erasure: Erasure, operator: User) -> None:
    assert erasure.conversation is not None
    with pytest.raises(ServiceError, match="already being erased"):
        begin(erasure.conversation, operator)


def test_nobody_else_changes_it_meanwhile_r6(erasure: Erasure, operator: User) -> None:
    assert erasure.conversation is not None
    with pytest.raises(BeingChanged, match="erase"):
        update_metadata(actor=operator, conversation=erasure.conversation, opened_with={}, requested={})


def test_a_deletion_whose_response_was_lost_counts_as_done_once_it_is_gone(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", drop="after"))
    done = erase(actor=operator, erasure=erasure, seconds=20)
    assert outcomes(done) == [ItemOutcome.UNCONFIRMED, *[ItemOutcome.DELETED] * 4]
    assert len(deletions(sandbox)) == 6


def test_an_item_that_somebody_else_deleted_is_told_apart(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    first = sandbox.store.list_items(erasure.openai_id)[0]["id"]
    sandbox.faults.add(Fault(method="DELETE", path=f".*{first}", status=404))
    sandbox.store.delete_item(erasure.openai_id, first)  # listed before, as far as the erasure is told
    erasure.enter([ListedItem(first, "message")])
    done = erase(actor=operator, erasure=erasure, seconds=5)
    assert outcomes(done) == [ItemOutcome.GONE, *[ItemOutcome.DELETED] * 4]


def test_a_404_to_an_item_resolves_nothing_before_the_list_is_empty(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    """R26: once the conversation is gone, its item routes answer 404 too."""
    sandbox.faults.add(Fault(method="DELETE", status=404, times=5))
    sandbox.faults.add(Fault(method="GET", path=".*/items", skip=1, status=404))
    stopped = erase(actor=operator, erasure=erasure, seconds=5)
    assert stopped.stage == Stage.STOPPED
    assert set(outcomes(stopped)) == {ItemOutcome.SENT}
    assert stopped.numbers.done == 0
    assert Conversation.objects.get().state == State.MISSING


def test_r26_items_that_openai_refuses_to_delete_are_passed_and_keep_the_conversation(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    kept = sandbox.store.list_items(erasure.openai_id)[1]["id"]
    sandbox.faults.add(Fault(method="DELETE", path=f".*{kept}", times=None, status=400, message="Not this one."))
    stopped = erase(actor=operator, erasure=erasure, seconds=5)
    assert stopped.stage == Stage.STOPPED
    assert "1 item was not deleted." in stopped.failure["message"]
    assert [(row.item_id, row.message) for row in stopped.items.refused()] == [(kept, "Not this one.")]
    assert [item["id"] for item in sandbox.store.list_items(erasure.openai_id)] == [kept]
    assert sandbox.store.get_conversation(erasure.openai_id) is not None


@pytest.mark.long
def test_r26_more_refused_items_than_a_listing_holds_are_passed(
    with_items: Conversation, operator: User, sandbox: Sandbox
) -> None:
    add_messages(sandbox, with_items, 230)
    items = sandbox.store.list_items(with_items.openai_id)
    refused = "|".join(item["id"] for item in items[:120])
    sandbox.faults.add(Fault(method="DELETE", path=f".*({refused})", times=None, status=400))
    stopped = erase(actor=operator, erasure=begin(with_items, operator), seconds=20)
    assert (stopped.numbers.refused, stopped.numbers.deleted) == (120, 115)


def test_refused_items_are_tried_again_when_it_resumes(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=400))
    stopped = erase(actor=operator, erasure=erasure, seconds=5)
    done = erase(actor=operator, erasure=resume_erasure(erasure=stopped), seconds=5)
    assert done.stage == Stage.FINISHED
    assert set(outcomes(done)) == {ItemOutcome.DELETED}


@pytest.mark.parametrize(
    "fault", [Fault(status=401), Fault(status=403), Fault(status=429, code="insufficient_quota"), Fault(status=302)]
)
def test_what_waiting_does_not_help_stops_it_with_openais_message(
    erasure: Erasure, operator: User, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    stopped = work_on(actor=operator, erasure=erasure)
    assert stopped.stage == Stage.STOPPED
    assert "The sandbox was told" in stopped.failure["message"]
    assert stopped.events.get().outcome == Outcome.STOPPED
    assert deletions(sandbox) == []


def test_what_passes_by_keeps_it_running_and_says_when_to_try_again(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=429, headers={"Retry-After": "9"}))
    waiting = work_on(actor=operator, erasure=erasure)
    assert waiting.stage == Stage.RUNNING
    assert 8 < wait_before_next(waiting) <= 9
    assert work_on(actor=operator, erasure=waiting).numbers.done == 0
    Erasure.objects.update(not_before=timezone.now())
    assert work_on(actor=operator, erasure=waiting).stage == Stage.FINISHED


def test_a_locked_conversation_is_waited_for_however_often(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", locked=True, times=None, headers={"x-should-retry": "false"}))
    Erasure.objects.update(failures_in_a_row=20)
    waiting = work_on(actor=operator, erasure=erasure)
    assert (waiting.stage, waiting.failure["code"]) == (Stage.RUNNING, "conversation_locked")


def test_it_stops_after_many_failures_that_delete_nothing(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    Erasure.objects.update(failures_in_a_row=20)
    sandbox.faults.add(Fault(method="GET", path=".*/items", body="<html>", times=None))
    assert work_on(actor=operator, erasure=erasure).stage == Stage.STOPPED


def test_a_failure_less_keeps_it_running(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    Erasure.objects.update(failures_in_a_row=19)
    sandbox.faults.add(Fault(method="GET", path=".*/items", body="<html>", times=None))
    assert work_on(actor=operator, erasure=erasure).stage == Stage.RUNNING


def test_an_item_that_fails_does_not_keep_the_others(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    bad = sandbox.store.list_items(erasure.openai_id)[0]["id"]
    fault = Fault(method="DELETE", path=f".*{bad}", status=500, headers={"x-should-retry": "false"}, times=None)
    sandbox.faults.add(fault)
    waiting = work_on(actor=operator, erasure=erasure)
    assert [item["id"] for item in sandbox.store.list_items(erasure.openai_id)] == [bad]
    assert waiting.numbers.deleted == 4


def test_items_that_are_confirmed_and_listed_again_are_waited_for(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", path=".*items", body="{}", times=5))
    waiting = work_on(actor=operator, erasure=erasure)
    assert (waiting.stage, waiting.numbers.deleted) == (Stage.RUNNING, 5)
    assert "still lists items that it says don’t exist" in waiting.failure["message"]
    assert work_on(actor=operator, erasure=waiting).stage == Stage.FINISHED


def test_a_conversation_that_is_still_there_is_listed_and_removed_again(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    confirmed: dict[str, Any] = {"id": erasure.openai_id, "deleted": True}
    body = str(confirmed).replace("'", '"').replace("True", "true")
    sandbox.faults.add(Fault(method="DELETE", path="/conversations/[^/]*$", body=body))
    waiting = work_on(actor=operator, erasure=erasure)
    assert "still returns it" in waiting.failure["message"]
    add_messages(sandbox, waiting.conversation, 1)
    assert work_on(actor=operator, erasure=waiting).stage == Stage.FINISHED
    assert sandbox.store.list_items(erasure.openai_id) == []


def test_a_removal_whose_response_was_lost_is_proven_by_the_next_step(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    fault = Fault(method="DELETE", path="/conversations/[^/]*$", drop="after", headers={"x-should-retry": "false"})
    sandbox.faults.add(fault)
    sandbox.faults.add(Fault(method="DELETE", path="/conversations/[^/]*$", status=503, times=2))
    waiting = work_on(actor=operator, erasure=erasure)
    assert waiting.stage == Stage.RUNNING
    done = work_on(actor=operator, erasure=waiting)
    assert (done.stage, done.deletion.outcome) == (Stage.FINISHED, ItemOutcome.UNCONFIRMED)


def test_it_is_stopped_and_resumes(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    stopped = stop_erasure(actor=operator, erasure=erasure)
    assert work_on(actor=operator, erasure=stopped).numbers.found == 0
    assert erasure.events.get().outcome == Outcome.STOPPED
    done = erase(actor=operator, erasure=resume_erasure(erasure=stopped), seconds=5)
    assert done.stage == Stage.FINISHED
    assert [event.outcome for event in done.events.order_by("pk")] == [Outcome.STOPPED, Outcome.SUCCEEDED]


def test_one_process_at_a_time_works_on_it(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    assert Erasure.objects.lease(erasure.pk, 60)
    assert work_on(actor=operator, erasure=erasure).numbers.found == 0
    Erasure.objects.update(leased_until=timezone.now())
    assert work_on(actor=operator, erasure=erasure).stage == Stage.FINISHED


def test_who_takes_it_over_has_an_event_of_their_own(erasure: Erasure, team: Any) -> None:
    other = make_user("other", teams=[team])
    done = work_on(actor=other, erasure=erasure)
    assert [(event.actor_name, event.outcome) for event in done.events.order_by("pk")] == [
        ("operator", Outcome.STOPPED),
        ("other", Outcome.SUCCEEDED),
    ]


def test_a_step_begins_no_deletion_that_its_seconds_may_not_suffice_for(
    with_items: Conversation, operator: User, sandbox: Sandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_messages(sandbox, with_items, 40)
    monkeypatch.setattr(erasure_run, "MIN_SECONDS", 20.0)
    sandbox.faults.add(Meanwhile(method="DELETE", act=lambda: clock.advance(10), times=None))
    running = work_on(actor=operator, erasure=begin(with_items, operator), seconds=60)
    assert running.stage == Stage.RUNNING
    assert running.numbers.done == 4  # with 60, 50, 40 and 30 seconds left, less what the test itself took


def test_an_inactive_credential_stops_it(erasure: Erasure, operator: User, credential: Credential) -> None:
    credential.is_active = False
    credential.save()
    stopped = work_on(actor=operator, erasure=erasure)
    assert stopped.stage == Stage.STOPPED
    assert "is inactive" in stopped.failure["message"]


def test_one_that_is_not_there_cannot_be_erased(with_items: Conversation, operator: User, sandbox: Sandbox) -> None:
    sandbox.store.delete_conversation(with_items.openai_id)
    with pytest.raises(NotFound):
        begin(with_items, operator)
    with_items.refresh_from_db()
    assert with_items.state == State.MISSING


def test_where_another_works_on_it_a_worker_waits(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    assert wait_before_next(erasure) == 0
    Erasure.objects.lease(erasure.pk, 60)
    assert wait_before_next(work_on(actor=operator, erasure=erasure)) > 1
