"""The permanent link of a view, and the page that one starts with."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Credential, SavedView, StartPage, Team
from conversations.query import parse
from tests.factories import PASSWORD, make_credential, make_team, make_view
from tests.html import everything, fragment, signed_in

START = {"start": "on"}
THE_LIST, THE_OVERVIEW = "/conversations/", "/"


@pytest.fixture
def url(view: SavedView) -> str:
    return view.get_absolute_url()


def there(browser: Browser, url: str = "/start/") -> str:
    """Where a URL leads to."""
    return browser.get(url)["Location"]


def test_leads_to_the_list_with_its_search(as_operator: Browser, operator: User) -> None:
    q = 'tenant:"ünï & co" -topic:"a+b=c"'
    view = SavedView(owner=operator, name="x")
    view.store(query_string=urlencode({"q": q, "order": "oldest", "col": "a&b"}), query=parse(q))
    leads = urlsplit(there(as_operator, f"/views/{view.pk}/"))
    assert leads.path == THE_LIST
    assert parse_qs(leads.query) == {"q": [q], "order": ["oldest"], "col": ["a&b"], "view": [str(view.pk)]}


def test_does_not_exist_for_a_stranger_r23(client: Browser, stranger: User, team: Team, view: SavedView) -> None:
    view.team = team
    view.save()
    assert signed_in(client, stranger).get(view.get_absolute_url()).status_code == 404


def test_a_private_one_does_not_exist_for_others_r23(
    client: Browser, colleague: User, superuser: User, url: str
) -> None:
    for user in (colleague, superuser):
        assert signed_in(client, user).get(url).status_code == 404


def test_a_shared_one_opens_for_the_team(client: Browser, operator: User, colleague: User, team: Team) -> None:
    view = make_view(operator, team=team)
    assert there(signed_in(client, colleague), view.get_absolute_url()) == view.list_url


def test_one_that_names_a_credential_one_cannot_use_does_not_exist_r23(
    client: Browser, operator: User, colleague: User, team: Team, credential: Credential
) -> None:
    url = make_view(operator, "-credential:Sandbox", team=team).get_absolute_url()
    assert signed_in(client, colleague).get(url).status_code == 302
    credential.teams.clear()
    assert client.get(url).status_code == 404
    assert signed_in(client, operator).get(url).status_code == 302


@pytest.mark.parametrize("key", ["999999", "9" * 30, "9" * 5000])
def test_an_unknown_key_is_not_found(as_operator: Browser, key: str) -> None:
    assert as_operator.get(f"/views/{key}/").status_code == 404


def test_a_get_changes_nothing_r3(as_operator: Browser, operator: User, view: SavedView) -> None:
    StartPage.objects.set_for(operator, view)
    before = everything()
    for url in (view.get_absolute_url(), "/start/"):
        as_operator.get(url)
    assert everything() == before


# The start page


def test_without_a_start_page_one_starts_with_the_overview(as_operator: Browser) -> None:
    assert there(as_operator) == THE_OVERVIEW


def test_one_starts_with_the_view_that_was_chosen(as_operator: Browser, view: SavedView, url: str) -> None:
    assert as_operator.post(f"{url}start/", START)["Location"] == "/views/"
    assert there(as_operator) == view.list_url


def test_signing_in_leads_there(client: Browser, operator: User, view: SavedView) -> None:
    StartPage.objects.set_for(operator, view)
    response = client.post("/sign-in/", {"username": "operator", "password": PASSWORD}, follow=False)
    assert response["Location"] == "/start/"
    assert there(client) == view.list_url


def test_one_has_one_start_page(as_operator: Browser, operator: User, url: str) -> None:
    second = make_view(operator, name="second")
    for start in (url, second.get_absolute_url()):
        as_operator.post(f"{start}start/", START)
    assert there(as_operator) == second.list_url


def test_it_is_taken_back(as_operator: Browser, operator: User, view: SavedView, url: str) -> None:
    StartPage.objects.set_for(operator, view)
    as_operator.post(f"{url}start/")
    assert there(as_operator) == THE_OVERVIEW


def test_taking_back_another_one_leaves_it(as_operator: Browser, operator: User, view: SavedView) -> None:
    StartPage.objects.set_for(operator, view)
    as_operator.post(f"{make_view(operator, name='second').get_absolute_url()}start/")
    assert there(as_operator) == view.list_url


def test_a_shared_view_may_be_ones_start_page_and_is_nobody_elses(
    client: Browser, operator: User, colleague: User, team: Team
) -> None:
    view = make_view(operator, team=team)
    signed_in(client, colleague).post(f"{view.get_absolute_url()}start/", START)
    assert there(client) == view.list_url
    assert there(signed_in(client, operator)) == THE_OVERVIEW


def test_in_place_of_a_deleted_start_page_is_the_overview(
    as_operator: Browser, operator: User, view: SavedView
) -> None:
    StartPage.objects.set_for(operator, view)
    view.delete()
    assert there(as_operator) == THE_OVERVIEW


def test_a_start_page_that_one_may_not_see_any_more_is_the_overview_r23(
    client: Browser, operator: User, colleague: User, team: Team, credential: Credential
) -> None:
    view = make_view(operator, "credential:Sandbox", team=team)
    StartPage.objects.set_for(colleague, view)
    credential.teams.clear()
    assert there(signed_in(client, colleague)) == THE_OVERVIEW
    credential.teams.add(team)
    assert there(client) == view.list_url
    SavedView.objects.update(team=None)
    assert there(client) == THE_OVERVIEW


def test_who_may_not_look_at_conversations_is_told_no_search(client: Browser, operator: User, view: SavedView) -> None:
    StartPage.objects.set_for(operator, view)
    operator.groups.clear()
    assert there(signed_in(client, operator)) == THE_OVERVIEW
    assert client.post(f"{view.get_absolute_url()}start/", START).status_code == 403


def test_a_view_that_one_may_not_see_is_no_start_page_r23(client: Browser, colleague: User, url: str) -> None:
    assert signed_in(client, colleague).post(f"{url}start/", START).status_code == 404
    make_credential(name="Hidden", teams=[make_team()])
    assert not StartPage.objects.exists()


def test_htmx_is_led_to_the_start_page_as_a_browser_is(as_operator: Browser, operator: User, view: SavedView) -> None:
    StartPage.objects.set_for(operator, view)
    assert as_operator.get("/start/", headers=fragment("main"))["HX-Redirect"] == view.list_url
