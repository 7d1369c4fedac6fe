"""What the pages of jobs look like, measured."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from conversations.jobs import control
from conversations.jobs.imports import create_import
from conversations.jobs.preparation import prepare
from conversations.models import Conversation, Credential, JobOutcome, Worker
from tests.browser.conftest import Guard, OpenBrowser
from tests.browser.test_look import look_at
from tests.factories import make_conversation

pytestmark = pytest.mark.browser

LONG = "The model `gpt-5` does not exist or you do not have access to it. " * 6
TABLE = f"name,{'n' * 70},conversation_id\n" + f"{'x' * 400},note,conv_{'a1' * 24}\n" * 12


@pytest.fixture
def page(open_browser: OpenBrowser, superuser: User, known: Conversation, guard: Guard) -> Page:
    guard.expects |= {422}
    return open_browser(superuser).new_page()


def test_a_job_in_each_state(page: Page, superuser: User, credential: Credential) -> None:
    for outcome in JobOutcome:
        make_conversation(credential, {"outcome": outcome})
    job = control.create(kind="refresh", credentials=[credential], actor=superuser, query="tenant:" + "acme," * 40)
    assert look_at(page, "/jobs/", job.get_absolute_url()) == {}
    type(job).objects.update(query="")
    job.take_preparation()
    for _ in prepare(job):
        pass
    for item, outcome in zip(job.items.all(), JobOutcome, strict=False):
        item.end(outcome, message=LONG, request_id="req_" + "f" * 60)
        item.save()
    Worker.objects.create(host="worker-1", process_id=1)
    assert look_at(page, "/jobs/", job.get_absolute_url(), f"{job.get_absolute_url()}?outcome=failed") == {}
    control.pause(job, message=LONG)
    assert look_at(page, job.get_absolute_url()) == {}
    job.refresh_from_db()
    control.stop(job)
    assert look_at(page, "/jobs/?show=all", job.get_absolute_url()) == {}


def test_what_starts_a_job(page: Page, superuser: User, credential: Credential) -> None:
    draft = create_import(
        actor=superuser,
        credentials=[credential],
        chunks=[TABLE.encode()],
        file_name="f" * 120,
        tags={"k" * 64: "v" * 512},
    )
    preview = f"/conversations/import/{draft.pk}/"
    pages = ["/conversations/import/", preview, "/conversations/refresh/?q=", "/conversations/refresh/?q=state:absurd"]
    assert look_at(page, *pages, "/conversations/list-from-server/", "/api/v1/") == {}
    page.goto("/conversations/import/")
    page.get_by_role("button", name="Add pair").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Paste some ids, or choose a file.").wait_for()
