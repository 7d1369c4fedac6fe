"""Changing a view, and deleting it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Credential, SavedView, Team
from tests.factories import make_credential, make_team, make_user, make_view
from tests.html import HOSTILE, everything, form_in, is_page, signed_in, text_of

ANOTHER = "?q=env%3Aprod&order=oldest"


@pytest.fixture
def edit(view: SavedView) -> str:
    return f"/views/{view.pk}/edit/"


@pytest.fixture
def delete(view: SavedView) -> str:
    return f"/views/{view.pk}/delete/"


def sent(browser: Browser, url: str, **fields: str) -> Any:
    """The response to the form as it stands there, with these fields filled."""
    form = form_in(browser.get(url), "name")
    for name, value in fields.items():
        form.put(name, value)
    return form.send(browser, url)


def stored(view: SavedView) -> tuple[str, Team | None, str]:
    view = SavedView.objects.get(pk=view.pk)
    return view.name, view.team, view.query_string


def test_shows_the_view_as_it_is(as_operator: Browser, edit: str) -> None:
    response = as_operator.get(edit)
    assert is_page(response)
    assert form_in(response, "name").values("name") == ["Acme"]
    assert "<b>tenant</b> is acme" in text_of(response)


def test_renames_shares_and_makes_private_again(as_operator: Browser, view: SavedView, edit: str, team: Team) -> None:
    assert sent(as_operator, edit, name="New", team=str(team.pk))["Location"] == "/views/"
    assert stored(view) == ("New", team, "q=tenant%3Aacme")
    sent(as_operator, edit, team="")
    assert stored(view) == ("New", None, "q=tenant%3Aacme")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("action", ["edit", "delete"])
def test_neither_exists_for_anyone_but_the_owner_r23(
    client: Browser, view: SavedView, team: Team, superuser: User, action: str, method: str
) -> None:
    view.team = team
    view.save()
    for user in (make_user(teams=[team]), make_user(teams=[make_team()]), superuser):
        answer = getattr(signed_in(client, user), method)(f"/views/{view.pk}/{action}/", {"name": "mine"})
        assert answer.status_code == 404
    assert stored(view) == ("Acme", team, "q=tenant%3Aacme")


def test_a_get_changes_nothing_r3(as_operator: Browser, edit: str, delete: str) -> None:
    before = everything()
    for url in (edit, f"{edit}{ANOTHER}", delete):
        as_operator.get(url)
    assert everything() == before


def test_what_was_typed_stays(as_operator: Browser, edit: str, view: SavedView, operator: User) -> None:
    make_view(operator, name="Taken")
    for name in ("Taken", "n" * 101):
        response = sent(as_operator, f"{edit}{ANOTHER}", name=name, replace="on")
        assert response.status_code == 422
        assert form_in(response, "name").values("name") == [name]
        assert form_in(response, "name").values("replace") == ["on"]
    assert stored(view)[0] == "Acme"


def test_an_identical_view_is_no_reason_to_leave_this_one(
    as_operator: Browser, edit: str, view: SavedView, operator: User
) -> None:
    make_view(operator, name="Twin")
    assert "You already have a view with this name" in text_of(sent(as_operator, edit, name="Twin"))


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_goes_there_and_back(as_operator: Browser, edit: str, view: SavedView, name: str) -> None:
    name = name.replace("\n", " ").strip()[:100] or "x"
    assert sent(as_operator, edit, name=name).status_code == 302
    assert form_in(as_operator.get(edit), "name").values("name") == [name] == [stored(view)[0]]


# Another search


def test_offers_the_search_that_it_was_opened_with(as_operator: Browser, edit: str, view: SavedView) -> None:
    text = text_of(as_operator.get(f"{edit}{ANOTHER}"))
    assert "Replace the search with:" in text
    assert "<b>env</b> is prod" in text
    assert "Replace the search with:" not in text_of(as_operator.get(edit))
    assert "Replace the search with:" not in text_of(as_operator.get(f"{edit}?{view.query_string}"))


def test_takes_another_search_only_where_that_is_ticked(as_operator: Browser, edit: str, view: SavedView) -> None:
    sent(as_operator, f"{edit}{ANOTHER}")
    assert stored(view)[2] == "q=tenant%3Aacme"
    sent(as_operator, f"{edit}{ANOTHER}", replace="on")
    assert stored(view)[2] == "q=env%3Aprod&order=oldest"


def test_a_search_with_problems_is_not_taken_r24(as_operator: Browser, edit: str, view: SavedView) -> None:
    url = f"{edit}?q=state%3Agone+credential%3ANobody"
    response = sent(as_operator, url, name="typed", replace="on")
    assert response.status_code == 422
    for words in ("state:gone", "There’s no state", "credential:Nobody", "There’s no credential “Nobody”"):
        assert words in text_of(response)
    assert stored(view) == ("Acme", None, "q=tenant%3Aacme")
    assert sent(as_operator, url, name="New").status_code == 302


def test_a_shared_view_takes_no_credential_of_another_team_r23(
    as_operator: Browser, operator: User, edit: str, view: SavedView, team: Team
) -> None:
    other = make_team("Other")
    operator.groups.add(other)
    make_credential(name="Secret", teams=[other])
    url = f"{edit}?q=-credential%3ASecret"
    response = sent(as_operator, url, team=str(team.pk), replace="on")
    assert response.status_code == 422
    assert "“Secret”, which Support can’t use" in text_of(response)
    assert stored(view) == ("Acme", None, "q=tenant%3Aacme")
    assert sent(as_operator, url, team=str(team.pk)).status_code == 302


def test_taking_another_search_forgets_the_credentials_of_the_former(
    as_operator: Browser, operator: User, team: Team, credential: Credential
) -> None:
    view = make_view(operator, "credential:Sandbox", team=team)
    sent(as_operator, f"/views/{view.pk}/edit/{ANOTHER}", replace="on")
    credential.teams.clear()
    assert SavedView.objects.visible_to(make_user(teams=[team])).contains(view)


# What was lost meanwhile


def test_whoever_lost_the_credential_may_rename_and_not_share_r23(
    as_operator: Browser, operator: User, team: Team, credential: Credential
) -> None:
    view = make_view(operator, "credential:Sandbox", team=team)
    url = f"/views/{view.pk}/edit/"
    credential.teams.clear()
    response = sent(as_operator, url, name="New")
    assert response.status_code == 422
    assert "“Sandbox”, which Support can’t use" in text_of(response)
    assert sent(as_operator, url, name="New", team="").status_code == 302
    assert stored(view) == ("New", None, "q=credential%3ASandbox")


def test_a_team_that_one_left_is_told_and_given_up(as_operator: Browser, operator: User, team: Team) -> None:
    view = make_view(operator, team=team)
    operator.groups.remove(team)
    url = f"/views/{view.pk}/edit/"
    assert "a team that you’re no longer in" in text_of(as_operator.get(url))
    assert sent(as_operator, url).status_code == 302
    assert stored(view)[1] is None


# Deleting


def test_asks_before_it_deletes(as_operator: Browser, view: SavedView, delete: str, team: Team) -> None:
    view.team = team
    view.save()
    text = text_of(as_operator.get(delete))
    assert "Delete this view?" in text
    assert "also for members of <bdi>Support</bdi>" in text


def test_deletes_the_view(as_operator: Browser, view: SavedView, delete: str) -> None:
    assert as_operator.post(delete)["Location"] == "/views/"
    assert not SavedView.objects.exists()
    assert as_operator.post(delete).status_code == 404


def test_views_go_with_their_owner(view: SavedView, operator: User) -> None:
    operator.delete()
    assert not SavedView.objects.exists()
