"""What the pages about the inside of a conversation look like, measured: its items, changes of them, its erasure."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from conversations.examples.items import every_type
from conversations.models import Conversation, Event, EventDetail, Outcome
from conversations.sandbox import Sandbox
from conversations.services.erasures import start_erasure, stop_erasure, work_on
from tests.browser.conftest import OpenBrowser
from tests.browser.test_look import look_at

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_browser: OpenBrowser, superuser: User, known: Conversation) -> Page:
    """A page of someone who may do everything, and so sees everything."""
    return open_browser(superuser).new_page()


def test_items_and_changes_of_them(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    added = sandbox.store.add_items(known.openai_id, every_type())
    call = next(item for item in added if item["type"] == "function_call")
    own = known.get_absolute_url()
    item = f"{own}item/{call['id']}/"
    pages = [own, f"{own}items/?items=newest", item, f"{item}delete/", f"{own}items/new/"]
    assert look_at(page, *pages) == {}


def test_a_call_without_output_and_what_is_done_about_it(page: Page, known: Conversation, sandbox: Sandbox) -> None:
    calls = [{"type": f"{kind}_call", "call_id": kind} for kind in ("shell", "apply_patch", "custom_tool", "computer")]
    added = sandbox.store.add_items(known.openai_id, calls)
    own = known.get_absolute_url()
    pages = [f"{own}item/{item['id']}/output/" for item in added]
    assert look_at(page, f"{own}items/", f"{own}items/?show=broken", *pages) == {}


def test_an_erasure_from_its_beginning_to_its_receipt(
    page: Page, known: Conversation, superuser: User, sandbox: Sandbox
) -> None:
    assert look_at(page, "/erasures/", f"{known.get_absolute_url()}erase/?count=1") == {}
    erasure = start_erasure(actor=superuser, conversation=known, reason="Ticket 7")
    stop_erasure(actor=superuser, erasure=erasure)
    pages = [erasure.get_absolute_url(), "/erasures/", known.get_absolute_url()]
    assert look_at(page, *pages) == {}
    type(erasure).objects.update(stage="running", failure={})
    work_on(actor=superuser, erasure=erasure)
    assert look_at(page, *pages) == {}


def test_the_long_words_of_openai_break_in_the_activity(page: Page, known: Conversation) -> None:
    facts = {"action": "refresh", "outcome": Outcome.REFUSED, "openai_id": known.openai_id, "conversation": known}
    event = Event.objects.create(actor_name="operator", credential=known.credential, **facts)
    EventDetail.objects.create(event=event, message=f"Conversation with id '{known.openai_id}' not found.")
    assert look_at(page, "/activity/") == {}
