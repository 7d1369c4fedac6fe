"""The chart of all conversations: days of the list's zone, wherever they begin, and all credentials at once."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from conversations.models import Credential
from conversations.search.histogram import of_all
from tests.factories import make_conversation, make_credential

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Credential:
    return make_credential()


def days(*owners: Credential) -> dict[date, int]:
    """The first day of each bar that isn't empty, and how many it counts."""
    histogram = of_all([owner.pk for owner in owners])
    return {bar.first: bar.number for bar in histogram.bars if bar.number} if histogram else {}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Adelaide", "America/St_Johns"])
def test_r21_days_that_begin_within_an_hour_are_counted_to_the_second(
    owner: Credential, settings: Settings, zone: str
) -> None:
    settings.TIME_ZONE = zone
    day = timezone.localdate(timezone=ZoneInfo(zone)) - timedelta(days=3)
    midnight = datetime.combine(day, time(), ZoneInfo(zone))
    for seconds in (-1, 0, 1, 899, 900, 1799, 1800, 2700, 86_399, 86_400):
        make_conversation(owner, created_at=midnight + timedelta(seconds=seconds))
    one = timedelta(days=1)
    assert days(owner) == {day - one: 1, day: 8, day + one: 1}


def test_all_credentials_are_counted_together_and_no_others(owner: Credential) -> None:
    second, foreign = make_credential(), make_credential()
    for each in (owner, second, foreign):
        make_conversation(each, created_at=timezone.now() - timedelta(days=1))
    assert list(days(owner, second).values()) == [2]
    assert of_all([]) is None


def test_it_asks_twice_however_many_credentials_and_conversations(owner: Credential) -> None:
    owners = [owner, *(make_credential() for _ in range(20))]
    for each in owners:
        make_conversation(each)
    with CaptureQueriesContext(connection) as queries:
        assert sum(days(*owners).values()) == 21
    assert len(queries) == 2
