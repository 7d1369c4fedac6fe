"""The command palette as a page: what it finds, for whom."""

from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Conversation, Credential, SavedView
from tests.factories import make_conversation, make_credential, make_team
from tests.html import signed_in, words_of

FRAGMENT = {"HX-Request": "true", "HX-Target": "destinations"}


def found(browser: Browser, text: str) -> str:
    return words_of(browser.get("/go/", {"q": text}, headers=FRAGMENT))


def test_without_words_it_lists_the_pages_that_one_may_open(
    as_operator: Browser, client: Browser, viewer: User
) -> None:
    assert "New conversation page" in found(as_operator, "")
    assert "Add credential" not in found(as_operator, "")
    assert "New conversation page" not in found(signed_in(client, viewer), "")


def test_all_words_have_to_be_in_a_name(as_operator: Browser) -> None:
    assert found(as_operator, "erasure new").startswith("New erasure request page")


def test_it_finds_conversations_by_id_and_by_metadata(as_operator: Browser, conversation: Conversation) -> None:
    for text in (conversation.openai_id, "tenant:acme", "acme"):
        assert f"{conversation.openai_id} conversation" in found(as_operator, text)


def test_it_finds_views_and_nothing_of_other_teams(
    as_operator: Browser, operator: User, credential: Credential
) -> None:
    SavedView.objects.create(name="Refunds of today", owner=operator, query_string="q=topic:refund")
    foreign = make_conversation(make_credential(name="Elsewhere", teams=[make_team("Elsewhere")]), {"tenant": "acme"})
    assert "Refunds of today view" in found(as_operator, "refunds")
    assert foreign.openai_id not in found(as_operator, "acme")
    assert "Elsewhere" not in found(as_operator, "else")


def test_credentials_are_found_by_whoever_may_see_them(
    as_operator: Browser, client: Browser, administrator: User, credential: Credential
) -> None:
    assert "Sandbox credential" not in found(as_operator, "sandbox")
    assert "Sandbox credential" in found(signed_in(client, administrator), "sandbox")


def test_it_is_a_page_without_scripts(as_operator: Browser) -> None:
    page = words_of(as_operator.get("/go/?q=nothing has this name"))
    assert "Search conversations for “nothing has this name”" in page
