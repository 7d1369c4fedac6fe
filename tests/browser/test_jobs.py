"""Jobs in a real browser: an import from a file to its results, and each button, with and without JavaScript."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext, Page, expect

from conversations.jobs import queue as jobs_queue
from conversations.jobs.queue import make_huey
from conversations.models import Conversation, Credential, Job
from conversations.sandbox import Fault, Sandbox
from tests.browser.conftest import OpenBrowser
from tests.factories import make_known, make_remote
from tests.jobs.processes import worker

pytestmark = pytest.mark.browser

HUMAN = 300  # milliseconds before a person uses what has just appeared


@pytest.fixture
def queue_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A queue that the pages write to; no worker reads it yet."""
    url = f"sqlite:///{tmp_path}/queue.sqlite3"
    storage = make_huey(url).storage
    monkeypatch.setattr(jobs_queue.huey, "storage", storage)
    jobs_queue.create_tables()
    yield url
    storage.close()


@pytest.fixture
def _worker(queue_url: str) -> Iterator[None]:
    with worker(queue_url):
        yield


def start_refresh(page: Page) -> None:
    page.goto("/conversations/")
    page.get_by_role("link", name="Refresh", exact=True).click()
    page.get_by_role("button", name=re.compile("Refresh .* conversation")).click()
    expect(page).to_have_url(re.compile(r"/jobs/\d+/"))


@pytest.mark.usefixtures("_worker")
def test_a_file_is_imported(page: Page, sandbox: Sandbox, credential: Credential, tmp_path: Path) -> None:
    ids = [make_remote(sandbox, {"tenant": "acme"}) for _ in range(5)]
    table = "name,first,second\n" + "".join(f"x,note {number},{each}\n" for number, each in enumerate(ids))
    (tmp_path / "ids.csv").write_text(table)
    page.goto("/conversations/")
    page.get_by_role("link", name="Import ids").first.click()
    page.get_by_label("Or choose a file").set_input_files(tmp_path / "ids.csv")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=re.compile("A table"))).to_be_visible()
    page.wait_for_timeout(HUMAN)
    page.get_by_label("Column that has the ids").select_option("first")
    expect(page.get_by_text("No ids were found at the beginning.")).to_be_visible()
    page.wait_for_timeout(HUMAN)
    page.get_by_label("Column that has the ids").select_option("second")
    expect(page.get_by_text("No ids were found at the beginning.")).to_be_hidden()
    page.get_by_role("button", name="Start the import").click()
    expect(page.get_by_text("5 of 5 done")).to_be_visible(timeout=20_000)
    assert [row.metadata for row in Conversation.objects.all()] == [{"tenant": "acme"}] * 5


def test_without_a_worker_the_page_says_so_and_goes_on_once_one_starts(
    page: Page, sandbox: Sandbox, credential: Credential, queue_url: str
) -> None:
    make_known(sandbox, credential)
    start_refresh(page)
    expect(page.get_by_text("No worker runs")).to_be_visible()
    with worker(queue_url):
        expect(page.get_by_text("1 of 1 done")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("No worker runs")).to_be_hidden()


@pytest.mark.usefixtures("_worker")
def test_pause_resume_stop_and_retry(page: Page, sandbox: Sandbox, credential: Credential) -> None:
    Credential.objects.update(concurrency=2)
    for _ in range(150):
        make_known(sandbox, credential)
    sandbox.faults.add(Fault(times=None, delay=0.2))
    start_refresh(page)
    expect(page).to_have_title(re.compile(r"^\d+ % Refresh"), timeout=20_000)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Running", exact=True)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible(timeout=20_000)
    sandbox.faults.clear()
    page.get_by_role("button", name=re.compile("Retry the")).click()
    expect(page.get_by_text("150 of 150 done")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()


@pytest.mark.usefixtures("_worker")
def test_failed_ones_with_the_words_of_the_server_and_retry_without_scripts(
    open_browser: OpenBrowser, operator: User, sandbox: Sandbox, credential: Credential
) -> None:
    for _ in range(3):
        make_known(sandbox, credential)
    sandbox.faults.add(Fault(status=400, message="No such project."))
    context: BrowserContext = open_browser(operator, java_script_enabled=False)
    page = context.new_page()
    start_refresh(page)
    job = Job.objects.get()
    for _ in range(40):
        page.wait_for_timeout(500)
        page.get_by_role("link", name="Reload").click() if page.get_by_role("link", name="Reload").count() else None
        job.refresh_from_db()
        if job.has_ended:
            break
    page.reload()
    page.get_by_role("link", name=re.compile("^Failed")).click()
    expect(page.get_by_text("No such project.")).to_be_visible()
    page.get_by_role("button", name=re.compile("Retry the 1")).click()
    page.wait_for_timeout(3_000)
    page.reload()
    expect(page.get_by_text("3 of 3 done.")).to_be_visible()


@pytest.mark.usefixtures("_worker")
def test_two_browsers_press_stop(
    open_browser: OpenBrowser, operator: User, sandbox: Sandbox, credential: Credential
) -> None:
    for _ in range(60):
        make_known(sandbox, credential)
    sandbox.faults.add(Fault(times=None, delay=0.4))
    first, second = (open_browser(operator).new_page() for _ in range(2))
    start_refresh(first)
    second.goto(first.url)
    first.get_by_role("button", name="Stop").click()
    second.get_by_role("button", name="Stop").click()
    for page in (first, second):
        expect(page.get_by_text("Stopped", exact=True)).to_be_visible(timeout=20_000)
