"""What goes wrong at a desk: double clicks, the back button, two tabs, wrong ids and keys, a server that is away."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.steps import create_button, edit_metadata, fill_pair, keys_of, open_detail, open_new, texts_of
from tests.factories import KEY, make_conversation, make_credential, make_team, metadata_at

pytestmark = pytest.mark.browser

CREATED = re.compile(r"/conversations/\d+/")
VALUES = {
    "emoji": "👩‍👩‍👧 🐘",
    "right to left": "قيمة من اليمين إلى اليسار",
    "html": "<b onclick=alert(1)>no</b></textarea><script>alert(1)</script>&amp;",
    "spaces": " \ntwo\nlines\tand a tab ",
    "empty": "",
}


def save(page: Page) -> None:
    page.get_by_role("button", name="Save to OpenAI").click()


def test_a_double_click_on_create_makes_one_conversation(page: Page, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="POST", delay=0.5))
    open_new(page, metadata={"tenant": "acme"})
    create_button(page).dblclick()
    page.wait_for_url(CREATED)
    assert len(sandbox.store.list_conversations()) == Conversation.objects.count() == 1


def test_a_double_click_without_javascript_makes_one_conversation(
    open_browser: OpenBrowser, operator: User, credential: Credential, sandbox: Sandbox
) -> None:
    page = open_browser(operator, java_script_enabled=False).new_page()
    sandbox.faults.add(Fault(method="POST", delay=0.5))
    open_new(page)
    create_button(page).dblclick(no_wait_after=True)
    page.wait_for_url(re.compile(r"/conversations/\d+/|/activity/\d+/"))
    assert len(sandbox.store.list_conversations()) == 1


def test_enter_in_a_key_field_neither_adds_nor_removes_a_row(page: Page, guard: Guard) -> None:
    guard.expects.add(422)
    open_new(page, metadata={"tenant": "acme", "": "no key"})
    page.get_by_label("Key 1", exact=True).press("Enter")
    expect(page.get_by_text("Enter a key, or remove the row.")).to_be_visible()
    assert keys_of(page) == ["tenant", ""]


def test_a_text_area_that_was_resized_breaks_no_policy(page: Page) -> None:
    open_new(page)
    page.locator("details.paste summary").click()
    for field in page.locator("textarea").all():
        field.evaluate("field => { field.style.height = '200px'; }")  # as dragging its corner does
    page.get_by_role("button", name="Add pair").click()
    expect(page.get_by_label("Key 2", exact=True)).to_be_visible()


def test_going_back_after_create_shows_the_form_and_sends_nothing(page: Page, sandbox: Sandbox) -> None:
    open_new(page, metadata={"tenant": "acme"})
    create_button(page).click()
    page.wait_for_url(CREATED)
    page.go_back()
    expect(page.get_by_role("heading", name="New conversation")).to_be_visible()
    assert len(sandbox.store.list_conversations()) == 1


def test_going_back_after_a_search_shows_the_list_before_it(page: Page, known: Conversation) -> None:
    page.goto("/conversations/")
    page.get_by_label("Search conversations").fill("tenant:nobody")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No matches")).to_be_visible()
    page.go_back()
    expect(page.locator(f"a[title={known.openai_id}]")).to_be_visible()
    expect(page.get_by_label("Search conversations")).to_have_value("-state:removed")


def test_of_two_tabs_the_second_sees_the_conflict_and_saves_over_it(
    page: Page, sandbox: Sandbox, known: Conversation, guard: Guard
) -> None:
    guard.expects.add(409)
    second = page.context.new_page()
    for tab, env in ((page, "staging"), (second, "dev")):
        open_detail(tab, known)
        edit_metadata(tab)
        fill_pair(tab, 2, "env", env)
    save(page)
    expect(page.get_by_text("The result for each key:")).to_be_visible()
    save(second)
    expect(second.locator(".conflict")).to_contain_text("env: staging")
    expect(second.get_by_label("Value 2", exact=True)).to_have_value("dev")
    assert metadata_at(sandbox, known.openai_id)["env"] == "staging"
    save(second)
    expect(second.get_by_text("The result for each key:")).to_be_visible()
    assert metadata_at(sandbox, known.openai_id) == {"tenant": "acme", "env": "dev"}


def test_a_wrong_id_is_answered_with_openais_message_and_kept(page: Page, guard: Guard) -> None:
    guard.expects.add(502)
    page.goto("/conversations/get/?id=conv_wrong")
    page.get_by_role("button", name="Get from OpenAI").click()
    expect(page.get_by_role("alert")).to_contain_text("'conv_wrong' not found")
    expect(page.get_by_role("alert")).to_contain_text("request id")
    expect(page.get_by_label("Conversation id")).to_have_value("conv_wrong")
    assert not Conversation.objects.exists()


def test_a_wrong_key_is_told_and_never_shown(
    page: Page, sandbox: Sandbox, credential: Credential, guard: Guard
) -> None:
    guard.expects.add(502)
    credential.set_key("sk-proj-wrong-0123456789abcdef")
    credential.save()
    open_new(page, metadata={"tenant": "acme"})
    create_button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("Incorrect API key provided")
    assert "sk-proj-wrong" not in page.content()
    assert keys_of(page) == ["tenant"]


def test_while_openai_is_down_the_page_shows_the_index_and_its_age(
    page: Page, sandbox: Sandbox, known: Conversation, guard: Guard
) -> None:
    guard.expects.add(502)
    sandbox.stop(keep_store=True)
    open_detail(page, known)
    expect(page.get_by_text(re.compile(r"from the index, last read .*now"))).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Convadmin couldn’t connect to the server.")
    expect(page.locator("#metadata")).to_contain_text("acme")
    sandbox.start()
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_text("This conversation has no items.")).to_be_visible()


def test_while_openai_is_down_what_was_typed_is_kept(page: Page, sandbox: Sandbox, guard: Guard) -> None:
    guard.expects.add(502)
    open_new(page, messages=["A long story", "in two parts"], metadata={"tenant": "acme", "env": "prod"})
    sandbox.stop(keep_store=True)
    create_button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent")
    assert (texts_of(page), keys_of(page)) == (["A long story", "in two parts"], ["tenant", "env"])
    sandbox.start()
    create_button(page).click()
    page.wait_for_url(CREATED)
    assert Conversation.objects.get().metadata == {"tenant": "acme", "env": "prod"}


def test_twenty_messages_and_sixteen_long_pairs(page: Page, sandbox: Sandbox) -> None:
    pairs = {f"key_{number:02}".ljust(64, "k"): "🐘" * 512 for number in range(1, 17)}
    messages = [f"Message {number} " + "word " * 200 for number in range(1, 21)]
    open_new(page, messages=messages)
    page.get_by_text("Paste JSON").click()
    page.get_by_label("JSON object (replaces rows with the same keys)").fill(json.dumps(pairs))
    page.get_by_role("button", name="Fill in rows").click()
    expect(page.get_by_label("Key 16")).to_be_visible()
    expect(page.get_by_role("button", name="Add pair")).to_be_disabled()
    create_button(page).click()
    page.wait_for_url(CREATED)
    created = Conversation.objects.get()
    assert metadata_at(sandbox, created.openai_id) == pairs
    expect(page.locator(".turn")).to_have_count(20)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_value_goes_there_and_back_exactly(page: Page, sandbox: Sandbox, value: str) -> None:
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    open_new(page, messages=[value], metadata={"note": value})
    create_button(page).click()
    page.wait_for_url(CREATED)
    created = Conversation.objects.get()
    assert metadata_at(sandbox, created.openai_id) == {"note": value}
    shown = page.locator("#metadata dd")
    assert shown.evaluate("shown => shown.textContent") == (value or "(empty)")
    edit_metadata(page)
    save(page)
    expect(page.get_by_text("The result for each key:")).to_be_visible()
    assert metadata_at(sandbox, created.openai_id) == {"note": value}


def sign_in_on(page: Page, operator: User) -> None:
    page.get_by_label("Username").fill(operator.get_username())
    page.get_by_label("Password").fill("a password for tests")
    page.get_by_role("button", name="Sign in").click()


def test_a_session_that_ended_before_an_edit_leads_through_sign_in_back_to_the_page(
    page: Page, operator: User, known: Conversation
) -> None:
    open_detail(page, known)
    Session.objects.all().delete()
    page.locator("#metadata").get_by_role("link", name="Edit").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in_on(page, operator)
    expect(page).to_have_url(re.compile(re.escape(known.get_absolute_url()) + "$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(known.openai_id)


def test_a_session_that_ends_in_the_middle_of_an_edit_loses_nothing_that_was_typed(
    page: Page, operator: User, known: Conversation, sandbox: Sandbox, guard: Guard
) -> None:
    guard.expects.add(401)
    open_detail(page, known)
    edit_metadata(page)
    page.get_by_label("Value 1", exact=True).fill("typed before")
    Session.objects.all().delete()
    save(page)
    expect(page.get_by_text("You’re signed out.")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in").click()
    sign_in_on(opened.value, operator)
    expect(opened.value.get_by_role("heading", name="Overview")).to_be_visible()
    save(page)
    expect(page.get_by_text("The result for each key:")).to_be_visible()
    assert "typed before" in metadata_at(sandbox, known.openai_id).values()


def test_the_preview_follows_what_is_typed_and_holds_no_secret(
    page: Page, sandbox: Sandbox, operator: User, credential: Credential
) -> None:
    make_credential(sandbox, name="Gateway", teams=[make_team("Extra")], headers={"X-Gate": "gate-secret-0123456789"})
    operator.groups.add(Credential.objects.get(name="Gateway").teams.get())
    open_new(page)
    page.get_by_label("Credential").select_option(label=f"Gateway — 127.0.0.1:{sandbox.port}")
    fill_pair(page, 1, "tenant", "it's acme")
    expect(page.locator("#preview .code").first).to_contain_text('"tenant": "it\'s acme"')
    page.get_by_text("Show as curl", exact=True).click()
    expect(page.locator("#request-curl")).to_contain_text("X-Gate: $X_GATE")
    expect(page.locator("#request-curl")).to_contain_text("Bearer $OPENAI_API_KEY")
    assert KEY not in page.content()
    assert "gate-secret" not in page.content()


@pytest.fixture
def unanswered(page: Page, sandbox: Sandbox, guard: Guard) -> Event:
    """A create whose connection was dropped after the change; the form that was sent is open."""
    guard.expects |= {422, 502}
    sandbox.faults.add(Fault(method="POST", drop="after"))
    open_new(page, metadata={"tenant": "acme"})
    create_button(page).click()
    expect(page.get_by_label("Send it again anyway")).to_be_visible()
    return Event.objects.unresolved().get()


def test_an_unknown_outcome_asks_before_it_sends_again(page: Page, unanswered: Event, sandbox: Sandbox) -> None:
    create_button(page).click()
    expect(page.get_by_text("Check the first attempt, or tick this box to send it again anyway.")).to_be_visible()
    assert len(sandbox.store.list_conversations()) == 1
    page.get_by_label("Send it again anyway").check()
    create_button(page).click()
    page.wait_for_url(CREATED)
    assert len(sandbox.store.list_conversations()) == 2


def test_an_unknown_outcome_is_resolved_by_the_id(page: Page, unanswered: Event, sandbox: Sandbox) -> None:
    lost = sandbox.store.list_conversations()[0]["id"]
    page.goto("/activity/?show=unresolved")
    page.get_by_role("link", name="Resolve…").click()
    page.get_by_label("Id of the created conversation").fill("conv_wrong")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("alert")).to_contain_text("not found")
    page.get_by_label("Id of the created conversation").fill(lost)
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(lost)
    page.goto("/activity/?show=unresolved")
    expect(page.get_by_text("Nothing is unresolved")).to_be_visible()
    unanswered.refresh_from_db()
    assert (unanswered.outcome, unanswered.is_unresolved) == (Outcome.UNKNOWN, False)


def test_a_lost_network_is_told_and_what_was_typed_stays(page: Page, guard: Guard) -> None:
    open_new(page, metadata={"tenant": "acme"})
    expect(page.locator("#preview .code").first).to_contain_text("acme")
    page.context.set_offline(True)
    create_button(page).click()
    expect(page.locator("#toast")).to_contain_text("Convadmin didn’t respond")
    assert keys_of(page) == ["tenant"]
    assert "ERR_INTERNET_DISCONNECTED" in "".join(guard.breaches)
    guard.breaches.clear()


def test_older_and_back_lead_to_the_same_rows_without_loading_the_page_anew(page: Page, credential: Credential) -> None:
    for number in range(60):
        make_conversation(credential, openai_id=f"conv_{number:02}")
    page.goto("/conversations/")
    first = page.locator(".list-id").all_inner_texts()
    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile(r"before=\d+"))
    expect(page.locator(".list-id")).to_have_count(10)
    page.go_back()
    expect(page.locator(".list-id")).to_have_count(50)
    assert page.locator(".list-id").all_inner_texts() == first
