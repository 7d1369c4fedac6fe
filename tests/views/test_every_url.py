"""How every URL of the dashboard responds to whoever may not have it.

A new URL needs an entry in the table of URLs, and all questions below are asked of it. What a page shows to whoever may
have it is tested in the file of its view.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Team
from conversations.roles import VIEWER
from conversations.sandbox import Sandbox
from tests.factories import make_user
from tests.html import asks_to_sign_in, everything, signed_in, text_of
from tests.views.url_table import SIGNED_IN, SUPERUSER, TABLE, Entry, names

OPERATORS_OWN = {"view", "bulk_draft", "export_job"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
WRITING = re.compile("INSERT|UPDATE|DELETE")
UNKNOWN = (999_999, 10**30)  # keys of nothing; the database can't hold the second


@dataclass(frozen=True)
class Target:
    """A URL with its entry, as one is asked for."""

    name: str
    entry: Entry
    arguments: dict[str, Any]

    @property
    def url(self) -> str:
        return reverse(self.name, kwargs=self.arguments) + self.entry.query

    def url_of(self, key: int) -> str:
        """The same of another row."""
        return reverse(self.name, kwargs={**self.arguments, "pk": key}) + self.entry.query

    def statuses(self, browser: Browser, url: str = "") -> dict[str, int]:
        """The status of the response to each method that is allowed."""
        return {method: ask(browser, method, url or self.url).status_code for method in self.entry.permissions}

    def each(self, status: int) -> dict[str, int]:
        """What `statuses` gives where each method gets the same."""
        return dict.fromkeys(self.entry.permissions, status)


def ask(browser: Browser, method: str, url: str, **options: Any) -> HttpResponse:
    """The response to an empty request, read to its end."""
    response = getattr(browser, method.lower())(url, **options)
    if response.streaming:
        b"".join(response.streaming_content)
    return response


def for_each(condition: Callable[[Entry], object], *, is_there: bool = True) -> pytest.MarkDecorator:
    """Ask the question of each URL whose entry meets the condition. `is_there`: what it's about exists; whoever is
    refused in any case must not even learn that."""
    asked = [pytest.param((name, is_there), id=name) for name, entry in TABLE.items() if condition(entry)]
    return pytest.mark.parametrize("target", asked, indirect=True)


@pytest.fixture
def target(request: pytest.FixtureRequest, sandbox: Sandbox, credential: object) -> Target:
    """The URL of this name, with what it is about."""
    name, is_there = request.param
    entry = TABLE[name]
    arguments: dict[str, Any] = dict(entry.more)
    if entry.about:
        arguments["pk"] = request.getfixturevalue(entry.about).pk if is_there else 1
    if entry.given:
        arguments |= request.getfixturevalue(entry.given)
    if entry.item:
        arguments["item_id"] = request.getfixturevalue("items")[entry.item] if is_there else "item_1"
    sandbox.log.clear()
    return Target(name, entry, arguments)


@pytest.fixture
def insider(client: Browser, target: Target, operator: User, request: pytest.FixtureRequest) -> Browser:
    """A browser of somebody of the team who may have it."""
    entry = target.entry
    if SUPERUSER in entry.permissions.values():
        return signed_in(client, request.getfixturevalue("superuser"))
    return signed_in(client, request.getfixturevalue("administrator") if entry.is_for_administrators else operator)


@contextmanager
def nothing_happens(sandbox: Sandbox) -> Iterator[None]:
    """Nothing is written meanwhile, and nothing sent."""
    with CaptureQueriesContext(connection) as queries:
        yield
    assert [query["sql"] for query in queries if WRITING.match(query["sql"])] == []
    assert len(sandbox.log) == 0


@pytest.mark.parametrize("name", sorted(names()))
def test_each_url_has_an_entry(name: str) -> None:
    assert name in TABLE, (
        f"The URL {name!r} has no entry in TABLE. Add one with the permissions that GET and POST of it need (leave out "
        "a method that isn't allowed), `about` (the fixture whose key stands in it), and is_public=True if nobody has "
        "to sign in."
    )


def test_each_entry_is_of_a_url() -> None:
    assert TABLE.keys() - set(names()) == set()


@for_each(lambda entry: not entry.is_public, is_there=False)
def test_whoever_is_signed_out_is_led_to_the_sign_in_page_and_back(
    client: Browser, target: Target, sandbox: Sandbox
) -> None:
    url = target.url if target.entry.query else f"{target.url}?q=a"
    with nothing_happens(sandbox):
        for method in target.entry.permissions:
            assert asks_to_sign_in(ask(client, method, url), url)


@for_each(lambda entry: not entry.is_public, is_there=False)
def test_htmx_is_told_when_someone_is_signed_out(client: Browser, target: Target) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/conversations/?q=acme"}
    for method in target.entry.permissions:
        response = ask(client, method, target.url, headers=headers)
        if method == "POST":
            assert (response.status_code, text_of(response)) == (401, "You’re signed out.")
        else:
            assert response["HX-Redirect"] == "/sign-in/?next=/conversations/%3Fq%3Dacme"


@for_each(lambda entry: entry.is_public)
def test_nobody_has_to_sign_in_for_a_public_url(client: Browser, target: Target) -> None:
    assert set(target.statuses(client).values()) <= {200, 422}


@for_each(lambda entry: any(entry.permissions.values()), is_there=False)
def test_a_colleague_without_permissions_is_refused(
    client: Browser, team: Team, target: Target, sandbox: Sandbox
) -> None:
    browser = signed_in(client, make_user(role=None, teams=[team]))
    with nothing_happens(sandbox):
        assert target.statuses(browser) == target.each(403)


@for_each(lambda entry: not any(entry.permissions.values()))
def test_whoever_is_signed_in_needs_no_permission_for_it(client: Browser, target: Target) -> None:
    assert set(target.statuses(signed_in(client, make_user(role=None))).values()) <= {200, 302, 422}


@for_each(lambda entry: {*entry.permissions.values()} & {*VIEWER} and entry.about not in OPERATORS_OWN)
def test_a_viewer_may_open_what_is_for_looking_r22(client: Browser, viewer: User, target: Target) -> None:
    browser = signed_in(client, viewer)
    allowed = [method for method, needed in target.entry.permissions.items() if needed in VIEWER]
    assert {ask(browser, method, target.url).status_code for method in allowed} <= {200, 302, 422}


@for_each(lambda entry: {*entry.permissions.values()} - {SIGNED_IN, *VIEWER})
def test_a_viewer_is_refused_what_changes_something_r22(
    client: Browser, viewer: User, target: Target, sandbox: Sandbox
) -> None:
    browser = signed_in(client, viewer)
    refused = [method for method, needed in target.entry.permissions.items() if needed not in VIEWER]
    with nothing_happens(sandbox):
        assert {ask(browser, method, target.url).status_code for method in refused} == {403}


@for_each(lambda entry: True)
def test_whoever_may_have_it_is_let_in(insider: Browser, target: Target) -> None:
    assert set(target.statuses(insider).values()) <= {200, 302, 409, 422}


@pytest.mark.long
@for_each(lambda entry: entry.about)
def test_for_someone_of_another_team_it_does_not_exist_r23(
    client: Browser, stranger: User, target: Target, sandbox: Sandbox
) -> None:
    if target.entry.is_for_administrators:
        stranger.groups.add(Group.objects.get(name="Administrator"))
    browser = signed_in(client, stranger)
    with nothing_happens(sandbox):
        assert target.statuses(browser) == target.each(404)


@pytest.mark.long
@for_each(lambda entry: entry.about, is_there=False)
def test_an_unknown_key_is_not_found(insider: Browser, target: Target) -> None:
    for key in UNKNOWN:
        assert target.statuses(insider, target.url_of(key)) == target.each(404)


@pytest.mark.long
@for_each(lambda entry: True, is_there=False)
def test_no_other_method_is_allowed(insider: Browser, target: Target, sandbox: Sandbox) -> None:
    browser = Browser() if target.entry.is_public else insider
    allowed = target.entry.permissions.keys() | ({"HEAD"} if "GET" in target.entry.permissions else set())
    others = [method for method in METHODS if method not in allowed]
    with nothing_happens(sandbox):
        assert {ask(browser, method, target.url).status_code for method in others} == {405}


@for_each(lambda entry: entry.changing is not None, is_there=False)
def test_a_form_of_another_site_is_refused(operator: User, target: Target, sandbox: Sandbox) -> None:
    browser = signed_in(Browser(enforce_csrf_checks=True), operator)
    with nothing_happens(sandbox):
        assert browser.post(target.url).status_code == 403


@pytest.mark.long
@for_each(lambda entry: entry.reading is not None and not entry.is_recorded)
def test_opening_it_changes_nothing_r3(insider: Browser, target: Target, sandbox: Sandbox) -> None:
    before = everything()
    statuses = [ask(insider, method, target.url).status_code for method in ("GET", "HEAD")]
    assert everything() == before
    assert statuses[0] == statuses[1]
    assert {entry.method for entry in sandbox.log} == ({"GET"} if target.entry.asks_openai else set())
