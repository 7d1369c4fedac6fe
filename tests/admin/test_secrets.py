"""R15: a secret that was typed in can't be found anywhere: not in pages, logs, the database or its files."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser

from conversations.models import Credential, Event, EventDetail
from conversations.sandbox import Fault, Sandbox
from tests.html import form_in, signed_in, text_of

KEY = "sk-proj-hidden-marker-0123456789"
HEADER = "gate-hidden-marker-9876543210"
CREDENTIALS = "/admin/conversations/credential/"
PLACES = [
    "/conversations/",
    "/conversations/new/",
    "/activity/",
    CREDENTIALS,
    "/admin/conversations/event/",
    "/admin/conversations/conversation/",
    "/admin/",
]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gated() -> Iterator[Sandbox]:
    with Sandbox(key=KEY) as running:
        yield running


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All log lines from DEBUG on, including queries."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django")
    django = logging.getLogger("django")
    django.addHandler(caplog.handler)
    connection.force_debug_cursor = True
    yield caplog
    connection.force_debug_cursor = False
    django.removeHandler(caplog.handler)


def shown(response: object) -> str:
    return text_of(response) + str(response.headers)  # type: ignore[arg-type, attr-defined]


def add(browser: Browser, sandbox: Sandbox) -> list[str]:
    """Add a credential, the first time with an error in the form; returns the pages."""
    form = form_in(browser.get(f"{CREDENTIALS}add/"), "base_url").put("_continue", "Save")
    form.put("base_url", sandbox.url).put("api_key", KEY).put("headers-TOTAL_FORMS", "1")
    form.put("headers-0-name", "X-Gate").put("headers-0-value", HEADER)
    failed = form.send(browser, f"{CREDENTIALS}add/")
    saved = form.put("name", "Marked").send(browser, f"{CREDENTIALS}add/", follow=True)
    assert Credential.objects.get().open_headers() == {"X-Gate": HEADER}
    return [shown(failed), shown(saved)]


def use(browser: Browser, sandbox: Sandbox) -> list[str]:
    """Make calls, some of which fail and echo the secrets, then test and change the credential; returns the pages."""
    echo = f"You sent {KEY} and {HEADER} and {json.dumps(KEY)}"
    pages = []
    for fault in (
        Fault(status=401, message=echo, param=KEY, code=HEADER),
        Fault(status=400, message=echo, param=f"metadata.{KEY}"),
        Fault(body=f"<html>{echo}", headers={"x-request-id": KEY}),
        Fault(body=json.dumps({"id": "conv_1", "metadata": {"said": KEY, HEADER: "x"}})),
        Fault(drop="after"),
    ):
        sandbox.faults.add(fault)
        form = form_in(browser.get("/conversations/new/"), "token")
        pages.append(shown(form.send(browser, "/conversations/new/", "create", follow=True)))
    page = f"{CREDENTIALS}{Credential.objects.get().pk}/"
    sandbox.faults.add(Fault(status=401, message=echo))
    pages.append(shown(browser.post(f"{page}test/", follow=True)))
    moved = form_in(browser.get(f"{page}change/"), "base_url").put("base_url", "https://api.openai.com/v1")
    pages.append(shown(moved.put("api_key", KEY).send(browser, f"{page}change/")))
    return [*pages, shown(browser.get(f"{page}history/")), shown(browser.get(f"{page}change/"))]


def looked_at(browser: Browser) -> list[str]:
    """Every page that might show a secret."""
    events = [f"/activity/{event.pk}/" for event in Event.objects.all()]
    return [shown(browser.get(url)) for url in [*PLACES, *events]]


def dumped() -> str:
    """A dump of the database as text."""
    with io.StringIO() as out:
        call_command("dumpdata", stdout=out)
        return out.getvalue()


def raw() -> bytes:
    """The bytes of the database's files, if it has any."""
    if connection.vendor != "sqlite":
        return b""
    name = Path(connection.settings_dict["NAME"])
    found = [path.read_bytes() for path in (name, name.with_name(f"{name.name}-wal")) if path.exists()]
    assert any(b"conversations_credential" in content for content in found)
    return b"".join(found)


@pytest.mark.long
@pytest.mark.parametrize("marker", [KEY, HEADER])
def test_a_secret_is_in_no_page_log_event_history_or_dump_r15(
    client: Browser,
    superuser: User,
    gated: Sandbox,
    log: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    marker: str,
) -> None:
    browser = signed_in(client, superuser)
    pages = [*add(browser, gated), *use(browser, gated), *looked_at(browser)]
    kept = [str([*model.objects.values()]) for model in (Event, EventDetail, LogEntry)]
    said = [log.text, *capfd.readouterr(), dumped(), raw().decode("latin-1")]
    assert "INSERT INTO" in log.text
    assert [text[:200] for text in (*pages, *kept, *said) if marker in text] == []
