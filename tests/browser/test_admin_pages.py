"""The admin pages under the same policy as the rest: no error on the console, whatever widget they show."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Credential, Event, Team
from conversations.sandbox import Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.factories import KEY, make_conversation

pytestmark = pytest.mark.browser

SECRETS = {"X-Gate": "gate-secret-0123456789", "X-Tenant": "tenant-secret-0123456789"}


@pytest.fixture
def admin_page(open_browser: OpenBrowser, superuser: User, guard: Guard) -> Page:
    guard.expects.add(502)  # the transcript of a conversation that no server has
    return open_browser(superuser).new_page()


def add_credential(page: Page, sandbox: Sandbox, team: Team) -> None:
    page.goto("/admin/conversations/credential/add/")
    page.get_by_label("Name:", exact=True).fill("Gateway")
    page.get_by_label("Base URL").fill(sandbox.url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_label(team.name).check()
    for number, (name, value) in enumerate(SECRETS.items()):
        page.get_by_role("button", name="Add header").click()
        page.locator(f"#id_headers-{number}-name").fill(name)
        page.locator(f"#id_headers-{number}-value").fill(value)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator("main .notice")).to_contain_text("was added successfully")


def test_add_a_credential_with_two_headers_and_test_it(admin_page: Page, sandbox: Sandbox, team: Team) -> None:
    add_credential(admin_page, sandbox, team)
    admin_page.get_by_role("button", name="Test", exact=True).click()
    expect(admin_page.locator("main .notice")).to_contain_text("Works: the server accepts the key")
    credential = Credential.objects.get()
    assert credential.open_headers() == SECRETS
    assert list(credential.teams.values_list("name", flat=True)) == [team.name]
    sent = sandbox.log[-1].headers
    assert {name: sent[name.lower()] for name in SECRETS} == SECRETS
    assert not [secret for secret in (KEY, *SECRETS.values()) if secret in admin_page.content()]


def test_another_host_without_the_key_is_refused(admin_page: Page, credential: Credential) -> None:
    admin_page.goto(f"/admin/conversations/credential/{credential.pk}/change/")
    admin_page.get_by_label("Base URL").fill("https://api.openai.com/v1")
    admin_page.get_by_role("button", name="Save", exact=True).click()
    expect(admin_page.locator(".errorlist")).to_contain_text(["Enter it again"])
    credential.refresh_from_db()
    assert credential.host == "127.0.0.1:" + credential.base_url.split(":")[2].removesuffix("/v1")


def test_lists_filter_and_search(admin_page: Page, credential: Credential) -> None:
    kept = make_conversation(credential, {"tenant": "acme"})
    make_conversation(credential, state="missing")
    admin_page.goto("/admin/conversations/conversation/")
    admin_page.get_by_role("link", name="Missing at OpenAI").click()
    expect(admin_page.locator("#result_list tbody tr")).to_have_count(1)
    admin_page.goto("/admin/conversations/conversation/")
    admin_page.locator("#searchbar").fill(kept.openai_id)
    admin_page.get_by_role("button", name="Search").click()
    expect(admin_page.locator("#result_list tbody tr")).to_have_count(1)
    admin_page.get_by_role("link", name="Open", exact=True).click()
    expect(admin_page.get_by_role("heading", level=1)).to_have_text(kept.openai_id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_admin_page_keeps_to_the_policy(
    open_browser: OpenBrowser, superuser: User, operator: User, known: Conversation, scheme: str
) -> None:
    page = open_browser(superuser, color_scheme=scheme).new_page()
    event = Event.objects.create(action="get", credential=known.credential, actor_name="operator", conversation=known)
    for path in (
        "",
        "conversations/credential/",
        f"conversations/credential/{known.credential_id}/history/",
        f"conversations/credential/{known.credential_id}/delete/",
        "conversations/conversation/",
        f"conversations/conversation/{known.pk}/change/",
        f"conversations/conversation/{known.pk}/delete/",
        "conversations/event/",
        f"conversations/event/{event.pk}/change/",
        "conversations/team/add/",
        "auth/group/add/",
        "auth/user/",
        "auth/user/add/",
        f"auth/user/{operator.pk}/change/",
    ):
        answer = page.goto(f"/admin/{path}")
        assert answer is not None, path
        assert answer.status == 200, path
    is_dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
    assert is_dark == (scheme == "dark")
