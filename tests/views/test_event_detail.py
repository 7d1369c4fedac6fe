"""One event, and resolving it."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Event, EventDetail
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import create_conversation
from tests.factories import make_known, make_remote
from tests.html import REFUSALS, UNREACHABLE, everything, fragment, is_page, signed_in, text_of


@pytest.fixture
def url(unknown: Event) -> str:
    return f"/activity/{unknown.pk}/"


def test_shows_what_happened_with_the_id_of_each_attempt_r5_r7(as_operator: Browser, url: str) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    for words in ("attempt-1", "operator", "<h2>Outcome unknown</h2>", "&lt;b&gt;tenant&lt;/b&gt;"):
        assert words in text_of(response)


def test_serves_the_whole_page_to_htmx_for_it_has_no_parts(as_operator: Browser, url: str) -> None:
    assert is_page(as_operator.get(url, headers=fragment("events")))


def test_does_not_exist_for_a_stranger_r23(client: Browser, stranger: User, url: str, unknown: Event) -> None:
    assert signed_in(client, stranger).get(url).status_code == 404
    assert client.post(url, {"note": "mine"}).status_code == 404
    unknown.refresh_from_db()
    assert unknown.is_unresolved


def test_a_viewer_looks_and_does_not_resolve_r22(client: Browser, viewer: User, url: str) -> None:
    assert 'name="note"' not in text_of(signed_in(client, viewer).get(url))
    assert client.post(url, {"note": "mine"}).status_code == 403


def test_a_get_changes_nothing_r3(as_operator: Browser, url: str) -> None:
    before = everything()
    as_operator.get(url, {"note": "x", "openai_id": "conv_1"})
    assert everything() == before


def test_a_note_resolves_it_in_an_event_of_its_own_r7(as_operator: Browser, url: str, unknown: Event) -> None:
    response = as_operator.post(url, {"note": "Nothing was made.\nI looked."}, follow=True)
    unknown.refresh_from_db()
    assert not unknown.is_unresolved
    assert unknown.resolved_by is not None
    assert unknown.resolved_by.detail.note == "Nothing was made.\nI looked."
    assert "Resolved with your note." in text_of(response)


def test_the_id_that_was_created_resolves_it_and_enters_the_index_r7(
    as_operator: Browser, url: str, unknown: Event, sandbox: Sandbox
) -> None:
    response = as_operator.post(url, {"openai_id": make_remote(sandbox, {"a": "b"})})
    unknown.refresh_from_db()
    assert not unknown.is_unresolved
    assert response["Location"] == Conversation.objects.get().get_absolute_url()


@pytest.mark.parametrize("openai_id", ["", "a/b", "..", "\0", "x" * 256])
def test_keeps_what_was_typed_where_it_is_not_valid(as_operator: Browser, url: str, openai_id: str) -> None:
    response = as_operator.post(url, {"openai_id": openai_id, "note": ""})
    assert response.status_code == 422
    assert response.context_data["form"]["openai_id"].value() == openai_id


def test_a_note_to_what_is_resolved_already_is_said_and_not_lost(as_operator: Browser, url: str) -> None:
    as_operator.post(url, {"note": "first"})
    response = as_operator.post(url, {"note": "my second note"})
    assert response.status_code == 422
    assert "This is already resolved." in text_of(response)
    assert "my second note" in text_of(response)


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_and_stays_unresolved(
    as_operator: Browser, url: str, unknown: Event, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = as_operator.post(url, {"openai_id": "conv_1", "note": "as I said"})
    unknown.refresh_from_db()
    assert (response.status_code, unknown.is_unresolved) == (502, True)
    for expected in (words, 'value="conv_1"', "as I said"):
        assert expected in text_of(response)


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert UNREACHABLE in text_of(as_operator.post(url, {"openai_id": "conv_1"}))


def test_shows_key_names_and_no_values_once_the_details_are_gone_r9(
    as_operator: Browser, operator: User, credential: Credential
) -> None:
    create_conversation(actor=operator, credential=credential, items=[], metadata={"tenant": "acme-value"})
    event = Event.objects.latest("pk")
    assert "acme-value" in text_of(as_operator.get(f"/activity/{event.pk}/"))
    EventDetail.objects.all().delete()
    text = text_of(as_operator.get(f"/activity/{event.pk}/"))
    assert "tenant" in text
    assert "acme-value" not in text


def test_offers_to_refresh_what_a_read_would_resolve_r7(
    as_operator: Browser, sandbox: Sandbox, credential: Credential, unknown: Event, url: str
) -> None:
    known = make_known(sandbox, credential)
    unknown.action, unknown.conversation, unknown.openai_id = "update", known, known.openai_id
    unknown.save()
    assert f'action="{known.get_absolute_url()}refresh/"' in text_of(as_operator.get(url))


@pytest.mark.parametrize("action", ["add_items", "delete_items"])
def test_a_refresh_resolves_no_change_of_items_r7(
    as_operator: Browser, sandbox: Sandbox, credential: Credential, unknown: Event, action: str
) -> None:
    known = make_known(sandbox, credential)
    Event.objects.update(action=action, conversation=known, openai_id=known.openai_id)
    assert as_operator.post(f"{known.get_absolute_url()}refresh/").status_code == 302
    unknown.refresh_from_db()
    assert unknown.is_unresolved


def test_asks_as_many_queries_for_many_attempts_as_for_one(as_operator: Browser, url: str, unknown: Event) -> None:
    counts = []
    for attempts in (1, 10):
        unknown.attempts = unknown.attempts[:1] * attempts
        unknown.save()
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_only_a_creation_is_resolved_by_an_id(as_operator: Browser, unknown: Event, url: str, sandbox: Sandbox) -> None:
    Event.objects.update(action="update")
    response = as_operator.post(url, {"openai_id": make_remote(sandbox), "note": ""})
    assert response.status_code == 422
    assert not Conversation.objects.exists()
