"""Jobs, and a worker that does them."""

import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from conversations.jobs import settling
from conversations.models import Credential, Team
from tests.factories import make_user
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def _no_delay_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "RETRY_DELAY", 0.0)


@pytest.fixture(autouse=True)
def _lanes_end() -> Iterator[None]:
    """PostgreSQL drops no database that a thread is still connected to."""
    yield
    for thread in threading.enumerate():
        if thread.name == "lane":
            thread.join(PATIENCE)


@pytest.fixture
def actor(team: Team) -> User:
    return make_user("ops", teams=[team])


@pytest.fixture
def other_credential(sandbox: object, team: Team) -> Credential:
    """Another credential of another server, for what two have to do side by side."""
    from tests.factories import make_credential

    return make_credential(name="Elsewhere", teams=[team])
