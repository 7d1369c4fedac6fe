"""Which users an administrator of one team can see in the admin: lists, pages, histories and shortcuts (R22)."""

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client as Browser

from conversations.models import Credential, Team
from tests.factories import make_conversation, make_team, make_user
from tests.html import signed_in, text_of

USERS = "/admin/auth/user/"
NOBODY = 10**9


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    """The browser of an administrator of one team who isn't a superuser."""
    return signed_in(client, administrator)


@pytest.fixture
def foreigners(db: None) -> dict[str, User]:
    """Users outside of the administrator's team."""
    elsewhere = make_team("Elsewhere")
    return {
        "of another team": make_user("foreign-plain", teams=[elsewhere]),
        "staff of another team": make_user("foreign-staff", teams=[elsewhere], is_staff=True),
        "staff of none": make_user("foreign-teamless", is_staff=True),
        "superuser": make_user("foreign-root", role=None, is_superuser=True),
    }


WHO = ["of another team", "staff of another team", "staff of none", "superuser"]


def shown(browser: Browser) -> set[str]:
    """The names in the list of users."""
    return {user.username for user in browser.get(USERS).context_data["cl"].result_list}


def answered(response: Any) -> tuple[int, str]:
    """Status and target of a redirect."""
    return response.status_code, response.headers.get("Location", "")


def test_the_list_shows_teammates_and_new_accounts(admin: Browser, operator: User, foreigners: dict[str, User]) -> None:
    make_user("new", role=None)
    assert shown(admin) == {"administrator", "operator", "new"}


def test_a_search_finds_no_others(admin: Browser, foreigners: dict[str, User]) -> None:
    assert admin.get(USERS, {"q": "foreign"}).context_data["cl"].result_count == 0


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("verb", ["change/", "history/", "delete/", "password/"])
def test_a_user_of_others_looks_like_one_that_does_not_exist(
    admin: Browser, foreigners: dict[str, User], who: str, verb: str
) -> None:
    response = admin.get(f"{USERS}{foreigners[who].pk}/{verb}")
    assert answered(response) == answered(admin.get(f"{USERS}{NOBODY}/{verb}"))
    assert "foreign" not in text_of(response) + text_of(admin.get("/admin/"))


def test_the_history_of_a_teammate_is_shown(admin: Browser, operator: User) -> None:
    assert admin.get(f"{USERS}{operator.pk}/history/").status_code == 200


def test_a_teammates_other_teams_are_hidden_and_their_roles_are_not(admin: Browser, team: Team) -> None:
    both = make_user("both", teams=[team, make_team("Hidden team")])
    text = text_of(admin.get(f"{USERS}{both.pk}/change/"))
    assert "Support" in text
    assert "Operator" in text
    assert "Hidden team" not in text


def test_superusers_see_everybody_with_all_their_groups(
    client: Browser, superuser: User, foreigners: dict[str, User]
) -> None:
    assert shown(signed_in(client, superuser)) >= {user.username for user in foreigners.values()}
    assert "Elsewhere" in text_of(client.get(f"{USERS}{foreigners['of another team'].pk}/change/"))


def test_completion_knows_no_others(admin: Browser, operator: User, foreigners: dict[str, User]) -> None:
    query = {"app_label": "conversations", "model_name": "conversation", "field_name": "added_by", "term": ""}
    found = {row["text"] for row in admin.get("/admin/autocomplete/", query).json()["results"]}
    assert found == {"administrator", "operator"}


def test_recent_actions_are_ones_own(
    admin: Browser, administrator: User, superuser: User, foreigners: dict[str, User]
) -> None:
    kind = ContentType.objects.get_for_model(User)
    entry = {"content_type": kind, "object_id": "1", "action_flag": CHANGE}
    LogEntry.objects.create(user=superuser, object_repr="foreign-plain", **entry)
    LogEntry.objects.create(user=administrator, object_repr="mine", **entry)
    text = text_of(admin.get("/admin/"))
    assert "mine" in text
    assert "foreign-plain" not in text


@pytest.mark.parametrize("who", ["administrator", "superuser"])
def test_no_shortcut_leads_from_type_and_key_to_a_row(
    client: Browser, request: pytest.FixtureRequest, credential: Credential, who: str
) -> None:
    browser = signed_in(client, request.getfixturevalue(who))
    conversation = make_conversation(credential)
    kind = ContentType.objects.get_for_model(conversation).pk
    for key in (conversation.pk, NOBODY):
        assert browser.get(f"/admin/r/{kind}/{key}/").status_code == 404


def test_the_page_of_a_row_leads_to_the_dashboard_itself(admin: Browser, credential: Credential) -> None:
    conversation = make_conversation(credential)
    text = text_of(admin.get(f"/admin/conversations/conversation/{conversation.pk}/change/"))
    assert "/admin/r/" not in text
    assert f'href="{conversation.get_absolute_url()}"' in text
