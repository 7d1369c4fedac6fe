"""Teams: the list, one team with its members, creating and deleting (R22, R23)."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Credential, Team
from conversations.services.history import history_of
from tests.factories import make_credential, make_team, make_user, make_view
from tests.html import form_in, forms_in, signed_in, text_of, words_of
from tests.views.people import groups_of


@pytest.fixture
def root(client: Browser, superuser: User) -> Browser:
    return signed_in(client, superuser)


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    return signed_in(client, administrator)


def url_of(team: Team, more: str = "") -> str:
    return f"/people/teams/{team.pk}/{more}"


def messages_of(subject: User | Team) -> list[str]:
    return [entry.change_message for entry in history_of(subject)]


def members(team: Team) -> set[str]:
    return set(team.user_set.values_list("username", flat=True))


def test_superusers_see_all_teams_with_their_numbers(root: Browser, credential: Credential, operator: User) -> None:
    make_team("Elsewhere")
    teams = root.get("/people/teams/").context_data["page"].rows
    assert [(team.name, team.member_count, team.credential_count) for team in teams] == [
        ("Elsewhere", 0, 0), ("Support", 1, 1)
    ]  # fmt: skip


def test_administrators_see_their_own_and_change_none_r22(admin: Browser, team: Team, operator: User) -> None:
    elsewhere = make_team("Elsewhere")
    assert "Elsewhere" not in text_of(admin.get("/people/teams/"))
    page = admin.get(url_of(team))
    assert "operator" in words_of(page)
    assert not [form for form in forms_in(page) if form.values("name") or form.values("member")]
    assert admin.get(url_of(elsewhere)).status_code == 404
    fields = {"name": "Mine", "shown": operator.pk}
    assert admin.post(url_of(team), fields).status_code == 403
    assert admin.post(url_of(team, "delete/")).status_code == 403
    assert admin.post("/people/teams/new/", fields).status_code == 403
    assert set(Team.objects.values_list("name", flat=True)) == {"Support", "Elsewhere"}


def test_without_a_team_the_list_says_what_to_do(client: Browser, root: Browser) -> None:
    assert "New team" in words_of(root.get("/people/teams/"))
    browser = signed_in(Browser(), make_user(role="Administrator"))
    assert "Ask a superuser to add you to one." in words_of(browser.get("/people/teams/"))


def test_a_team_is_created(root: Browser) -> None:
    response = root.post("/people/teams/new/", {"name": "Billing"})
    team = Team.objects.get()
    assert response["Location"] == url_of(team)
    assert messages_of(team) == ["Created."]


@pytest.mark.parametrize("name", ["Support", "Viewer", "", " ", "x" * 151, "a\0b"])
def test_a_name_that_can_not_be_is_refused_and_kept(root: Browser, team: Team, name: str) -> None:
    other = make_team("Other")
    for url in ("/people/teams/new/", url_of(other)):
        response = root.post(url, {"name": name})
        assert response.status_code == 422
        assert 'class="error"' in text_of(response)
    assert set(Team.objects.values_list("name", flat=True)) == {"Support", "Other"}


def test_members_are_ticked_and_the_team_is_renamed(root: Browser, team: Team, operator: User, stranger: User) -> None:
    form = form_in(root.get(url_of(team)), "shown")
    assert form.values("member") == [str(operator.pk)]
    form.put("name", "Helpdesk").put("member", str(stranger.pk)).send(root, url_of(team))
    team.refresh_from_db()
    assert (team.name, members(team)) == ("Helpdesk", {"stranger"})
    assert set(messages_of(team)) == {"Renamed from Support to Helpdesk.", "Removed operator.", "Added stranger."}
    assert messages_of(operator) == messages_of(stranger) == ["Teams changed."]
    assert groups_of(stranger) == {"Operator", "Elsewhere", "Helpdesk"}


def test_whoever_is_not_in_the_list_stays(root: Browser, team: Team, operator: User) -> None:
    form = form_in(root.get(url_of(team)), "shown")
    make_user("meanwhile", teams=[team])
    form.put("member").send(root, url_of(team))
    assert members(team) == {"meanwhile"}


def test_odd_keys_change_nothing(root: Browser, team: Team, operator: User) -> None:
    odd = ["x", "-1", "9" * 30, "999999", "", "²"]
    root.post(url_of(team), {"name": "Support", "shown": odd, "member": odd})
    assert members(team) == {"operator"}


def test_of_many_people_the_page_shows_members_and_looks_for_others(root: Browser, team: Team, operator: User) -> None:
    for number in range(21):
        make_user(f"person{number}")
    page = root.get(url_of(team))
    assert form_in(page, "shown").values("shown") == [str(operator.pk)]
    url = url_of(team, "?q=person7")
    person = User.objects.get(username="person7")
    form = form_in(root.get(url), "shown")
    assert form.values("shown") == [str(person.pk)]
    response = form.put("member", str(person.pk)).send(root, url)
    assert response["Location"] == url
    assert members(team) == {"operator", "person7"}


def test_deleting_says_who_loses_what_first(root: Browser, team: Team, credential: Credential, operator: User) -> None:
    make_credential(name="Shared", teams=[team, make_team("Other")])
    make_view(operator, team=team)
    text = words_of(root.get(url_of(team, "delete/")))
    assert "1 member loses access to 2 credentials (Sandbox, Shared)" in text
    assert "No team is left for Sandbox:" in text
    assert "1 saved view of the team becomes private." in text
    assert Team.objects.filter(pk=team.pk).exists()
    root.post(url_of(team, "delete/"))
    assert not Team.objects.filter(pk=team.pk).exists()
    assert groups_of(operator) == {"Operator"}
    assert messages_of(operator) == ["Teams changed."]


def test_the_number_of_queries_does_not_grow_with_members(root: Browser, team: Team, operator: User) -> None:
    counts = []
    for number in (1, 12):
        for _ in range(number):
            make_user(teams=[team])
        with CaptureQueriesContext(connection) as queries:
            root.get(url_of(team))
        counts.append(len(queries))
    assert counts[0] == counts[1]
