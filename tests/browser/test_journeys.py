"""Whole journeys, one after the other, by keyboard alone, without JavaScript, and by touch on a phone: add a
credential, invite a colleague, create, find, edit, import, edit many, erase."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from conversations.models import Conversation, Credential, Erasure, Job, Team
from conversations.sandbox import Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.factories import KEY, make_remote, metadata_at
from tests.jobs.steps import run

pytestmark = pytest.mark.browser

MOST_TABS = 250
IS_FOCUSED = "element => element === document.activeElement"


class Hand:
    """Presses and types with the mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        target.click()

    def tick(self, target: Locator) -> None:
        target.check()

    def type(self, target: Locator, text: str) -> None:
        target.fill(text)

    def link(self, name: str) -> None:
        self.press(self.page.locator("main").get_by_role("link", name=name, exact=True).first)

    def button(self, name: str) -> None:
        self.press(self.page.locator("main").get_by_role("button", name=name, exact=True).last)

    def field(self, label: str, text: str) -> None:
        self.type(self.page.get_by_label(label, exact=True).first, text)

    def menu(self, name: str) -> None:
        """Go to a page of the main navigation."""
        self.press(self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True))


class Finger(Hand):
    """Touches a phone, whose navigation is behind a button."""

    def press(self, target: Locator) -> None:
        target.tap()

    def tick(self, target: Locator) -> None:
        target.tap()

    def menu(self, name: str) -> None:
        self.press(self.page.get_by_role("button", name="Menu"))
        super().menu(name)


class Keys(Hand):
    """Uses nothing but the keyboard: Tab until the target has the focus, then Enter, the space bar or letters."""

    def press(self, target: Locator) -> None:
        self._go(target)
        self.page.keyboard.press("Enter")

    def tick(self, target: Locator) -> None:
        self._go(target)
        self.page.keyboard.press("Space")

    def type(self, target: Locator, text: str) -> None:
        self._go(target)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def _go(self, target: Locator) -> None:
        target.wait_for()
        is_radio = target.get_attribute("type") == "radio"
        for _ in range(MOST_TABS):
            if target.evaluate(IS_FOCUSED):
                return
            self.page.keyboard.press("Tab")
            if is_radio and target.evaluate("one => document.activeElement.name === one.name"):
                while not target.evaluate(IS_FOCUSED):
                    self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"Tab doesn't lead to {target}.")


@pytest.fixture(params=["keyboard", "no JavaScript", "phone"])
def hand(request: pytest.FixtureRequest, open_browser: OpenBrowser, administrator: User, guard: Guard) -> Hand:
    guard.expects |= {404, 422}
    options = {
        "no JavaScript": {"java_script_enabled": False},
        "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    }
    page = open_browser(administrator, **options.get(request.param, {})).new_page()
    kinds: dict[str, Callable[[Page], Hand]] = {"keyboard": Keys, "phone": Finger}
    return kinds.get(request.param, Hand)(page)


def test_every_journey(hand: Hand, sandbox: Sandbox, team: Team) -> None:
    hand.page.goto("/")
    credential = add_a_credential(hand, sandbox, team)
    invite_a_colleague(hand, team)
    first = create(hand)
    find_and_edit(hand, sandbox, first)
    import_ids(hand, [make_remote(sandbox, {"tenant": "acme"}) for _ in range(3)])
    edit_many(hand, sandbox, credential)
    erase(hand, sandbox, first)


def add_a_credential(hand: Hand, sandbox: Sandbox, team: Team) -> Credential:
    hand.menu("Credentials")
    hand.link("Add credential")
    hand.field("Name", "Gateway")
    hand.tick(hand.page.get_by_label("Another server"))
    hand.field("Base URL", sandbox.url)
    hand.type(hand.page.get_by_label("API key"), KEY)
    hand.tick(hand.page.get_by_label(team.name, exact=True))
    hand.button("Save")
    expect(hand.page.get_by_text("Gateway was saved.")).to_be_visible()
    hand.button("Test")
    expect(hand.page.get_by_text("Works: the server accepts the key").first).to_be_visible()
    return Credential.objects.get()


def invite_a_colleague(hand: Hand, team: Team) -> None:
    hand.menu("People")
    hand.link("Invite somebody")
    hand.type(hand.page.get_by_label("Username"), "newcomer")
    hand.tick(hand.page.get_by_role("radio", name="Operator"))
    hand.tick(hand.page.get_by_role("checkbox", name=team.name))
    hand.button("Invite")
    expect(hand.page.get_by_text("/people/join/")).to_be_visible()
    assert set(User.objects.get(username="newcomer").groups.values_list("name", flat=True)) == {"Operator", team.name}


def create(hand: Hand) -> Conversation:
    hand.menu("Conversations")
    hand.link("New conversation")
    hand.field("Text of message 1", "Hello")
    hand.field("Key 1", "tenant")
    hand.field("Value 1", "acme")
    hand.button("Create conversation")
    expect(hand.page.get_by_text("Created at OpenAI.")).to_be_visible()
    return Conversation.objects.get()


def find_and_edit(hand: Hand, sandbox: Sandbox, conversation: Conversation) -> None:
    hand.menu("Conversations")
    hand.type(hand.page.get_by_label("Search conversations"), "tenant:acme")
    hand.page.get_by_label("Search conversations").press("Escape")  # completion
    hand.button("Search")
    expect(hand.page.locator(".list-id")).to_have_count(1)
    hand.press(hand.page.locator(".list-id a"))
    edit = hand.page.locator("#metadata").get_by_role("link", name="Edit")
    hand.press(edit)
    hand.field("Value 1", "globex")
    hand.button("Save to OpenAI")
    expect(hand.page.get_by_text("The result for each key:")).to_be_visible()
    assert metadata_at(sandbox, conversation.openai_id) == {"tenant": "globex"}


def import_ids(hand: Hand, ids: list[str]) -> None:
    hand.menu("Conversations")
    hand.link("Import ids")
    hand.type(
        hand.page.get_by_label("Paste ids, or any text that contains them"), f"seen: {', '.join(ids)}, conv_{'0' * 48}"
    )
    hand.button("Continue")
    expect(hand.page.get_by_role("heading", name="Check the import")).to_be_visible()
    hand.press(hand.page.locator(".actions .button-primary").last)
    _do_the_job(hand)
    assert Conversation.objects.filter(openai_id__in=ids).count() == len(ids)


def edit_many(hand: Hand, sandbox: Sandbox, credential: Credential) -> None:
    hand.menu("Conversations")
    hand.type(hand.page.get_by_label("Search conversations"), "tenant:acme")
    hand.page.get_by_label("Search conversations").press("Escape")
    hand.button("Search")
    expect(hand.page.locator(".list-id")).to_have_count(3)
    for box in hand.page.locator("[data-select]").all():
        hand.tick(box)
    hand.button("Edit…")
    hand.press(hand.page.get_by_role("button", name="Set a key"))
    hand.type(hand.page.get_by_label("Key of step 1", exact=True), "reviewed")
    hand.type(hand.page.get_by_label("Value of step 1", exact=True), "yes")
    hand.button("Preview")
    hand.button("Edit metadata of 3 conversations")
    _do_the_job(hand)
    rows = Conversation.objects.filter(credential=credential, metadata__tenant="acme")
    assert [row.metadata for row in rows] == [{"tenant": "acme", "reviewed": "yes"}] * 3


def erase(hand: Hand, sandbox: Sandbox, conversation: Conversation) -> None:
    hand.page.goto(conversation.get_absolute_url())
    hand.link("Delete…")
    hand.link("Erase…")
    hand.field("Reason (required)", "Ticket 7")
    hand.type(hand.page.locator("#id_ending"), conversation.openai_id[-6:])
    hand.button("Erase every item and the conversation")
    expect(hand.page.get_by_text(re.compile("Receipt|Continue")).first).to_be_visible()
    for _ in range(5):  # without scripts each step is pressed
        if not hand.page.get_by_role("button", name="Continue").is_visible():
            break
        hand.button("Continue")
    expect(hand.page.get_by_role("link", name=re.compile("receipt", re.IGNORECASE)).first).to_be_visible()
    assert Erasure.objects.get().is_finished
    assert sandbox.store.get_conversation(conversation.openai_id) is None


def _do_the_job(hand: Hand) -> None:
    job = Job.objects.latest("pk")
    expect(hand.page).to_have_url(re.compile(rf"/jobs/{job.pk}/"))
    expect(hand.page.get_by_role("heading", name="Progress")).to_be_visible()
    hand.page.wait_for_load_state("networkidle")
    run(job)
    hand.page.goto(job.get_absolute_url())
    expect(hand.page.get_by_text("Finished").first).to_be_visible()
