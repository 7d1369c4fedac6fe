"""The page of one conversation."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, Credential, Event, State, Team
from conversations.sandbox import Sandbox
from conversations.services.conversations import refresh_conversation
from tests.factories import make_conversation, make_credential, make_known, make_team, make_user
from tests.html import fragment, is_page, signed_in, text_of


def page_of(browser: Browser, conversation: Conversation) -> str:
    return text_of(browser.get(conversation.get_absolute_url()))


def test_shows_id_metadata_and_record(as_operator: Browser, conversation: Conversation) -> None:
    response = as_operator.get(conversation.get_absolute_url())
    assert is_page(response)
    for words in (conversation.openai_id, "tenant", "acme", "Sandbox", "Transcript", "Raw JSON"):
        assert words in text_of(response)


def test_serves_the_metadata_alone_to_htmx(as_operator: Browser, conversation: Conversation) -> None:
    response = as_operator.get(conversation.get_absolute_url(), headers=fragment("metadata"))
    assert not is_page(response)
    assert 'id="metadata"' in text_of(response)


def test_does_not_exist_for_a_stranger_r23(client: Browser, stranger: User, conversation: Conversation) -> None:
    response = signed_in(client, stranger).get(conversation.get_absolute_url())
    assert response.status_code == 404
    assert "acme" not in text_of(response)


def test_an_unknown_key_is_not_found(as_operator: Browser) -> None:
    for key in ("999999", "9" * 30, "9" * 5000):
        assert as_operator.get(f"/conversations/{key}/").status_code == 404


def test_shows_the_index_while_openai_cannot_be_reached(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.stop()
    assert "acme" in page_of(as_operator, conversation)


def test_says_what_differs_and_offers_both_choices_r2(
    as_operator: Browser, operator: User, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.store.set_metadata(conversation.openai_id, {"tenant": "umbrella"})
    refresh_conversation(actor=operator, conversation=conversation)
    text = page_of(as_operator, conversation)
    assert "<code>umbrella</code> at OpenAI, and <code>acme</code> in our version." in " ".join(text.split())
    assert "Accept OpenAI’s version" in text
    assert "?fill=ours" in text


@pytest.mark.parametrize(
    ("state", "words"),
    [(State.MISSING, "OpenAI has no such conversation."), (State.REMOVED, "The record stays in the index.")],
)
def test_says_what_a_state_means_r2(as_operator: Browser, credential: Credential, state: State, words: str) -> None:
    assert words in page_of(as_operator, make_conversation(credential, state=state))


def test_offers_nothing_to_change_once_it_is_removed_r2(as_operator: Browser, credential: Credential) -> None:
    text = page_of(as_operator, make_conversation(credential, state=State.REMOVED))
    for url in ("/metadata/", "/remove/", "/items/"):
        assert url not in text


def test_offers_a_viewer_nothing_to_change_r22(client: Browser, viewer: User, conversation: Conversation) -> None:
    text = page_of(signed_in(client, viewer), conversation)
    for url in ("/metadata/", "/remove/", "/refresh/", "/transfer/"):
        assert url not in text


def test_offers_to_transfer_only_to_credentials_that_one_sees_r1_r23(
    as_operator: Browser, conversation: Conversation, sandbox: Sandbox
) -> None:
    assert "Transfer…" not in page_of(as_operator, conversation)
    make_credential(sandbox, name="Mine too", teams=[*conversation.credential.teams.all()])
    make_credential(sandbox, name="Secret project", teams=[make_team()])
    text = page_of(as_operator, conversation)
    assert "Mine too" in text
    assert "Secret project" not in text


def test_works_without_javascript_by_links_and_forms(as_operator: Browser, conversation: Conversation) -> None:
    text = page_of(as_operator, conversation)
    url = conversation.get_absolute_url()
    for link in (f'href="{url}items/"', f'href="{url}metadata/"', f'href="{url}delete/"'):
        assert link in text
    assert f'method="post" action="{url}refresh/"' in text


@pytest.mark.parametrize("done", ["9" * 5000, "9" * 25, "x", "-1", "٣"])
def test_a_url_about_a_change_that_is_not_known_tells_nothing(
    as_operator: Browser, conversation: Conversation, done: str
) -> None:
    response = as_operator.get(conversation.get_absolute_url(), {"done": done})
    assert response.context_data["compared"] == []


def test_asks_as_many_queries_for_many_events_as_for_two(
    as_operator: Browser, operator: User, conversation: Conversation
) -> None:
    counts = []
    for more in (2, 10):
        for _ in range(more):
            refresh_conversation(actor=operator, conversation=conversation)
        with CaptureQueriesContext(connection) as queries:
            page_of(as_operator, conversation)
        counts.append(len(queries))
    assert Event.objects.count() == 12
    assert counts[0] == counts[1]


def test_without_the_right_to_see_events_none_are_shown(
    client: Browser, credential: Credential, team: Team, sandbox: Sandbox
) -> None:
    conversation = make_known(sandbox, credential)
    reader = make_user("reader", role=None, teams=[team])
    reader.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    assert "Activity" not in text_of(signed_in(client, reader).get(conversation.get_absolute_url()))


@pytest.mark.parametrize("name", ["conversation_refresh", "conversation_accept_remote"])
def test_a_button_keeps_the_result_that_the_page_was_opened_from(
    as_operator: Browser, sandbox: Sandbox, credential: Credential, name: str
) -> None:
    conversation = make_known(sandbox, credential, {"tenant": "acme"})
    url = f"{reverse(name, args=[conversation.pk])}?q=tenant%3Aacme&before=9"
    assert as_operator.post(url)["Location"] == f"{conversation.get_absolute_url()}?q=tenant%3Aacme&before=9"
