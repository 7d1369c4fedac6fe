"""The index and the events in the admin: read-only, except for purging."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Event, EventDetail, Posting, Term
from conversations.sandbox import Sandbox
from conversations.services.conversations import create_conversation, refresh_conversation
from tests.factories import make_conversation, make_user, metadata_at
from tests.html import everything, signed_in, text_of

LIST = "/admin/conversations/conversation/"
EVENTS = "/admin/conversations/event/"


@pytest.fixture
def recorded(credential: Credential, operator: User) -> Conversation:
    """A conversation with index terms, and with events that have details."""
    created = create_conversation(
        actor=operator, credential=credential, items=[], metadata={"tenant": "purged-value", "<b>": "<script>"}
    )
    return refresh_conversation(actor=operator, conversation=created)


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    return signed_in(client, administrator)


def test_the_list_leads_to_the_page_in_the_dashboard(admin: Browser, recorded: Conversation) -> None:
    assert f'<a href="{recorded.get_absolute_url()}">Open</a>' in text_of(admin.get(LIST))


def test_the_list_is_searched_by_id_and_filtered_by_state(admin: Browser, recorded: Conversation) -> None:
    assert recorded.openai_id in text_of(admin.get(LIST, {"q": recorded.openai_id[:12]}))
    assert recorded.openai_id not in text_of(admin.get(LIST, {"state__exact": "removed"}))


def test_its_page_shows_everything_escaped_and_changes_nothing(admin: Browser, recorded: Conversation) -> None:
    before = everything()
    text = text_of(admin.get(f"{LIST}{recorded.pk}/change/"))
    assert "purged-value" in text
    assert '<script>"' not in text
    assert "<b>" not in text
    assert everything() == before


@pytest.mark.parametrize("url", [LIST, EVENTS])
def test_nothing_is_added_or_changed_there(admin: Browser, recorded: Conversation, url: str) -> None:
    pk = recorded.pk if url == LIST else Event.objects.latest("pk").pk
    before = everything()
    assert admin.post(f"{url}add/", {}).status_code == 403
    assert admin.post(f"{url}{pk}/change/", {"openai_id": "mine", "outcome": "failed"}).status_code == 403
    assert everything() == before


def test_events_cannot_be_deleted(admin: Browser, superuser: User, recorded: Conversation) -> None:
    event = Event.objects.latest("pk")
    for user in (superuser, User.objects.get(username="administrator")):
        admin.force_login(user)
        assert admin.post(f"{EVENTS}{event.pk}/delete/", {"post": "yes"}).status_code == 403
        admin.post(EVENTS, {"action": "delete_selected", "_selected_action": event.pk, "post": "yes"})
    assert Event.objects.filter(pk=event.pk).exists()


def test_events_are_searched_by_request_id(admin: Browser, recorded: Conversation) -> None:
    event = Event.objects.latest("pk")
    text = text_of(admin.get(EVENTS, {"q": event.request_id}))
    assert event.request_id in text
    assert "1 result" in text


def purge(browser: Browser, conversation: Conversation) -> int:
    return browser.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"}).status_code


def purge_many(browser: Browser, conversation: Conversation) -> int:
    sent = {"action": "delete_selected", "_selected_action": conversation.pk, "post": "yes"}
    return browser.post(LIST, sent).status_code


@pytest.mark.parametrize("act", [purge, purge_many])
def test_purging_removes_terms_and_details_and_keeps_the_events_r9(
    admin: Browser, recorded: Conversation, act: object
) -> None:
    events = Event.objects.count()
    assert act(admin, recorded) == 302  # type: ignore[operator]
    for model in (Conversation, Term, Posting, EventDetail):
        assert not model.objects.exists()  # type: ignore[attr-defined]
    assert Event.objects.count() == events
    assert set(Event.objects.values_list("conversation", flat=True)) == {None}


def test_purging_leaves_other_conversations_their_terms(
    admin: Browser, credential: Credential, recorded: Conversation
) -> None:
    other = make_conversation(credential, {"tenant": "purged-value"})
    purge(admin, recorded)
    assert Posting.objects.filter(sort_key=other.sort_key).count() == 3  # pair, key and state
    assert {term.count for term in Term.objects.all()} == {1}


def test_purging_sends_nothing_to_openai(admin: Browser, recorded: Conversation, sandbox: Sandbox) -> None:
    sandbox.log.clear()
    purge(admin, recorded)
    assert len(sandbox.log) == 0
    assert metadata_at(sandbox, recorded.openai_id)["tenant"] == "purged-value"


def test_the_admins_history_holds_no_values_r9(admin: Browser, recorded: Conversation) -> None:
    purge(admin, recorded)
    assert LogEntry.objects.exists()
    assert "purged-value" not in str([*LogEntry.objects.values()])


@pytest.mark.parametrize("act", [purge, purge_many])
def test_purging_needs_its_permission_r22(
    client: Browser, credential: Credential, recorded: Conversation, act: object
) -> None:
    operator = make_user(teams=[*credential.teams.all()], is_staff=True)
    act(signed_in(client, operator), recorded)  # type: ignore[operator]
    assert Conversation.objects.filter(pk=recorded.pk).exists()


def test_a_get_purges_nothing_r3(admin: Browser, recorded: Conversation) -> None:
    text = text_of(admin.get(f"{LIST}{recorded.pk}/delete/"))
    assert recorded.openai_id in text
    assert Conversation.objects.filter(pk=recorded.pk).exists()
