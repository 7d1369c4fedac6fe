"""What the pages of jobs on selections, holds, retention rules and erasure requests look like, measured."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.jobs import control
from conversations.jobs.drafts import draft_of_rows, draft_of_undo
from conversations.jobs.erasure_requests import document_of, document_text
from conversations.models import Conversation, Credential, ErasureRequest, Job, RetentionRule
from conversations.sandbox import Sandbox
from conversations.services.holds import lift_hold, place_hold, place_search_hold
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.test_look import METADATA, faults_of, look_at
from tests.factories import make_conversation, make_known
from tests.jobs.bulk import step
from tests.jobs.steps import run

pytestmark = pytest.mark.browser

LONG = "A reason that somebody wrote at length, with a reference that has no spaces: " + "x" * 120


@pytest.fixture
def page(open_browser: OpenBrowser, superuser: User, guard: Guard) -> Page:
    guard.expects |= {422, 502}
    return open_browser(superuser).new_page()


@pytest.fixture
def rows(credential: Credential) -> list[Conversation]:
    states = ["active", "differs", "missing", "removed"]
    return [make_conversation(credential, METADATA, state=states[n % 4]) for n in range(12)]


def drafted(superuser: User, kind: str, rows: list[Conversation]) -> Job:
    return draft_of_rows(actor=superuser, kind=kind, keys=[row.pk for row in rows])


def test_the_selection(page: Page, rows: list[Conversation]) -> None:
    page.goto("/conversations/?q=")
    page.locator("[data-select]").first.check()
    page.get_by_label("that match").check()
    assert faults_of(page) == []


@pytest.mark.parametrize("kind", ["edit", "remove", "erase", "transfer", "export"])
def test_what_starts_each_job(page: Page, superuser: User, rows: list[Conversation], kind: str) -> None:
    place_hold(actor=superuser, conversations=rows[:1], reason=LONG)
    job = drafted(superuser, kind, rows)
    assert look_at(page, f"/jobs/{job.pk}/start/") == {}
    if kind == "edit":
        for name in ("Set a key", "Remove a key", "Rename a key", "Replace a value"):
            page.get_by_role("button", name=name).click()
            expect(page.locator("legend", has_text=name)).to_be_visible()
            page.wait_for_timeout(300)
        assert faults_of(page) == []
        page.locator(".actions").get_by_role("button", name="Preview").click()
        expect(page.get_by_text("Correct the marked steps")).to_be_visible()
        assert faults_of(page) == []
        for field in page.get_by_placeholder("key", exact=True).all():
            field.fill("k" * 64)
        page.get_by_placeholder("new key").fill("n" * 64)
        page.locator(".actions").get_by_role("button", name="Preview").click()
        expect(page.get_by_text("would change")).to_be_visible()
    else:
        page.locator("[name=do][value=start]").click()
        page.wait_for_load_state()
    assert faults_of(page) == []


def test_what_is_left_of_each_job(page: Page, superuser: User, sandbox: Sandbox, credential: Credential) -> None:
    rows = [make_known(sandbox, credential, METADATA) for _ in range(3)]
    edit = drafted(superuser, "edit", rows)
    edit.parameters = {"steps": [step("set", "n" * 64, "v" * 512)]}
    export = drafted(superuser, "export", rows)
    export.parameters = {"content": "metadata", "package": "jsonl", "format": "json"}
    for job in (edit, export):
        control.start(job)
        run(job)
    undo = draft_of_undo(actor=superuser, job=edit)
    urls = [edit.get_absolute_url(), export.get_absolute_url(), f"/jobs/{undo.pk}/start/"]
    assert look_at(page, *urls, "/jobs/", "/activity/") == {}


def test_holds(page: Page, superuser: User, rows: list[Conversation], credential: Credential) -> None:
    assert look_at(page, "/holds/") == {}
    single = place_hold(actor=superuser, conversations=rows, reason=LONG)
    search = place_search_hold(
        actor=superuser,
        query="tenant:" + ",".join(f"acme{n}" for n in range(30)),
        credentials=[credential],
        reason=LONG,
    )
    lift_hold(actor=superuser, hold=search, reason=LONG)
    urls = ["/holds/", single.get_absolute_url(), search.get_absolute_url(), rows[0].get_absolute_url()]
    urls += [f"/holds/new/?pick={rows[0].pk}", "/holds/new/?q=tenant:acme", "/holds/new/?q=state:absurd"]
    assert look_at(page, *urls) == {}


def test_retention_rules(page: Page, superuser: User, rows: list[Conversation], credential: Credential) -> None:
    assert look_at(page, "/retention/", "/retention/new/") == {}
    page.get_by_role("button", name="Save the rule").click()
    assert faults_of(page) == []
    rule = RetentionRule(name="r" * 100, query="tenant:" + "a" * 100, age_days=30, action="erase", reason=LONG)
    rule.change(author=superuser)
    rule.credentials.set([credential])
    assert look_at(page, "/retention/", rule.get_absolute_url(), f"/retention/{rule.pk}/edit/") == {}
    rule.approve(by=superuser)
    RetentionRule.objects.update(query="-tenant:x")
    assert look_at(page, rule.get_absolute_url()) == {}


def test_erasure_requests(page: Page, superuser: User, rows: list[Conversation], credential: Credential) -> None:
    assert look_at(page, "/erasure-requests/", "/erasure-requests/new/") == {}
    page.get_by_role("button", name="Find their conversations").click()
    expect(page.get_by_text("Enter at least one pair")).to_be_visible()
    assert faults_of(page) == []
    place_hold(actor=superuser, conversations=rows[:2], reason=LONG)
    request = ErasureRequest(reference=LONG, actor=superuser, actor_name="root")
    request.identify([("tenant", "acme"), ("k" * 64, "v" * 512)])
    request.save()
    request.credentials.set([credential])
    assert look_at(page, "/erasure-requests/", request.get_absolute_url()) == {}
    request.sign_off(by=superuser, document=document_text(document_of(request, superuser)))
    assert look_at(page, request.get_absolute_url()) == {}
