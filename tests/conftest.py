"""Fixtures of all tests: a sandbox to talk to, a credential for it, and people."""

import gc
import os
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from conversations.models import Conversation, Credential, Team, Term
from conversations.openai import attempts as openai_attempts
from conversations.openai.client import Calls
from conversations.sandbox import Dialect, Sandbox
from conversations.services.clients import forget_clients
from tests.certificates import make_certificate
from tests.factories import KEY, make_calls, make_credential, make_known, make_team, make_user
from tests.raw_server import RawServer
from tests.waiting import Clock, WatchedFaults

# What thousands of tests keep is looked at in each collection: fewer of them save a tenth of the time.
gc.set_threshold(100_000, 20, 20)


USES_DATABASE = {"db", "transactional_db", "django_db_setup"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the database, which alone are run on a second one."""
    for item in items:
        if item.get_closest_marker("django_db") or USES_DATABASE & {*getattr(item, "fixturenames", ())}:
            item.add_marker("database")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI=true nothing may be left out, so a skipped test is a failure. Exported files are deleted."""
    shutil.rmtree(settings.EXPORT_FOLDER, ignore_errors=True)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _short_waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once, except where the waiting itself is tested."""
    if not request.module.__name__.endswith("_retries"):
        monkeypatch.setattr(openai_attempts, "FIRST_DELAY", 0.01)


@pytest.fixture(autouse=True)
def _no_client_outlives_its_test() -> Iterator[None]:
    yield
    forget_clients()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    started = Sandbox(key=KEY)
    started.faults = WatchedFaults()
    with started:
        yield started


@pytest.fixture
def replacing_sandbox() -> Iterator[Sandbox]:
    with Sandbox(key=KEY, dialect=Dialect(replaces_metadata=True)) as running:
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which budgets are kept, put forward by the test."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The time of day, which stands still."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were asked to be slept, none of which is."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def calls_to(request: pytest.FixtureRequest) -> Iterator[Callable[..., Calls]]:
    """`make_calls`, with the connections closed after the test."""
    with ExitStack() as stack:
        yield partial(make_calls, stack=stack)


@pytest.fixture
def raw_server() -> Iterator[Callable[..., RawServer]]:
    """Starts servers that answer what they are told, HTTP or not."""
    with ExitStack() as stack:
        yield lambda *answers, **options: stack.enter_context(RawServer(*answers, **options))


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """What a server shows whose certificate nobody vouches for; `authority.pem` beside it holds what would."""
    key, certificate = make_certificate("127.0.0.1")
    (tmp_path / "server.pem").write_bytes(key + certificate)
    (tmp_path / "authority.pem").write_bytes(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@pytest.fixture
def authority(self_signed: ssl.SSLContext, tmp_path: Path) -> str:
    """The certificate that vouches for `self_signed`, in PEM."""
    return (tmp_path / "authority.pem").read_text()


@pytest.fixture
def team(db: None) -> Team:
    return make_team("Support")


@pytest.fixture
def credential(sandbox: Sandbox, team: Team) -> Credential:
    return make_credential(sandbox, name="Sandbox", teams=[team])


@pytest.fixture
def conversation(sandbox: Sandbox, credential: Credential) -> Conversation:
    """One that the index and the sandbox hold."""
    return make_known(sandbox, credential, {"tenant": "acme"})


@pytest.fixture
def operator(team: Team) -> User:
    return make_user("operator", teams=[team])


@pytest.fixture
def colleague(team: Team) -> User:
    """Another operator of the team."""
    return make_user("colleague", teams=[team])


@pytest.fixture
def viewer(team: Team) -> User:
    return make_user("viewer", role="Viewer", teams=[team])


@pytest.fixture
def administrator(team: Team) -> User:
    return make_user("administrator", role="Administrator", teams=[team], is_staff=True)


@pytest.fixture
def superuser(db: None) -> User:
    return make_user("root", role=None, is_staff=True, is_superuser=True)


@pytest.fixture
def stranger(db: None) -> User:
    """An operator of another team."""
    return make_user("stranger", teams=[make_team("Elsewhere")])


@pytest.fixture
def as_operator(client: Browser, operator: User) -> Browser:
    """A browser in which the operator is signed in."""
    client.force_login(operator)
    return client


@pytest.fixture
def broken_index(transactional_db: None) -> Iterator[None]:
    """A table is gone, as after a failed migration or on a full disk."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(Term, "conversations_term", "term_elsewhere")
    yield
    with connection.schema_editor() as editor:
        editor.alter_db_table(Term, "term_elsewhere", "conversations_term")
