"""Credentials in the browser: added from the page of a new conversation, tested before they are saved, switched off."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Credential, Team
from conversations.sandbox import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.factories import KEY

pytestmark = pytest.mark.browser

WITHOUT_SCRIPT = pytest.param({"java_script_enabled": False}, id="no JavaScript")


def fill(page: Page, sandbox: Sandbox, team: Team, key: str = KEY) -> None:
    """The form of a new credential for the sandbox."""
    page.get_by_label("Name", exact=True).fill("Gateway")
    page.get_by_label("Another server").check()
    page.get_by_label("Base URL").fill(sandbox.url)
    page.get_by_label("API key").fill(key)
    page.get_by_label("Name of header 1").fill("X-Gate")
    page.get_by_label("Value of header 1").fill("gate-secret-0123456789")
    page.get_by_label(team.name).check()


@pytest.mark.parametrize("options", [pytest.param({}, id="htmx"), WITHOUT_SCRIPT])
def test_one_is_tested_saved_and_switched_off(
    open_browser: OpenBrowser, administrator: User, sandbox: Sandbox, team: Team, options: dict[str, Any]
) -> None:
    page = open_browser(administrator, **options).new_page()
    page.goto("/credentials/")
    page.get_by_role("link", name="Add credential").first.click()
    fill(page, sandbox, team, "sk-wrong-0123456789")
    page.get_by_role("button", name="Test without saving").click()
    expect(page.get_by_text("The key was refused")).to_be_visible()
    assert not Credential.objects.exists()
    fill(page, sandbox, team)
    page.get_by_role("button", name="Test without saving").click()
    expect(page.get_by_text("Works: the server accepts the key")).to_be_visible()
    if options:  # the page came anew, and secrets are not shown again
        fill(page, sandbox, team)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Gateway was saved.")).to_be_visible()
    assert Credential.objects.get().open_headers() == {"X-Gate": "gate-secret-0123456789"}
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("Works", exact=True)).to_be_visible()
    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("Inactive", exact=True)).to_be_visible()
    assert KEY not in page.content()


def test_what_was_typed_stays_when_something_is_wrong(
    open_browser: OpenBrowser, administrator: User, sandbox: Sandbox, team: Team, guard: Any
) -> None:
    guard.expects.add(422)
    page = open_browser(administrator).new_page()
    page.goto("/credentials/new/")
    fill(page, sandbox, team)
    page.get_by_label("Base URL").fill("https://example.com/v1")
    page.get_by_label("API key").press("Enter")
    expect(page.get_by_text("Keys can’t be sent to example.com.")).to_be_visible()
    expect(page.get_by_label("Base URL")).to_have_value("https://example.com/v1")
    expect(page.get_by_label("Name of header 1")).to_have_value("X-Gate")
    expect(page.get_by_label("API key")).to_have_value("")


def test_a_new_credential_is_found_on_the_new_page(
    open_browser: OpenBrowser, administrator: User, sandbox: Sandbox, team: Team
) -> None:
    page = open_browser(administrator).new_page()
    page.goto("/conversations/new/")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Add credential…").click()
    fill(opened.value, sandbox, team)
    opened.value.get_by_role("button", name="Save", exact=True).last.click()
    expect(opened.value.get_by_text("Gateway was saved.")).to_be_visible()
    page.get_by_label("Text of message 1").fill("typed before")
    page.get_by_role("button", name="Reload list").click()
    expect(page.get_by_label("Credential")).to_contain_text("Gateway")
    expect(page.get_by_label("Text of message 1")).to_have_value("typed before")
