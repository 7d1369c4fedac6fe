"""What servers, gateways and proxies answer at their oddest: nothing is claimed that is not proved."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation, Credential, Event, Outcome, State
from conversations.models.choices import ItemOutcome, Stage
from conversations.openai import errors
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.conversations import create_conversation, refresh_conversation, remove_conversation
from conversations.services.erasures import start_erasure, work_on
from conversations.services.errors import ServiceError
from conversations.services.items import add_items, delete_items
from conversations.services.metadata_edit import update_metadata
from tests.factories import KEY, add_messages, calls_in, make_credential, make_known, metadata_at
from tests.services.odd import erased, listing

pytestmark = pytest.mark.django_db

NGINX = b"<html><head><title>404 Not Found</title></head><body><center>nginx</center></body></html>"
GATEWAYS = {
    "nginx": NGINX,
    "FastAPI": b'{"detail": "Not Found"}',
    "Express": b"Cannot GET /v1/conversations/conv_1",
    "Kong": b'{"message": "no Route matched with those values", "request_id": "0f3a9b7c11d24e5f"}',
    "error object": b'{"error": {"message": "Not found", "type": "invalid_request_error", "param": null}}',
    "nothing": b"",
}
MESSAGES = [{"type": "message", "role": "user", "content": text} for text in ("one", "two", "three", "four")]


@pytest.fixture
def known(sandbox: Sandbox, credential: Credential) -> Conversation:
    return make_known(sandbox, credential, {"a": "1"})


@pytest.fixture(params=GATEWAYS.values(), ids=GATEWAYS)
def gateway(request: pytest.FixtureRequest, sandbox: Sandbox) -> Sandbox:
    """Before the server stands something that answers 404 to everything."""
    sandbox.faults.add(Fault(status=404, body=request.param, times=None))
    return sandbox


@pytest.fixture
def silent() -> Iterator[Sandbox]:
    """A server that answers deletions without a word."""
    with Sandbox(key=KEY, dialect=Dialect(deletes_silently=True)) as running:
        yield running


# A 404 that proves nothing


def test_r2_a_gateways_404_makes_no_row_missing(operator: User, known: Conversation, gateway: Sandbox) -> None:
    with pytest.raises(errors.GatewayNotFound) as caught:
        refresh_conversation(actor=operator, conversation=known)
    known.refresh_from_db()
    assert known.state == State.ACTIVE
    assert "doesn’t prove" in caught.value.advice_text


def test_r2_a_gateways_404_resolves_no_unknown_change(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", drop="before", times=3))
    with pytest.raises(errors.NoResponse):
        remove_conversation(actor=operator, conversation=known)
    sandbox.faults.add(Fault(status=404, body=NGINX, times=None))
    with pytest.raises(errors.GatewayNotFound):
        refresh_conversation(actor=operator, conversation=known)
    assert Event.objects.unresolved().get().action == "remove"


def test_a_gateways_404_proves_no_erasure(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    erasure = start_erasure(actor=operator, conversation=known, reason="Ticket 7")
    sandbox.faults.add(Fault(method="GET", path=f"/conversations/{known.openai_id}$", status=404, body=NGINX))
    unproven = work_on(actor=operator, erasure=erasure)
    assert (unproven.stage, unproven.last_read) == (Stage.RUNNING, None)
    proven = work_on(actor=operator, erasure=unproven)
    assert (proven.stage, proven.last_read.request_id) == (Stage.FINISHED, calls_in(sandbox)[-1].request_id)


@pytest.mark.parametrize("form", ["openai", "detail", "message", "text"])
def test_r2_a_404_of_another_form_that_speaks_of_the_conversation_counts(operator: User, form: str) -> None:
    with Sandbox(key=KEY, dialect=Dialect(not_found=form)) as server:
        known = make_known(server, make_credential(server))
        server.store.delete_conversation(known.openai_id)
        with pytest.raises(errors.NotFound):
            refresh_conversation(actor=operator, conversation=known)
    known.refresh_from_db()
    assert known.state == State.MISSING


def test_the_question_for_a_path_that_cannot_exist_is_asked_once(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.store.delete_conversation(known.openai_id)
    for _ in range(3):
        with pytest.raises(errors.NotFound):
            refresh_conversation(actor=operator, conversation=known)
    assert len(sandbox.log) - len(calls_in(sandbox)) == 1


# Successes that are errors


@pytest.mark.parametrize("code", [429, 401, "insufficient_quota"])
def test_a_creation_that_gets_an_error_is_refused_and_sent_once(
    operator: User, credential: Credential, sandbox: Sandbox, code: Any
) -> None:
    body = json.dumps({"error": {"message": "Provider returned error", "code": code}})
    sandbox.faults.add(Fault(method="POST", body=body, times=None))
    with pytest.raises(errors.Refused, match="Provider returned error"):
        create_conversation(actor=operator, credential=credential, items=[], metadata={})
    assert (Event.objects.get().outcome, len(sandbox.log)) == (Outcome.REFUSED, 1)


def test_r2_a_read_that_gets_an_error_does_not_show_that_it_is_there(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="GET", body='{"error": {"message": "m"}}'))
    with pytest.raises(errors.InvalidRequest):
        refresh_conversation(actor=operator, conversation=known)
    assert Event.objects.get().attempts[0]["is_unusable"] is True


def test_r2_a_removal_is_not_proved_by_a_read_that_got_an_error(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    Event.objects.create(
        action="refresh",
        outcome=Outcome.REFUSED,
        base_url=known.base_url,
        openai_id=known.openai_id,
        attempts=[{"id": "1", "method": "GET", "status": 200, "is_unusable": True}],
    )
    Event.objects.create(
        action="remove",
        outcome=Outcome.UNKNOWN,
        base_url=known.base_url,
        openai_id=known.openai_id,
        attempts=[{"id": "2", "method": "DELETE", "status": None}],
    )
    assert not Event.objects.removal_was_sent(known.base_url, known.openai_id)


# Creations whose response is odd


def test_a_creation_keeps_its_id_whatever_number_is_in_the_response(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    body = '{"id": "conv_1", "created_at": 1780000000, "metadata": {"a": "1"}, "score": -Infinity}'
    sandbox.faults.add(Fault(method="POST", body=body))
    row = create_conversation(actor=operator, credential=credential, items=[], metadata={"a": "1"})
    assert (row.openai_id, row.metadata) == ("conv_1", {"a": "1"})


def test_a_creation_without_metadata_in_the_response_is_read_again(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    made = sandbox.store.create_conversation(metadata={"a": "1"})
    sandbox.faults.add(Fault(method="POST", body=json.dumps({"id": made["id"]})))
    row = create_conversation(actor=operator, credential=credential, items=[], metadata={"a": "1"})
    assert (row.openai_id, row.metadata) == (made["id"], {"a": "1"})


def test_the_id_in_a_creations_broken_response_is_kept_with_its_event(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", body='{"id": "conv_1", "metadata": {broken'))
    with pytest.raises(errors.BadResponse):
        create_conversation(actor=operator, credential=credential, items=[], metadata={})
    event = Event.objects.get()
    assert (event.outcome, event.openai_id) == (Outcome.UNKNOWN, "conv_1")


def test_messages_that_the_server_dropped_are_counted(operator: User) -> None:
    with Sandbox(key=KEY, dialect=Dialect(drops_items=True)) as server:
        create_conversation(actor=operator, credential=make_credential(server), items=MESSAGES, metadata={})
    event = Event.objects.get()
    assert (event.item_count, event.kept_count, event.outcome) == (4, 0, Outcome.SUCCEEDED)


def test_messages_that_were_kept_are_counted(operator: User, credential: Credential) -> None:
    create_conversation(actor=operator, credential=credential, items=MESSAGES, metadata={})
    assert Event.objects.get().kept_count == 4


def test_messages_that_could_not_be_counted_are_not_claimed(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="GET", status=403))
    create_conversation(actor=operator, credential=credential, items=MESSAGES, metadata={})
    assert (Event.objects.get().kept_count, Event.objects.get().outcome) == (None, Outcome.SUCCEEDED)


def test_added_messages_that_did_not_come_back_are_counted(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", body=listing("msg_1", has_more=False)))
    event = add_items(actor=operator, conversation=known, items=MESSAGES)
    assert (event.item_count, event.kept_count, event.item_ids) == (4, 1, ["msg_1"])


# Deletions whose response confirms nothing


def test_a_removal_without_a_word_is_done_once_a_read_proves_it(operator: User, silent: Sandbox) -> None:
    row = remove_conversation(actor=operator, conversation=make_known(silent, make_credential(silent)))
    assert (row.state, [entry.status for entry in calls_in(silent)]) == (State.REMOVED, [200, 204, 404])


def test_a_removal_without_a_word_that_was_not_carried_out_is_unknown(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=204, body=""))
    with pytest.raises(errors.BadResponse, match="still returns the conversation"):
        remove_conversation(actor=operator, conversation=known)
    known.refresh_from_db()
    assert (known.state, Event.objects.get().outcome) == (State.ACTIVE, Outcome.UNKNOWN)


def test_a_removal_without_a_word_whose_proof_fails_is_unknown(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=204, body="", after=True))
    sandbox.faults.add(Fault(method="GET", skip=1, status=403))
    with pytest.raises(errors.Forbidden):
        remove_conversation(actor=operator, conversation=known)
    assert Event.objects.get().outcome == Outcome.UNKNOWN


def test_an_item_deleted_without_a_word_is_done_once_a_read_proves_it(operator: User, silent: Sandbox) -> None:
    known = make_known(silent, make_credential(silent))
    [item_id] = add_messages(silent, known, 1)
    event = delete_items(actor=operator, conversation=known, item_ids=[item_id])
    assert (event.outcome, event.item_count) == (Outcome.SUCCEEDED, 1)
    assert [entry.status for entry in calls_in(silent)] == [204, 404, 200]


@pytest.mark.parametrize("body", ['{"id": "%s", "deleted": false}', '{"error": {"message": "busy"}}'])
def test_an_item_that_the_server_did_not_delete_is_not_counted(
    operator: User, known: Conversation, sandbox: Sandbox, body: str
) -> None:
    [item_id] = add_messages(sandbox, known, 1)
    sandbox.faults.add(Fault(method="DELETE", body=body.replace("%s", item_id)))
    with pytest.raises(errors.Refused):
        delete_items(actor=operator, conversation=known, item_ids=[item_id])
    assert (Event.objects.get().outcome, Event.objects.get().item_count) == (Outcome.REFUSED, 0)


@pytest.mark.long
def test_an_erasure_ends_on_a_server_that_deletes_without_a_word(operator: User, silent: Sandbox) -> None:
    known = make_known(silent, make_credential(silent))
    add_messages(silent, known, 130)
    done = erased(operator, known)
    assert (done.stage, done.numbers.unconfirmed, done.numbers.deleted) == (Stage.FINISHED, 130, 0)
    assert (done.deletion.status, done.deletion.outcome) == (204, ItemOutcome.UNCONFIRMED)
    assert silent.store.list_items(known.openai_id) == []


def test_an_item_that_the_server_says_it_did_not_delete_stops_an_erasure(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    item_ids = add_messages(sandbox, known, 3)
    body = json.dumps({"id": item_ids[1], "deleted": False})
    sandbox.faults.add(Fault(method="DELETE", path=f".*/{item_ids[1]}", body=body, times=None))
    stopped = erased(operator, known)
    assert (stopped.stage, stopped.numbers.deleted, stopped.numbers.refused) == (Stage.STOPPED, 2, 1)
    assert sandbox.store.get_conversation(known.openai_id) is not None


# Responses after which less is known than it seems


def test_a_failure_of_the_server_in_a_success_leaves_a_creation_open(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    body = '{"error": {"message": "upstream request timed out", "code": 504}}'
    sandbox.faults.add(Fault(method="POST", body=body, after=True))
    with pytest.raises(errors.ServerError):
        create_conversation(actor=operator, credential=credential, items=[], metadata={})
    assert (Event.objects.get().outcome, len(sandbox.log)) == (Outcome.UNKNOWN, 1)


@pytest.mark.parametrize("status", [401, 429])
def test_an_update_that_got_a_response_is_not_refused_by_the_read_after_it(
    operator: User, known: Conversation, sandbox: Sandbox, status: int
) -> None:
    sandbox.faults.add(Fault(method="POST", body=f'{{"id": "{known.openai_id}"}}', after=True))
    sandbox.faults.add(Fault(method="GET", skip=1, status=status, headers={"Retry-After": "60"}))
    with pytest.raises(errors.OpenAIError):
        update_metadata(actor=operator, conversation=known, opened_with={"a": "1"}, requested={"a": "2"})
    assert Event.objects.get().outcome == Outcome.UNKNOWN


def test_a_part_that_was_done_is_told_with_the_refusal_of_the_rest(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    before = {f"old {number}": "1" for number in range(16)}
    known = make_known(sandbox, credential, before)
    sandbox.faults.add(Fault(method="POST", skip=2, status=401))
    wanted = {**dict.fromkeys(list(before)[1:], "1"), "new": "1"}
    with pytest.raises(errors.Unauthorized) as caught:
        update_metadata(actor=operator, conversation=known, opened_with=before, requested=wanted)
    assert caught.value.message.startswith("Part of it (removed old 0) was done before the server said:")
    assert caught.value.message == Event.objects.get().detail.message


def test_metadata_that_was_never_told_is_nobodys_change(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    made = sandbox.store.create_conversation(metadata={"a": "1"})
    sandbox.faults.add(Fault(method="POST", body=json.dumps({"id": made["id"]})))
    sandbox.faults.add(Fault(method="GET", status=403))
    row = create_conversation(actor=operator, credential=credential, items=[], metadata={"a": "1"})
    assert (row.metadata, row.is_metadata_known) == ({}, False)
    row = refresh_conversation(actor=operator, conversation=row)
    assert (row.metadata, row.state, row.is_metadata_known) == ({"a": "1"}, State.ACTIVE, True)


def test_of_a_server_that_gives_fewer_items_than_it_holds_none_are_called_dropped(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="GET", path=".*/items", body=listing("a", has_more=True)))
    create_conversation(actor=operator, credential=credential, items=MESSAGES, metadata={})
    assert Event.objects.get().kept_count is None


def test_of_a_server_that_responds_to_an_addition_with_all_items_only_those_sent_are_counted(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", body=listing("a", "b", "c", "d", "e", "f", has_more=False)))
    event = add_items(actor=operator, conversation=known, items=MESSAGES)
    assert (event.kept_count, event.item_ids) == (4, [])


def test_the_proof_of_an_erasure_stands_among_its_attempts(operator: User, known: Conversation) -> None:
    done = erased(operator, known)
    last = done.events.get().attempts[-1]
    assert (last["method"], last["status"], last["request_id"]) == ("GET", 404, done.last_read.request_id)


# A secret in what others wrote


def test_what_was_taken_out_of_a_response_is_not_written_back(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    known = make_known(sandbox, credential, {"note": f"the key {KEY}", "n": "1"})
    known.store_response({"note": "the key [secret]", "n": "1"}, is_own_change=True)
    wanted = {"note": "the key [secret]", "n": "2"}
    with pytest.raises(ServiceError, match="holds a secret of the credential"):
        update_metadata(actor=operator, conversation=known, opened_with=known.metadata, requested=wanted)
    assert metadata_at(sandbox, known.openai_id)["note"] == f"the key {KEY}"
    update_metadata(actor=operator, conversation=known, opened_with=known.metadata, requested={"n": "2"})
    assert metadata_at(sandbox, known.openai_id) == {"n": "2"}


def test_a_further_header_of_letters_alone_is_no_secret_in_metadata(operator: User, sandbox: Sandbox) -> None:
    credential = make_credential(sandbox, headers={"X-Team": "customer-success-europe"})
    known = make_known(sandbox, credential, {"team": "customer-success-europe"})
    assert refresh_conversation(actor=operator, conversation=known).metadata == {"team": "customer-success-europe"}
