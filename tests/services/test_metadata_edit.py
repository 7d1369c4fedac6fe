"""Editing metadata: what is sent, what the response says, and two who edit at once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from conversations.metadata import Change, ChangeKind
from conversations.models import Conversation, Credential, Event, Outcome, State
from conversations.openai import errors
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.errors import AlreadySubmitted, BeingChanged, MetadataMoved
from conversations.services.metadata_edit import update_metadata
from tests.factories import KEY, in_threads, make_credential, make_known, metadata_at
from tests.waiting import Gate

pytestmark = pytest.mark.django_db

OLD = {f"old {number}": "1" for number in range(16)}
NEW = {f"new {number}": "2" for number in range(16)}
UNSENT = {"retry-after-ms": "1"}


KINDS = {
    "merges": Dialect(),
    "merges and counts what goes": Dialect(counts_request=True),
    "replaces": Dialect(replaces_metadata=True),
    "replaces, with words of its own": Dialect(replaces_metadata=True, null="rust"),
    "replaces, with others": Dialect(replaces_metadata=True, null="pydantic"),
}
KEEPERS = {null: Dialect(null=null) for null in ("openai", "rust", "pydantic", "fastapi")}


@contextmanager
def serving(dialect: Dialect) -> Iterator[Sandbox]:
    with Sandbox(key=KEY, dialect=dialect) as running:
        yield running


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """R12: each kind of server from which keys can be removed."""
    with serving(request.param) as running:
        yield running


@pytest.fixture(params=KEEPERS.values(), ids=KEEPERS)
def keeper(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One that merges and refuses null: no key can ever be removed from it."""
    with serving(request.param) as running:
        yield running


def known_at(server: Sandbox, metadata: dict[str, Any]) -> Conversation:
    return make_known(server, make_credential(server), metadata)


def update(actor: User, row: Conversation, wanted: dict[str, Any], **fields: Any) -> list[Change]:
    opened_with = fields.pop("opened_with", row.metadata)
    return update_metadata(actor=actor, conversation=row, opened_with=opened_with, requested=wanted, **fields)


def sent(server: Sandbox) -> list[Any]:
    return [entry.body["metadata"] for entry in server.log if entry.method == "POST"]


def kinds(changes: list[Change]) -> dict[str, str]:
    return {change.key: change.kind.value for change in changes}


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "changed", "d": "added"}),
        ({"a": "1"}, {}),
        ({}, {"a": ""}),
        ({"a": "1"}, {"a": "1"}),
        (OLD, {}),
        (OLD, NEW),
        (OLD, {**NEW, "new 0": ""}),
        ({"a": "1"}, {"a": " \n\t\u202e\N{GRINNING FACE}"}),
    ],
)
def test_r12_what_was_wanted_is_there_on_each_kind_of_server(
    operator: User, server: Sandbox, before: dict[str, str], wanted: dict[str, str]
) -> None:
    row = known_at(server, before)
    changes = update(operator, row, wanted)
    row.refresh_from_db()
    assert metadata_at(server, row.openai_id) == row.metadata == wanted
    assert ChangeKind.REFUSED not in {change.kind for change in changes}
    assert Event.objects.get().outcome == Outcome.SUCCEEDED


def test_r12_null_is_sent_only_for_what_the_response_still_holds(operator: User, sandbox: Sandbox) -> None:
    update(operator, known_at(sandbox, {"a": "1", "b": "2"}), {"a": "1", "c": "3"})
    assert sent(sandbox) == [{"a": "1", "c": "3"}, {"b": None}]


def test_r12_without_a_key_to_remove_no_null_is_sent(operator: User, sandbox: Sandbox) -> None:
    update(operator, known_at(sandbox, {"a": "1"}), {"a": "2", "c": "3"})
    assert sent(sandbox) == [{"a": "2", "c": "3"}]


def test_r12_a_server_that_replaces_gets_nothing_but_text(operator: User, replacing_sandbox: Sandbox) -> None:
    update(operator, known_at(replacing_sandbox, OLD), NEW)
    assert sent(replacing_sandbox) == [NEW]


def test_r12_room_is_made_first_where_both_maps_are_too_many(operator: User, sandbox: Sandbox) -> None:
    update(operator, known_at(sandbox, OLD), NEW)
    assert sent(sandbox) == [NEW, dict.fromkeys(OLD), NEW]


def test_r12_keys_that_the_server_would_not_let_go_are_told(operator: User, keeper: Sandbox) -> None:
    row = known_at(keeper, {"a": "1", "b": "2"})
    changes = update(operator, row, {"a": "changed"})
    row.refresh_from_db()
    assert kinds(changes) == {"a": "changed", "b": "refused"}
    assert metadata_at(keeper, row.openai_id) == row.metadata == {"a": "changed", "b": "2"}
    assert (Event.objects.get().outcome, Event.objects.get().keys["refused"]) == (Outcome.SUCCEEDED, ["b"])


def test_r12_without_room_on_a_server_that_refuses_null_the_first_refusal_is_told(
    operator: User, keeper: Sandbox
) -> None:
    row = known_at(keeper, OLD)
    with pytest.raises(errors.InvalidRequest) as caught:
        update(operator, row, NEW)
    assert caught.value.code == "object_above_max_properties"
    assert (metadata_at(keeper, row.openai_id), Event.objects.get().outcome) == (OLD, Outcome.REFUSED)


def test_r12_one_that_empties_the_map_on_null_is_sent_what_is_wanted_again(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1", "b": "2"})
    first, second = ({"a": "1", "b": "2"}, {})
    for metadata in (first, second):
        body = json.dumps({"id": row.openai_id, "metadata": metadata})
        sandbox.faults.add(Fault(method="POST", body=body))
    update(operator, row, {"a": "1"})
    assert sent(sandbox) == [{"a": "1"}, {"b": None}, {"a": "1"}]


@pytest.mark.parametrize("metadata", ["", ', "metadata": []', ', "metadata": "text"'])
def test_r1_a_response_without_metadata_is_read_again(operator: User, sandbox: Sandbox, metadata: str) -> None:
    row = known_at(sandbox, {"a": "1"})
    sandbox.faults.add(Fault(method="POST", body=f'{{"id": "{row.openai_id}"{metadata}}}', after=True))
    update(operator, row, {"a": "2"})
    row.refresh_from_db()
    assert (row.metadata, sandbox.log[-1].method) == ({"a": "2"}, "GET")


def test_r1_where_no_response_holds_metadata_nothing_is_stored(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    body = f'{{"id": "{row.openai_id}", "metadata": ["odd"]}}'
    sandbox.faults.add(Fault(method="POST", body=body, after=True))
    sandbox.faults.add(Fault(method="GET", body=body, skip=1))
    with pytest.raises(errors.BadResponse, match="isn’t a map of keys and values: \\['odd'\\]"):
        update(operator, row, {"a": "2"})
    row.refresh_from_db()
    assert (row.metadata, Event.objects.get().outcome) == ({"a": "1"}, Outcome.UNKNOWN)


def test_r12_a_recorded_session_departs_from_the_document_by_no_null(operator: User, server: Sandbox) -> None:
    row = known_at(server, {"a": "1", "b": "2"})
    update(operator, row, {"a": "3"})
    nulls = [body for body in sent(server) if None in body.values()]
    assert nulls == ([] if server.dialect.replaces_metadata else [{"b": None}])


def test_another_refusal_is_not_taken_for_one_of_null(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    with pytest.raises(errors.InvalidRequest) as caught:
        update(operator, row, {"b": "x" * 513})
    assert (caught.value.code, caught.value.param) == ("string_above_max_length", "metadata.b")
    assert (len(sent(sandbox)), Event.objects.get().outcome) == (1, Outcome.REFUSED)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(method="POST", skip=2, status=400), Outcome.REFUSED),
        (Fault(method="POST", skip=2, status=500, times=None, headers=UNSENT), Outcome.UNKNOWN),
    ],
    ids=str,
)
def test_r12_a_failure_between_the_two_calls_leaves_the_first_response_in_the_index(
    operator: User, sandbox: Sandbox, fault: Fault, outcome: str
) -> None:
    row = known_at(sandbox, OLD)
    sandbox.faults.add(fault)
    with pytest.raises(errors.OpenAIError):
        update(operator, row, NEW)
    row.refresh_from_db()
    event = Event.objects.get()
    assert metadata_at(sandbox, row.openai_id) == row.metadata == {}
    assert (event.outcome, event.detail.after, len(event.keys["removed"])) == (outcome, {}, 16)


def test_the_response_is_told_key_by_key(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"kept": "1", "stays": "1", "goes": "1", "old": "1"})
    body = f'{{"id": "{row.openai_id}", "metadata": {{"kept": "1", "stays": "1", "old": "2", "new": "other"}}}}'
    sandbox.faults.add(Fault(method="POST", body=body))
    sandbox.faults.add(Fault(method="POST", status=400))
    changes = update(operator, row, {"kept": "1", "old": "2", "new": "3"})
    expected = {"kept": "kept", "stays": "refused", "goes": "removed", "old": "changed", "new": "refused"}
    assert kinds(changes) == expected
    assert Event.objects.get().keys == {"changed": ["old"], "removed": ["goes"], "refused": ["stays", "new"]}


def test_r1_the_index_holds_the_response(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    body = f'{{"id": "{row.openai_id}", "metadata": {{"a": "of the server"}}}}'
    sandbox.faults.add(Fault(method="POST", body=body))
    update(operator, row, {"a": "2"})
    row.refresh_from_db()
    assert (row.metadata, row.state) == ({"a": "of the server"}, State.ACTIVE)


def test_r2_restoring_our_version_resolves_what_differs(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    sandbox.store.set_metadata(row.openai_id, {"a": "2"})
    row.store_response({"a": "2"}, is_own_change=False)
    update(operator, row, row.our_metadata or {})
    row.refresh_from_db()
    assert (row.state, row.metadata, row.our_metadata) == (State.ACTIVE, {"a": "1"}, None)


# R19: an untouched key goes back as it was


def test_r19_an_untouched_value_is_sent_as_openai_holds_it(operator: User, sandbox: Sandbox) -> None:
    held: dict[str, Any] = {"nul": "x\0y", "number": 1.5, "half": "\ud800", "k\0": "1", "a": "1"}
    row = known_at(sandbox, held)
    sandbox.faults.add(Fault(method="POST", status=400))
    with pytest.raises(errors.InvalidRequest):
        update(operator, row, {**row.metadata, "a": "2"})
    assert sent(sandbox) == [{**held, "a": "2"}]


def test_r19_a_touched_value_is_sent_as_it_was_typed(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"nul": "x\0y"})
    update(operator, row, {"nul": "x\ufffdy!"})
    assert sent(sandbox) == [{"nul": "x\ufffdy!"}]


# R6: conflicts


def test_r6_an_edit_over_a_change_made_elsewhere_is_shown_the_conflict(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1", "b": "1"})
    sandbox.store.set_metadata(row.openai_id, {"a": "elsewhere", "b": "1"})
    with pytest.raises(MetadataMoved) as caught:
        update(operator, row, {"a": "2", "b": "1"})
    assert caught.value.changes == [Change("a", "1", "elsewhere", ChangeKind.CHANGED)]
    assert sent(sandbox) == []


def test_r6_what_was_read_is_in_the_index_all_the_same(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    sandbox.store.set_metadata(row.openai_id, {"a": "elsewhere"})
    with pytest.raises(MetadataMoved):
        update(operator, row, {"a": "2"})
    row.refresh_from_db()
    event = Event.objects.get()
    assert (row.state, row.metadata, row.our_metadata) == (State.DIFFERS, {"a": "elsewhere"}, {"a": "1"})
    assert (event.outcome, event.code, event.is_unresolved) == (Outcome.FAILED, "conflict", False)


def test_r6_sent_again_it_goes_over_what_openai_holds_now(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    sandbox.store.set_metadata(row.openai_id, {"a": "elsewhere"})
    with pytest.raises(MetadataMoved) as caught:
        update(operator, row, {"a": "2"})
    update(operator, row, {"a": "2"}, opened_with=caught.value.theirs)
    assert metadata_at(sandbox, row.openai_id) == {"a": "2"}


def test_r6_a_form_that_was_opened_on_an_old_index_conflicts_too(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "2"})
    with pytest.raises(MetadataMoved):
        update(operator, row, {"a": "3"}, opened_with={"a": "1"})


@pytest.mark.django_db(transaction=True)
def test_r6_of_two_simultaneous_edits_one_is_done_and_the_other_told(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    row = make_known(sandbox, credential, {"a": "1"})
    gate = Gate()
    sandbox.faults.add(gate.fault(times=None))
    edits = [partial(update, operator, row, {"a": own}) for own in "23"]
    results = in_threads(*map(gate.opened_by_failing, edits))
    (told,) = [result for result in results if isinstance(result, BeingChanged)]
    (done,) = [result for result in results if isinstance(result, list)]
    assert kinds(done) == {"a": "changed"}
    assert told.event.outcome == Outcome.PENDING
    assert len(sent(sandbox)) == 1


@pytest.mark.django_db(transaction=True)
def test_r6_edits_of_two_conversations_do_not_wait_for_each_other(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    rows = [make_known(sandbox, credential, {"a": "1"}) for _ in range(4)]
    results = in_threads(*(lambda row=row: update(operator, row, {"a": "2", "b": "1"}) for row in rows))
    assert [kinds(result) for result in results] == [{"a": "changed", "b": "added"}] * 4


# Failures


def test_r8_the_same_form_sends_once(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    update(operator, row, {"a": "2"}, token="t")
    with pytest.raises(AlreadySubmitted):
        update(operator, row, {"a": "2"}, token="t", opened_with={"a": "2"})
    assert len(sent(sandbox)) == 1


def test_r2_a_404_makes_it_missing(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    sandbox.store.delete_conversation(row.openai_id)
    with pytest.raises(errors.NotFound):
        update(operator, row, {"a": "2"})
    row.refresh_from_db()
    assert (row.state, sent(sandbox)) == (State.MISSING, [])


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ([Fault(method="GET", status=500, times=None, headers=UNSENT)], Outcome.REFUSED),
        ([Fault(method="GET", drop="before", times=None)], Outcome.FAILED),
        ([Fault(method="POST", status=403)], Outcome.REFUSED),
        ([Fault(method="POST", drop="after", times=None)], Outcome.UNKNOWN),
        ([Fault(method="POST", status=503, headers=UNSENT), Fault(method="POST", status=403)], Outcome.UNKNOWN),
    ],
)
def test_r7_a_failure_has_its_outcome_and_leaves_the_index(
    operator: User, sandbox: Sandbox, settings: Settings, faults: list[Fault], outcome: str
) -> None:
    settings.REQUEST_BUDGET = 0.4
    row = known_at(sandbox, {"a": "1"})
    for fault in faults:
        sandbox.faults.add(fault)
    with pytest.raises(errors.OpenAIError):
        update(operator, row, {"a": "2"})
    row.refresh_from_db()
    assert (Event.objects.get().outcome, row.metadata) == (outcome, {"a": "1"})


def test_r5_every_attempt_of_both_calls_has_its_request_id(operator: User, sandbox: Sandbox) -> None:
    row = known_at(sandbox, {"a": "1"})
    sandbox.faults.add(Fault(method="POST", status=503, headers=UNSENT))
    update(operator, row, {"a": "2"})
    event = Event.objects.get()
    assert [entry.client_request_id for entry in sandbox.log] == [f"{event.uuid}-{number}" for number in (1, 2, 3)]
    assert [attempt["method"] for attempt in event.attempts] == ["GET", "POST", "POST"]
