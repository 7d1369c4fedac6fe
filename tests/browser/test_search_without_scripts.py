"""The search in a browser that runs no scripts: every link and form does what it says."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Credential
from tests.browser.conftest import OpenBrowser
from tests.browser.steps import (
    chip_of,
    expect_first,
    facet_value,
    make_many,
    row_of,
    rows_of,
    save_view,
    search_box,
    search_for,
    turn_to,
)

pytestmark = pytest.mark.browser

PAGE = 20


@pytest.fixture
def page(open_browser: OpenBrowser, operator: User) -> Page:
    return open_browser(operator, java_script_enabled=False).new_page()


@pytest.fixture(autouse=True)
def many(credential: Credential, settings: Any) -> list[Conversation]:
    """60 in the index, the newest first, on three pages."""
    settings.PAGE_SIZE = PAGE
    return make_many(credential, 60)


def test_searching_and_dropping_a_term(page: Page) -> None:
    page.goto("/conversations/")
    expect(page.get_by_role("button", name="Filters")).to_be_hidden()
    expect(page.get_by_role("checkbox", name="Select all on this page")).to_have_count(0)
    search_for(page, "tenant:acme env:prod")
    expect(page.locator("#number")).to_have_text("10 found")
    chip_of(page, "env").get_by_role("link").click()
    expect(search_box(page)).to_have_value("tenant:acme")
    expect(page.get_by_text("20 on this page")).to_be_visible()


def test_filters_and_dates_on_their_page(page: Page) -> None:
    page.goto("/conversations/?q=tenant:acme")
    page.get_by_role("link", name="Show filters and counts").click()
    facet_value(page, "env", "prod").click()
    expect(search_box(page)).to_have_value("tenant:acme env:prod")
    page.get_by_role("link", name="Show filters and counts").click()
    page.get_by_text("Show as table").click()
    page.get_by_role("link", name="1 Jan 2026", exact=True).click()
    expect(search_box(page)).to_have_value("tenant:acme env:prod created:2026-01-01")
    expect(rows_of(page)).to_have_count(1)


def test_a_column_and_all_values_of_a_key(page: Page) -> None:
    page.goto("/conversations/overview/?q=tenant:acme")
    page.get_by_role("link", name="Add a column for env").click()
    expect(page.get_by_role("columnheader", name="env")).to_be_visible()
    page.get_by_role("link", name="Show filters and counts").click()
    page.get_by_role("link", name="Search… values of owner").click()
    page.get_by_label("Part of a value").fill("owner 57")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="owner 57").click()
    expect(search_box(page)).to_have_value('tenant:acme owner:"owner 57"')
    expect(page.get_by_role("columnheader", name="env")).to_be_visible()
    expect(rows_of(page)).to_have_count(1)


def test_turning_pages_and_the_order(page: Page, many: list[Conversation]) -> None:
    page.goto("/conversations/")
    turn_to(page, "Older")
    turn_to(page, "Older")
    expect_first(page, many[2 * PAGE])
    turn_to(page, "Newer")
    expect_first(page, many[PAGE])
    page.get_by_role("link", name="Created").click()
    expect_first(page, many[-1])
    page.get_by_label("Go to day").fill("2026-02-01")
    page.get_by_role("button", name="Go", exact=True).click()
    expect_first(page, many[::-1][31])


def test_next_and_back_to_the_list(page: Page, many: list[Conversation]) -> None:
    page.goto("/conversations/")
    row_of(page, many[1]).get_by_role("link").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#openai-id")).to_have_text(many[2].openai_id)
    page.get_by_role("link", name="← Conversations").click()
    expect_first(page, many[2])
    expect(page).to_have_url(re.compile(f"#c{many[2].pk}$"))


def test_saving_a_view_and_opening_it(page: Page) -> None:
    page.goto("/conversations/?q=tenant:globex")
    save_view(page, "Globex")
    page.get_by_role("link", name="Views").click()
    page.get_by_role("link", name="Globex", exact=True).click()
    expect(search_box(page)).to_have_value("tenant:globex")
