"""What a retention rule would do: today, and as more conversations reach its age."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.utils import timezone

from ..models import Conversation, Credential, RetentionRule
from ..models.index.sql_helpers import batches
from ..models.index.terms import sort_key_at
from ..query import parse_bounded
from ..search import Search
from ..search.sources import Interval
from ..search.walk import Clock, walk_all
from ..services.holds import held_among

DAYS = 30
SAMPLES = 5
SECONDS = 10.0  # that a dry run may look
BATCH = 2_000  # rows that are looked up with one statement
COUNTED = 200_000  # conversations that are looked at for holds


@dataclass(frozen=True)
class DryRun:
    """Counts of conversations. `today`: that would go now, of which `held` stay; `days`: that would be added on each of
    the next days; `problem`: why nothing can be said."""

    today: int = 0
    held: int = 0
    days: list[tuple[date, int]] = field(default_factory=list)
    samples: list[Conversation] = field(default_factory=list)
    is_whole: bool = True
    problem: str = ""


def dry_run(rule: RetentionRule) -> DryRun:
    """What a run of the rule would find now, with the rights of its author, and in each of the next days."""
    if rule.author is None or not rule.author.is_active:
        return DryRun(
            problem=f"{rule.author_name} no longer has an active account. Whoever edits the rule takes it over."
        )
    return dry_run_among(rule, Credential.objects.usable_of(rule, rule.author))


def dry_run_among(rule: RetentionRule, usable: Iterable[Credential]) -> DryRun:
    """The same for a rule that may not be stored yet, among the conversations of these credentials."""
    now = timezone.now()
    search = Search(parse_bounded(rule.stated_query), list(usable), now)
    if search.query.problems:
        return DryRun(problem=f"The search isn’t understood: {search.query.problems[0].message}")
    ages = [sort_key_at(now + timedelta(days=day - rule.age_days)) for day in range(DAYS + 1)]
    found, is_whole = _older_than(search, ages[-1])
    counts = [bisect_left(found, age) for age in ages]
    first = timezone.localdate()
    days = [(first + timedelta(days=day), counts[day] - counts[day - 1]) for day in range(1, DAYS + 1)]
    due = found[: min(counts[0], COUNTED)]
    keys: dict[int, int] = {}
    for batch in batches(due, BATCH):
        keys.update(search.visible.filter(sort_key__in=batch).values_list("sort_key", "pk"))
    held = len(held_among(keys, search.names))
    return DryRun(counts[0], held, days, search.visible.by_sort_keys(due[:SAMPLES]), is_whole)


def _older_than(search: Search, limit: int) -> tuple[list[int], bool]:
    """The sort keys of matches below a limit, ascending; and whether these are all that there are."""
    found: list[int] = []
    for sort_key, matches in walk_all(search.plans, Interval(0, limit), ascending=True, clock=Clock(SECONDS)):
        if not matches:
            return found, False
        found.append(sort_key)
    return found, True
