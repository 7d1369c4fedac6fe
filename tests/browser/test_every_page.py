"""Every page of the dashboard and of the admin: axe finds no fault in it, at a desk and on a phone, light and dark.

The rules are those of WCAG 2.2 AA and axe's best practices. The pages are those of the table of all URLs.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page

from conversations.models import Conversation, Credential, Event, Team
from conversations.sandbox import Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.factories import make_conversation
from tests.views.conftest import (  # noqa: F401
    bulk_draft,
    draft,
    edit_job,
    erase_job,
    erasure,
    erasure_request,
    export_job,
    hold,
    job,
    join_link,
    rule,
    signed_request,
    unknown,
    view,
)
from tests.views.test_every_url import TABLE, Entry, items  # noqa: F401

pytestmark = pytest.mark.browser

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
IN_THE_DARK = ["color-contrast", "link-in-text-block"]  # what a scheme can change
RUN = """async ([type, values]) =>
    (await axe.run(document, {resultTypes: ["violations"], runOnly: {type, values}}))
    .violations.flatMap((rule) => rule.nodes.map((node) => rule.id + ": " + node.html.slice(0, 160)))"""
IS_QUIET = "() => !document.querySelector('.htmx-request') && !document.body.innerText.includes('Fetching from OpenAI')"
NO_PAGES = {  # files, fragments and redirects
    *("home", "healthz", "logout", "api_document", "item_media", "saved_view_open", "conversation_completion")
}
METADATA = {"tenant": "acme", "topic": "billing dispute", "k" * 64: "v" * 512, "empty": "", "مفتاح": "قيمة", "🙂": "🙂"}
ADMIN = [
    "",
    "auth/",
    "conversations/",
    *(f"{model}/" for model in ("auth/user", "auth/group", "conversations/team", "conversations/credential")),
    *(f"{model}/" for model in ("conversations/conversation", "conversations/event", "conversations/apitoken")),
    *(f"{model}/add/" for model in ("auth/user", "auth/group", "conversations/team", "conversations/credential")),
    *("conversations/apitoken/add/", "axes/accessattempt/", "axes/accessfailurelog/"),
]


def faults_of(page: Page) -> set[str]:
    """What axe finds on the page as it stands, at both widths and in both schemes."""
    page.wait_for_function(IS_QUIET)
    page.evaluate(AXE)
    found: set[str] = set()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme, rules in (("light", ["tag", RULES]), ("dark", ["rule", IN_THE_DARK])):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found |= set(page.evaluate(RUN, rules))
    return found


def open_all(page: Page, urls: Iterator[str]) -> dict[str, set[str]]:
    """The faults of each page that has some."""
    found = {}
    for url in urls:
        page.goto(url)
        found[url] = faults_of(page)
    return {url: faults for url, faults in found.items() if faults}


def is_page(name: str, entry: Entry) -> bool:
    return entry.reading is not None and name not in NO_PAGES and not name.endswith(("_file", "_json", "_receipt"))


def pages(request: pytest.FixtureRequest, *, of_administrators: bool) -> Iterator[str]:
    """The URL of each page, first those about a conversation, which others change or delete."""
    chosen = [(name, entry) for name, entry in TABLE.items() if is_page(name, entry)]
    for name, entry in sorted(chosen, key=lambda pair: pair[1].about not in ("", "conversation")):
        if entry.is_for_administrators is of_administrators and not name.endswith("_document"):
            arguments: dict[str, Any] = dict(entry.more)
            if entry.given:
                arguments |= request.getfixturevalue(entry.given)
            if entry.about:
                arguments["pk"] = request.getfixturevalue(entry.about).pk
            if entry.item:
                arguments["item_id"] = request.getfixturevalue("items")[entry.item]
            yield reverse(name, kwargs=arguments) + entry.query


@pytest.fixture
def rows(credential: Credential) -> list[Conversation]:
    states = ["active", "differs", "missing", "removed", "unread"]
    return [make_conversation(credential, METADATA, state=state) for state in states]


@pytest.mark.usefixtures("rows")
def test_each_page_of_an_operator(
    request: pytest.FixtureRequest,
    open_browser: OpenBrowser,
    operator: User,
    conversation: Conversation,
    guard: Guard,
    settings: Any,
) -> None:
    guard.expects |= {404, 409, 422, 502}
    page = open_browser(operator).new_page()
    assert open_all(page, pages(request, of_administrators=False)) == {}
    searches = ["bogus:>>>", "tenant:nobody", "-topic:x has:empty tenant:acme"]
    assert open_all(page, iter([f"/conversations/?q={search}" for search in searches])) == {}
    assert open_all(page, iter(["/nowhere/"])) == {}
    settings.DEBUG = True
    assert open_all(page, iter(["/style/"])) == {}


@pytest.mark.usefixtures("rows")
def test_each_page_of_an_administrator(
    request: pytest.FixtureRequest, open_browser: OpenBrowser, superuser: User, conversation: Conversation
) -> None:
    page = open_browser(superuser).new_page()
    assert open_all(page, pages(request, of_administrators=True)) == {}


def test_each_page_of_the_admin(
    open_browser: OpenBrowser, superuser: User, operator: User, team: Team, conversation: Conversation, sandbox: Sandbox
) -> None:
    event = Event.objects.create(action="get", credential=conversation.credential, actor_name="operator")
    rows = {
        "auth/user": operator.pk,
        "conversations/team": team.pk,
        "conversations/credential": conversation.credential_id,
        "conversations/conversation": conversation.pk,
        "conversations/event": event.pk,
    }
    changes = [f"{model}/{pk}/change/" for model, pk in rows.items()]
    more = [f"auth/user/{operator.pk}/password/", f"conversations/credential/{conversation.credential_id}/history/"]
    deletions = [f"conversations/conversation/{conversation.pk}/delete/", f"auth/user/{operator.pk}/delete/"]
    page = open_browser(superuser).new_page()
    assert open_all(page, (f"/admin/{path}" for path in [*ADMIN, *changes, *more, *deletions])) == {}
