"""A sandbox that the tests of a module share, and the official `openai` package as its client."""

from collections.abc import Iterator

import openai
import pytest

from conversations.sandbox import Sandbox
from tests.sandbox_fixtures import KEY
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(key=KEY) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.faults.clear()
    running.log.clear()
    return running


@pytest.fixture(scope="module")
def official(running: Sandbox) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running.url, api_key=KEY, max_retries=0, timeout=PATIENCE) as client:
        yield client
