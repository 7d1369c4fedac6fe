"""A sandbox with a key of its own, and a connection to it."""

from collections.abc import Iterator

import pytest

from conversations.sandbox import Sandbox
from tests.sandbox_fixtures import KEY, Http
from tests.waiting import WatchedFaults


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    started = Sandbox(key=KEY)
    started.faults = WatchedFaults()
    with started:
        yield started


@pytest.fixture
def web(sandbox: Sandbox) -> Iterator[Http]:
    with Http(sandbox) as http:
        yield http
