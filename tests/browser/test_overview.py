"""From the overview to what it counts, with a mouse, by keyboard and without scripts; and how it looks."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from conversations.jobs import control
from conversations.models import Conversation, Credential, Event, Job, JobItem, Outcome
from tests.browser.conftest import OpenBrowser
from tests.browser.steps import filters_counted
from tests.browser.test_look import look_at
from tests.factories import make_conversation

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def month(credential: Credential) -> list[Conversation]:
    """Three conversations of ten days ago, and one of twenty."""
    now = timezone.now()
    return [
        make_conversation(credential, {"tenant": "acme", "a key": "x"}, created_at=now - timedelta(days=days))
        for days in (10, 10, 10, 20)
    ]


@pytest.fixture
def work(credential: Credential, superuser: User) -> None:
    """A job under way, one that is paused, and an unresolved outcome."""
    for state in ("running", "paused"):
        job = control.create(kind="refresh", credentials=[credential], actor=superuser)
        since = timezone.now() - timedelta(minutes=1)
        Job.objects.filter(pk=job.pk).update(
            state=state, total=400, running_since=since, message="The key is refused." if state == "paused" else ""
        )
        JobItem.objects.bulk_create(
            JobItem(job=job, openai_id=f"conv_{number}", outcome="unchanged" if number < 184 else "")
            for number in range(400)
        )
    names = {"credential": credential, "credential_name": credential.name, "base_url": credential.base_url}
    Event.objects.create(actor=superuser, actor_name="root", action="create", outcome=Outcome.UNKNOWN, **names)


def test_a_bar_leads_to_the_list_of_what_it_counts(page: Page) -> None:
    page.goto("/")
    bar = page.locator(".chart a", has=page.locator("title", has_text=re.compile(": 3$")))
    name = bar.get_attribute("aria-label") or ""
    bar.locator(".bar").click()
    filters_counted(page)
    expect(page.locator("#results tbody tr")).to_have_count(3)
    expect(page.locator("#number")).to_contain_text("3 found")
    expect(page.locator(".terms")).to_contain_text(name.partition(":")[0])
    page.get_by_role("link", name="Convadmin").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_without_scripts_the_same_numbers_are_in_a_table(open_browser: OpenBrowser, operator: User) -> None:
    page = open_browser(operator, java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_text("Show as table").click()
    page.get_by_role("row").filter(has=page.get_by_role("cell", name="3", exact=True)).get_by_role("link").click()
    expect(page.locator("#results tbody tr")).to_have_count(3)
    page.goto("/")
    page.get_by_role("link", name=re.compile("^a key 4$")).click()
    expect(page.locator("#results tbody tr")).to_have_count(4)


def test_by_keyboard_the_chart_is_one_stop(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="New conversation").focus()
    page.keyboard.press("Tab")
    expect(page.locator("summary:focus")).to_have_text("Show as table")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".chart-table a:focus")).to_be_visible()


def test_it_looks_right_with_work_and_without(
    open_browser: OpenBrowser, superuser: User, request: pytest.FixtureRequest
) -> None:
    page = open_browser(superuser).new_page()
    assert look_at(page, "/") == {}
    request.getfixturevalue("work")
    assert look_at(page, "/") == {}


def test_nothing_shifts_while_it_loads(page: Page, work: None) -> None:
    page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shift += entry.value })
            .observe({ type: 'layout-shift', buffered: true })"""
    )
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shift") == 0
