"""Every page of the dashboard and of the admin: axe finds no fault in it, at a desk and on a phone, light and dark, and
html-validate none in the HTML of those that are ours.

The rules are those of WCAG 2.2 AA and axe's best practices, and of the standard of HTML. The pages are those of the
table of all URLs.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page

from conversations.models import Conversation, Credential, Event, Team
from conversations.sandbox import Sandbox
from tests.browser import pictures
from tests.browser.conftest import Guard, OpenBrowser
from tests.factories import make_conversation
from tests.views.url_table import TABLE, Entry

pytestmark = pytest.mark.browser

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
HTML_VALIDATE = "10"  # its major version
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


def faults_of(page: Page, name: str) -> set[str]:
    """What axe finds on the page as it stands, at both widths and in both schemes; how it differs from its picture."""
    page.wait_for_function(IS_QUIET)
    page.evaluate(AXE)
    found: set[str] = set()
    for width in pictures.WIDTHS if pictures.LARGE else (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme, rules in (("light", ["tag", RULES]), ("dark", ["rule", IN_THE_DARK])):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found |= set(page.evaluate(RUN, rules)) | pictures.differences(page, name, width, scheme)
    return found


def open_all(page: Page, urls: Iterable[tuple[str, str]], folder: Path | None = None) -> dict[str, set[str]]:
    """The faults of each page that has some. The HTML of each is stored in the folder. `urls`: names with URLs."""
    found = {}
    for name, url in urls:
        response = page.goto(url)
        found[url] = faults_of(page, name)
        if folder is not None and response is not None:
            (folder / f"{name}.html").write_text(f"{response.text()}\n<!-- {url} -->\n")
    return {url: faults for url, faults in found.items() if faults}


@pytest.fixture(scope="session")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which html-validate is installed."""
    if shutil.which("npm") is None:
        pytest.skip("npm isn't installed")
    folder = tmp_path_factory.mktemp("validator")
    (folder / "package.json").write_text('{"private": true}')
    (folder / ".htmlvalidate.json").write_text('{"extends": ["html-validate:standard"], "root": true}')
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"html-validate@{HTML_VALIDATE}"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def invalid_in(validator: Path) -> list[str]:
    """What is invalid in the files of the folder, each with the URL of its page."""
    files = sorted(validator.glob("*.html"))
    command = ["node_modules/.bin/html-validate", "--formatter", "json", *(file.name for file in files)]
    done = subprocess.run(command, cwd=validator, check=False, capture_output=True, text=True)
    found = []
    for report in json.loads(done.stdout or "[]"):
        url = Path(report["filePath"]).read_text().rstrip().rpartition("<!-- ")[2].removesuffix(" -->")
        found += [f"{url}, line {fault['line']}: {fault['message']}" for fault in report["messages"]]
    for file in files:
        file.unlink()
    assert done.returncode in (0, 1), done.stderr
    return found


def is_page(name: str, entry: Entry) -> bool:
    is_file = name.endswith(("_file", "_json", "_receipt")) and name != "conversation_from_file"
    return entry.reading is not None and name not in NO_PAGES and not is_file


def pages(request: pytest.FixtureRequest, condition: Callable[[Entry], bool]) -> Iterator[tuple[str, str]]:
    """The name and URL of each page whose entry meets the condition, first those about a conversation, which others
    change or delete."""
    chosen = [(name, entry) for name, entry in TABLE.items() if is_page(name, entry)]
    for name, entry in sorted(chosen, key=lambda pair: pair[1].about not in ("", "conversation")):
        if condition(entry) and not name.endswith("_document"):
            arguments: dict[str, Any] = dict(entry.more)
            if entry.given:
                arguments |= request.getfixturevalue(entry.given)
            if entry.about:
                arguments["pk"] = request.getfixturevalue(entry.about).pk
            if entry.item:
                arguments["item_id"] = request.getfixturevalue("items")[entry.item]
            yield name, reverse(name, kwargs=arguments) + entry.query


def is_of_operators(entry: Entry) -> bool:
    return not entry.is_for_administrators and not entry.is_public


def admin_name(path: str) -> str:
    """A path without keys."""
    return "_".join(["admin", *(part for part in path.split("/") if part and not part.isdecimal())])


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
    validator: Path,
) -> None:
    guard.expects |= {403, 404, 409, 422, 502}
    page = open_browser(operator).new_page()
    assert open_all(page, pages(request, is_of_operators), validator) == {}
    assert invalid_in(validator) == []
    searches = {"problem": "bogus:>>>", "nothing": "tenant:nobody", "terms": "-topic:x has:empty tenant:acme"}
    urls = {f"search_{name}": f"/conversations/?q={search}" for name, search in searches.items()}
    assert open_all(page, {**urls, "not_found": "/nowhere/", "forbidden": "/credentials/"}.items()) == {}
    settings.DEBUG = True
    assert open_all(page, [("style", "/style/")]) == {}


@pytest.mark.usefixtures("rows")
def test_each_page_of_an_administrator(
    request: pytest.FixtureRequest,
    open_browser: OpenBrowser,
    superuser: User,
    conversation: Conversation,
    validator: Path,
) -> None:
    page = open_browser(superuser).new_page()
    assert open_all(page, pages(request, lambda entry: entry.is_for_administrators), validator) == {}
    assert invalid_in(validator) == []


def test_each_page_of_whoever_is_signed_out(
    request: pytest.FixtureRequest, open_browser: OpenBrowser, guard: Guard, validator: Path
) -> None:
    guard.expects |= {404, 410}
    page = open_browser().new_page()
    assert open_all(page, pages(request, lambda entry: entry.is_public), validator) == {}
    assert invalid_in(validator) == []
    assert open_all(page, [("person_join_expired", "/people/join/MQ/x-y/")]) == {}


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
    paths = [*ADMIN, *changes, *more, *deletions]
    assert open_all(page, [(admin_name(path), f"/admin/{path}") for path in paths]) == {}
