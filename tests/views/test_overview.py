"""The overview: its numbers, each a link to exactly those conversations, and what it says where there are none."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation, Credential, State, Team
from tests.factories import make_conversation, make_credential, make_user
from tests.html import signed_in, text_of, words_of

pytestmark = pytest.mark.django_db

URL = "/"
SHARE = r'<a href="(/conversations/\?q=[^"]*)">\s*<span[^>]*>(.*?)</span>\s*<span class="number">([\d,]+)</span>'
BAR = r'<a href="(/conversations/\?q=[^"]*)" tabindex="-1" aria-label="(.*?): ([\d,]+)">'
ROW = r'<tr><td><a href="(/conversations/\?q=[^"]*)">(.*?)</a></td><td class="number">([\d,]+)</td></tr>'
TOTAL = r'<a class="number" href="(/conversations/\?q=)">()([\d,]+) conversations?</a>'

Links = dict[str, tuple[str, int]]


def links(response: HttpResponse, pattern: str) -> Links:
    """What the page links to: URL and number, by label."""
    found = re.findall(pattern, text_of(response))
    return {unescape(label): (unescape(url), int(number.replace(",", ""))) for url, label, number in found}


def numbers(browser: Browser, pattern: str) -> dict[str, int]:
    """The numbers of the page, by label."""
    return {label: number for label, (_, number) in links(browser.get(URL), pattern).items()}


def told(browser: Browser, url: str) -> int:
    """How many the list finds there, counted to the end."""
    response = browser.get(url.replace("/conversations/", "/conversations/overview/", 1) + "&count=all")
    return int(re.findall(r"([\d,]+) found", text_of(response))[0].replace(",", ""))


@pytest.fixture
def many(credential: Credential, team: Team) -> None:
    """Conversations of two credentials, in every state, over a year, with odd keys."""
    second = make_credential(name='Second "one", too', teams=[team])
    for number, state in enumerate([State.ACTIVE, State.DIFFERS, State.MISSING, State.REMOVED] * 4):
        created_at = datetime(2025, 11, 30, 23, 59, 59, tzinfo=UTC) + timedelta(days=23 * number)
        pairs = {"tenant": "acme", f"key {number % 3}": str(number), "state": "draft", 'a,"b":c*': "x", "<i>é": ""}
        owner = second if number % 4 == 0 else credential
        make_conversation(owner, pairs, created_at=created_at, state=state)
    Conversation.objects.add_many([Conversation.unread(credential, "conv_unread", origin="imported")])


@pytest.mark.long
@pytest.mark.parametrize("pattern", [SHARE, BAR, ROW, TOTAL], ids=["shares", "bars", "rows", "total"])
def test_each_number_is_the_one_of_the_list_behind_it(as_operator: Browser, many: None, pattern: str) -> None:
    found = links(as_operator.get(URL), pattern)
    assert found
    assert {url: told(as_operator, url) for url, _ in found.values()} == dict(found.values())


def test_the_numbers_of_a_breakdown(as_operator: Browser, many: None) -> None:
    found = numbers(as_operator, SHARE)
    assert [found[label] for label in State.labels] == [4, 4, 4, 4, 1]
    assert (found["Sandbox"], found['Second "one", too']) == (13, 4)
    assert (found["tenant"], found["key 0"], found["state"]) == (16, 6, 16)


def test_the_bars_are_the_rows_of_the_table_and_add_up(as_operator: Browser, many: None) -> None:
    page = as_operator.get(URL)
    assert links(page, BAR) == links(page, ROW)
    assert sum(number for _, number in links(page, BAR).values()) == links(page, TOTAL)[""][1] == 17


@pytest.mark.parametrize(
    ("days", "unit", "bars"), [(0, "day", 14), (40, "day", 41), (100, "week", 15), (2_400, "month", 79)]
)
def test_the_bars_are_as_wide_as_the_time_they_cover_asks_for(
    as_operator: Browser, credential: Credential, days: int, unit: str, bars: int
) -> None:
    make_conversation(credential, created_at=timezone.now() - timedelta(days=days))
    page = as_operator.get(URL)
    assert f"Created per {unit}" in words_of(page)
    assert len(links(page, BAR)) in (bars, bars + 1)  # it depends on the day of the week and the month


def test_the_chart_reaches_to_today(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, created_at=timezone.now() - timedelta(days=20))
    found = list(numbers(as_operator, BAR).values())
    assert (len(found), found[0], sum(found)) == (21, 1, 1)


def test_of_many_credentials_the_largest_are_listed_and_the_others_counted(
    as_operator: Browser, credential: Credential, team: Team
) -> None:
    for number in range(10):
        owner = make_credential(name=f"Number {number}", teams=[team])
        for _ in range(number % 3 + 1):
            make_conversation(owner)
    page = as_operator.get(URL)
    assert [label for label in links(page, SHARE) if label.startswith("Number")][:4] == [
        *("Number 2", "Number 5", "Number 8", "Number 1"),
    ]
    assert '<a class="shares-more" href="/conversations/overview/?q=">and 2 more' in text_of(page)


def test_names_and_keys_are_escaped(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"<script>alert(1)</script>": "x", "zero\u200bwidth": "y"})
    Credential.objects.update(name="<b>bold</b>")
    text = text_of(as_operator.get(URL))
    assert "<script>alert" not in text
    assert "<b>bold" not in text
    assert "ZWSP" in text  # shown by its name


def test_since_when_everything_was_checked(as_operator: Browser, credential: Credential, team: Team) -> None:
    make_conversation(credential)
    other = make_conversation(make_credential(name="Other", teams=[team]))
    Conversation.objects.filter(pk=other.pk).update(checked_at=timezone.now() - timedelta(days=3))
    words = words_of(as_operator.get(URL))
    assert "was checked 3 days ago" in words
    assert "Other 3 days ago Sandbox just now" in words


# Rights


def test_nobody_learns_anything_of_another_team_r23(client: Browser, stranger: User, many: None, team: Team) -> None:
    page = signed_in(client, stranger).get(URL)
    assert links(page, SHARE) == links(page, BAR) == links(page, TOTAL) == {}
    assert not [word for word in ("tenant", "Sandbox", "Second", "17") if word in words_of(page)]


def test_of_two_teams_each_sees_its_own_r23(client: Browser, stranger: User, many: None) -> None:
    theirs = make_credential(name="Theirs", teams=Team.objects.filter(name="Elsewhere"))
    make_conversation(theirs, {"their_key": "1"})
    shares = numbers(signed_in(client, stranger), SHARE)
    assert shares == {"Active": 1, "Theirs": 1, "their_key": 1}
    assert sum(numbers(client, BAR).values()) == 1


def test_without_a_role_one_is_told_so(client: Browser, team: Team, many: None) -> None:
    page = signed_in(client, make_user(role=None, teams=[team])).get(URL)
    assert "You don’t have a role yet" in words_of(page)
    assert links(page, SHARE) == {}


def test_a_role_without_conversations_is_told_so(client: Browser, operator: User, many: None) -> None:
    Group.objects.get(name="Operator").permissions.remove(Permission.objects.get(codename="view_conversation"))
    page = signed_in(client, operator).get(URL)
    assert "Your role doesn’t include conversations" in words_of(page)
    assert links(page, SHARE) == {}


def test_who_may_only_look_is_offered_nothing_else(client: Browser, viewer: User, many: None) -> None:
    text = text_of(signed_in(client, viewer).get(URL)).partition("<main")[2]
    for url in ("/conversations/new/", "/conversations/import/", "/conversations/refresh/", "/admin/"):
        assert url not in text


# First steps


def test_the_first_step_of_an_administrator_is_a_credential(client: Browser, administrator: User) -> None:
    assert "/credentials/new/" in text_of(signed_in(client, administrator).get(URL))


def test_an_operator_without_a_credential_is_told_whom_to_ask(as_operator: Browser) -> None:
    page = as_operator.get(URL)
    assert "Ask an administrator" in words_of(page)
    assert "/admin/" not in text_of(page)


def test_with_a_credential_the_next_step_is_a_conversation(as_operator: Browser, credential: Credential) -> None:
    text = text_of(as_operator.get(URL))
    assert "No conversations yet" in text
    for url in ("/conversations/new/", "/conversations/import/", "/conversations/get/"):
        assert f'href="{url}"' in text


def test_a_viewer_is_offered_no_step_that_they_may_not_take(client: Browser, viewer: User, team: Team) -> None:
    make_credential(teams=[team])
    page = signed_in(client, viewer).get(URL)
    assert "No conversations yet" in words_of(page)
    assert "/conversations/new/" not in text_of(page)


def test_the_sandbox_is_named_as_what_it_is(as_operator: Browser, credential: Credential) -> None:
    assert "stands in for OpenAI" in words_of(as_operator.get(URL))
    Credential.objects.update(base_url="https://api.openai.com/v1")
    assert "stands in for OpenAI" not in words_of(as_operator.get(URL))


# Cost


def test_asks_as_many_queries_whatever_there_is(as_operator: Browser, credential: Credential, team: Team) -> None:
    make_conversation(credential, {"tenant": "acme"})
    with CaptureQueriesContext(connection) as before:
        as_operator.get(URL)
    for number in range(12):
        owner = make_credential(name=f"Number {number}", teams=[team])
        for each in range(3):
            make_conversation(owner, {f"key {each}": str(number)}, created_at=timezone.now() - timedelta(days=each))
    with CaptureQueriesContext(connection) as after:
        as_operator.get(URL)
    assert len(after) == len(before) <= 25
