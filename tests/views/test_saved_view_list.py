"""The page of saved views: one's own, and those that are shared with one."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Credential, SavedView, StartPage, Team
from conversations.query import parse
from tests.factories import make_credential, make_team, make_user, make_view
from tests.html import HOSTILE, everything, is_page, signed_in, text_of

LIST = "/views/"


def listed(response: HttpResponse, section: str) -> list[SavedView]:
    return [view for view, _ in response.context_data[section]]  # type: ignore[attr-defined]


def test_shows_ones_own_and_the_teams_with_their_search_in_words(
    as_operator: Browser, operator: User, colleague: User, team: Team
) -> None:
    own, shared = make_view(operator), make_view(colleague, "-state:missing", name="Found", team=team)
    response = as_operator.get(LIST)
    assert is_page(response)
    assert (listed(response, "own"), listed(response, "shared")) == ([own], [shared])
    for words in (f'href="/views/{own.pk}/"', "<b>tenant</b> is acme", "<b>state</b> is not missing", "by <bdi>coll"):
        assert words in text_of(response)


def test_shows_order_columns_and_a_search_for_all(as_operator: Browser, operator: User) -> None:
    view = SavedView(owner=operator, name="All")
    view.store(query_string="q=&order=oldest&col=tenant&col=two+words", query=parse(""))
    text = text_of(as_operator.get(LIST))
    assert "All conversations" in text
    assert "oldest first" in text
    assert "columns <bdi>tenant, two words</bdi>" in text


def test_says_how_to_save_one_where_there_is_none(as_operator: Browser) -> None:
    assert "You have no saved views yet" in text_of(as_operator.get(LIST))


def test_offers_to_change_only_what_is_ones_own(as_operator: Browser, colleague: User, team: Team) -> None:
    shared = make_view(colleague, team=team)
    text = text_of(as_operator.get(LIST))
    assert f"/views/{shared.pk}/start/" in text
    assert f"/views/{shared.pk}/edit/" not in text
    assert f"/views/{shared.pk}/delete/" not in text


def test_marks_the_start_page(as_operator: Browser, operator: User, colleague: User) -> None:
    view = make_view(operator)
    StartPage.objects.set_for(colleague, view)
    assert "Unset as start page" not in text_of(as_operator.get(LIST))
    StartPage.objects.set_for(operator, view)
    assert "Unset as start page" in text_of(as_operator.get(LIST))


def test_a_viewer_may_save_views_too_r22(client: Browser, viewer: User) -> None:
    make_view(viewer, name="of a viewer")
    assert "of a viewer" in text_of(signed_in(client, viewer).get(LIST))


def test_a_get_changes_nothing_r3(as_operator: Browser, operator: User) -> None:
    StartPage.objects.set_for(operator, make_view(operator))
    before = everything()
    as_operator.get(LIST)
    assert everything() == before


@pytest.mark.parametrize("name", HOSTILE)
def test_shows_any_name_as_text(as_operator: Browser, operator: User, name: str) -> None:
    make_view(operator, name=name[:100])
    text = text_of(as_operator.get(LIST))
    for raw in ("<script>alert", "<img", "<b>{{"):
        assert raw not in text


def test_the_bar_leads_to_it(as_operator: Browser) -> None:
    assert '<a href="/views/" aria-current="page">Views</a>' in text_of(as_operator.get(LIST))


# Who sees which


def test_a_private_view_is_its_owners_alone_r23(
    client: Browser, operator: User, colleague: User, superuser: User
) -> None:
    make_view(operator)
    for user in (colleague, superuser):
        response = signed_in(client, user).get(LIST)
        assert listed(response, "own") == listed(response, "shared") == []


def test_three_teams_with_a_shared_key_see_what_is_shared_with_them_r23(
    client: Browser, credential: Credential
) -> None:
    teams = [make_team(name) for name in ("North", "South", "West")]
    credential.teams.add(*teams)
    users = [make_user(teams=[team]) for team in teams]
    views = [
        make_view(user, f"credential:{credential.name}", name=team.name, team=team)
        for user, team in zip(users, teams, strict=True)
    ]
    member_of_two = make_user(teams=teams[:2])
    assert listed(signed_in(client, users[2]).get(LIST), "shared") == []
    assert listed(signed_in(client, member_of_two).get(LIST), "shared") == views[:2]


def test_a_superuser_sees_all_that_is_shared(client: Browser, operator: User, team: Team, superuser: User) -> None:
    shared = make_view(operator, team=team)
    make_view(operator, name="private")
    assert listed(signed_in(client, superuser).get(LIST), "shared") == [shared]


@pytest.mark.parametrize("q", ["credential:Secret", "-credential:Secret", "tenant:acme credential:Sandbox,Secret"])
def test_a_view_that_names_a_credential_one_cannot_use_is_not_listed_r23(
    as_operator: Browser, credential: Credential, colleague: User, team: Team, q: str
) -> None:
    other = make_team("Other")
    colleague.groups.add(other)
    secret = make_credential(name="Secret", teams=[other])
    make_view(colleague, q, name="names it", team=team)
    response = as_operator.get(LIST)
    assert listed(response, "shared") == []
    assert "Secret" not in text_of(response)
    secret.teams.add(team)
    assert len(listed(as_operator.get(LIST), "shared")) == 1


@pytest.mark.parametrize("change", [{"name": "Renamed"}, {"teams": []}])
def test_a_view_whose_credential_is_lost_stays_with_its_owner_only_r23(
    client: Browser, credential: Credential, operator: User, colleague: User, team: Team, change: dict[str, object]
) -> None:
    view = make_view(operator, "credential:Sandbox", team=team)
    if "name" in change:
        Credential.objects.update(**change)
    else:
        credential.teams.clear()
    assert listed(signed_in(client, colleague).get(LIST), "shared") == []
    assert listed(signed_in(client, operator).get(LIST), "own") == [view]


def test_who_leaves_the_team_loses_its_views_r23(client: Browser, operator: User, colleague: User, team: Team) -> None:
    make_view(operator, team=team)
    colleague.groups.remove(team)
    assert listed(signed_in(client, colleague).get(LIST), "shared") == []


def test_a_view_is_private_again_once_its_team_is_deleted(
    client: Browser, operator: User, superuser: User, team: Team
) -> None:
    view = make_view(operator, team=team)
    team.group_ptr.delete()
    assert listed(signed_in(client, superuser).get(LIST), "shared") == []
    response = signed_in(client, operator).get(LIST)
    assert listed(response, "own") == [view]
    assert "Private" in text_of(response)


def test_asks_as_many_queries_for_twelve_rows_as_for_two(
    as_operator: Browser, operator: User, colleague: User, team: Team, credential: Credential
) -> None:
    counts = []
    for more in (1, 5):
        for number in range(more):
            make_view(operator, name=f"{more}/{number}", team=team)
            make_view(colleague, f"credential:{credential.name}", name=f"{more}/{number}", team=team)
        with CaptureQueriesContext(connection) as queries:
            response = as_operator.get(LIST)
        counts.append(len(queries))
    assert len(listed(response, "shared")) == 6
    assert counts[0] == counts[1]
