"""The search as it is used: box, completion, terms, filters, bars, pages, keys, views, the browser's own buttons."""

import csv
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Credential
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.steps import (
    chip_of,
    expect_first,
    facet_value,
    filters_counted,
    make_many,
    open_list,
    row_of,
    rows_of,
    save_view,
    search_box,
    search_for,
    turn_to,
)
from tests.browser.test_look import faults_of
from tests.factories import make_conversation

pytestmark = pytest.mark.browser

PAGE = 20
TENANTS = ("acme", "globex", "initech")
LONG = {"k" * 64: "v" * 512, "emoji": "👩‍👩‍👧🐘" * 30, "مفتاح": "قيمة من اليمين إلى اليسار " * 10, "empty": ""}
SLOW_FETCH = """
const quick = window.fetch;
window.fetch = async (...given) => {
  const answer = quick(...given).then((value) => [value], (error) => [null, error]);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const [value, error] = await answer;
  if (error) { throw error; }
  return value;
};
"""


@pytest.fixture(autouse=True)
def _short_pages(settings: Any) -> None:
    settings.PAGE_SIZE = PAGE


@pytest.fixture
def many(credential: Credential, guard: Guard) -> list[Conversation]:
    """120 in the index, the newest first; OpenAI has no messages of them to tell."""
    guard.expects.add(502)
    return make_many(credential)


def number(page: Page, text: str) -> None:
    expect(page.locator("#number")).to_have_text(text)


def test_keys_then_values_are_completed_by_keyboard_alone(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    page.keyboard.press("/")
    page.keyboard.type("ten")
    expect(page.get_by_role("option")).to_have_text([re.compile(r"tenant:\s*120")])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(search_box(page)).to_have_value("tenant:")
    expect(page.get_by_role("option")).to_have_text([re.compile(rf"tenant:{it}\s*40") for it in TENANTS])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    expect(search_box(page)).to_have_value("tenant:globex ")
    expect(search_box(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(chip_of(page, "tenant is globex")).to_be_visible()
    number(page, "40 found")


def test_completions_are_announced(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    box = page.get_by_role("combobox", name="Search conversations")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.fill("env:")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("status").filter(has_text="2 suggestions, use the arrow keys")).to_have_count(1)
    box.press("ArrowDown")
    marked = page.get_by_role("option", selected=True)
    expect(marked).to_have_count(1)
    expect(box).to_have_attribute("aria-activedescendant", marked.get_attribute("id") or "")
    box.press("o")
    expect(box).not_to_have_attribute("aria-activedescendant", re.compile(""))


def test_escape_closes_the_completions_then_leaves_the_box(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    search_box(page).fill("env:")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(search_box(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(search_box(page)).not_to_be_focused()


def test_a_completion_is_taken_by_the_mouse_amid_other_text(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    search_box(page).fill("👩‍👩‍👧 env:")
    page.get_by_role("option", name="env:staging").click()
    expect(search_box(page)).to_have_value("👩‍👩‍👧 env:staging ")
    page.keyboard.type("x")
    expect(search_box(page)).to_have_value("👩‍👩‍👧 env:staging x")


def test_completions_come_for_what_is_typed_before_the_last_ones_came(page: Page, many: list[Conversation]) -> None:
    page.add_init_script(SLOW_FETCH)
    open_list(page)
    search_box(page).fill("te")
    page.wait_for_timeout(250)  # asked, and not answered yet
    search_box(page).press_sequentially("nant:gl")
    expect(page.get_by_role("option")).to_have_text([re.compile("tenant:globex")])


def test_the_page_of_filters_completes_too(page: Page, many: list[Conversation]) -> None:
    page.goto("/conversations/overview/?q=")
    search_box(page).fill("tenant:gl")
    page.get_by_role("option").click()
    page.keyboard.press("Enter")
    number(page, "40 found")
    expect(page).to_have_url(re.compile(r"/conversations/\?q=tenant%3Aglobex"))


def test_a_chip_is_dropped(page: Page, many: list[Conversation]) -> None:
    open_list(page, "tenant:acme env:prod")
    number(page, "20 found")
    page.get_by_role("link", name="Drop “env is prod”").click()
    expect(search_box(page)).to_have_value("tenant:acme")
    expect(chip_of(page, "env")).to_have_count(0)
    number(page, "40 found")


def test_a_filter_is_switched_on_and_off(page: Page, many: list[Conversation]) -> None:
    open_list(page, "")
    facet_value(page, "tenant", "acme").click()
    expect(search_box(page)).to_have_value("tenant:acme")
    expect(facet_value(page, "tenant", "acme")).to_have_attribute("aria-current", "true")
    facet_value(page, "tenant", "globex").click()
    expect(chip_of(page, "tenant is any of acme, globex")).to_be_visible()
    facet_value(page, "tenant", "acme").click()
    facet_value(page, "tenant", "globex").click()
    expect(search_box(page)).to_have_value("")
    number(page, "120 found")


def test_a_bar_narrows_to_its_days(page: Page, many: list[Conversation]) -> None:
    open_list(page, "tenant:acme")
    bar = page.locator(".histogram svg a").nth(2)
    words = bar.locator("title").text_content() or ""
    bar.click(position={"x": 5, "y": 5})
    expect(search_box(page)).to_have_value(re.compile(r"^tenant:acme created:2026-01-\d\d\.\.2026-01-\d\d$"))
    number(page, f"{words.rpartition(' ')[2]} found")
    page.locator(".histogram svg a").first.click(position={"x": 5, "y": 5})
    expect(search_box(page)).to_have_value(re.compile(r"^tenant:acme created:2026-01-\d\d$"))


def test_a_view_is_saved_and_opens_by_its_link(
    page: Page, open_browser: OpenBrowser, operator: User, many: list[Conversation]
) -> None:
    open_list(page, "tenant:acme", order="oldest", col="env")
    save_view(page, "Acme, from the beginning")
    expect(page).to_have_url(re.compile("q=tenant%3Aacme&order=oldest&col=env"))
    page.get_by_role("link", name="Views").click()
    link = page.get_by_role("link", name="Acme, from the beginning", exact=True).get_attribute("href") or ""
    other = open_browser(operator).new_page()
    other.goto(link)
    expect(search_box(other)).to_have_value("tenant:acme")
    expect(other.get_by_role("columnheader", name="env")).to_be_visible()
    expect_first(other, many[-1])


def test_next_and_previous_and_back_to_the_same_place(page: Page, many: list[Conversation]) -> None:
    open_list(page, "tenant:acme")
    acme = [each for each in many if each.metadata["tenant"] == "acme"]
    turn_to(page, "Older")
    expect_first(page, acme[PAGE])
    row_of(page, acme[PAGE + 1]).locator(".list-id a").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#openai-id")).to_have_text(acme[PAGE + 2].openai_id)
    page.get_by_role("link", name="Previous").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#openai-id")).to_have_text(acme[PAGE + 2].openai_id)
    page.get_by_role("link", name="← Conversations").click()
    expect(row_of(page, acme[PAGE + 2])).to_have_class("row-current")
    expect(row_of(page, acme[PAGE + 2]).locator("a")).to_be_focused()
    page.keyboard.press("j")
    expect(row_of(page, acme[PAGE + 3])).to_have_class("row-current")


def test_the_browsers_back_and_forward(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    search_for(page, "env:prod")
    turn_to(page, "Older")
    second = [each for each in many if each.metadata["env"] == "prod"][PAGE]
    expect_first(page, second)
    page.go_back()
    number(page, "60 found")
    expect(page.get_by_role("link", name="Newer")).to_have_count(0)
    page.go_forward()
    expect_first(page, second)
    row_of(page, second).locator("a").click()
    expect(page.locator("#openai-id")).to_have_text(second.openai_id)
    page.go_back()
    expect_first(page, second)
    expect(search_box(page)).to_have_value("env:prod")
    page.go_back()
    page.go_back()
    expect(search_box(page)).to_have_value("-state:removed")


def test_keys_and_completion_work_after_going_back(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    page.keyboard.press("j")
    turn_to(page, "Older")
    expect_first(page, many[PAGE])
    page.go_back()
    expect_first(page, many[0])
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(row_of(page, many[0]).get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("/")
    page.keyboard.type("ten")
    expect(page.get_by_role("option")).to_have_count(1)


def test_a_result_is_exported(page: Page, many: list[Conversation]) -> None:
    open_list(page, "tenant:acme env:prod")
    page.get_by_role("link", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".csv")
    with download.value.path().open(newline="", encoding="utf-8-sig") as file:
        assert len(list(csv.DictReader(file))) == 20


def test_rows_are_walked_and_opened_by_keys(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    for key in "jjk":
        page.keyboard.press(key)
    expect(row_of(page, many[0])).to_have_class("row-current")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator("#openai-id")).to_have_text(many[1].openai_id)


def test_rows_are_selected_by_keys_and_let_go_by_escape(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    for key in "jxjxjxx":
        page.keyboard.press(key)
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("form", name="Selection")).to_be_hidden()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)


def test_the_row_at_hand_is_not_under_the_selections_bar(page: Page, many: list[Conversation]) -> None:
    page.set_viewport_size({"width": 1440, "height": 700})
    open_list(page)
    for key in "x".join("j" * 13):
        page.keyboard.press(key)
    bar = page.get_by_role("form", name="Selection").bounding_box()
    row = page.locator(".row-current").bounding_box()
    assert bar
    assert row
    assert row["y"] + row["height"] <= bar["y"]


def test_another_page_of_the_result_has_nothing_selected(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(page.get_by_text(f"{PAGE} selected")).to_be_visible()
    turn_to(page, "Older")
    expect_first(page, many[PAGE])
    expect(page.get_by_role("form", name="Selection")).to_be_hidden()
    turn_to(page, "Newest")
    expect_first(page, many[0])
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)


def test_the_keys_are_told_and_put_away(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    expect(page.locator(".row-current")).to_have_count(0)
    search_box(page).fill("j?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_many_matches_are_counted_exactly_when_asked(
    page: Page, many: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.search.overview.COUNTED", 30)
    open_list(page, "env:prod -tenant:acme")
    number(page, "30+ found count exactly")
    page.get_by_role("link", name="count exactly").click()
    number(page, "40 found")
    expect(rows_of(page)).to_have_count(PAGE)


def test_a_key_becomes_a_column_and_no_column(page: Page, many: list[Conversation]) -> None:
    open_list(page, "tenant:acme")
    page.get_by_role("link", name="Add a column for owner").click()
    expect(page.get_by_role("columnheader", name="owner")).to_be_visible()
    expect(rows_of(page).first.locator(".list-column")).to_have_text("owner 117")
    search_for(page, "tenant:globex")
    expect(rows_of(page).first.locator(".list-column")).to_have_text("owner 118")
    page.get_by_role("link", name="Remove the column owner").click()
    expect(page.get_by_role("columnheader", name="owner")).to_have_count(0)


def test_oldest_first_and_a_days_place(page: Page, many: list[Conversation]) -> None:
    open_list(page)
    page.get_by_role("link", name="Created").click()
    expect_first(page, many[-1])
    expect(page.get_by_role("columnheader", name="Created")).to_have_attribute("aria-sort", "ascending")
    page.get_by_label("Go to day").fill("2026-02-01")
    page.get_by_role("button", name="Go", exact=True).click()
    expect_first(page, many[::-1][31])
    page.get_by_role("link", name="Created").click()
    expect_first(page, many[0])


def test_two_tabs_keep_their_own_searches(page: Page, many: list[Conversation]) -> None:
    other = page.context.new_page()
    open_list(page, "tenant:acme")
    open_list(other, "tenant:globex")
    turn_to(other, "Older")
    save_view(other, "Globex")
    page.bring_to_front()
    turn_to(page, "Older")
    expect_first(page, [each for each in many if each.metadata["tenant"] == "acme"][PAGE])
    expect(search_box(page)).to_have_value("tenant:acme")
    expect(search_box(other)).to_have_value("tenant:globex")


def test_on_a_phone_the_filters_are_behind_a_button(page: Page, many: list[Conversation]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_list(page, "")
    expect(facet_value(page, "tenant", "acme")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("button", name="Filters")).to_have_attribute("aria-expanded", "true")
    facet_value(page, "tenant", "acme").click()
    expect(search_box(page)).to_have_value("tenant:acme")
    page.goto("/conversations/overview/?q=tenant:acme")
    expect(page.get_by_role("button", name="Filters")).to_have_count(0)
    expect(facet_value(page, "tenant", "acme")).to_be_visible()


@pytest.mark.parametrize("where", ["", "overview/", "values/"])
def test_long_values_and_many_columns_fit(page: Page, credential: Credential, where: str) -> None:
    for _ in range(3):
        make_conversation(credential, LONG | {f"column {number}": "v" * 40 for number in range(8)})
    search = {"q": f"has:{'k' * 64} emoji:{LONG['emoji']} {'k' * 64}:{'v' * 512} مفتاح:~قيمة"}
    columns = "".join(f"&col={key}" for key in [*LONG, *(f"column {number}" for number in range(8))])
    page.goto(f"/conversations/{where}?q={search['q']}&key=emoji{columns}")
    if not where:
        filters_counted(page)
        page.locator("[data-filters]").dispatch_event("click")
    page.locator("#overview, #values").get_by_role("link").first.wait_for(state="attached")
    page.keyboard.press("/")
    assert faults_of(page) == []
