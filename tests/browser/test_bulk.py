"""Jobs on selections, holds, retention rules and erasure requests in a real browser, with and without JavaScript."""

import json
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from conversations.jobs.schedule import make_due_jobs
from conversations.models import Conversation, Credential, Job, Team
from conversations.sandbox import Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.steps import rows_of, search_for
from tests.factories import add_messages, make_conversation, make_credential, make_known, make_remote, make_user
from tests.factories import metadata_at as at
from tests.jobs.steps import run

pytestmark = pytest.mark.browser

HUMAN = 300  # milliseconds before a person uses what has just appeared

PageOf = Callable[[User], Page]


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page_of(request: pytest.FixtureRequest, open_browser: OpenBrowser) -> PageOf:
    return lambda user: open_browser(user, java_script_enabled=request.param).new_page()


@pytest.fixture
def page(page_of: PageOf, operator: User, credential: Credential) -> Page:
    return page_of(operator)


@pytest.fixture
def rows(sandbox: Sandbox, credential: Credential) -> list[Conversation]:
    """Four of one person and two of others."""
    users = ["48213"] * 4 + ["1", "2"]
    made = [make_known(sandbox, credential, {"user_id": user, "cust": "acme"}) for user in users]
    for row in made:
        add_messages(sandbox, row, 2)
    return made


def select(page: Page, *numbers: int) -> None:
    for number in numbers:
        rows_of(page).nth(number).locator("[data-select]").check()


def choose(page: Page, query: str, action: str) -> None:
    """Choose an action for all that match."""
    page.goto(f"/conversations/?q={query}")
    select(page, 0)
    page.get_by_label(re.compile("that match")).check()
    if action in ("Remove…", "Erase…"):
        page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name=action).click()
    expect(page).to_have_url(re.compile(r"/jobs/\d+/start/"))


def press(page: Page, name: str) -> None:
    page.locator(".actions").get_by_role("button", name=name, exact=True).click()


def finish(page: Page) -> Job:
    """Do the newest job, and look at it again."""
    job = Job.objects.latest("pk")
    expect(page).to_have_url(re.compile(rf"/jobs/{job.pk}/$"))
    run(job)
    page.goto(job.get_absolute_url())
    return job


def test_rows_are_edited_and_the_edit_is_undone(page: Page, rows: list[Conversation], sandbox: Sandbox) -> None:
    page.goto("/conversations/?q=user_id%3A48213")
    select(page, 0, 1)
    page.get_by_role("button", name="Edit…").click()
    expect(page.get_by_role("heading", name="Edit metadata of 2 conversations")).to_be_visible()
    page.get_by_role("button", name="Rename a key").click()
    page.get_by_label("Key of step 1", exact=True).fill("cust")
    page.get_by_label("New key of step 1").fill("tenant")
    page.wait_for_timeout(HUMAN)
    page.get_by_role("button", name="Set a key").click()
    expect(page.get_by_label("Key of step 1", exact=True)).to_have_value("cust")
    page.get_by_label("Key of step 2", exact=True).fill("seen")
    page.get_by_label("Value of step 2", exact=True).fill("yes")
    press(page, "Preview")
    expect(page.get_by_text("2 would change")).to_be_visible()
    expect(page.get_by_text("tenant: acme").first).to_be_visible()
    page.wait_for_timeout(HUMAN)
    press(page, "Edit metadata of 2 conversations")
    finish(page)
    expect(page.get_by_text("2 of 2 done")).to_be_visible()
    edited = [at(sandbox, row.openai_id) for row in rows]
    assert edited.count({"user_id": "48213", "tenant": "acme", "seen": "yes"}) == 2
    page.get_by_role("button", name="Undo…").click()
    expect(page.get_by_text("2 would change")).to_be_visible()
    press(page, "Undo the edit of 2 conversations")
    finish(page)
    assert [at(sandbox, row.openai_id) for row in rows] == [row.metadata for row in rows]


def test_all_that_match_are_removed_once_the_number_is_typed(
    page: Page, rows: list[Conversation], sandbox: Sandbox, guard: Guard
) -> None:
    guard.expects |= {422}
    choose(page, "user_id%3A48213", "Remove…")
    press(page, "Remove 4 conversations")
    expect(page.get_by_text("Type the number of conversations.")).to_be_visible()
    page.get_by_label(re.compile("To confirm")).fill("4")
    press(page, "Remove 4 conversations")
    finish(page)
    expect(page.get_by_text("4 of 4 done")).to_be_visible()
    assert [bool(sandbox.store.get_conversation(row.openai_id)) for row in rows] == [False] * 4 + [True] * 2


def test_all_that_match_are_erased_with_receipts(page: Page, rows: list[Conversation], sandbox: Sandbox) -> None:
    choose(page, "user_id%3A48213", "Erase…")
    page.get_by_label("Reason").fill("Ticket 1234")
    page.get_by_label(re.compile("To confirm")).fill("4")
    press(page, "Erase 4 conversations")
    job = finish(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Receipt (JSON)").click()
    receipt = json.loads(download.value.path().read_text())
    assert receipt["outcomes"] == {"erased": 4}
    assert len(receipt["receipts"]) == job.erasures.count() == 4


def test_they_are_transferred(page: Page, rows: list[Conversation], sandbox: Sandbox, team: Team) -> None:
    other = make_credential(sandbox, name="New key", teams=[team])
    choose(page, "user_id%3A48213", "Transfer…")
    page.get_by_label("Credential").select_option(str(other.pk))
    press(page, "Transfer 4 conversations")
    finish(page)
    assert Conversation.objects.of(other).count() == 4


def test_they_are_exported_with_their_transcripts(page: Page, rows: list[Conversation]) -> None:
    choose(page, "user_id%3A48213", "Export…")
    page.get_by_label("File").select_option("zip")
    press(page, "Export 4 conversations")
    finish(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the export").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 5
    page.goto("/activity/")
    expect(page.get_by_role("link", name="Download an export")).to_be_visible()


def test_what_a_search_finds_is_held_until_an_administrator_lifts_it(
    page: Page, page_of: PageOf, rows: list[Conversation], administrator: User, sandbox: Sandbox, guard: Guard
) -> None:
    guard.expects |= {422}
    page.goto("/conversations/?q=user_id%3A48213")
    select(page, 0)
    page.get_by_label(re.compile("that match")).check()
    page.get_by_role("button", name="Hold…").click()
    expect(page.get_by_text("now and later. That’s 4 conversations now")).to_be_visible()
    page.get_by_label("Reason").fill("Case 7")
    page.get_by_role("button", name="Place the hold").click()
    expect(page.get_by_text("In force", exact=True)).to_be_visible()
    page.goto(f"{rows[0].get_absolute_url()}remove/")
    page.get_by_role("button", name="Remove conversation").click()
    expect(page.get_by_text("Case 7")).to_be_visible()
    choose(page, "user_id%3A48213", "Remove…")
    expect(page.get_by_text("4 are on legal hold.")).to_be_visible()
    admin_page = page_of(administrator)
    admin_page.goto("/holds/")
    admin_page.get_by_role("link", name=re.compile(r"Hold \d")).click()
    admin_page.get_by_label("Reason").fill("Closed")
    admin_page.get_by_role("button", name="Lift the hold").click()
    expect(admin_page.get_by_text("Lifted", exact=True)).to_be_visible()


def test_a_rule_is_written_approved_by_another_and_runs(
    page_of: PageOf, administrator: User, team: Team, sandbox: Sandbox, credential: Credential
) -> None:
    created_at = timezone.now() - timedelta(days=40)
    openai_id = make_remote(sandbox, {"tenant": "test"}, created_at=int(created_at.timestamp()))
    make_conversation(credential, {"tenant": "test"}, openai_id=openai_id, created_at=created_at)
    page = page_of(administrator)
    page.goto("/retention/")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Name").fill("Old tests")
    page.get_by_label("Search", exact=True).fill("tenant:test")
    page.get_by_label("Reason").fill("Policy 3")
    page.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_text("Now it would erase 1 conversation")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    other = page_of(make_user("second", role="Administrator", teams=[team]))
    other.goto(page.url)
    other.get_by_role("button", name="Approve").click()
    expect(other.get_by_text("The rule is active.")).to_be_visible()
    make_due_jobs()
    run(Job.objects.get())
    other.reload()
    expect(other.get_by_text("1 erased")).to_be_visible()
    assert sandbox.store.get_conversation(openai_id) is None


def test_all_of_one_person_is_erased_but_what_is_held_and_signed_off(
    page: Page, rows: list[Conversation], sandbox: Sandbox
) -> None:
    page.goto(f"/holds/new/?pick={rows[0].pk}")
    page.get_by_label("Reason").fill("Case 7")
    page.get_by_role("button", name="Place the hold").click()
    page.goto("/erasures/")
    page.get_by_role("link", name="Erasure requests").click()
    page.get_by_role("link", name="New request").click()
    page.get_by_label("Key 1", exact=True).fill("user_id")
    page.get_by_label("Value 1", exact=True).fill("48213")
    page.get_by_label("Reference").fill("Ticket 9")
    page.get_by_role("button", name="Find their conversations").click()
    expect(page.get_by_text("1 is on legal hold")).to_be_visible()
    page.get_by_role("button", name="Erase 4…").click()
    page.get_by_label(re.compile("To confirm")).fill("4")
    press(page, "Erase 4 conversations")
    finish(page)
    page.get_by_role("link", name=re.compile("Erasure request")).first.click()
    page.get_by_role("button", name="Sign off").click()
    expect(page.get_by_text("Signed off by operator")).to_be_visible()
    expect(page.get_by_text("on legal hold: Case 7")).to_be_visible()
    expect(page.get_by_text("48213")).to_have_count(0)
    page.emulate_media(media="print")
    expect(page.get_by_text("on legal hold: Case 7")).to_be_visible()
    expect(page.locator(".topbar")).to_be_hidden()
    there = [bool(sandbox.store.get_conversation(row.openai_id)) for row in rows]
    assert there == [True, False, False, False, True, True]


# The selection, which needs scripts


@pytest.fixture
def scripted(open_browser: OpenBrowser, operator: User) -> Page:
    return open_browser(operator).new_page()


def test_a_new_search_drops_the_selection(scripted: Page, rows: list[Conversation]) -> None:
    scripted.goto("/conversations/?q=")
    bar = scripted.locator("[data-selection]")
    expect(bar).to_be_hidden()
    select(scripted, 0, 1)
    expect(bar.get_by_text("2 selected")).to_be_visible()
    search_for(scripted, "user_id:48213")
    expect(rows_of(scripted)).to_have_count(4)
    expect(bar).to_be_hidden()
    select(scripted, 0)
    expect(bar.get_by_text("1 selected")).to_be_visible()


def test_all_that_match_ticks_the_page_and_a_row_less_takes_it_back(scripted: Page, rows: list[Conversation]) -> None:
    scripted.goto("/conversations/?q=")
    select(scripted, 0)
    scripted.get_by_label(re.compile("all 6 that match")).check()
    expect(scripted.get_by_text("All selected")).to_be_visible()
    expect(rows_of(scripted).nth(5).locator("[data-select]")).to_be_checked()
    rows_of(scripted).nth(3).locator("[data-select]").uncheck()
    expect(scripted.locator("[data-select-matching]")).not_to_be_checked()
    expect(scripted.get_by_text("5 selected")).to_be_visible()


def test_on_a_phone(open_browser: OpenBrowser, operator: User, rows: list[Conversation]) -> None:
    page = open_browser(operator, viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto("/conversations/?q=user_id%3A48213")
    rows_of(page).first.locator("[data-select]").tap()
    page.get_by_label(re.compile("all 4 that match")).tap()
    page.get_by_role("button", name="Export…").tap()
    expect(page.get_by_role("heading", name="Export 4 conversations")).to_be_visible()


def test_cancelling_and_going_back_leave_nothing_started(scripted: Page, rows: list[Conversation]) -> None:
    choose(scripted, "user_id%3A48213", "Remove…")
    scripted.go_back()
    expect(scripted.get_by_role("heading", name="Delete all that match")).to_be_visible()
    scripted.go_back()
    expect(rows_of(scripted)).to_have_count(4)
    scripted.go_forward()
    scripted.go_forward()
    press(scripted, "Cancel")
    expect(scripted.get_by_text("Nothing was done.")).to_be_visible()
    assert not Job.objects.exists()
