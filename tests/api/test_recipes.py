"""The recipes of docs/registering.md, run as they stand there, against the sandbox and Convadmin."""

import asyncio
import logging
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from conversations.models import Conversation, Credential
from conversations.sandbox import Sandbox
from tests.api.conftest import make_token
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PAGE = Path(__file__).parents[2] / "docs" / "registering.md"
UNUSED_PORT = "http://127.0.0.1:9"
NODE = """
import { client } from "./recipe.mjs";
const made = await client.conversations.create({ metadata: { tenant: "acme" } });
console.log(made.id);
"""


def recipes(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def settings_of_application(
    sandbox: Sandbox, credential: Credential, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", sandbox.url)
    monkeypatch.setenv("OPENAI_API_KEY", sandbox.key)
    monkeypatch.setenv("CONVADMIN_URL", live_server.url)
    monkeypatch.setenv("CONVADMIN_TOKEN", make_token(credential)[1])


@pytest.fixture
def application() -> dict[str, Any]:
    """The names of a Python application that has both recipes."""
    names: dict[str, Any] = {}
    exec("\n".join(recipes("python")), names)  # noqa: S102  our own documentation
    return names


@pytest.mark.usefixtures("settings_of_application")
def test_the_python_client_registers_what_it_creates(application: dict[str, Any]) -> None:
    made = application["client"].conversations.create(metadata={"tenant": "acme"})
    application["created"].join()
    row = Conversation.objects.get()
    assert (row.openai_id, row.metadata, row.state) == (made.id, {"tenant": "acme"}, "unread")


@pytest.mark.usefixtures("settings_of_application")
def test_the_python_client_registers_nothing_else(application: dict[str, Any]) -> None:
    made = application["client"].conversations.create()
    application["client"].conversations.update(made.id, metadata={"a": "b"})
    application["client"].conversations.items.create(
        made.id, items=[{"type": "message", "role": "user", "content": "Hello"}]
    )
    application["created"].join()
    assert Conversation.objects.count() == 1


@pytest.mark.usefixtures("settings_of_application")
def test_the_asynchronous_client_registers_what_it_creates(application: dict[str, Any]) -> None:
    # In a thread of its own: a browser of other tests leaves a loop running in this one.
    with ThreadPoolExecutor(1) as threads:
        made = threads.submit(lambda: asyncio.run(application["async_client"].conversations.create())).result()
    application["created"].join()
    assert Conversation.objects.get().openai_id == made.id


@pytest.mark.usefixtures("settings_of_application")
def test_the_application_goes_on_where_convadmin_is_down(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CONVADMIN_URL", UNUSED_PORT)
    names: dict[str, Any] = {}
    exec(recipes("python")[0], names)  # noqa: S102  our own documentation
    with caplog.at_level(logging.WARNING):
        made = names["client"].conversations.create()
        names["created"].join()
    assert f"{made.id} was not registered" in caplog.text


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the official Node client."""
    if shutil.which("npm") is None:
        pytest.skip("npm isn't installed")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "openai"], cwd=folder, check=True)
    return folder


@pytest.mark.usefixtures("settings_of_application")
def test_the_node_client_registers_what_it_creates(node_modules: Path) -> None:
    (node_modules / "recipe.mjs").write_text(recipes("js")[0])
    (node_modules / "application.mjs").write_text(NODE)
    done = subprocess.run(["node", "application.mjs"], cwd=node_modules, check=True, capture_output=True, text=True)
    wait_until(lambda: Conversation.objects.exists())
    assert Conversation.objects.get().openai_id == done.stdout.strip()


@pytest.mark.usefixtures("settings_of_application")
def test_the_node_application_goes_on_where_convadmin_is_down(
    node_modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVADMIN_URL", UNUSED_PORT)
    (node_modules / "recipe.mjs").write_text(recipes("js")[0])
    (node_modules / "application.mjs").write_text(NODE)
    done = subprocess.run(["node", "application.mjs"], cwd=node_modules, check=True, capture_output=True, text=True)
    assert done.stdout.startswith("conv_")
    assert "A conversation was not registered" in done.stderr
