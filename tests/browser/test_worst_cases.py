"""Every page with the longest and strangest that can stand on it, and with a server that fails: nothing scrolls
sideways, is too small to press or hard to read.

`./dev screenshots` stores a picture of each.
"""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from conversations.models import Conversation, Credential, Team
from conversations.sandbox import Fault, Sandbox
from tests.browser import pictures
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.test_every_page import IS_QUIET, is_of_operators, pages
from tests.browser.test_look import FAULTS
from tests.factories import make_conversation, make_credential, make_known, make_team, make_user
from tests.views.url_table import Entry

pytestmark = pytest.mark.browser

Look = Callable[..., dict[str, list[str]]]

LONG = "Unternehmensweitekundenbetreuungsplattform" * 2
PAIRS = {
    **{f"{number:02}" + "k" * 62: "v" * 512 for number in range(12)},
    "مفتاح طويل": "قيمة " * 100,
    "🙂" * 64: "🙂" * 512,
    "empty": "",
    "lines": "one\ntwo\n\n" * 40,
}
TEXT = [
    "x" * 3_000,
    "# Heading\n\n| a | b |\n|---|---|\n" + f"| {'wide' * 60} | b |\n" * 3 + f"\n```\n{'code ' * 80}\n```",
    "שלום עולם " * 200,
    f"https://example.com/{'path/' * 200}",
]
DOWN = Fault(status=503, times=None, message="The server is overloaded. " * 20, code="overloaded_" + "x" * 100)


@pytest.fixture
def team(db: None) -> Team:
    return make_team(f"Team {LONG}")


@pytest.fixture
def operator(team: Team) -> User:
    return make_user(f"operator.{LONG}", teams=[team], first_name="Full", last_name=LONG)


@pytest.fixture
def credential(sandbox: Sandbox, team: Team) -> Credential:
    return make_credential(sandbox, name=f"Sandbox {LONG}"[:100], teams=[team], notes=LONG)


@pytest.fixture
def conversation(sandbox: Sandbox, credential: Credential) -> Conversation:
    made = make_known(sandbox, credential, PAIRS)
    texts = [{"type": "message", "role": role, "content": text} for text in TEXT for role in ("user", "assistant")]
    sandbox.store.add_items(made.openai_id, texts)
    for state in ("differs", "missing", "removed"):
        make_conversation(credential, PAIRS, state=state)
    return made


@pytest.fixture
def faults(request: pytest.FixtureRequest, open_browser: OpenBrowser, guard: Guard) -> Look:
    """Gives what is wrong with each page that a user may have and whose entry meets a condition."""

    def faults(user: User, condition: Callable[[Entry], bool], kind: str = "worst") -> dict[str, list[str]]:
        guard.expects |= {404, 409, 422, 502}
        page = open_browser(user).new_page()
        found = {}
        for name, url in pages(request, condition):
            page.goto(url)
            found[url] = faults_of(page, f"{kind}_{name}")
        return {url: faults for url, faults in found.items() if faults}

    return faults


def faults_of(page: Page, name: str) -> list[str]:
    page.wait_for_load_state()
    page.wait_for_function(IS_QUIET)
    found = []
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{width} px: {fault}" for fault in page.evaluate(FAULTS, width == 390)]
        if pictures.LARGE:
            pictures.store(page.screenshot(full_page=True), name, width, "light")
    return found


def test_pages_of_an_operator(faults: Look, operator: User, conversation: Conversation) -> None:
    assert faults(operator, is_of_operators) == {}


def test_pages_of_an_administrator(faults: Look, superuser: User, conversation: Conversation) -> None:
    assert faults(superuser, lambda entry: entry.is_for_administrators) == {}


def test_pages_that_read_from_a_server_that_is_down(
    faults: Look,
    request: pytest.FixtureRequest,
    operator: User,
    conversation: Conversation,
    sandbox: Sandbox,
) -> None:
    request.getfixturevalue("items")
    sandbox.faults.add(DOWN)
    assert faults(operator, lambda entry: entry.asks_openai, "down") == {}
