"""Jobs, and a worker that does them."""

import pytest
from django.contrib.auth.models import User

from conversations.jobs import settling
from conversations.models import Credential, Team
from tests.factories import make_user


@pytest.fixture(autouse=True)
def _no_delay_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "RETRY_DELAY", 0.0)


@pytest.fixture
def actor(team: Team) -> User:
    return make_user("ops", teams=[team])


@pytest.fixture
def other_credential(sandbox: object, team: Team) -> Credential:
    """Another credential of another server, for what two have to do side by side."""
    from tests.factories import make_credential

    return make_credential(name="Elsewhere", teams=[team])
