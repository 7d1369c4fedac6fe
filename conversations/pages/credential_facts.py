"""What the pages of credentials say about each: its conversations, its rate limits, its last use, and what needs it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from ..models import ApiToken, Credential, Event, Hold, Job, RetentionRule
from ..query import FieldClause, Query, exact
from ..search.counts import states_of

RECENT = 5  # jobs that are shown


@dataclass(frozen=True)
class Headroom:
    """What the server last said is left of a rate limit; `percent` is None where it didn't say of how much."""

    unit: str
    remaining: int
    limit: int | None

    @property
    def percent(self) -> int | None:
        return None if not self.limit else min(100, round(100 * self.remaining / self.limit))


@dataclass(frozen=True)
class Facts:
    """A credential and the numbers about it."""

    credential: Credential
    conversations: int
    last_used: datetime | None
    headroom: list[Headroom]
    tone: str
    verdict: str

    @property
    def search(self) -> str:
        """The search for its conversations."""
        return str(Query((FieldClause("credential", exact(self.credential.name)),)))


def facts_of(credentials: Iterable[Credential]) -> list[Facts]:
    """The facts of each, with a fixed number of queries. Conversations count as in the index, removed ones too."""
    rows = list(credentials)
    numbers = states_of([row.pk for row in rows])
    used = Event.objects.last_used(row.pk for row in rows)
    return [Facts(row, sum(numbers[row.pk].values()), used.get(row.pk), _headroom(row), *_verdict(row)) for row in rows]


def uses_of(credential: Credential, user: User) -> dict[str, Any]:
    """What works with the credential and would stop without it."""
    return {
        "tokens": ApiToken.objects.visible_to(user).of(credential).unrevoked(),
        "rules": RetentionRule.objects.visible_to(user).with_credential(credential),
        "holds": Hold.objects.visible_to(user).active().on([credential.pk]),
        "jobs": Job.objects.visible_to(user).under_way().with_credential(credential)[:RECENT],
    }


def _headroom(credential: Credential) -> list[Headroom]:
    return [
        Headroom(unit, numbers["remaining"], numbers.get("limit")) for unit, numbers in credential.rate_limits.items()
    ]


def _verdict(credential: Credential) -> tuple[str, str]:
    """The tone and the word for how it is."""
    if not credential.is_active:
        return "off", "Inactive"
    if credential.is_paused:
        return "warn", "Waiting"
    if credential.tested_at is None:
        return "info", "Not tested"
    if credential.test_passed is None:
        return "warn", "Unclear"
    return ("good", "Works") if credential.test_passed else ("bad", "Fails")
