"""Inviting somebody: what the form refuses, and the link that is shown once."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client as Browser

from conversations.models import Team
from tests.factories import make_team
from tests.html import form_in, signed_in, text_of, words_of
from tests.views.people import groups_of, invitation

URL = "/people/invite/"
LINK = re.compile(r'<code id="link">(http://testserver(/people/join/[^<]+))</code>')


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    return signed_in(client, administrator)


def test_the_page_offers_what_one_may_give(admin: Browser, team: Team) -> None:
    make_team("Elsewhere")
    Group.objects.create(name="Powerful").permissions.set(Group.objects.get(name="Viewer").permissions.all())
    text = words_of(admin.get(URL))
    assert "Operator Also creates, edits, removes" in text
    assert "Powerful A role of your own." in text
    assert "Elsewhere" not in text
    assert "within 3 days" in text


def test_somebody_is_invited(admin: Browser, administrator: User, team: Team) -> None:
    facts = {"full_name": " Mira  Ana Novak ", "email": "mira@example.com"}
    response = admin.post(URL, invitation("mira", role_name="Operator", teams=(team,), **facts))
    assert response.status_code == 200
    person = User.objects.get(username="mira")
    assert (person.get_full_name(), person.email) == ("Mira Ana Novak", "mira@example.com")
    assert groups_of(person) == {"Operator", "Support"}
    assert (person.is_staff, person.is_superuser, person.has_usable_password()) == (False, False, False)


def test_the_link_is_shown_once_and_kept_nowhere(admin: Browser, team: Team) -> None:
    response = admin.post(URL, invitation(teams=(team,)))
    found = LINK.search(text_of(response))
    assert found
    assert Browser().get(found[2]).status_code == 200
    token = found[2].split("/")[-2]
    kept = [*User.objects.values(), *LogEntry.objects.values(), *(each.get_decoded() for each in Session.objects.all())]
    assert token not in str(kept) + str(response.cookies) + text_of(admin.get("/people/"))
    assert response["Cache-Control"] == "no-store"


def test_it_stands_in_the_history(admin: Browser, administrator: User, team: Team) -> None:
    admin.post(URL, invitation(teams=(team,)))
    entries = LogEntry.objects.filter(user=administrator).order_by("pk")
    assert [(each.object_repr, each.change_message) for each in entries] == [
        ("mira", "Invited as Viewer."),
        ("Support", "Added mira."),
        ("mira", "Link for choosing a password made."),
    ]


def test_a_double_submit_says_so_and_keeps_what_was_typed(admin: Browser, team: Team) -> None:
    fields = invitation("mira", role_name="Operator", teams=(team,), email="other@example.com")
    admin.post(URL, fields)
    response = admin.post(URL, fields)
    assert response.status_code == 422
    assert "There’s already a user called mira. Nobody was invited." in words_of(response)
    assert f'href="/people/{User.objects.get(username="mira").pk}/"' in text_of(response)
    form = form_in(response, "username")
    assert {name: form.values(name) for name in ("username", "email", "role", "teams")} == {
        "username": ["mira"], "email": ["other@example.com"], "role": [fields["role"]], "teams": fields["teams"]
    }  # fmt: skip


def test_a_name_that_differs_in_case_only_is_taken(admin: Browser, operator: User) -> None:
    assert admin.post(URL, invitation("OPERATOR")).status_code == 422


def test_whose_name_it_is_stays_hidden_r23(admin: Browser, stranger: User) -> None:
    response = admin.post(URL, invitation("stranger"))
    assert response.status_code == 422
    assert f"/people/{stranger.pk}/" not in text_of(response)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("username", "", "Enter a user name."),
        ("username", "two words", "Use letters, digits and"),
        ("username", "x" * 151, "at most 150 characters"),
        ("email", "nobody", "valid email address"),
        ("role", "", "Choose a role."),
        ("role", "none", "You can’t give that role."),
    ],
)
def test_an_invalid_field_is_named(admin: Browser, field: str, value: str, words: str) -> None:
    response = admin.post(URL, {**invitation(), field: value})
    assert response.status_code == 422
    assert words in words_of(response)
    assert not User.objects.filter(username="mira").exists()


def test_an_administrator_gives_no_role_with_more_rights_than_theirs_r22(admin: Browser) -> None:
    powerful = Group.objects.create(name="Powerful")
    powerful.permissions.set(Group.objects.get(name="Operator").permissions.all())
    powerful.permissions.add(Permission.objects.get(codename="delete_user"))
    response = admin.post(URL, {**invitation(), "role": str(powerful.pk)})
    assert response.status_code == 422
    assert not User.objects.filter(username="mira").exists()


def test_an_administrator_puts_nobody_into_a_team_that_is_not_theirs_r23(admin: Browser) -> None:
    response = admin.post(URL, invitation(teams=(make_team("Elsewhere"),)))
    assert response.status_code == 422
    assert "You can’t put anybody into that team." in words_of(response)
    assert not User.objects.filter(username="mira").exists()


def test_a_team_is_no_role(admin: Browser, team: Team) -> None:
    assert admin.post(URL, {**invitation(), "role": str(team.pk)}).status_code == 422


@pytest.mark.parametrize("flag", ["is_superuser", "is_staff"])
def test_nobody_is_invited_as_a_superuser_r22(client: Browser, superuser: User, flag: str) -> None:
    signed_in(client, superuser).post(URL, invitation(**{flag: "on"}))
    person = User.objects.get(username="mira")
    assert (person.is_superuser, person.is_staff) == (False, False)


def test_an_operator_invites_nobody_r22(as_operator: Browser) -> None:
    assert as_operator.post(URL, invitation("mira", role_name="Administrator")).status_code == 403
    assert not User.objects.filter(username="mira").exists()
