"""Erasing where things get in its way: other changes, other people, and responses that are not what they seem."""

import json
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from conversations.models import Conversation, Credential, Erasure, Event, EventDetail, Outcome, State, Team
from conversations.models.choices import ItemOutcome, Stage
from conversations.models.erased_item import ListedItem
from conversations.openai import transport
from conversations.sandbox import Fault, Sandbox
from conversations.services import erasure_run
from conversations.services.conversations import (
    get_conversation,
    refresh_conversation,
    remove_conversation,
    transfer_conversation,
)
from conversations.services.erasures import close_erasure, erase, resume_erasure, start_erasure, stop_erasure, work_on
from conversations.services.errors import BeingChanged, ServiceError
from tests.factories import add_messages, make_credential, make_known
from tests.waiting import PATIENCE, Clock, Gate, Meanwhile

CONVERSATION = "/conversations/[^/]*$"


@pytest.fixture
def with_items(sandbox: Sandbox, credential: Credential) -> Conversation:
    known = make_known(sandbox, credential, {"user_id": "48213"})
    add_messages(sandbox, known, 3)
    return known


@pytest.fixture
def erasure(with_items: Conversation, operator: User, sandbox: Sandbox) -> Erasure:
    begun = start_erasure(actor=operator, conversation=with_items, reason="Ticket 7")
    sandbox.log.clear()
    return begun


@pytest.fixture
def stopped(erasure: Erasure, operator: User) -> Erasure:
    return stop_erasure(actor=operator, erasure=erasure)


def outcomes(erasure: Erasure) -> list[str]:
    return list(erasure.items.values_list("outcome", flat=True))


# Other changes of the conversation


def test_one_that_is_being_erased_belongs_to_nobody_else_meanwhile_r23(
    stopped: Erasure, operator: User, sandbox: Sandbox, team: Team
) -> None:
    other = make_credential(sandbox, teams=[team])
    with pytest.raises(ServiceError, match="It’s being erased"):
        transfer_conversation(actor=operator, conversation=Conversation.objects.get(), credential=other)
    assert len(sandbox.log) == 0


def test_one_that_is_being_erased_cannot_be_removed_before_its_items(
    stopped: Erasure, operator: User, sandbox: Sandbox
) -> None:
    with pytest.raises(ServiceError, match="It’s being erased"):
        remove_conversation(actor=operator, conversation=Conversation.objects.get())
    assert len(sandbox.log) == 0


def test_purging_gives_the_erasure_up_and_the_conversation_can_be_erased_anew(
    stopped: Erasure, operator: User, credential: Credential
) -> None:
    Conversation.objects.get().purge()
    stopped.refresh_from_db()
    assert stopped.stage == Stage.CLOSED
    again = get_conversation(actor=operator, credential=credential, openai_id=stopped.openai_id)
    begun = start_erasure(actor=operator, conversation=again, reason="Ticket 8")
    assert erase(actor=operator, erasure=begun, seconds=5).stage == Stage.FINISHED
    again.refresh_from_db()
    assert again.metadata == {}


# Giving up


def test_one_whose_conversation_is_gone_stops_and_can_be_given_up_r28(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.store.delete_conversation(erasure.openai_id)
    stopped = work_on(actor=operator, erasure=erasure)
    assert (stopped.stage, stopped.failure["status"]) == (Stage.STOPPED, 404)
    closed = close_erasure(actor=operator, erasure=stopped)
    assert closed.stage == Stage.CLOSED
    assert "Given up by operator. Before that: Conversation with id" in closed.failure["message"]
    row = Conversation.objects.get()
    assert (row.metadata, row.state) == ({}, State.MISSING)
    assert not EventDetail.objects.exists()


def test_only_a_stopped_one_can_be_given_up(erasure: Erasure, operator: User) -> None:
    with pytest.raises(ServiceError, match="Stop it first"):
        close_erasure(actor=operator, erasure=erasure)


# Stopping while a step runs


@pytest.mark.django_db(transaction=True)
def test_a_stop_during_the_last_listing_keeps_the_conversation_and_lets_it_go_when_the_step_ends(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    gate = Gate()
    sandbox.faults.add(gate.fault(method="GET", path=".*/items", skip=1))

    def work() -> None:
        work_on(actor=operator, erasure=erasure, seconds=PATIENCE)
        connection.close()

    step = threading.Thread(target=work)
    step.start()
    gate.wait()
    stop_erasure(actor=operator, erasure=erasure)
    with pytest.raises(BeingChanged):
        refresh_conversation(actor=operator, conversation=Conversation.objects.get())
    gate.open()
    step.join(PATIENCE)
    assert sum(entry.method == "DELETE" for entry in sandbox.log) == 3
    assert sandbox.store.get_conversation(erasure.openai_id) is not None
    assert erasure.events.get().outcome == Outcome.STOPPED
    refresh_conversation(actor=operator, conversation=Conversation.objects.get())


# What responses prove


def test_r2_a_404_to_a_read_does_not_finish_what_a_changed_credential_reads(
    erasure: Erasure, operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", path=CONVERSATION, status=500, times=3))
    work_on(actor=operator, erasure=erasure)
    credential.project = "proj_other"
    credential.save()
    sandbox.faults.add(Fault(method="GET", path=CONVERSATION, status=404))
    stopped = work_on(actor=operator, erasure=erasure)
    assert stopped.stage == Stage.STOPPED
    assert "The credential was changed" in stopped.failure["message"]
    assert Conversation.objects.get().metadata == {"user_id": "48213"}


def test_a_removal_that_was_not_done_is_done_after_listing_again(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", path=CONVERSATION, status=500, times=3))
    work_on(actor=operator, erasure=erasure)
    add_messages(sandbox, Conversation.objects.get(), 1)
    done = work_on(actor=operator, erasure=erasure)
    assert (done.stage, done.deletion.outcome, done.numbers.deleted) == (Stage.FINISHED, ItemOutcome.DELETED, 4)


def test_what_openai_confirmed_stays_confirmed_though_it_is_listed_again(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    ids = [item["id"] for item in sandbox.store.list_items(erasure.openai_id)]
    stale = {"object": "list", "data": [{"id": ids[0], "type": "message"}], "last_id": ids[0], "has_more": False}
    body = str(stale).replace("'", '"').replace("False", "false")
    sandbox.faults.add(Fault(method="GET", path=".*/items", skip=1, body=body))
    done = work_on(actor=operator, erasure=erasure)
    assert outcomes(done) == [ItemOutcome.DELETED] * 3


def test_a_page_of_a_proxy_in_place_of_a_response_does_not_make_it_somebody_elses_deletion(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", after=True, body="<html>ok</html>"))
    done = erase(actor=operator, erasure=erasure, seconds=10)
    assert outcomes(done) == [ItemOutcome.UNCONFIRMED, ItemOutcome.DELETED, ItemOutcome.DELETED]


@pytest.mark.parametrize("length", [300, 3_000])
def test_long_codes_of_a_proxy_stop_it_all_the_same(
    erasure: Erasure, operator: User, sandbox: Sandbox, length: int
) -> None:
    sandbox.faults.add(Fault(status=403, code="c" * length, headers={"x-request-id": "r" * length}))
    stopped = work_on(actor=operator, erasure=erasure)
    assert (stopped.stage, stopped.events.get().outcome) == (Stage.STOPPED, Outcome.STOPPED)


def test_items_whose_ids_cannot_be_sent_are_told_one_by_one(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    body = '{"object": "list", "data": [{"id": "a\\u0001b"}, {"id": ".."}, {"type": "message"}], "has_more": false}'
    sandbox.faults.add(Fault(method="GET", path=".*/items", body=body, times=None))
    stopped = erase(actor=operator, erasure=erasure, seconds=5)
    assert stopped.failure["message"] == "3 items were not deleted. The conversation was kept."
    assert {row.item_id: row.message for row in stopped.items.refused()}[".."] == "“..” can’t be an id at OpenAI."


def listing(*ids: str, has_more: bool = False, last_id: str | None = None) -> str:
    """The JSON of a list of messages."""
    data = [{"id": item_id, "type": "message"} for item_id in ids]
    return json.dumps({"object": "list", "data": data, "last_id": last_id, "has_more": has_more})


@pytest.mark.parametrize("last_id", [None, "", "msg_1"])
def test_an_empty_page_that_says_there_is_more_stops_it(
    erasure: Erasure, operator: User, sandbox: Sandbox, last_id: str | None
) -> None:
    sandbox.faults.add(Fault(method="GET", path=".*/items", body=listing(has_more=True, last_id=last_id)))
    stopped = work_on(actor=operator, erasure=erasure)
    assert (stopped.stage, stopped.empty_listing) == (Stage.STOPPED, None)
    assert "says that there are more" in stopped.failure["message"]
    assert len(sandbox.store.list_items(erasure.openai_id)) == 3


def test_listings_that_are_long_behind_take_nothing_back_from_what_was_confirmed(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    ids = [item["id"] for item in sandbox.store.list_items(erasure.openai_id)]
    sandbox.faults.add(Fault(method="GET", path=".*/items", skip=1, times=4, body=listing(*ids)))
    for _ in range(5):
        erasure = work_on(actor=operator, erasure=erasure)
    assert (erasure.stage, outcomes(erasure)) == (Stage.FINISHED, [ItemOutcome.DELETED] * 3)


def test_items_that_are_listed_for_ever_stop_it_in_the_end(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", path=".*/items", body="{}", times=None))
    work_on(actor=operator, erasure=erasure)
    Erasure.objects.update(failures_in_a_row=20)
    assert work_on(actor=operator, erasure=erasure).stage == Stage.STOPPED


def test_a_lost_deletion_that_is_refused_later_is_not_said_to_be_somebody_elses(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=500, times=3))
    sandbox.faults.add(Fault(method="DELETE", skip=2, status=400))
    stopped = erase(actor=operator, erasure=erasure, seconds=10)
    [refused] = stopped.items.refused()
    sandbox.store.delete_item(erasure.openai_id, refused.item_id)
    done = work_on(actor=operator, erasure=resume_erasure(erasure=stopped))
    assert sorted(outcomes(done)) == [ItemOutcome.DELETED, ItemOutcome.DELETED, ItemOutcome.UNCONFIRMED]


def test_a_listing_that_holds_items_again_takes_back_that_it_was_empty(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", path=CONVERSATION, status=500, times=3))
    emptied = work_on(actor=operator, erasure=erasure)
    assert emptied.empty_listing.status == 200
    add_messages(sandbox, Conversation.objects.get(), 1)
    sandbox.faults.add(Fault(method="DELETE", status=400, times=None))
    assert work_on(actor=operator, erasure=emptied).empty_listing is None


@pytest.mark.long
def test_a_removal_that_is_carried_out_late_is_known_by_its_repeat(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", path=CONVERSATION, status=500, times=6))
    for _ in range(2):
        erasure = work_on(actor=operator, erasure=erasure)
    sandbox.store.delete_conversation(erasure.openai_id)
    done = work_on(actor=operator, erasure=erasure)
    assert (done.stage, done.deletion.outcome) == (Stage.FINISHED, ItemOutcome.UNCONFIRMED)


@pytest.mark.parametrize("last_id", ["\0", "\ud800", "a/b"])
def test_a_last_id_that_can_be_none_ends_the_listing_r18(
    erasure: Erasure, operator: User, sandbox: Sandbox, last_id: str
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=400, times=None))
    body = listing("msg_1", has_more=True, last_id=last_id)
    sandbox.faults.add(Fault(method="GET", path=".*/items", times=None, body=body))
    assert work_on(actor=operator, erasure=erasure).stage == Stage.STOPPED


def test_giving_up_resolves_the_runs_that_nobody_ended(erasure: Erasure, operator: User) -> None:
    erasure.events.update(outcome=Outcome.UNKNOWN)
    close_erasure(actor=operator, erasure=stop_erasure(actor=operator, erasure=erasure))
    assert not Event.objects.unresolved().exists()


def test_one_whose_step_is_just_ending_is_given_up_shortly(stopped: Erasure, operator: User) -> None:
    Erasure.objects.update(lease="x", leased_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(ServiceError, match="Try again in a few seconds"):
        close_erasure(actor=operator, erasure=stopped)


def test_waiting_as_openai_asks_is_a_sign_of_life(erasure: Erasure, operator: User) -> None:
    Event.objects.update(created_at=timezone.now() - timedelta(seconds=121))
    Erasure.objects.update(not_before=timezone.now() + timedelta(seconds=60))
    work_on(actor=operator, erasure=erasure)
    assert erasure.events.get().is_pending


# Slow and large responses


def test_items_that_are_too_large_together_are_listed_one_by_one(
    erasure: Erasure, operator: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = {"type": "message", "role": "user", "content": "x" * 20_000}
    sandbox.store.add_items(erasure.openai_id, [big] * 4)
    monkeypatch.setattr(transport, "MAX_RESPONSE_BYTES", 30_000)
    assert erase(actor=operator, erasure=erasure, seconds=10).stage == Stage.FINISHED


def test_however_slowly_items_are_listed_each_step_deletes_one(
    erasure: Erasure, operator: User, sandbox: Sandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure_run, "MIN_SECONDS", 30.0)
    slow = Meanwhile(method="GET", path=".*/items", act=lambda: clock.advance(40), times=None)
    sandbox.faults.add(slow)
    assert work_on(actor=operator, erasure=erasure, seconds=60).numbers.deleted == 1


def test_a_step_in_which_nothing_could_be_done_counts_as_a_failure(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    slow = work_on(actor=operator, erasure=erasure, seconds=0)
    assert slow.failures_in_a_row == 1
    assert "so slow" in slow.failure["message"]


@pytest.mark.long
def test_where_it_was_in_a_long_row_of_refused_items_is_kept_between_steps(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    add_messages(sandbox, Conversation.objects.get(), 120)
    refused = sandbox.store.list_items(erasure.openai_id)[:110]
    erasure.enter(ListedItem(item["id"], "message") for item in refused)
    erasure.items.update(outcome=ItemOutcome.REFUSED)
    sandbox.faults.add(Fault(method="GET", path=".*/items", skip=1, status=503, times=3))
    waiting = work_on(actor=operator, erasure=erasure)
    assert waiting.after == refused[99]["id"]
    sandbox.log.clear()
    work_on(actor=operator, erasure=waiting)
    assert sandbox.log[0].query["after"] == [refused[99]["id"]]


def test_what_openai_asks_to_wait_is_waited_and_does_not_stop_it(
    erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    Erasure.objects.update(failures_in_a_row=20)
    sandbox.faults.add(Fault(method="DELETE", status=429, headers={"Retry-After": "600"}))
    waiting = work_on(actor=operator, erasure=erasure)
    assert waiting.stage == Stage.RUNNING
    sandbox.log.clear()
    work_on(actor=operator, erasure=waiting)
    assert len(sandbox.log) == 0
    done = work_on(actor=operator, erasure=resume_erasure(erasure=waiting))
    assert done.stage == Stage.FINISHED


def test_the_event_of_each_run_counts_what_that_run_deleted(erasure: Erasure, operator: User, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", skip=1, status=401))
    stopped = work_on(actor=operator, erasure=erasure)
    Event.objects.update(created_at=timezone.now() - timedelta(seconds=1))
    work_on(actor=operator, erasure=resume_erasure(erasure=stopped))
    counts = [event.item_count for event in Event.objects.filter(action="erase").order_by("pk")]
    assert counts == [1, 2]
