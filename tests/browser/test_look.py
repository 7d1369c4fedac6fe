"""What each page looks like, measured: at a desk and on a phone, light and dark, and by keyboard alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.steps import create_button, edit_metadata, fill_pair, open_detail, open_new
from tests.factories import PASSWORD, make_conversation, make_remote, metadata_at

pytestmark = pytest.mark.browser

FAULTS = Path(__file__).with_name("measures.js").read_text()
IS_QUIET = "() => !document.querySelector('.htmx-request') && !document.body.innerText.includes('Reading from OpenAI')"
PHONE, DESK = 390, 1440
METADATA = {"tenant": "acme", "topic": "billing dispute", "k" * 64: "v" * 512, "empty": "", "مفتاح": "قيمة"}


@pytest.fixture
def page(open_browser: OpenBrowser, superuser: User, credential: Credential, guard: Guard) -> Page:
    """A page of someone who may do everything, and so sees everything."""
    guard.expects |= {404, 409, 422, 502}
    return open_browser(superuser).new_page()


def faults_of(page: Page) -> list[str]:
    """What is wrong with the page as it stands, at either width and in either scheme."""
    page.wait_for_load_state()
    page.wait_for_function(IS_QUIET)
    found = []
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{width} px, {scheme}: {fault}" for fault in page.evaluate(FAULTS, width == PHONE)]
    return found


def look_at(page: Page, *urls: str) -> dict[str, list[str]]:
    """The faults of each page that has some."""
    found = {}
    for url in urls:
        page.goto(url)
        found[url] = faults_of(page)
    return {url: faults for url, faults in found.items() if faults}


def test_the_list_and_its_searches(page: Page, credential: Credential) -> None:
    assert look_at(page, "/conversations/") == {}
    for days, state in enumerate(["active", "differs", "missing", "removed"] * 15):
        make_conversation(credential, METADATA, state=state, created_at=timezone.now() - timedelta(days=days))
    searches = ["tenant:acme -topic:other bogus:>>> has:empty", "tenant:nobody", "conv_nobody", "-state:removed"]
    assert look_at(page, "/conversations/", *(f"/conversations/?q={search}" for search in searches)) == {}


def test_a_conversation_in_each_state(page: Page, credential: Credential, sandbox: Sandbox) -> None:
    known = make_conversation(credential, METADATA, openai_id=make_remote(sandbox, METADATA))
    known.store_response({"tenant": "globex"}, is_own_change=False)
    event = Event.objects.create(
        actor_name="operator",
        action="update",
        outcome=Outcome.UNKNOWN,
        credential=credential,
        conversation=known,
        openai_id=known.openai_id,
    )
    others = [make_conversation(credential, METADATA, state=state) for state in ("active", "missing", "removed")]
    urls = [row.get_absolute_url() for row in (known, *others)]
    own = known.get_absolute_url()
    urls += [
        f"{own}metadata/",
        f"{own}metadata/?fill=ours",
        f"{own}remove/",
        f"{own}items/",
        f"/activity/{event.pk}/",
    ]
    assert look_at(page, *urls, f"/activity/{event.pk}/") == {}


def test_forms_with_errors(page: Page, sandbox: Sandbox) -> None:
    assert look_at(page, "/conversations/new/", "/conversations/get/") == {}
    page.get_by_label("Conversation id").fill("conv_wrong")
    page.get_by_role("button", name="Get from OpenAI").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert faults_of(page) == []
    open_new(page, messages=["a", "b"], metadata={"tenant": "acme", "": "v" * 500})
    create_button(page).click()
    expect(page.get_by_text("Enter a key, or remove the row.")).to_be_visible()
    assert faults_of(page) == []
    sandbox.faults.add(Fault(method="POST", drop="after"))
    fill_pair(page, 2, "env", "prod")
    create_button(page).click()
    expect(page.get_by_label("Send it again anyway")).to_be_visible()
    assert faults_of(page) == []


def test_a_conflict(page: Page, sandbox: Sandbox, known: Conversation) -> None:
    open_detail(page, known)
    edit_metadata(page)
    fill_pair(page, 2, "env", "dev")
    sandbox.store.set_metadata(known.openai_id, {"tenant": "globex", "owner": "ops"})
    page.get_by_role("button", name="Save to OpenAI").click()
    expect(page.locator(".conflict")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("button", name="Save to OpenAI").click()
    expect(page.get_by_text("The result for each key:")).to_be_visible()
    assert faults_of(page) == []


def test_activity_and_what_belongs_to_the_site(page: Page, known: Conversation, operator: User) -> None:
    for outcome in Outcome.values:
        Event.objects.create(
            actor_name="operator",
            action="create",
            outcome=outcome,
            credential=known.credential,
            credential_name=known.credential.name,
            attempts=[{"id": "0" * 36 + "-1", "method": "POST", "at": ""}],
        )
    events = [f"/activity/{event.pk}/" for event in Event.objects.all()]
    assert look_at(page, "/activity/", "/activity/?show=unresolved", *events, "/password/", "/nowhere/") == {}
    page.context.clear_cookies()
    assert look_at(page, "/sign-in/") == {}


def test_what_has_the_focus_is_seen(page: Page, known: Conversation) -> None:
    for url in ("/conversations/", "/conversations/new/", known.get_absolute_url()):
        page.goto(url)
        page.wait_for_function(IS_QUIET)
        for _ in range(25):
            page.keyboard.press("Tab")
            outline = page.evaluate(
                "() => [getComputedStyle(document.activeElement).outlineStyle, document.activeElement.outerHTML]"
            )
            assert outline[0] != "none" or outline[1].startswith("<body"), outline[1][:200]


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const it = document.activeElement;"
            "return it.getAttribute('aria-label') || it.labels?.[0]?.textContent.trim() || it.textContent.trim(); }"
        )
        if focused == name:
            return
    raise AssertionError(f"Nothing named “{name}” can be reached by Tab.")


def test_the_keyboard_alone_creates_a_conversation(
    open_browser: OpenBrowser, operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    page = open_browser().new_page()
    page.goto("/")
    page.keyboard.type(operator.get_username())  # the field has the focus from the start
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
    tab_to(page, "New conversation")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New conversation")).to_be_visible()
    tab_to(page, "Text of message 1")
    page.keyboard.type("Hello")
    tab_to(page, "Key 1")
    page.keyboard.type("tenant")
    page.keyboard.press("Tab")
    page.keyboard.type("acme")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # Add pair
    expect(page.get_by_label("Key 2", exact=True)).to_be_focused()
    page.keyboard.type("env")
    page.keyboard.press("Tab")
    page.keyboard.type("prod")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # in a key field: the form as a whole
    expect(page.get_by_text("Created at OpenAI.")).to_be_visible()
    assert metadata_at(sandbox, Conversation.objects.get().openai_id) == {"tenant": "acme", "env": "prod"}


def test_slash_goes_to_the_search(page: Page) -> None:
    page.goto("/conversations/")
    page.keyboard.press("/")
    expect(page.get_by_label("Search conversations")).to_be_focused()
