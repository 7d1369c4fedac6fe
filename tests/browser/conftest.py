"""A real Chromium in front of a live server, a sandbox behind it, and a guard over what the browser does.

Playwright's sync API keeps an event loop running in this thread until the session ends, which Django takes for
asynchronous code; nothing here is, so the ORM is used beside it, as in any other test.
"""

import os
import re
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError
from pytest_django.live_server_helper import LiveServer

from conversations.models import Conversation, Credential
from conversations.sandbox import Sandbox
from tests.factories import make_known
from tests.views.conftest import (  # noqa: F401
    bulk_draft,
    draft,
    edit_job,
    erase_job,
    erasure,
    erasure_request,
    export_job,
    hold,
    items,
    job,
    join_link,
    rule,
    signed_request,
    unknown,
    view,
)

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
os.environ.setdefault("DJANGO_LIVE_TEST_SERVER_ADDRESS", "127.0.0.1")

CHROMIUM = (
    os.environ.get("CONVADMIN_CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1440, "height": 900}
PATIENCE = 8_000  # milliseconds that a browser waits for anything

OpenBrowser = Callable[..., BrowserContext]

_STATUS = re.compile(r"(?:with a status of|Response Status Error Code) (\d+)")


@dataclass
class Guard:
    """Notes what a browser must not do: errors on the console (a breach of the policy is one), exceptions,
    and requests to other hosts. A test that provokes an answer of 400 or more names its status in `expects`."""

    expects: set[int] = field(default_factory=set)
    breaches: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)

    def check(self) -> None:
        assert self.breaches == []

    def _on_console(self, message: ConsoleMessage) -> None:
        status = _STATUS.search(message.text)
        is_expected = status is not None and int(status[1]) in self.expects
        if message.type == "error" and not is_expected:
            self.breaches.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self.breaches.append(f"exception: {error.error}")

    def _on_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme != "data" and url.hostname != "127.0.0.1":
            self.breaches.append(f"request to another host: {request.url}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    result = yield
    guard = getattr(item, "funcargs", {}).get("guard")
    if guard is not None:
        guard.check()
    return result


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    own = {"executable_path": CHROMIUM} if CHROMIUM else {}
    return {**browser_type_launch_args, **own, "args": FLAGS}


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    """What URLs on the pages are relative to."""
    return live_server.url


@pytest.fixture
def guard() -> Guard:
    return Guard()


@pytest.fixture
def open_browser(new_context: OpenBrowser, guard: Guard, live_server: LiveServer) -> OpenBrowser:
    """Opens browsers, each under the guard; in that of a `user` that user is signed in."""

    def open_browser(user: User | None = None, **options: Any) -> BrowserContext:
        context = new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **options})
        context.set_default_timeout(PATIENCE)
        guard.watch(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        return context

    return open_browser


@pytest.fixture
def page(open_browser: OpenBrowser, operator: User, credential: Credential) -> Page:
    """A page of an operator who is signed in and has one credential, for the sandbox."""
    return open_browser(operator).new_page()


@pytest.fixture
def known(sandbox: Sandbox, credential: Credential) -> Conversation:
    """One that stands in the index and in the sandbox."""
    return make_known(sandbox, credential, {"tenant": "acme", "env": "prod"})
