"""The list of people: who is in it, the search, what each row says (R22, R23)."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Team
from conversations.models.open_sessions import MOST_COUNTED
from conversations.services.people import deactivate_person, make_link
from tests.factories import make_team, make_user
from tests.html import fragment, is_page, signed_in, text_of, words_of

URL = "/people/"


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    return signed_in(client, administrator)


def names(browser: Browser, **query: str) -> list[str]:
    return [row.person.username for row in browser.get(URL, query).context_data["rows"]]


def test_it_shows_teammates_and_new_people_the_newest_first_r23(admin: Browser, operator: User, stranger: User) -> None:
    make_user("new", role=None)
    make_user("foreign-root", role=None, is_superuser=True)
    assert names(admin) == ["new", "operator", "administrator"]
    assert "stranger" not in text_of(admin.get(URL))


def test_a_teammates_other_teams_are_hidden_r23(admin: Browser, team: Team) -> None:
    make_user("both", teams=[team, make_team("Hidden team")])
    text = text_of(admin.get(URL))
    assert "Support" in text
    assert "Hidden team" not in text


def test_a_superuser_sees_everybody(client: Browser, superuser: User, stranger: User, operator: User) -> None:
    assert set(names(signed_in(client, superuser))) == {"root", "stranger", "operator"}


def test_staff_status_is_not_needed(client: Browser, team: Team) -> None:
    person = make_user("mira", role="Administrator", teams=[team])
    page = signed_in(client, person).get(URL)
    assert page.status_code == 200
    assert 'href="/people/" aria-current="page"' in text_of(page)


def test_others_see_no_link_to_it(as_operator: Browser) -> None:
    assert 'href="/people/"' not in text_of(as_operator.get("/conversations/"))


@pytest.mark.parametrize("q", ["MIRA", "novák", "Novák mira", "NOVÁK", "novak@example", "ÉMILE"])
def test_the_search_looks_at_names_and_addresses_in_any_case(admin: Browser, team: Team, q: str) -> None:
    facts = {"first_name": "Émile" if q == "ÉMILE" else "Mira", "last_name": "Novák", "email": "m.novak@example.com"}
    make_user("mn", teams=[team], **facts)
    assert names(admin, q=q) == ["mn"]


def test_a_search_finds_nobody_who_is_hidden_and_says_so_r23(admin: Browser, stranger: User) -> None:
    page = admin.get(URL, {"q": "stranger"})
    assert "Nobody whom you may see has “stranger”" in words_of(page)


@pytest.mark.parametrize("q", ["a\0b", "x" * 151])
def test_a_search_that_can_not_be_says_so(admin: Browser, q: str) -> None:
    assert "Nothing was searched for." in words_of(admin.get(URL, {"q": q}))


def test_whoever_is_alone_is_told_what_to_do(client: Browser, superuser: User) -> None:
    text = words_of(signed_in(client, superuser).get(URL))
    assert "Nobody else is here yet." in text
    assert "Invite somebody" in text


def test_a_row_tells_who_can_not_sign_in(client: Browser, superuser: User, operator: User, colleague: User) -> None:
    make_link(actor=superuser, person=operator)
    deactivate_person(actor=superuser, person=colleague)
    rows = signed_in(client, superuser).get(URL).context_data["rows"]
    assert {row.person.username: row.state for row in rows} == {
        "operator": "Invited", "colleague": "Deactivated", "root": ""
    }  # fmt: skip


def test_a_row_counts_open_sessions(client: Browser, superuser: User, operator: User) -> None:
    for _ in range(2):
        signed_in(Browser(), operator)
    rows = signed_in(client, superuser).get(URL).context_data["rows"]
    assert {row.person.username: row.sessions for row in rows} == {"operator": 2, "root": 1}


def test_sessions_from_before_a_new_password_do_not_count(client: Browser, superuser: User, operator: User) -> None:
    signed_in(Browser(), operator)
    operator.set_password("another long phrase 7")
    operator.save()
    rows = signed_in(client, superuser).get(URL).context_data["rows"]
    assert {row.person.username: row.sessions for row in rows} == {"operator": 0, "root": 1}


def test_too_many_sessions_are_not_counted(
    client: Browser, superuser: User, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_COUNTED > 100
    monkeypatch.setattr("conversations.models.open_sessions.MOST_COUNTED", 1)
    signed_in(Browser(), operator)
    assert "not counted" in words_of(signed_in(client, superuser).get(URL))


def test_pages_keep_the_search(client: Browser, superuser: User, settings: object) -> None:
    settings.PAGE_SIZE = 2  # type: ignore[attr-defined]
    for number in range(3):
        make_user(f"mira{number}")
    browser = signed_in(client, superuser)
    first = browser.get(URL, {"q": "mira"})
    older = browser.get(URL + first.context_data["older_url"], headers=fragment("people"))
    assert [row.person.username for row in older.context_data["rows"]] == ["mira0"]
    assert not is_page(older)


def test_the_number_of_queries_does_not_grow_with_rows(client: Browser, superuser: User, team: Team) -> None:
    browser, counts = signed_in(client, superuser), []
    for number in (1, 12):
        for _ in range(number):
            signed_in(Browser(), make_user(teams=[team]))
        with CaptureQueriesContext(connection) as queries:
            browser.get(URL)
        counts.append(len(queries))
    assert counts[0] == counts[1]
