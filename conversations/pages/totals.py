"""The numbers of the overview: how many conversations there are, when they were created, and what they have in common.

Each bar and each row is a link to the list, whose search finds exactly as many. Removed conversations count, too: they
are in the index until somebody purges them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.urls import reverse

from ..models import State
from ..query import Clause, FieldClause, HasClause, Query, exact
from ..search import Search
from ..search.counts import Counts
from ..search.counts import of_all as counts_of_all
from ..search.histogram import Histogram
from ..search.histogram import of_all as histogram_of_all
from .facets import Column, columns
from .list_state import ListState

SHOWN = 8  # rows of each breakdown
WIDTH, HEIGHT, GAP = 720, 160, 2  # of the chart, in its own units
EVERYTHING = ListState(query=Query(), text="")


@dataclass(frozen=True)
class Bar:
    """A bar of the chart, as it is drawn, and the list of the conversations that it counts."""

    column: Column
    url: str
    number: int
    x: float
    width: float
    height: float

    @property
    def label(self) -> str:
        return self.column.label

    @property
    def short_label(self) -> str:
        return self.column.short_label

    @property
    def y(self) -> float:
        return round(HEIGHT - self.height, 1)


@dataclass(frozen=True)
class Chart:
    """When the conversations were created: bars up to a scale whose highest mark is `top`."""

    unit: str
    top: int
    bars: list[Bar]

    @property
    def period(self) -> str:
        """The first and the last day."""
        first, last = self.bars[0].column.bar.first, self.bars[-1].column.bar.last
        year = f" {first.year}" if first.year != last.year else ""
        return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}"

    @property
    def marks(self) -> list[int]:
        """What stands beside the lines of the scale, from its top down."""
        return [self.top, self.top // 2, 0]


@dataclass(frozen=True)
class Share:
    """One value, how many conversations have it, and the list of these. `width`: in percent of all."""

    label: str
    number: int
    url: str
    width: float


@dataclass(frozen=True)
class Breakdown:
    """The most frequent values of something, and how many more there are."""

    shares: list[Share]
    more: int


@dataclass(frozen=True)
class Checked:
    """Since when each credential's conversations were all checked at its server, the longest ago first."""

    rows: list[tuple[str, datetime]]
    more: int

    @classmethod
    def of(cls, search: Search) -> Self:
        """Of all credentials that a search looks through."""
        rows = sorted((since, search.names[pk]) for pk, since in search.checked_since.items())
        return cls([(name, since) for since, name in rows[:SHOWN]], len(rows[SHOWN:]))

    @property
    def since(self) -> datetime | None:
        """Since when all were."""
        return self.rows[0][1] if self.rows else None


class Totals:
    """All conversations that a search looks through, whatever it asks for. Of four statements altogether."""

    def __init__(self, search: Search) -> None:
        credentials = list(search.names)
        counts = counts_of_all(credentials)
        self.number = counts.total
        self.removed = counts.states[State.REMOVED]
        self.url = _list_of()
        self.chart = _chart(histogram_of_all(credentials) if counts.total else None)
        self.states = _breakdown(counts, _states(counts))
        self.credentials = _breakdown(counts, _credentials(counts, search))
        self.keys = _breakdown(counts, [(key, number, HasClause(key)) for key, number in counts.keys.items()])


def _states(counts: Counts) -> Iterable[tuple[str, int, Clause]]:
    for value, label in State.choices:
        yield str(label), counts.states[value], FieldClause("state", exact(value))


def _credentials(counts: Counts, search: Search) -> Iterable[tuple[str, int, Clause]]:
    for pk, name in search.names.items():
        yield name, counts.credentials[pk], FieldClause("credential", exact(name))


def _breakdown(counts: Counts, rows: Iterable[tuple[str, int, Clause]]) -> Breakdown:
    ranked = sorted((row for row in rows if row[1]), key=lambda row: (-row[1], row[0]))
    shares = [
        Share(label, number, _list_of(clause), max(0.5, round(number * 100 / counts.total, 1)))
        for label, number, clause in ranked[:SHOWN]
    ]
    return Breakdown(shares, len(ranked) - len(shares))


def _list_of(*clauses: Clause) -> str:
    return f"{reverse('conversation_list')}{EVERYTHING.searching(Query(clauses))}"


def _chart(histogram: Histogram | None) -> Chart | None:
    if histogram is None:
        return None
    top, step = _top(histogram.highest), WIDTH / len(histogram.bars)
    width = round(max(1.0, step - GAP), 2)
    bars = [
        Bar(
            column=column,
            url=f"{reverse('conversation_list')}{column.url}",
            number=column.number or 0,
            x=round(position * step + GAP / 2, 2),
            width=width,
            height=_height(column.number or 0, top),
        )
        for position, column in enumerate(columns(EVERYTHING, histogram))
    ]
    return Chart(histogram.unit, top, bars)


def _top(highest: int) -> int:
    """The smallest even mark that no bar exceeds, with one digit that isn't 0, or 10 and its like."""
    size = 1
    while highest > 10 * size:
        size *= 10
    return size * next(digit for digit in (2, 4, 6, 8, 10) if digit * size >= highest)


def _height(number: int, top: int) -> float:
    """In the chart's units; anything above 0 is visible."""
    return max(2.0, round(number * HEIGHT / top, 1)) if number else 0.0
