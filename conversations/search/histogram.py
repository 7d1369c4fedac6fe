"""When the conversations of a result were created: a number a day, week or month, as fits.

Exact where the result is one list of the index, or all but one; otherwise of its newest conversations, with the
older bars marked as not counted.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.utils import timezone

from ..models.index import statements
from ..models.index.terms import moment_of, ord_at
from .result import COUNTED, Search
from .sources import CONVERSATION, POSTING, Everything, Postings, Source
from .walk import Plan

MOST_BARS = 75
MOST_READ = 20_000  # conversations that are read to take them off


@dataclass(frozen=True)
class Bar:
    """A day, week or month, its last day, and how many were created in it; None where that was not counted."""

    first: date
    last: date
    number: int | None


@dataclass(frozen=True)
class Histogram:
    """Bars from the oldest to the newest, each a `unit` long."""

    unit: str
    bars: list[Bar]

    @property
    def highest(self) -> int:
        """The greatest number of a bar."""
        return max((bar.number or 0 for bar in self.bars), default=0)

    @property
    def is_complete(self) -> bool:
        """Whether each bar was counted."""
        return all(bar.number is not None for bar in self.bars)


def exact(search: Search) -> Histogram | None:
    """The histogram of all matches, where the index can count them by itself; else None."""
    if not search.plans or not all(_is_countable(plan) for plan in search.plans):
        return None
    ends = [search.first_ord(ascending=ascending) for ascending in (True, False)]
    if None in ends:
        return None
    unit, days = _days(*(_day(end) for end in ends if end is not None))
    edges = [ord_at(_midnight(day)) for day in days]
    numbers: Counter[int] = Counter()
    for plan in search.plans:
        numbers.update(_numbers(plan.lead, edges))
        for source in plan.unwanted:
            numbers.subtract(_taken_off(plan.lead, source, edges))
    return _histogram(unit, days, [numbers[place] for place in range(len(days) - 1)])


def of_newest(ords: Sequence[int], is_whole: bool) -> Histogram | None:
    """The histogram of these matches, the newest; where they are not all, what is older is not counted."""
    if not ords:
        return None
    ords = sorted(ords[:COUNTED])
    unit, days = _days(_day(ords[0]), _day(ords[-1]))
    edges = [ord_at(_midnight(day)) for day in days]
    numbers = [bisect_left(ords, high) - bisect_left(ords, low) for low, high in pairwise(edges)]
    return _histogram(unit, days, numbers if is_whole else [None, *numbers[1:]])  # the oldest bar may have more


def _histogram(unit: str, days: Sequence[date], numbers: Sequence[int | None]) -> Histogram:
    spans = zip(pairwise(days), numbers, strict=True)
    return Histogram(unit, [Bar(first, end - timedelta(days=1), number) for (first, end), number in spans])


def _is_countable(plan: Plan) -> bool:
    one_list = isinstance(plan.lead, Everything | Postings) and plan.lead.is_exact
    few_off = all(
        source.is_exact and (isinstance(plan.lead, Everything) or min(source.size, plan.lead.size) <= MOST_READ)
        for source in plan.unwanted
    )
    return one_list and few_off and len(plan.unwanted) <= 1 and not plan.wanted and not plan.tests


def _numbers(source: Source, edges: Sequence[int]) -> Counter[int]:
    """How many ords of a source lie between each two edges; the statement counts them without reading them out."""
    if isinstance(source, Everything):
        table, condition, owners = CONVERSATION, "credential_id = %s", [source.credential_id]
    elif isinstance(source, Postings):
        table, condition, owners = POSTING, f"term_id IN {statements.places(source.term_ids)}", source.term_ids
    else:
        return _by_bisection(source.take_all(), edges)
    one = f"SELECT %s, COUNT(*) FROM {table} WHERE {condition} AND ord >= %s AND ord < %s"
    spans = list(enumerate(pairwise(edges)))
    parameters = [value for place, span in spans for value in (place, *owners, *span)]
    return Counter(dict(statements.fetch(" UNION ALL ".join([one] * len(spans)), parameters)))


def _taken_off(lead: Source, unwanted: Source, edges: Sequence[int]) -> Counter[int]:
    """How many that both hold lie between each two edges."""
    if isinstance(lead, Everything):
        return _numbers(unwanted, edges)
    smaller, larger = sorted((lead, unwanted), key=lambda source: source.size)
    return _by_bisection(sorted(larger.held(smaller.take_all())), edges)


def _by_bisection(ords: Sequence[int], edges: Sequence[int]) -> Counter[int]:
    return Counter(bisect_right(edges, ord_) - 1 for ord_ in ords)


# Days of the list's zone


def _days(first: date, last: date) -> tuple[str, list[date]]:
    """The unit in which the days from first to last make a fitting number of bars, and each bar's first day, with
    the day after the last bar at the end."""
    for unit in ("day", "week"):
        days = list(_steps(unit, first, last))
        if len(days) - 1 <= MOST_BARS:
            return unit, days
    return "month", list(_steps("month", first, last))


def _steps(unit: str, first: date, last: date) -> Iterator[date]:
    day = _beginning(unit, first)
    while day <= last:
        yield day
        day = _following(unit, day)
    yield day


def _beginning(unit: str, day: date) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _following(unit: str, day: date) -> date:
    if unit == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if unit == "week" else 1)


def _day(ord_: int) -> date:
    return timezone.localtime(moment_of(ord_), timezone.get_default_timezone()).date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())
