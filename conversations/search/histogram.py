"""When the conversations of a result were created: a number per day, week or month.

Exact where the result is one list of the index, or all but one; otherwise counted in its newest conversations, with the
older bars marked as not counted.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.utils import timezone

from ..models import Credential, HourCount
from ..models.index import sql_helpers
from ..models.index.hours import beginning_of, hour_of
from ..models.index.terms import created_at_of, sort_key_at
from .result import COUNTED, Search
from .sources import CONVERSATION, POSTING, AllConversations, Postings, Source
from .walk import Plan

CREDENTIAL, HOUR_COUNT = Credential._meta.db_table, HourCount._meta.db_table
MAX_BARS = 75
LEAST_DAYS = 14
MAX_READ = 20_000  # conversations that are read to subtract them


@dataclass(frozen=True)
class Bar:
    """The first and last day of a bar, and how many were created in it; None where that was not counted."""

    first: date
    last: date
    number: int | None


@dataclass(frozen=True)
class Histogram:
    """Bars from the oldest to the newest; each is a day, week or month."""

    unit: str
    bars: list[Bar]

    @property
    def highest(self) -> int:
        """The largest number of a bar."""
        return max((bar.number or 0 for bar in self.bars), default=0)

    @property
    def is_complete(self) -> bool:
        """Whether each bar was counted."""
        return all(bar.number is not None for bar in self.bars)


def exact(search: Search) -> Histogram | None:
    """The histogram of all matches if the index can count them, else None."""
    if not search.plans or not all(_is_countable(plan) for plan in search.plans):
        return None
    ends = [search.first_sort_key(ascending=ascending) for ascending in (True, False)]
    # Without both ends in time, the unit of the bars can't be chosen.
    if None in ends:
        return None
    unit, days = _days(*(_day(end) for end in ends if end is not None))
    edges = [sort_key_at(_midnight(day)) for day in days]
    numbers: Counter[int] = Counter()
    for plan in search.plans:
        numbers.update(_numbers(plan.driver, edges))
        for source in plan.excluded:
            numbers.subtract(_common_numbers(plan.driver, source, edges))
    return _histogram(unit, days, [numbers[position] for position in range(len(days) - 1)])


def of_all(credentials: Sequence[int]) -> Histogram | None:
    """The histogram of all conversations of the credentials, up to today, and of LEAST_DAYS at least: two statements,
    however many credentials these are. None where there are no conversations."""
    # The least and the greatest of each credential are at the ends of its part of the database's index.
    end = f"(SELECT {{}}(sort_key) FROM {CONVERSATION} WHERE credential_id = c.id)"
    sql = f"""SELECT {end.format("MIN")}, {end.format("MAX")} FROM {CREDENTIAL} c
        WHERE c.id IN {sql_helpers.placeholders(credentials)}"""
    found = sql_helpers.fetch(sql, credentials)
    ends = [_day(sort_key) for row in found for sort_key in row if sort_key is not None]
    if not ends:
        return None
    last = max(timezone.localdate(timezone=timezone.get_default_timezone()), *ends)
    unit, days = _days(min(last - timedelta(days=LEAST_DAYS - 1), *ends), last)
    numbers = _numbers_of_all(credentials, [sort_key_at(_midnight(day)) for day in days])
    return _histogram(unit, days, [numbers[position] for position in range(len(days) - 1)])


def _numbers_of_all(credentials: Sequence[int], edges: Sequence[int]) -> Counter[int]:
    """How many conversations of all the credentials together lie between each two edges: from the counts of whole hours
    and, where days begin within an hour, from those conversations of that hour."""
    bars = [(position, *_hours(low, high)) for position, (low, high) in enumerate(pairwise(edges))]
    parts = [
        f"""(SELECT COALESCE(SUM(count), 0) FROM {HOUR_COUNT} WHERE credential_id = c.id
        AND hour >= bar.first_hour AND hour < bar.last_hour)"""
    ]
    if any((low, last) != (first, high) for _, low, _, first, _, last, high in bars):
        some = (
            f"(SELECT COUNT(*) FROM {CONVERSATION} WHERE credential_id = c.id AND sort_key >= {{}} AND sort_key < {{}})"
        )
        parts += [some.format("bar.low", "bar.first"), some.format("bar.last", "bar.high")]
    sql = f"""WITH bar(position, low, first_hour, first, last_hour, last, high) AS
        (VALUES {", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(bars))})
        SELECT position, {" + ".join(parts)} FROM bar CROSS JOIN {CREDENTIAL} c
        WHERE c.id IN {sql_helpers.placeholders(credentials)}"""
    numbers: Counter[int] = Counter()
    for position, number in sql_helpers.fetch(sql, [*(value for bar in bars for value in bar), *credentials]):
        numbers[position] += int(number)
    return numbers


def _hours(low: int, high: int) -> tuple[int, ...]:
    """An interval of a day or more, and in it the first whole hour and the one after the last, each with its edge."""
    first, last = hour_of(low + beginning_of(1) - 1), hour_of(high)
    return low, first, beginning_of(first), last, beginning_of(last), high


def of_newest(sort_keys: Sequence[int], is_whole: bool) -> Histogram | None:
    """The histogram of the newest matches; if they aren't all, older bars are not counted."""
    if not sort_keys:
        return None
    sort_keys = sorted(sort_keys[:COUNTED])
    unit, days = _days(_day(sort_keys[0]), _day(sort_keys[-1]))
    edges = [sort_key_at(_midnight(day)) for day in days]
    numbers = [bisect_left(sort_keys, high) - bisect_left(sort_keys, low) for low, high in pairwise(edges)]
    return _histogram(unit, days, numbers if is_whole else [None, *numbers[1:]])  # the oldest bar may have more


def _histogram(unit: str, days: Sequence[date], numbers: Sequence[int | None]) -> Histogram:
    intervals = zip(pairwise(days), numbers, strict=True)
    return Histogram(unit, [Bar(first, end - timedelta(days=1), number) for (first, end), number in intervals])


def _is_countable(plan: Plan) -> bool:
    one_list = isinstance(plan.driver, AllConversations | Postings) and plan.driver.is_exact
    few_off = all(
        source.is_exact
        and (isinstance(plan.driver, AllConversations) or min(source.size, plan.driver.size) <= MAX_READ)
        for source in plan.excluded
    )
    return one_list and few_off and len(plan.excluded) <= 1 and not plan.required and not plan.tests


def _numbers(source: Source, edges: Sequence[int]) -> Counter[int]:
    """How many sort keys of a source lie between each two edges, counted in the database."""
    if isinstance(source, AllConversations):
        return _numbers_of_all([source.credential_id], edges)
    if not isinstance(source, Postings):
        return _by_bisection(source.all(), edges)
    terms = sql_helpers.placeholders(source.term_ids)
    one = f"SELECT %s, COUNT(*) FROM {POSTING} WHERE term_id IN {terms} AND sort_key >= %s AND sort_key < %s"
    intervals = list(enumerate(pairwise(edges)))
    parameters = [value for position, interval in intervals for value in (position, *source.term_ids, *interval)]
    return Counter(dict(sql_helpers.fetch(" UNION ALL ".join([one] * len(intervals)), parameters)))


def _common_numbers(driver: Source, excluded: Source, edges: Sequence[int]) -> Counter[int]:
    """How many sort keys that both contain lie between each two edges."""
    if isinstance(driver, AllConversations):
        return _numbers(excluded, edges)
    smaller, larger = sorted((driver, excluded), key=lambda source: source.size)
    return _by_bisection(sorted(larger.contained(smaller.all())), edges)


def _by_bisection(sort_keys: Sequence[int], edges: Sequence[int]) -> Counter[int]:
    return Counter(bisect_right(edges, sort_key) - 1 for sort_key in sort_keys)


# Days of the list's zone


def _days(first: date, last: date) -> tuple[str, list[date]]:
    """The smallest unit that gives at most MAX_BARS bars, and each bar's first day, followed by the day after the last
    bar."""
    for unit in ("day", "week"):
        days = list(_steps(unit, first, last))
        if len(days) - 1 <= MAX_BARS:
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


def _day(sort_key: int) -> date:
    return timezone.localtime(created_at_of(sort_key), timezone.get_default_timezone()).date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())
