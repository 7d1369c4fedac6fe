"""R22, R23 in the admin: who may see and change what. Nobody can give themselves more rights."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Event, Team
from conversations.sandbox import Sandbox
from tests.factories import make_conversation, make_credential, make_team, make_user
from tests.html import Form, everything, form_in, signed_in, text_of

CREDENTIALS = "/admin/conversations/credential/"
CONVERSATIONS = "/admin/conversations/conversation/"
EVENTS = "/admin/conversations/event/"
USERS = "/admin/auth/user/"
PASSWORDS = {"password1": "another long phrase 7", "password2": "another long phrase 7", "usable_password": "true"}


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    """The browser of an administrator of one team who isn't a superuser."""
    return signed_in(client, administrator)


@pytest.fixture
def foreign(sandbox: Sandbox) -> Conversation:
    """A conversation of another team, with an event."""
    credential = make_credential(sandbox, name="Secret project", teams=[make_team("Elsewhere")])
    conversation = make_conversation(credential, {"tenant": "secret-value"})
    facts = {"actor_name": "spy", "action": "get", "outcome": "succeeded", "credential_name": credential.name}
    Event.objects.create(credential=credential, conversation=conversation, base_url=credential.base_url, **facts)
    return conversation


def opened(browser: Browser, url: str, field: str) -> Form:
    return form_in(browser.get(url), field).put("_save", "Save")


def user_page(user: User) -> str:
    return f"{USERS}{user.pk}/change/"


@pytest.mark.parametrize("url", [CREDENTIALS, CONVERSATIONS, EVENTS])
def test_lists_show_only_what_is_of_ones_teams_r23(
    admin: Browser, credential: Credential, foreign: Conversation, url: str
) -> None:
    text = text_of(admin.get(url))
    for hidden in ("Secret project", foreign.openai_id, "spy"):
        assert hidden not in text


@pytest.mark.parametrize("verb", ["change", "delete", "history", "test"])
def test_a_foreign_credential_does_not_exist_r23(admin: Browser, foreign: Conversation, verb: str) -> None:
    url = f"{CREDENTIALS}{foreign.credential_id}/{verb}/"
    before = everything()
    for response in (admin.get(url), admin.post(url, {"post": "yes", "name": "mine"})):
        assert response.status_code in (302, 404, 405)
        assert "Secret project" not in text_of(response)
    assert everything() == before


@pytest.mark.parametrize("verb", ["change", "delete", "history"])
def test_a_foreign_conversation_does_not_exist_r23(admin: Browser, foreign: Conversation, verb: str) -> None:
    response = admin.post(f"{CONVERSATIONS}{foreign.pk}/{verb}/", {"post": "yes"})
    assert response.status_code in (302, 403)
    assert Conversation.objects.filter(pk=foreign.pk).exists()


def test_a_foreign_conversation_that_is_ticked_is_not_purged_r23(admin: Browser, foreign: Conversation) -> None:
    admin.post(CONVERSATIONS, {"action": "delete_selected", "_selected_action": foreign.pk, "post": "yes"})
    assert Conversation.objects.filter(pk=foreign.pk).exists()


@pytest.mark.parametrize(
    "search",
    [
        "credential__sealed_key__startswith=g",
        "credential__name=Secret project",
        "credential__teams__name=Elsewhere",
        "events__actor_name=spy",
    ],
)
def test_the_url_of_a_list_searches_nothing_else_r23(admin: Browser, credential: Credential, search: str) -> None:
    name, value = search.split("=")
    assert admin.get(CONVERSATIONS, {name: value}).status_code == 400


def test_a_filter_by_a_foreign_credential_finds_nothing_r23(admin: Browser, foreign: Conversation) -> None:
    text = text_of(admin.get(CONVERSATIONS, {"credential__id__exact": foreign.credential_id}))
    assert foreign.openai_id not in text
    assert "Secret project" not in text


def test_completion_knows_only_ones_own_credentials_r23(
    admin: Browser, credential: Credential, foreign: Conversation
) -> None:
    query = {"app_label": "conversations", "model_name": "conversation", "field_name": "credential", "term": ""}
    response = admin.get("/admin/autocomplete/", query)
    assert [found["text"] for found in response.json()["results"]] == ["Sandbox"]


def test_completion_knows_no_teams_r22(admin: Browser, foreign: Conversation) -> None:
    query = {"app_label": "conversations", "model_name": "credential", "field_name": "teams", "term": ""}
    assert admin.get("/admin/autocomplete/", query).status_code == 403


def test_a_credential_goes_only_to_teams_of_ones_own_r23(admin: Browser, credential: Credential) -> None:
    elsewhere = make_team("Elsewhere")
    url = f"{CREDENTIALS}{credential.pk}/change/"
    assert "Elsewhere" not in text_of(admin.get(url))
    response = opened(admin, url, "base_url").put("teams", str(elsewhere.pk)).send(admin, url)
    assert list(response.context_data["adminform"].form.errors) == ["teams"]


def test_a_credential_needs_a_team_of_whoever_makes_it_r23(admin: Browser, credential: Credential) -> None:
    url = f"{CREDENTIALS}{credential.pk}/change/"
    response = opened(admin, url, "base_url").put("teams").send(admin, url)
    assert list(response.context_data["adminform"].form.errors) == ["teams"]


def test_teams_that_one_does_not_see_are_kept_r23(admin: Browser, credential: Credential) -> None:
    credential.teams.add(elsewhere := make_team("Elsewhere"))
    url = f"{CREDENTIALS}{credential.pk}/change/"
    assert opened(admin, url, "base_url").send(admin, url).status_code == 302
    assert elsewhere in credential.teams.all()


@pytest.mark.parametrize("url", ["/admin/conversations/team/", "/admin/auth/group/", "/admin/auth/permission/"])
def test_teams_roles_and_permissions_are_for_superusers_r22(admin: Browser, url: str) -> None:
    assert admin.get(url).status_code in (403, 404)
    assert admin.post(f"{url}add/", {"name": "Mine"}).status_code in (403, 404)


def rights_of(user: User) -> tuple[Any, ...]:
    user = User.objects.get(pk=user.pk)
    return (
        user.is_staff,
        user.is_superuser,
        sorted(user.groups.values_list("name", flat=True)),
        sorted(user.user_permissions.values_list("codename", flat=True)),
    )


@pytest.mark.parametrize("whose", ["administrator", "operator"])
def test_nobody_raises_themselves_or_another_r22(admin: Browser, request: pytest.FixtureRequest, whose: str) -> None:
    user = request.getfixturevalue(whose)
    before = rights_of(user)
    everyone = [str(pk) for pk in Group.objects.values_list("pk", flat=True)]
    form = opened(admin, user_page(user), "username").tick("is_superuser").tick("is_staff")
    form.put("groups", *everyone).put("user_permissions", "1", "2", "3").put("first_name", "Changed")
    assert form.send(admin, user_page(user)).status_code == 302
    assert User.objects.get(pk=user.pk).first_name == "Changed"
    assert rights_of(user) == before


def test_a_new_account_has_no_rights_r22(admin: Browser) -> None:
    sent = {"username": "new", **PASSWORDS, "is_superuser": "on", "is_staff": "on", "groups": "1"}
    admin.post(f"{USERS}add/", sent)
    assert rights_of(User.objects.get(username="new")) == (False, False, [], [])


def others(credential: Credential) -> dict[str, User]:
    """Users outside of the administrator's team."""
    team = credential.teams.get()
    return {
        "superuser": make_user("root2", role=None, is_staff=True, is_superuser=True),
        "superuser without staff": make_user("root3", role=None, is_superuser=True),
        "staff": make_user("staff", teams=[team], is_staff=True),
        "of another team": make_user("foreigner", teams=[make_team("Elsewhere")]),
        "also of another team": make_user("both", teams=[team, make_team("Beyond")]),
    }


@pytest.mark.parametrize("which", ["superuser", "superuser without staff", "staff", "of another team",
                                   "also of another team"])  # fmt: skip
def test_an_account_that_sees_more_cannot_be_taken_over_r22(admin: Browser, credential: Credential, which: str) -> None:
    user = others(credential)[which]
    before = User.objects.values().get(pk=user.pk)
    is_known = user.groups.filter(pk=credential.teams.get().pk).exists()
    refused = (403,) if is_known else (302, 404)  # as if it didn't exist
    assert admin.post(user_page(user), {"username": "mine", "email": "a@example.com"}).status_code in refused
    assert admin.get(f"{USERS}{user.pk}/password/").status_code in refused
    assert admin.post(f"{USERS}{user.pk}/password/", PASSWORDS).status_code in refused
    assert User.objects.values().get(pk=user.pk) == before


def test_the_password_of_a_teammate_can_be_set_r22(admin: Browser, operator: User) -> None:
    assert admin.post(f"{USERS}{operator.pk}/password/", PASSWORDS).status_code == 302
    operator.refresh_from_db()
    assert operator.check_password(PASSWORDS["password1"])


def test_no_account_is_deleted_by_others_than_superusers_r22(admin: Browser, operator: User) -> None:
    assert admin.post(f"{USERS}{operator.pk}/delete/", {"post": "yes"}).status_code == 403
    admin.post(USERS, {"action": "delete_selected", "_selected_action": operator.pk, "post": "yes"})
    assert User.objects.filter(pk=operator.pk).exists()


def test_passwords_are_in_no_page_or_search_r22(admin: Browser, operator: User, superuser: User) -> None:
    for url in (user_page(operator), user_page(superuser), f"{USERS}{superuser.pk}/history/", USERS):
        assert superuser.password not in text_of(admin.get(url))
    assert admin.get(USERS, {"password__startswith": "md5"}).status_code == 400


def test_the_list_of_accounts_does_not_list_all_teams_r22(admin: Browser, foreign: Conversation) -> None:
    assert "Elsewhere" not in text_of(admin.get(USERS))
    assert admin.get(USERS, {"groups__name__startswith": "E"}).status_code == 400


@pytest.mark.long
def test_superusers_edit_rights_r22(client: Browser, superuser: User, operator: User) -> None:
    browser = signed_in(client, superuser)
    form = opened(browser, user_page(operator), "username").tick("is_staff").put("groups")
    assert form.send(browser, user_page(operator)).status_code == 302
    assert rights_of(operator) == (True, False, [], [])


def test_superusers_say_who_is_in_a_team_r22(client: Browser, superuser: User, operator: User) -> None:
    browser = signed_in(client, superuser)
    url = "/admin/conversations/team/add/"
    opened(browser, url, "name").put("name", "New").put("members", str(operator.pk)).send(browser, url)
    assert [*Team.objects.get(name="New").user_set.all()] == [operator]


def test_roles_and_teams_are_distinct_r22(client: Browser, superuser: User, team: Team) -> None:
    browser = signed_in(client, superuser)
    assert ">Support<" not in text_of(browser.get("/admin/auth/group/"))
    assert ">Operator<" not in text_of(browser.get("/admin/conversations/team/"))


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_who_is_no_staff_does_not_enter_r22(client: Browser, request: pytest.FixtureRequest, who: str) -> None:
    response = signed_in(client, request.getfixturevalue(who)).get("/admin/")
    assert response.status_code == 302
    assert client.post(f"{CREDENTIALS}add/", {"name": "Mine"}).status_code == 302
    assert not Credential.objects.filter(name="Mine").exists()


def test_an_operator_among_the_staff_reads_the_index_and_no_credentials_r22(
    client: Browser, credential: Credential
) -> None:
    browser = signed_in(client, make_user(teams=[*credential.teams.all()], is_staff=True))
    assert browser.get(CONVERSATIONS).status_code == 200
    for url in (CREDENTIALS, f"{CREDENTIALS}{credential.pk}/change/", USERS):
        assert browser.get(url).status_code == 403


def test_someone_inactive_sees_nothing_whatever_they_are_r23(superuser: User, credential: Credential) -> None:
    superuser.is_active = False
    assert not Credential.objects.visible_to(superuser).exists()


def test_nobody_sets_the_password_of_somebody_with_more_rights_r22(client: Browser, team: Team, operator: User) -> None:
    changer = make_user("changer", role=None, teams=[team], is_staff=True)
    changer.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    url, before = f"{USERS}{operator.pk}/password/", operator.password
    assert signed_in(client, changer).post(url, PASSWORDS).status_code == 403
    operator.refresh_from_db()
    assert operator.password == before


@pytest.mark.parametrize("about", ["credential", "team", "operator", "conversation"])
def test_what_has_a_page_of_its_own_leads_there(
    client: Browser, superuser: User, request: pytest.FixtureRequest, about: str
) -> None:
    row = request.getfixturevalue(about)
    model = "auth/user" if about == "operator" else f"conversations/{about}"
    page = text_of(signed_in(client, superuser).get(f"/admin/{model}/{row.pk}/change/"))
    link = re.search(r'<a href="([^"]+)">Open its page', page)
    assert link is not None
    assert client.get(link[1]).status_code == 200
