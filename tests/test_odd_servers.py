"""What servers, gateways and proxies answer at their oddest: nothing is claimed that is not proved."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations import openai_errors as errors
from conversations.items.files import JsonFile
from conversations.models import Conversation, Credential, Erasure, Event, Outcome, State
from conversations.models.erased_item import Fate
from conversations.models.erasure import Stage
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.conversations import create_conversation, refresh_conversation, remove_conversation
from conversations.services.erasing import begin_erasure, erase, work_on
from conversations.services.items import add_items, all_pages, count_items, delete_items, list_items
from conversations.services.transcripts import download
from tests.factories import KEY, add_messages, calls_in, make_credential, make_known

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


def listing(*ids: str, **fields: Any) -> str:
    data = [{"id": item_id, "type": "message", "role": "user", "content": "x"} for item_id in ids]
    return json.dumps({"object": "list", "data": data, **fields})


def erased(actor: User, conversation: Conversation, seconds: float = 8) -> Erasure:
    erasure = begin_erasure(actor=actor, conversation=conversation, reason="Ticket 7")
    return erase(actor=actor, erasure=erasure, seconds=seconds)


# A 404 that proves nothing


def test_r2_a_gateways_404_makes_no_row_missing(operator: User, known: Conversation, gateway: Sandbox) -> None:
    with pytest.raises(errors.ForeignNotFound) as caught:
        refresh_conversation(actor=operator, conversation=known)
    known.refresh_from_db()
    assert known.state == State.ACTIVE
    assert "does not prove" in caught.value.what_to_do


def test_r2_a_gateways_404_settles_no_unknown_change(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="DELETE", drop="before", times=3))
    with pytest.raises(errors.NoAnswer):
        remove_conversation(actor=operator, conversation=known)
    sandbox.faults.add(Fault(status=404, body=NGINX, times=None))
    with pytest.raises(errors.ForeignNotFound):
        refresh_conversation(actor=operator, conversation=known)
    assert Event.objects.unresolved().get().action == "remove"


def test_a_gateways_404_proves_no_erasure(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    erasure = begin_erasure(actor=operator, conversation=known, reason="Ticket 7")
    sandbox.faults.add(Fault(method="GET", path=f"/conversations/{known.openai_id}$", status=404, body=NGINX))
    unproven = work_on(actor=operator, erasure=erasure)
    assert (unproven.stage, unproven.proof) == (Stage.RUNNING, {})
    proven = work_on(actor=operator, erasure=unproven)
    assert (proven.stage, proven.proof["request_id"]) == (Stage.FINISHED, calls_in(sandbox)[-1].request_id)


@pytest.mark.parametrize("form", ["openai", "detail", "words", "text"])
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


@pytest.mark.parametrize("code", [429, 502, "insufficient_quota"])
def test_a_creation_answered_with_an_error_is_refused_and_sent_once(
    operator: User, credential: Credential, sandbox: Sandbox, code: Any
) -> None:
    body = json.dumps({"error": {"message": "Provider returned error", "code": code}})
    sandbox.faults.add(Fault(method="POST", body=body, times=None))
    with pytest.raises(errors.Refused, match="Provider returned error"):
        create_conversation(actor=operator, credential=credential, items=[], metadata={})
    assert (Event.objects.get().outcome, len(sandbox.log)) == (Outcome.REFUSED, 1)


def test_r2_a_read_that_answers_an_error_does_not_show_that_it_is_there(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="GET", body='{"error": {"message": "m"}}'))
    with pytest.raises(errors.InvalidRequest):
        refresh_conversation(actor=operator, conversation=known)
    assert Event.objects.get().attempts[0]["is_unusable"] is True


def test_r2_a_removal_is_not_proved_by_a_read_that_answered_an_error(
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


# Creations whose answer is odd


def test_a_creation_keeps_its_id_whatever_number_is_in_the_answer(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    body = '{"id": "conv_1", "created_at": 1780000000, "metadata": {"a": "1"}, "score": -Infinity}'
    sandbox.faults.add(Fault(method="POST", body=body))
    row = create_conversation(actor=operator, credential=credential, items=[], metadata={"a": "1"})
    assert (row.openai_id, row.metadata) == ("conv_1", {"a": "1"})


def test_a_creation_without_metadata_in_the_answer_is_read_again(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    made = sandbox.store.create_conversation(metadata={"a": "1"})
    sandbox.faults.add(Fault(method="POST", body=json.dumps({"id": made["id"]})))
    row = create_conversation(actor=operator, credential=credential, items=[], metadata={"a": "1"})
    assert (row.openai_id, row.metadata) == (made["id"], {"a": "1"})


def test_the_id_in_a_creations_broken_answer_is_kept_with_its_event(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", body='{"id": "conv_1", "metadata": {broken'))
    with pytest.raises(errors.BadAnswer):
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


# Deletions whose answer confirms nothing


def test_a_removal_without_a_word_is_done_once_a_read_proves_it(operator: User, silent: Sandbox) -> None:
    row = remove_conversation(actor=operator, conversation=make_known(silent, make_credential(silent)))
    assert (row.state, [entry.status for entry in calls_in(silent)]) == (State.REMOVED, [200, 204, 404])


def test_a_removal_without_a_word_that_was_not_carried_out_is_unknown(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=204, body=""))
    with pytest.raises(errors.BadAnswer, match="still answers"):
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


def test_an_erasure_ends_on_a_server_that_deletes_without_a_word(operator: User, silent: Sandbox) -> None:
    known = make_known(silent, make_credential(silent))
    add_messages(silent, known, 130)
    done = erased(operator, known)
    assert (done.stage, done.numbers.unanswered, done.numbers.deleted) == (Stage.FINISHED, 130, 0)
    assert (done.removal["status"], done.removal["fate"]) == (204, Fate.UNANSWERED)
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


# Lists that lie


def test_the_items_of_a_server_that_never_says_that_there_is_more_are_all_read(operator: User) -> None:
    with Sandbox(key=KEY, dialect=Dialect(says_no_more=True)) as server:
        known = make_known(server, make_credential(server))
        wanted = add_messages(server, known, 250)
        first = list_items(conversation=known)
        assert (first.later, count_items(conversation=known)) == (wanted[99], (100, True))
        assert [item["id"] for page in all_pages(known) for item in page.items] == wanted
        assert erased(operator, known).numbers.deleted == 250


def test_a_full_page_that_is_the_last_is_the_last(known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 100)
    assert (list_items(conversation=known).later, count_items(conversation=known)) == ("", (100, False))


def test_without_a_word_on_more_the_next_page_is_asked_for(known: Conversation, sandbox: Sandbox) -> None:
    for ids in (("a", "b"), ("c",), ()):
        sandbox.faults.add(Fault(method="GET", body=listing(*ids)))
    assert [item["id"] for page in all_pages(known) for item in page.items] == ["a", "b", "c"]


def test_a_cursor_that_goes_round_ends_and_says_so(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    for ids in (("a", "b"), ("c", "d"), ("a", "b")):
        sandbox.faults.add(Fault(method="GET", body=listing(*ids, has_more=True, last_id=ids[-1])))
    written: list[str] = []
    with pytest.raises(errors.EndlessList, match="again and again"):
        written.extend(download(actor=operator, conversation=known, file=JsonFile(known.openai_id)))
    assert [written[-1].count("not whole"), "".join(written).count('"id": "a"'), len(sandbox.log)] == [1, 1, 3]
    assert Event.objects.get().outcome == Outcome.REFUSED


def test_an_item_that_two_pages_share_is_given_once(known: Conversation, sandbox: Sandbox) -> None:
    for ids in (("a", "b"), ("b", "c")):
        sandbox.faults.add(Fault(method="GET", body=listing(*ids, has_more=ids[-1] == "b", last_id=ids[-1])))
    assert [item["id"] for page in all_pages(known) for item in page.items] == ["a", "b", "c"]


@pytest.mark.parametrize("ids", [(), ("a",)])
def test_a_download_of_which_the_server_keeps_the_rest_back_breaks_off(
    operator: User, known: Conversation, sandbox: Sandbox, ids: tuple[str, ...]
) -> None:
    body = json.dumps({"data": [{"type": "odd", "name": name} for name in ids], "last_id": None, "has_more": True})
    sandbox.faults.add(Fault(method="GET", body=body))
    with pytest.raises(errors.EndlessList, match="there are more items"):
        list(download(actor=operator, conversation=known, file=JsonFile(known.openai_id)))


def test_no_conversation_is_deleted_behind_an_empty_page_that_says_more(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    body = '{"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": true}'
    add_messages(sandbox, known, 3)
    sandbox.faults.add(Fault(method="GET", path=".*/items", body=body, times=None))
    stopped = erased(operator, known)
    assert (stopped.stage, stopped.proof, stopped.numbers.found) == (Stage.STOPPED, {}, 0)
    assert sandbox.store.get_conversation(known.openai_id) is not None


def test_null_for_data_is_an_empty_list(known: Conversation, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="GET", body='{"data": null, "has_more": false}'))
    found = list_items(conversation=known)
    assert (found.items, found.later, found.is_cut) == ([], "", False)


def test_refused_items_on_pages_that_go_round_end_the_pass(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    for item_id in ("a", "b") * 30:
        body = listing(item_id, has_more=True, last_id=item_id)
        sandbox.faults.add(Fault(method="GET", path=".*/items$", body=body))
    sandbox.faults.add(Fault(method="DELETE", path=".*/items/", status=400, times=None))
    stopped = erased(operator, known)
    assert (stopped.stage, stopped.failure["message"][:16]) == (Stage.STOPPED, "2 items were not")


# Times


@pytest.mark.parametrize("written", ['"2023-11-14T22:13:20Z"', "1700000000123", "1700000000.5", '"1700000000"'])
def test_r1_a_time_of_creation_in_any_form_is_the_place_in_the_list(
    operator: User, known: Conversation, sandbox: Sandbox, written: str
) -> None:
    body = f'{{"id": "{known.openai_id}", "metadata": {{"a": "1"}}, "created_at": {written}}}'
    sandbox.faults.add(Fault(method="GET", body=body))
    row = refresh_conversation(actor=operator, conversation=known)
    assert (row.created_at.year, row.is_created_known) == (2023, True)
    assert row.ord < known.ord


def test_a_time_that_is_unusable_is_first_seen_until_a_read_tells(operator: User, credential: Credential) -> None:
    row = Conversation.objects.add(
        credential=credential, openai_id="conv_1", created_at=None, metadata={"a": "1"}, added_by=None, origin="created"
    )
    assert not row.is_created_known
    row.store_answer({"a": "1"}, by_us=False, created_at=1_700_000_000)
    assert (row.is_created_known, row.created_at.year) == (True, 2023)
    row.store_answer({"a": "1"}, by_us=False, created_at=None)
    assert (row.is_created_known, row.created_at.year) == (True, 2023)


def test_a_server_that_gives_more_than_was_asked_for_is_read_page_by_page(
    known: Conversation, sandbox: Sandbox
) -> None:
    ids = [f"msg_{number}" for number in range(250)]
    sandbox.faults.add(Fault(method="GET", body=listing(*ids, has_more=False), times=None))
    first = list_items(conversation=known)
    second = list_items(conversation=known, after=first.later)
    third = list_items(conversation=known, after=second.later)
    found = [item["id"] for page in (first, second, third) for item in page.items]
    assert (found, third.later) == (ids, "")
