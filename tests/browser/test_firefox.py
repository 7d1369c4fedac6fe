"""The first journeys in Firefox: create a conversation, find it, edit its metadata."""

import shutil
import socket
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from conversations.models import Conversation, Credential
from conversations.sandbox import Sandbox
from tests.factories import metadata_at
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore")]  # those of the driver

pytest.importorskip("marionette_driver", reason="The driver of Firefox doesn't run on Python 3.13 or newer")

from marionette_driver import By  # noqa: E402
from marionette_driver.marionette import Marionette, WebElement  # noqa: E402

PATIENCE = 8  # seconds that it waits for an element


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marionette]:
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("Firefox isn't installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    driver = Marionette(bin=path, headless=True, port=port, gecko_log=str(tmp_path_factory.mktemp("firefox") / "log"))
    driver.start_session()
    driver.timeout.implicit = PATIENCE
    yield driver
    driver.quit()


class Person:
    """Somebody who is signed in, and presses what they see."""

    def __init__(self, driver: Marionette, live_server: LiveServer, user: User) -> None:
        self.driver, self.url = driver, live_server.url
        client = Client()
        client.force_login(user)
        driver.navigate(f"{self.url}/healthz")
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        driver.add_cookie({"name": settings.SESSION_COOKIE_NAME, "value": session})

    def open(self, path: str) -> None:
        self.driver.navigate(self.url + path)

    def see(self, words: str) -> WebElement:
        return self.driver.find_element(By.XPATH, f"//main//*[contains(normalize-space(text()), '{words}')]")

    def press(self, name: str) -> None:
        shown = "[self::a or self::button][not(@aria-hidden)]"
        self.driver.find_element(By.XPATH, f"//main//*{shown}[normalize-space()='{name}']").click()

    def type(self, label: str, text: str) -> None:
        field = self.driver.find_element(By.CSS_SELECTOR, f"[aria-label='{label}']")
        field.clear()
        field.send_keys(text)


@pytest.fixture
def person(firefox: Marionette, live_server: LiveServer, operator: User, credential: Credential) -> Person:
    return Person(firefox, live_server, operator)


def test_create_find_and_edit(person: Person, sandbox: Sandbox) -> None:
    person.open("/conversations/new/")
    person.type("Text of message 1", "Hello")
    person.type("Key 1", "tenant")
    person.type("Value 1", "acme")
    person.press("Create conversation")
    person.see("Created at OpenAI.")
    made = Conversation.objects.get()
    person.see("Hello")  # the transcript has been fetched

    person.open("/conversations/")
    person.type("Search conversations", "tenant:acme")
    person.press("Search")
    person.see("1 found")
    person.driver.find_element(By.CSS_SELECTOR, ".list-id a").click()

    person.press("Edit")
    person.type("Value 1", "globex")
    person.press("Save to OpenAI")
    wait_until(lambda: metadata_at(sandbox, made.openai_id) == {"tenant": "globex"})
    person.see("The result for each key:")
