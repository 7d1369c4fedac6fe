"""Keeping a search under a name."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.forms.saved_views import MAX_QUERY_STRING_LENGTH
from conversations.models import Credential, SavedView, Team
from tests.factories import in_threads, make_credential, make_team, make_user, make_view
from tests.html import HOSTILE, form_in, is_page, signed_in, text_of

NEW = "/views/new/?q=tenant%3Aacme+-topic%3A%22two+words%22&order=oldest&col=tenant&col=topic"
SECRET = "/views/new/?q=tenant%3Aacme+credential%3ASecret"


def post(browser: Browser, url: str = NEW, **fields: object) -> Any:
    return browser.post(url, {"name": "Acme", "team": "", **fields})


def test_shows_the_search_that_it_will_keep(as_operator: Browser) -> None:
    response = as_operator.get(NEW)
    assert is_page(response)
    for words in ("<b>tenant</b> is acme", "<b>topic</b> is not two words", "oldest first", "tenant, topic"):
        assert words in text_of(response)


def test_keeps_the_search_and_goes_to_its_permanent_link(as_operator: Browser, operator: User) -> None:
    response = form_in(as_operator.get(NEW), "name").fill("name", "Acme").send(as_operator, NEW)
    view = SavedView.objects.get()
    assert response["Location"] == f"/views/{view.pk}/"
    assert (view.owner, view.name, view.team) == (operator, "Acme", None)
    assert parse_qs(view.query_string) == {
        "q": ['tenant:acme -topic:"two words"'],
        "order": ["oldest"],
        "col": ["tenant", "topic"],
    }


def test_offers_to_give_the_search_to_a_view_that_one_has(
    as_operator: Browser, operator: User, team: Team, superuser: User
) -> None:
    own, foreign = make_view(operator), make_view(superuser, name="Foreign", team=team)
    text = text_of(as_operator.get("/views/new/?q=env%3Aprod"))
    assert f'href="/views/{own.pk}/edit/?q=env%3Aprod"' in text
    assert f"/views/{foreign.pk}/" not in text


@pytest.mark.parametrize("url", ["/views/new/", "/views/new/?q=-state%3Aremoved&before=7&after=8&on=2026-01-01"])
def test_keeps_no_place_in_the_list(as_operator: Browser, url: str) -> None:
    post(as_operator, url)
    assert SavedView.objects.get().query_string == "q=-state%3Aremoved"


def test_keeps_a_search_for_all(as_operator: Browser) -> None:
    post(as_operator, "/views/new/?q=")
    assert SavedView.objects.get().query_string == "q="


def test_shares_it_with_a_team_of_ones_own(as_operator: Browser, team: Team) -> None:
    post(as_operator, team=team.pk)
    assert SavedView.objects.get().team == team


def test_refuses_someone_without_the_permission(client: Browser, db: None) -> None:
    assert post(signed_in(client, make_user(role=None))).status_code == 403
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Enter a name."),
        ("   ", "Enter a name."),
        ("\u200b\u202e", "Enter a name with visible characters."),
        ("😀" * 101, "The name has 101 characters. Shorten it to 100."),
        ("a\0b", "Null"),
    ],
)
def test_a_name_that_will_not_do_is_told(as_operator: Browser, name: str, words: str) -> None:
    response = post(as_operator, name=name)
    assert response.status_code == 422
    assert words in text_of(response)
    assert not SavedView.objects.exists()


def test_what_was_typed_stays(as_operator: Browser, team: Team) -> None:
    make_view(make_user("other"), name="Other")
    form = form_in(post(as_operator, name="n" * 101, team=team.pk), "name")
    assert (form.values("name"), form.values("team")) == (["n" * 101], [str(team.pk)])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_may_be_any_text(as_operator: Browser, name: str) -> None:
    name = name.strip()[:100]
    post(as_operator, name=name)
    assert [view.name for view in SavedView.objects.all()] == ([name] if name else [])


@pytest.mark.parametrize("key", ["999999", "9" * 30, "x"])
def test_a_team_that_is_none_is_refused(as_operator: Browser, key: str) -> None:
    response = post(as_operator, team=key)
    assert response.status_code == 422
    assert "Choose one of your teams." in text_of(response)


def test_a_team_that_one_is_not_in_is_neither_offered_nor_taken_r23(as_operator: Browser) -> None:
    other = make_team("Strangers")
    assert "Strangers" not in text_of(as_operator.get(NEW))
    assert post(as_operator, team=other.pk).status_code == 422


# Sent twice


def test_sent_twice_it_makes_one(as_operator: Browser, team: Team) -> None:
    first, second = post(as_operator, team=team.pk), post(as_operator, team=team.pk)
    assert first["Location"] == second["Location"]
    assert SavedView.objects.count() == 1


@pytest.mark.parametrize("other", ["/views/new/?q=env%3Aprod", "/views/new/?q=tenant%3Aacme"])
def test_a_name_stands_for_one_search_of_an_owner(as_operator: Browser, other: str) -> None:
    post(as_operator)
    response = post(as_operator, other)
    assert response.status_code == 422
    assert "You already have a view with this name" in text_of(response)


def test_another_may_use_the_same_name(as_operator: Browser) -> None:
    make_view(make_user("other"), name="Acme")
    assert post(as_operator).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_the_same_time_it_makes_one(operator: User) -> None:
    browsers = [signed_in(Browser(), operator) for _ in range(2)]
    answers = in_threads(*(lambda browser=browser: post(browser) for browser in browsers))
    assert len({urlsplit(answer["Location"]).path for answer in answers}) == 1
    assert SavedView.objects.count() == 1


# What is refused


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("state:gone tenant:acme", ["state:gone", "There’s no state"]),
        ("credential:Nobody", ["credential:Nobody", "There’s no credential “Nobody”"]),
        ("bogus:>>> tenant:*", ["bogus:&gt;&gt;&gt;", "tenant:*", "Metadata is text", "has:tenant"]),
    ],
)
def test_a_search_with_problems_is_refused_and_each_is_named_r24(
    as_operator: Browser, q: str, words: list[str]
) -> None:
    response = post(as_operator, f"/views/new/?{urlencode({'q': q})}", name="typed")
    assert response.status_code == 422
    assert not SavedView.objects.exists()
    assert form_in(response, "name").values("name") == ["typed"]
    for each in words:
        assert each in text_of(response)


def test_a_problem_shows_before_anything_is_typed_r24(as_operator: Browser) -> None:
    assert "There’s no state" in text_of(as_operator.get("/views/new/?q=state:gone"))


def test_a_credential_of_another_team_is_told_like_one_that_is_not_there_r23_r24(as_operator: Browser) -> None:
    unknown = text_of(post(as_operator, SECRET))
    make_credential(name="Secret", teams=[make_team()])
    foreign = text_of(post(as_operator, SECRET))
    assert not SavedView.objects.exists()
    assert _without_token(foreign) == _without_token(unknown)


def _without_token(text: str) -> list[str]:
    return [line for line in text.splitlines() if "csrfmiddlewaretoken" not in line]


@pytest.mark.parametrize("sign", ["", "-"])
def test_sharing_is_refused_where_the_search_names_a_credential_of_another_team_r23(
    as_operator: Browser, operator: User, team: Team, sign: str
) -> None:
    other = make_team("Other")
    operator.groups.add(other)
    make_credential(name="Support prod", teams=[other])
    url = f"/views/new/?q={sign}credential%3A%22Support+prod%22"
    response = post(as_operator, url, team=team.pk)
    assert response.status_code == 422
    text = text_of(response)
    assert "“Support prod”, which Support can’t use" in text
    assert "Keep the view private, or drop credential:" in text
    assert form_in(response, "name").values("team") == [str(team.pk)]
    assert post(as_operator, url, team=other.pk).status_code == 302


def test_sharing_a_search_with_the_teams_own_credential_is_done(
    as_operator: Browser, team: Team, credential: Credential
) -> None:
    assert post(as_operator, "/views/new/?q=credential%3ASandbox", team=team.pk).status_code == 302
    assert SavedView.objects.get().credential_names == {"Sandbox"}


def test_a_search_too_long_for_a_url_is_refused(as_operator: Browser) -> None:
    response = post(as_operator, f"/views/new/?q={'x' * MAX_QUERY_STRING_LENGTH}")
    assert response.status_code == 422
    assert "The search is too long." in text_of(response)
