"""Every page: fields are labelled, references lead somewhere, and whatever htmx does a link or a form does too."""

from collections import Counter
from collections.abc import Iterable
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Erasure, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import refresh_conversation
from conversations.services.erasures import start_erasure, stop_erasure, work_on
from tests.factories import make_credential, make_known
from tests.html import form_in, signed_in, text_of

Element = dict[str, str]
STATES = ["list", "empty list", "problem", "new", "new, refused", "get", "get, refused", "detail", "edit"]
STATES += [
    "edit, refused",
    "conflict",
    "remove",
    "items",
    "items, failed",
    "item",
    "item, delete",
    "broken",
    "output",
    "output, refused",
    "add",
    "add, refused",
    "parts",
    "from file",
    "copy",
    "download",
    "erase",
    "erase, refused",
    "erasure",
    "erasure, stopped",
    "erasure, finished",
    "erasures",
    "activity",
    "unknown",
    "sign in",
    "password",
]


PARTS = {"parts": ["picture-message-0", "file-message-0", "text-message-0"]}


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of headings."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.all: list[tuple[str, Element]] = []
        self.inside: list[str] = []
        self.feed(text_of(response))

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self.all.append((tag, {"inside": self.inside[-1] if self.inside else "", **{k: v or "" for k, v in attrs}}))
        if tag == "label":
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.inside.pop()

    def of(self, *tags: str) -> list[Element]:
        return [attributes for tag, attributes in self.all if tag in tags]

    def with_attribute(self, name: str) -> list[tuple[str, Element]]:
        return [(tag, attributes) for tag, attributes in self.all if name in attributes]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.all if "id" in attributes]


@pytest.fixture(params=STATES)
def shown(
    request: pytest.FixtureRequest, client: Browser, operator: User, credential: Credential, sandbox: Sandbox
) -> Elements:
    """A page in one of its states."""
    return Elements(_answer(request.param, signed_in(client, operator), operator, credential, sandbox))


def _answer(state: str, browser: Browser, operator: User, credential: Credential, sandbox: Sandbox) -> HttpResponse:
    if state == "empty list":
        return browser.get("/conversations/")
    make_credential(sandbox, name="Another", teams=[*credential.teams.all()])
    known = make_known(sandbox, credential, {"tenant": "acme", "two\nlines": "x\ny"})
    sandbox.store.add_items(known.openai_id, [{"type": "message", "role": "user", "content": "a"}] * 25)
    halves = [{"type": f"function_call{end}", "call_id": "c"} for end in ("", "_output")]
    call = sandbox.store.add_items(known.openai_id, halves)[0]
    shell = sandbox.store.add_items(known.openai_id, [{"type": "shell_call", "call_id": "d"}])[0]
    page, name = known.get_absolute_url(), state.partition(",")[0]
    sandbox.store.set_metadata(known.openai_id, {"tenant": "umbrella"})
    if state == "detail":
        refresh_conversation(actor=operator, conversation=known)
    event = Event.objects.create(
        credential=credential, base_url=credential.base_url, action="create", outcome=Outcome.UNKNOWN
    )
    urls = {"list": "/conversations/", "problem": "/conversations/?q=state:x", "new": "/conversations/new/"}
    urls |= {"get": "/conversations/get/", "detail": page, "edit": f"{page}metadata/", "remove": f"{page}remove/"}
    urls |= {"items": f"{page}items/", "activity": "/activity/", "unknown": f"/activity/{event.pk}/"}
    urls |= {"sign in": "/sign-in/", "password": "/password/", "conflict": f"{page}metadata/"}
    urls |= {"broken": f"{page}items/?show=broken", "output": f"{page}item/{shell['id']}/output/"}
    item = f"{page}item/{call['id']}/"
    urls |= {
        "item": f"{item}delete/" if state == "item, delete" else item,
        "add": f"{page}items/new/",
        "download": f"{page}items/export/",
        "erase": f"{page}erase/",
    }
    urls |= {"erasures": "/erasures/", "parts": "/conversations/new/"}
    urls |= {"from file": "/conversations/new/from-file/", "copy": f"{page}copy/"}
    if name == "erasure":
        urls["erasure"] = erasure_in(state, operator, known).get_absolute_url()
    if state == "sign in":
        browser.logout()
    if state == "items, failed":
        sandbox.faults.add(Fault(status=404))
    response = browser.get(urls[name])
    for do in PARTS.get(state, ()):
        response = form_in(response, "token").send(browser, urls[name], do)
    if state.endswith(", refused") or state == "conflict":
        form = form_in(response, "token").fill("key", "k" * 65).fill("text", "\0").fill("openai_id", "a/b")
        form.fill("json", "{").fill("exit_code", "x").tick("after_unknown").put("after_unknown", str(event.pk))
        if state == "conflict":
            form = form_in(response, "token")
        response = form.send(browser, urls[name])
        assert response.status_code in (409, 422)
    return response


def erasure_in(state: str, actor: User, conversation: Conversation) -> Erasure:
    erasure = start_erasure(actor=actor, conversation=conversation, reason="Ticket 7")
    if state == "erasure, stopped":
        return stop_erasure(actor=actor, erasure=erasure)
    return work_on(actor=actor, erasure=erasure) if state == "erasure, finished" else erasure


def unlabelled(shown: Elements) -> list[Element]:
    """Fields without a name for those who hear the page."""
    labelled = {label["for"] for label in shown.of("label") if "for" in label}
    return [
        field
        for field in shown.of("input", "textarea", "select")
        if field.get("type") not in {"hidden", "submit"}
        and "aria-label" not in field
        and field["inside"] != "label"
        and field.get("id") not in labelled
    ]


def ids_that_stand_twice(shown: Elements) -> list[str]:
    return [name for name, times in Counter(shown.ids).items() if times > 1 or not name]


def references_to_nothing(shown: Elements) -> set[str]:
    """Ids that labels, descriptions, targets and copy buttons name, and that are not on the page."""
    wanted: set[str] = set()
    for reference in ("for", "aria-describedby", "aria-labelledby", "hx-target", "data-copy", "hx-include"):
        wanted |= {name for _, attributes in shown.with_attribute(reference) for name in attributes[reference].split()}
    return {name.removeprefix("#") for name in wanted} - set(shown.ids)


def only_with_scripts(shown: Elements) -> list[Element]:
    """What htmx does and no link or form does. A panel that is loaded by itself holds a link for those without
    scripts, and a button of the form asks for the preview."""
    hrefs = {attributes.get("href") for attributes in shown.of("a")}
    links = [
        attributes
        for tag, attributes in shown.with_attribute("hx-get")
        if (attributes["hx-get"] not in hrefs if tag != "a" else attributes.get("href") != attributes["hx-get"])
    ]
    forms = [
        attributes
        for tag, attributes in shown.with_attribute("hx-post")
        if attributes.get("id") != "preview"
        and (tag, attributes.get("method"), attributes.get("action")) != ("form", "post", attributes["hx-post"])
    ]
    return links + forms


def ranks_out_of_order(shown: Elements) -> list[int]:
    """The ranks of the headings, where they do not begin with the only one of the first rank or skip one."""
    ranks = [int(tag[1]) for tag, _ in shown.all if tag in {"h1", "h2", "h3", "h4"}]
    skips = any(later - earlier > 1 for earlier, later in pairwise(ranks))
    return ranks if ranks[0] != 1 or ranks.count(1) != 1 or skips else []


def rows_that_enter_would_change(shown: Elements) -> list[Element]:
    """Buttons that only change rows and stand first in their form, where Enter presses them."""
    first: dict[int, Element] = {}
    forms = 0
    for tag, attributes in shown.all:
        forms += tag == "form"
        if tag == "button" and attributes.get("type") != "button":
            first.setdefault(forms, attributes)
    rows = ("add-", "remove-", "up-", "down-", "fill", "preview")
    return [button for button in first.values() if button.get("value", "").startswith(rows)]


CHECKS = [
    unlabelled,
    ids_that_stand_twice,
    references_to_nothing,
    only_with_scripts,
    ranks_out_of_order,
    rows_that_enter_would_change,
]


@pytest.mark.long
def test_a_page_can_be_heard_and_works_without_scripts(shown: Elements) -> None:
    found = {check.__name__: check(shown) for check in CHECKS}
    assert {name: problems for name, problems in found.items() if problems} == {}
