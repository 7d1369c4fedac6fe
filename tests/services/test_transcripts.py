"""Taking a whole transcript along: its event says whether the file is whole."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.exports.transcripts import FORMATS
from conversations.models import Conversation, Credential, Event, Outcome
from conversations.openai import errors
from conversations.sandbox import Fault, Sandbox
from conversations.services.errors import CredentialUnusable
from conversations.services.metadata_edit import update_metadata
from conversations.services.transcripts import ITEMS_AT_ONCE, download
from tests.factories import add_messages, make_known

pytestmark = pytest.mark.django_db

URL = "message.input_image.image_url"


@pytest.fixture
def known(credential: Credential, sandbox: Sandbox) -> Conversation:
    return make_known(sandbox, credential)


def begun(operator: User, known: Conversation, kind: str = "jsonl", **options: Any) -> Iterator[str]:
    file = FORMATS[kind](known.openai_id)
    return download(actor=operator, conversation=known, file=file, **options)


def broken_off(chunks: Iterator[str]) -> tuple[str, Exception]:
    """What was written before it broke off, and the error then."""
    text = ""
    try:
        for chunk in chunks:
            text += chunk
    except (errors.OpenAIError, CredentialUnusable) as error:
        return text, error
    raise AssertionError("It did not break off.")


def the_event() -> Event:
    return Event.objects.get(action="export")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_file_is_an_event_that_succeeded(
    operator: User, known: Conversation, sandbox: Sandbox, kind: str
) -> None:
    add_messages(sandbox, known, 150)
    text = "".join(begun(operator, known, kind))
    event = the_event()
    assert all(f"Message {number}" in text for number in (1, 100, 101, 150))
    assert (event.outcome, event.item_count, event.request_id) == (Outcome.SUCCEEDED, 150, sandbox.log[-1].request_id)


def test_items_are_as_openai_gave_them(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 2)
    sandbox.store.add_items(known.openai_id, [{"type": "telepathy", "thought": "\ud83d\x00", "number": 10**30}])
    lines = "".join(begun(operator, known)).splitlines()
    assert [json.loads(line) for line in lines] == sandbox.store.list_items(known.openai_id)


def test_what_is_to_be_included_is_requested_on_each_page(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, known, 101)
    "".join(begun(operator, known, include=(URL,)))
    assert [(entry.query["include[]"], entry.query["order"]) for entry in sandbox.log] == [([URL], ["asc"])] * 2


def test_an_empty_transcript_is_a_whole_file(operator: User, known: Conversation) -> None:
    assert json.loads("".join(begun(operator, known, "json")))["data"] == []
    assert (the_event().outcome, the_event().item_count) == (Outcome.SUCCEEDED, 0)


def test_where_the_first_page_fails_there_is_no_file_and_the_event_is_closed(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(status=404, message="No such conversation."))
    with pytest.raises(errors.NotFound):
        begun(operator, known)
    event = the_event()
    assert (event.outcome, event.status, event.detail.message) == (Outcome.REFUSED, 404, "No such conversation.")


def test_a_credential_that_cannot_be_used_begins_nothing(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    known.credential.is_active = False
    known.credential.save()
    with pytest.raises(CredentialUnusable):
        begun(operator, known)
    assert (len(sandbox.log), Event.objects.count()) == (0, 0)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_fails_in_the_middle_ends_the_file_with_a_sentence(
    operator: User, known: Conversation, sandbox: Sandbox, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    add_messages(sandbox, known, 150)
    sandbox.faults.add(Fault(skip=1, status=403, message="Not any more."))
    with caplog.at_level(logging.ERROR):
        text, error = broken_off(begun(operator, known, kind))
    end = text.partition("This file is incomplete")[2]
    assert isinstance(error, errors.Forbidden)
    assert "100 items were read before. Not any more." in end
    assert "Message 100" in text


def test_the_event_of_a_file_that_broke_off_says_so(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 150)
    sandbox.faults.add(Fault(skip=1, status=403, message="Not any more."))
    broken_off(begun(operator, known))
    event = the_event()
    assert (event.outcome, event.item_count, event.status) == (Outcome.REFUSED, 100, 403)
    assert event.detail.message == "Not any more."


def test_a_file_breaks_off_where_the_server_goes_away(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 150)
    chunks = begun(operator, known)
    sandbox.stop()
    text, error = broken_off(chunks)
    assert not error.may_have_happened  # type: ignore[attr-defined]
    assert "100 items were read before. Convadmin couldn’t connect to the server." in text
    assert the_event().outcome == Outcome.FAILED


def test_a_file_breaks_off_where_its_credential_is_switched_off(
    operator: User, known: Conversation, sandbox: Sandbox
) -> None:
    add_messages(sandbox, known, 150)
    chunks = begun(operator, known)
    known.credential.is_active = False
    known.credential.save()
    text, error = broken_off(chunks)
    assert isinstance(error, CredentialUnusable)
    assert "is inactive" in text
    assert the_event().outcome == Outcome.FAILED


def test_whoever_goes_away_in_the_middle_has_stopped_it(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 250)
    chunks = begun(operator, known)
    [next(chunks) for _ in range(2)]
    chunks.close()  # type: ignore[attr-defined]
    assert (the_event().outcome, the_event().item_count) == (Outcome.STOPPED, 100)
    assert len(sandbox.log) == 1


def test_whoever_goes_away_before_anything_was_sent_has_stopped_it(operator: User, known: Conversation) -> None:
    begun(operator, known).close()  # type: ignore[attr-defined]
    assert the_event().outcome == Outcome.STOPPED


def test_a_download_shows_a_sign_of_life_with_each_page(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 150)
    chunks = begun(operator, known)
    assert the_event().outcome == Outcome.PENDING
    seen = {}
    for _ in chunks:
        seen.setdefault(the_event().item_count, the_event().touched_at)
    assert list(seen) == [0, 100, 150]
    assert seen[100] < seen[150]


def test_a_page_is_written_a_few_items_at_a_time(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 100)
    chunks = list(begun(operator, known))
    assert max(chunk.count("\n") for chunk in chunks) == ITEMS_AT_ONCE
    assert "".join(chunks).count("\n") == 100


def test_a_download_is_no_lock(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    add_messages(sandbox, known, 150)
    first, second = begun(operator, known), begun(operator, known)
    next(first), next(second)
    update_metadata(actor=operator, conversation=known, opened_with={}, requested={"a": "1"})
    assert "".join(first) == "".join(second)
    assert list(Event.objects.values_list("outcome", flat=True)) == [Outcome.SUCCEEDED] * 3


def test_nothing_of_the_transcript_is_kept(operator: User, known: Conversation, sandbox: Sandbox) -> None:
    sandbox.store.add_items(known.openai_id, [{"type": "message", "role": "user", "content": "a secret"}])
    "".join(begun(operator, known))
    event = Event.objects.filter(action="export").values().get()
    assert "a secret" not in str(event)
    assert not hasattr(the_event(), "detail")
