"""Creating: the attempt is recorded first, the response at once, and nothing is created twice."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from conversations.models import Conversation, Credential, Event, EventDetail, Outcome, State, Term
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import create_conversation
from conversations.services.errors import AlreadySubmitted, CredentialUnusable, NotRecorded
from tests.factories import in_threads
from tests.waiting import Gate

pytestmark = pytest.mark.django_db

MESSAGE = {"type": "message", "role": "user", "content": "Hello"}


def create(operator: User, credential: Credential, **fields: Any) -> Conversation:
    known: dict[str, Any] = {"items": [MESSAGE], "metadata": {"a": "1"}}
    return create_conversation(actor=operator, credential=credential, **{**known, **fields})


def failed(operator: User, credential: Credential, sandbox: Sandbox, fault: Fault) -> Event:
    """The event of a creation that fails."""
    sandbox.faults.add(fault)
    with pytest.raises(errors.OpenAIError):
        create(operator, credential)
    return Event.objects.get()


def test_r1_the_index_holds_the_response(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    row = create(operator, credential)
    (remote,) = sandbox.store.list_conversations()
    assert (row.openai_id, row.metadata, row.state) == (remote["id"], {"a": "1"}, State.ACTIVE)
    assert row.created_at == datetime.fromtimestamp(remote["created_at"], UTC)
    assert (row.added_by, row.origin, row.base_url) == (operator, "created", sandbox.url)


def test_r1_the_response_counts_and_not_what_was_requested(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    body = '{"id": "conv_1", "created_at": 1780000000, "metadata": {"a": "other"}}'
    sandbox.faults.add(Fault(body=body, after=True))
    assert create(operator, credential).metadata == {"a": "other"}
    assert Term.objects.filter(key="a", value="other").exists()


def test_r5_the_event_is_there_before_the_call(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    row = create(operator, credential)
    event = Event.objects.get()
    assert [attempt["id"] for attempt in event.attempts] == [entry.client_request_id for entry in sandbox.log]
    assert event.attempts[0]["id"] == f"{event.uuid}-1"
    assert (event.outcome, event.conversation, event.openai_id) == (Outcome.SUCCEEDED, row, row.openai_id)


def test_r5_each_attempt_has_its_request_id(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=429, headers={"retry-after-ms": "1"}))
    create(operator, credential)
    event = Event.objects.get()
    assert [entry.client_request_id for entry in sandbox.log] == [f"{event.uuid}-{number}" for number in (1, 2, 3)]
    assert [(attempt["status"], attempt["request_id"]) for attempt in event.attempts] == [
        (entry.status, entry.request_id) for entry in sandbox.log
    ]


def test_r9_the_event_keeps_names_and_counts_and_the_detail_the_values(operator: User, credential: Credential) -> None:
    create(operator, credential)
    event = Event.objects.get()
    assert (event.keys, event.item_count) == ({"added": ["a"]}, 1)
    assert (event.detail.before, event.detail.after) == ({}, {"a": "1"})
    assert "Hello" not in repr([vars(event), vars(event.detail)])


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(status=400, code="c", param="metadata.a"), Outcome.REFUSED),
        (Fault(status=401), Outcome.REFUSED),
        (Fault(status=429, headers={"Retry-After": "30"}), Outcome.REFUSED),
        (Fault(status=302, headers={"Location": "/"}), Outcome.REFUSED),
        (Fault(status=500), Outcome.UNKNOWN),
        (Fault(status=408), Outcome.UNKNOWN),
        (Fault(drop="before"), Outcome.UNKNOWN),
        (Fault(drop="after"), Outcome.UNKNOWN),
        (Fault(body="<html>"), Outcome.UNKNOWN),
        (Fault(body="{}"), Outcome.UNKNOWN),
    ],
    ids=str,
)
def test_r7_r10_a_failure_has_its_outcome_and_enters_nothing(
    operator: User, credential: Credential, sandbox: Sandbox, fault: Fault, outcome: str
) -> None:
    event = failed(operator, credential, sandbox, fault)
    assert (event.outcome, event.is_unresolved) == (outcome, outcome == Outcome.UNKNOWN)
    assert len(sandbox.log) == 1
    assert not Conversation.objects.exists()


def test_r7_a_server_that_is_not_there_was_sent_nothing(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.stop()
    with pytest.raises(errors.NotSent):
        create(operator, credential)
    assert Event.objects.get().outcome == Outcome.FAILED


def test_openais_message_is_kept(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    fault = Fault(status=400, code="too_long", param="metadata.a", message="It is too long.")
    event = failed(operator, credential, sandbox, fault)
    assert (event.status, event.code, event.param) == (400, "too_long", "metadata.a")
    assert (event.detail.message, event.request_id) == ("It is too long.", sandbox.log[0].request_id)


def test_r18_a_message_that_cannot_be_stored_is_kept_as_far_as_it_can(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    headers = {"x-request-id": "req\0\xff" + "x" * 500}
    fault = Fault(status=400, code="\0", param="p" * 5000, message="a\0\ud800", headers=headers)
    event = failed(operator, credential, sandbox, fault)
    assert (event.detail.message, event.code, len(event.param)) == ("a\ufffd\ufffd", "\ufffd", 600)


@pytest.mark.parametrize("metadata", ['{"a": "x\\u0000"}', '{"a": "\\ud800"}', '{"a": [1, {"b": null}]}'])
def test_r18_metadata_that_cannot_be_stored_is_marked(
    operator: User, credential: Credential, sandbox: Sandbox, metadata: str
) -> None:
    sandbox.faults.add(Fault(body=f'{{"id": "conv_1", "metadata": {metadata}}}', after=True))
    row = create(operator, credential)
    row.refresh_from_db()
    assert row.is_altered is not metadata.startswith('{"a": [')


def test_r8_the_same_form_creates_one(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    row = create(operator, credential, token="t")
    with pytest.raises(AlreadySubmitted) as caught:
        create(operator, credential, token="t")
    assert caught.value.event.conversation == row
    assert [entry.method for entry in sandbox.log] == ["POST", "GET"]


def test_r8_a_form_that_failed_shows_its_failure(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(status=500))
    with pytest.raises(errors.ServerError):
        create(operator, credential, token="t")
    with pytest.raises(AlreadySubmitted) as caught:
        create(operator, credential, token="t")
    assert caught.value.event.outcome == Outcome.UNKNOWN


@pytest.mark.django_db(transaction=True)
def test_r8_two_threads_with_the_same_form_create_one(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    gate = Gate()
    sandbox.faults.add(gate.fault(times=None))
    results = in_threads(*[gate.opened_by_failing(lambda: create(operator, credential, token="t"))] * 2)
    assert sorted(type(result).__name__ for result in results) == ["AlreadySubmitted", "Conversation"]
    assert len(sandbox.store.list_conversations()) == 1


@pytest.mark.django_db(transaction=True)
def test_two_threads_with_two_forms_create_two(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    results = in_threads(*(lambda token=token: create(operator, credential, token=token) for token in "ab"))
    assert [type(result) for result in results] == [Conversation, Conversation]
    assert sorted(Term.objects.values_list("count", flat=True)) == [2, 2, 2]  # pair, key and state


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_openai_is_called(
    operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    gate = Gate()
    sandbox.faults.add(gate.fault())
    seen: list[str] = []

    def look() -> None:
        gate.wait()
        with transaction.atomic():  # another writer gets in
            Event.objects.filter(attempts__0__method="POST").update(param="written meanwhile")
        seen.extend(Event.objects.filter(param="written meanwhile").values_list("outcome", flat=True))
        gate.open()

    in_threads(lambda: create(operator, credential), look)
    assert seen == [Outcome.PENDING]


def test_an_inactive_credential_begins_nothing(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    credential.is_active = False
    with pytest.raises(CredentialUnusable, match="inactive"):
        create(operator, credential)
    assert not Event.objects.exists()


# The database refuses after OpenAI created it


@pytest.mark.django_db(transaction=True)
def test_an_id_that_cannot_be_stored_is_logged_and_told(
    operator: User, credential: Credential, sandbox: Sandbox, broken_index: None, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotRecorded) as caught:
        create(operator, credential)
    (remote,) = sandbox.store.list_conversations()
    (record,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert remote["id"] in record.getMessage()
    assert remote["id"] in str(caught.value)
    assert caught.value.openai_id == remote["id"]
    assert not Conversation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_id_that_cannot_be_stored_is_kept_in_its_event_until_it_is_got(
    operator: User, credential: Credential, sandbox: Sandbox, broken_index: None
) -> None:
    with pytest.raises(NotRecorded) as caught:
        create(operator, credential)
    event = Event.objects.unresolved().get()
    assert (event.outcome, event.openai_id) == (Outcome.UNKNOWN, caught.value.openai_id)


# The key


@pytest.mark.parametrize("fault", [Fault(), Fault(status=500), Fault(body="<html>")], ids=str)
def test_r15_the_key_stands_in_no_table(operator: User, credential: Credential, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.faults.add(fault)
    credential.set_key("sk-wrong-marker-0123456789")
    credential.save()
    with pytest.raises(errors.OpenAIError):
        create(operator, credential, metadata={"k": "v" * 600})
    rows = [vars(row) for model in (Event, EventDetail, Credential) for row in model.objects.all()]
    assert not re.search("sk-wrong-marker", repr(rows))
