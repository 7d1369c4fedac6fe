"""The page of a person: what it changes, and what it refuses, whatever the form says (R22, R23)."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.jobs import control
from conversations.models import Credential, Job, Team
from conversations.services.history import history_of
from conversations.services.people import change_person
from tests.factories import make_team, make_user
from tests.html import form_in, signed_in, text_of, words_of
from tests.views.people import groups_of, rights_of, role, send, url_of


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    """The browser of an administrator of one team who isn't a superuser."""
    return signed_in(client, administrator)


@pytest.fixture
def root(client: Browser, superuser: User) -> Browser:
    """The browser of the only superuser."""
    return signed_in(client, superuser)


@pytest.fixture
def powerful(db: None) -> Group:
    """A role with a right that no administrator has."""
    group = Group.objects.create(name="Powerful")
    group.permissions.set([*Group.objects.get(name="Operator").permissions.all(), _delete_user()])
    return group


def _delete_user() -> Permission:
    return Permission.objects.get(codename="delete_user")


def messages_of(person: User) -> list[str]:
    """The person's history, the last first."""
    return [entry.get_change_message() for entry in history_of(person)]


# What can be changed


def test_name_address_role_and_teams_are_changed(root: Browser, operator: User, team: Team) -> None:
    other = make_team("Billing")
    facts = {"full_name": "Mira Ana  Novak", "email": "mira@example.com"}
    response = send(root, operator, role=role("Viewer"), teams=[str(other.pk)], **facts)
    assert response["Location"] == url_of(operator)
    operator.refresh_from_db()
    assert (operator.get_full_name(), operator.email) == ("Mira Ana Novak", "mira@example.com")
    assert groups_of(operator) == {"Viewer", "Billing"}
    said = "Full name changed. E-mail address changed. Role changed from Operator to Viewer. Teams changed."
    assert messages_of(operator) == [said]
    assert messages_of(other) == ["Added operator."]
    assert messages_of(team) == ["Removed operator."]
    assert said in words_of(root.get(url_of(operator)))


def test_a_form_that_changes_nothing_says_so_and_is_no_history(root: Browser, operator: User) -> None:
    operator.first_name, operator.last_name = "Mira Ana", "Novak"
    operator.save()
    before = rights_of(operator)
    send(root, operator)
    operator.refresh_from_db()
    assert rights_of(operator) == before
    assert (operator.first_name, operator.last_name) == ("Mira Ana", "Novak")
    assert "Nothing was changed." in words_of(root.get(url_of(operator)))
    assert messages_of(operator) == []


def test_an_administrator_changes_role_and_teams_of_a_teammate(admin: Browser, operator: User) -> None:
    send(admin, operator, role=role("Administrator"), teams=[])
    assert groups_of(operator) == {"Administrator"}


def test_several_roles_stay_unless_another_is_chosen(root: Browser, operator: User) -> None:
    operator.groups.add(Group.objects.get(name="Viewer"))
    send(root, operator, email="mira@example.com")
    assert groups_of(operator) == {"Operator", "Viewer", "Support"}
    send(root, operator, role="none")
    assert groups_of(operator) == {"Support"}


def test_what_was_typed_is_kept_when_a_field_is_invalid(admin: Browser, operator: User) -> None:
    response = send(admin, operator, email="nobody", full_name="Mira", role=role("Viewer"))
    assert response.status_code == 422
    assert 'value="nobody"' in text_of(response)
    assert 'value="Mira"' in text_of(response)
    assert f'value="{role("Viewer")}" checked' in text_of(response)
    assert groups_of(operator) == {"Operator", "Support"}


def test_a_superuser_makes_another(root: Browser, operator: User) -> None:
    send(root, operator, is_superuser="on", is_staff="on")
    assert rights_of(operator)[1:3] == (True, True)
    assert messages_of(operator) == ["Superuser status given. Access to the admin pages given."]


def test_one_changes_ones_own_name(admin: Browser, administrator: User) -> None:
    send(admin, administrator, full_name="Mira Novak")
    administrator.refresh_from_db()
    assert administrator.last_name == "Novak"


# Attacks


def test_an_operator_changes_nobody_r22(as_operator: Browser, operator: User, colleague: User) -> None:
    for person in (operator, colleague):
        before = rights_of(person)
        assert as_operator.post(url_of(person), {"role": role("Administrator")}).status_code == 403
        assert rights_of(person) == before


@pytest.mark.parametrize("flag", ["is_superuser", "is_staff", "is_active", "user_permissions", "groups", "password"])
def test_an_administrator_gives_nothing_beyond_roles_r22(admin: Browser, operator: User, flag: str) -> None:
    before = rights_of(operator)
    send(admin, operator, **{flag: "1"})
    assert rights_of(operator) == before


def test_an_administrator_gives_no_role_with_a_right_they_lack_r22(
    admin: Browser, operator: User, powerful: Group
) -> None:
    assert "Powerful" not in text_of(admin.get(url_of(operator)))
    assert send(admin, operator, role=str(powerful.pk)).status_code == 422
    assert groups_of(operator) == {"Operator", "Support"}


def test_an_administrator_adds_nobody_to_a_team_that_is_not_theirs_r23(admin: Browser, operator: User) -> None:
    elsewhere = make_team("Elsewhere")
    assert send(admin, operator, teams=[str(elsewhere.pk)]).status_code == 422
    assert groups_of(operator) == {"Operator", "Support"}


@pytest.mark.parametrize("verb", ["", "link", "sign-out", "deactivate", "reactivate"])
@pytest.mark.parametrize("who", ["staff", "superuser", "of another team too", "with more rights", "with a right"])
def test_an_administrator_takes_over_nobody_with_more_r22(
    admin: Browser, team: Team, powerful: Group, who: str, verb: str
) -> None:
    person = make_user("target", teams=[team], is_staff=who == "staff", is_superuser=who == "superuser")
    if who == "of another team too":
        person.groups.add(make_team("Elsewhere"))
    elif who == "with more rights":
        person.groups.add(powerful)
    elif who == "with a right":
        person.user_permissions.add(_delete_user())
    before = rights_of(person)
    assert admin.post(url_of(person, verb), {"full_name": "x", "role": "none"}).status_code == 403
    assert rights_of(person) == before
    page = admin.get(url_of(person))
    assert "You can’t change target" in words_of(page)
    assert "Elsewhere" not in text_of(page)


@pytest.mark.long
def test_nobody_changes_their_own_role_or_teams_r22(admin: Browser, administrator: User, team: Team) -> None:
    before = rights_of(administrator)
    for stolen in ({"role": role("Viewer")}, {"role": "none"}, {"teams": []}, {"is_superuser": "on"}):
        send(admin, administrator, **stolen)
        assert rights_of(administrator) == before
    text = words_of(admin.get(url_of(administrator)))
    assert "You can’t deactivate yourself, nor change your own role." in text


def test_a_superuser_does_not_demote_themselves(root: Browser, superuser: User) -> None:
    make_user("second", is_superuser=True)
    send(root, superuser, is_superuser=[], is_staff=[], role="none")
    assert rights_of(superuser)[1:3] == (True, True)


def test_the_last_superuser_is_told_why_they_stay(root: Browser, superuser: User) -> None:
    make_user("inactive", is_superuser=True, is_active=False)
    assert "You’re the last active superuser" in words_of(root.get(url_of(superuser)))
    root.post(url_of(superuser, "deactivate"))
    assert "You’re the last active superuser" in words_of(root.get(url_of(superuser)))
    assert rights_of(superuser)[3]


def test_a_superuser_who_was_deactivated_meanwhile_takes_nobody_with_them(superuser: User) -> None:
    second = make_user("second", role=None, is_superuser=True)
    User.objects.filter(pk=superuser.pk).update(is_active=False)
    with pytest.raises(Exception, match="last active superuser"):
        change_person(actor=superuser, person=second, full_name="", email="", flags={"is_superuser": False})
    assert rights_of(second)[2]


# What else stands on it


def test_jobs_under_way_are_listed(admin: Browser, operator: User, credential: Credential) -> None:
    job = control.create(kind="refresh", credentials=[credential], actor=operator)
    ended = control.create(kind="refresh", credentials=[credential], actor=operator)
    Job.objects.filter(pk=ended.pk).update(state="finished")
    text = text_of(admin.get(url_of(operator)))
    assert f'href="{job.get_absolute_url()}"' in text
    assert f'href="{ended.get_absolute_url()}"' not in text


def test_jobs_of_others_stay_hidden_r23(admin: Browser, team: Team) -> None:
    both = make_user("both", teams=[team, make_team("Elsewhere")])
    hidden = Credential.objects.create(name="Hidden", base_url="https://api.openai.com/v1")
    job = control.create(kind="refresh", credentials=[hidden], actor=both)
    assert f'href="{job.get_absolute_url()}"' not in text_of(admin.get(url_of(both)))


def test_only_superusers_are_led_to_the_admin(client: Browser, superuser: User, admin: Browser, operator: User) -> None:
    link = f"/admin/auth/user/{operator.pk}/change/"
    assert link not in text_of(admin.get(url_of(operator)))
    assert link in text_of(signed_in(client, superuser).get(url_of(operator)))


def test_what_the_admin_wrote_is_in_the_history(root: Browser, operator: User) -> None:
    url = f"/admin/auth/user/{operator.pk}/change/"
    form_in(root.get(url), "username").put("first_name", "Mira").put("_save", "Save").send(root, url)
    assert "Changed First name." in words_of(root.get(url_of(operator)))


def test_hostile_text_is_only_shown(root: Browser, operator: User) -> None:
    send(root, operator, full_name="<script>alert(1)</script> \u202eevil")
    for url in ("/people/", url_of(operator)):
        assert "<script>alert" not in text_of(root.get(url))


@pytest.mark.long
def test_the_number_of_queries_does_not_grow_with_the_history(root: Browser, operator: User) -> None:
    counts = []
    for number in (1, 10):
        for _ in range(number):
            signed_in(Browser(), operator)
            send(root, operator, full_name=f"Mira {_} {number}")
        with CaptureQueriesContext(connection) as queries:
            root.get(url_of(operator))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_form_is_not_offered_to_whoever_only_looks(client: Browser, operator: User, team: Team) -> None:
    looking = make_user("looking", role=None, teams=[team])
    looking.user_permissions.add(Permission.objects.get(codename="view_user"))
    browser = signed_in(client, looking)
    assert "Save" not in words_of(browser.get(url_of(operator)))
    assert browser.post(url_of(operator), {"full_name": "x", "role": "none"}).status_code == 403
