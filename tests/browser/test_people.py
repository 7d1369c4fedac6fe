"""People, as an administrator manages them in a browser, with scripts and without."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Team
from conversations.services.people import deactivate_person, make_link
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.test_look import faults_of, look_at
from tests.factories import make_team, make_user

pytestmark = pytest.mark.browser

CHOSEN = "a long phrase of mira"
LONG = "Wolfeschlegelsteinhausenbergerdorff" * 3


def invite(page: Page, team: Team) -> str:
    """Invite somebody by hand; returns the link."""
    page.goto("/people/")
    page.get_by_role("link", name="Invite somebody").first.click()
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Full name").fill("Mira Novak")
    page.get_by_role("radio", name="Operator").check()
    page.get_by_label(team.name).check()
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("This link is shown only now.")).to_be_visible()
    return page.locator("#link").inner_text()


def join(page: Page, link: str) -> None:
    """Choose a password with the link, and sign in with it."""
    page.goto(link)
    page.get_by_label("Password", exact=True).fill(CHOSEN)
    page.get_by_label("The same again").fill(CHOSEN)
    page.get_by_role("button", name="Choose this password").click()
    expect(page.get_by_text("Your password is set. Sign in as mira.")).to_be_visible()
    page.get_by_label("Username").fill("mira")
    page.get_by_label("Password").fill(CHOSEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_inviting_joining_and_deactivating(
    open_browser: OpenBrowser, administrator: User, team: Team, known: Conversation, guard: Guard, scripts: bool
) -> None:
    guard.expects |= {410}
    page = open_browser(administrator, java_script_enabled=scripts).new_page()
    theirs = open_browser(java_script_enabled=scripts).new_page()
    link = invite(page, team)
    join(theirs, link)
    theirs.goto(known.get_absolute_url())
    expect(theirs.get_by_role("heading", name=known.openai_id)).to_be_visible()

    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Chose a password with the link.")).to_be_visible()
    expect(page.get_by_role("button", name="End 1 session")).to_be_visible()
    page.get_by_role("radio", name="Viewer").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Role changed from Operator to Viewer.")).to_be_visible()
    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("mira is deactivated. 1 session ended.")).to_be_visible()

    theirs.reload()
    expect(theirs.get_by_role("heading", name="Sign in")).to_be_visible()
    theirs.goto(link)
    expect(theirs.get_by_role("heading", name="This link doesn’t work")).to_be_visible()


def test_the_link_is_copied(open_browser: OpenBrowser, administrator: User, team: Team) -> None:
    context = open_browser(administrator)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    link = invite(page, team)
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_superuser_finds_people_for_a_team(open_browser: OpenBrowser, superuser: User, scripts: bool) -> None:
    for number in range(30):
        make_user(f"person{number}")
    page = open_browser(superuser, java_script_enabled=scripts).new_page()
    page.goto("/people/teams/")
    page.get_by_role("link", name="New team").first.click()
    page.get_by_label("Name").fill("Billing")
    page.get_by_role("button", name="Create team").click()
    for name in ("person12", "person27"):
        page.get_by_label("Search people for this team").fill(name)
        page.get_by_role("button", name="Search").click()
        page.get_by_label(name).check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text(f"Saved. Added {name}.")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("[name=member]:checked")).to_have_count(2)
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_text("2 members lose access to 0 credentials")).to_be_visible()
    page.get_by_role("button", name="Delete the team").click()
    expect(page.get_by_role("heading", name="No teams")).to_be_visible()
    assert User.objects.filter(groups__name="Billing").count() == 0


def test_what_the_pages_look_like(
    open_browser: OpenBrowser, superuser: User, administrator: User, operator: User, guard: Guard
) -> None:
    guard.expects |= {410, 422}
    teams = [make_team(LONG[:100]), make_team("Billing")]
    person = make_user(LONG[:100], teams=teams, first_name="Mira", last_name=LONG, email=f"mira@{LONG[:60]}.example")
    make_link(actor=superuser, person=person)
    deactivate_person(actor=superuser, person=operator)
    page = open_browser(superuser).new_page()
    own = [f"/people/{each.pk}/" for each in (superuser, person, operator)]
    team = f"/people/teams/{teams[0].pk}/"
    lists = ["/people/", "/people/?q=nobody", "/people/teams/", "/people/teams/new/", team, f"{team}delete/"]
    assert look_at(page, *lists, "/people/roles/", "/people/invite/", "/people/join/x/y/", *own) == {}
    page.goto("/people/invite/")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("Enter a user name.")).to_be_visible()
    assert faults_of(page) == []
    page.goto(own[1])
    page.get_by_role("button", name="New link").click()
    expect(page.get_by_text("This link is shown only now.")).to_be_visible()
    assert faults_of(page) == []
    link = page.locator("#link").inner_text()
    assert look_at(page, link) == {}
    page = open_browser(administrator).new_page()
    assert look_at(page, "/people/", "/people/teams/", f"/people/{administrator.pk}/", "/people/roles/") == {}
