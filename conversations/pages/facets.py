"""The filters beside the list and the bars above it; each value and each bar is a link that changes the search."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from ..models import State
from ..query import Clause, DateClause, FieldClause, MetadataClause, Query, exact, parse
from ..search.counts import KEYS, VALUES, Counts
from ..search.histogram import Bar, Histogram
from ..search.overview import Overview
from .list_state import ListState

WIDTH, HEIGHT, GAP = 960, 56, 2  # of the histogram, in its own units
TOO_MANY = 0.8  # distinct values per conversation, above which a key identifies conversations and doesn't group them


@dataclass(frozen=True)
class Option:
    """One value: a link that adds it to the search, or removes it."""

    label: str
    number: str
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A metadata key or a field, with its most frequent values."""

    title: str
    options: list[Option]
    key: str | None = None  # of metadata
    column: str = ""  # the URL that adds or removes its column
    is_column: bool = False
    more: str = ""  # the query string of the page with all its values


@dataclass(frozen=True)
class Column:
    """A bar of the histogram as it is drawn; `number` is None if it was not counted."""

    bar: Bar
    url: str
    label: str
    short_label: str
    x: float
    width: float
    height: float

    @property
    def number(self) -> int | None:
        return self.bar.number

    @property
    def y(self) -> float:
        return round(HEIGHT - self.height, 1)


def facets(state: ListState, overview: Overview) -> list[Facet]:
    """State, credential, and the most frequent keys, with their values."""
    counts, names = overview.counts, overview.search.names
    states = [(FieldClause("state", exact(value)), label) for value, label in State.choices]
    fixed = [Facet("State", [_option(state, clause, label, overview) for clause, label in states])]
    if len(names) > 1:
        owners = [FieldClause("credential", exact(name)) for name in names.values()]
        fixed.append(Facet("Credential", [_option(state, clause, clause.texts[0], overview) for clause in owners]))
    return [*fixed, *(_key_facet(state, key, overview) for key in _keys(state, counts))]


def note(overview: Overview) -> str:
    """What to know about the numbers, if they don't count all that match."""
    counts = overview.counts
    if not counts.is_complete:
        return f"Counted in the newest {counts.total:,} of {overview.number} matches."
    return "" if counts.is_exact else "Estimates: they include conversations in excluded states."


def columns(state: ListState, histogram: Histogram) -> list[Column]:
    """The bars, each with the search limited to its day, week or month."""
    step = WIDTH / max(1, len(histogram.bars))
    width = round(max(1.0, step - GAP), 2)
    return [
        Column(
            bar=bar,
            url=_url_of(state, bar),
            label=_days(bar),
            short_label=_short(bar),
            x=round(number * step, 2),
            width=width,
            height=_height(bar.number, histogram.highest),
        )
        for number, bar in enumerate(histogram.bars)
    ]


def value_options(state: ListState, key: str, numbers: Counter[str], limit: int) -> list[Option]:
    """Values of a key as links."""
    return [
        _link(state, MetadataClause(key, exact(value)), value, f"{number:,}")
        for value, number in numbers.most_common(limit)
    ]


def _key_facet(state: ListState, key: str, overview: Overview) -> Facet:
    own = [clause for clause in _metadata_clauses(state.query) if clause.key == key]
    chosen = [clause for clause in own if not clause.negated]
    numbers = overview.counts_without(chosen[0]) if chosen else overview.counts
    values = numbers.values.get(key, Counter())
    shown = [value for value, _ in values.most_common(VALUES)]
    asked = [value.text for clause in chosen for value in clause.values if value.kind == "exact"]
    # A key such as order_id has one value per conversation: listing some of them helps nobody.
    is_grouping = len(values) <= max(VALUES, TOO_MANY * values.total())
    texts = dict.fromkeys([*asked, *(shown if is_grouping else [])])
    options = [_link(state, MetadataClause(key, exact(text)), text, f"{values[text]:,}") for text in texts]
    more = urlencode([*state.pairs, ("key", key)])
    return Facet(key, options, key, state.toggling_column(key), key in state.columns, more)


def _keys(state: ListState, counts: Counts) -> Iterable[str]:
    """The most frequent keys, after those that are searched for and aren't among them."""
    asked = [clause.key for clause in _metadata_clauses(state.query)]
    frequent = [key for key, _ in counts.keys.most_common(KEYS)]
    return dict.fromkeys([*(key for key in asked if key not in frequent), *frequent])


def _metadata_clauses(query: Query) -> list[MetadataClause]:
    return [clause for clause in query.clauses if isinstance(clause, MetadataClause)]


def _option(state: ListState, clause: FieldClause, label: str, overview: Overview) -> Option:
    same = state.query.clauses_on(clause.field)
    counts = overview.counts_without(same[0]) if same else overview.counts
    numbers = counts.states if clause.field == "state" else _by_name(counts, overview.search.names)
    return _link(state, clause, label, f"{numbers[clause.texts[0]]:,}")


def _by_name(counts: Counts, names: Mapping[int, str]) -> Counter[str]:
    return Counter({names[pk]: number for pk, number in counts.credentials.items() if pk in names})


def _link(state: ListState, clause: Clause, label: str, number: str) -> Option:
    query, is_chosen = state.query, clause in state.query
    changed = query.without(clause) if is_chosen else query.without(clause.opposite()).with_clause(clause)
    return Option(label, number, state.searching(changed), is_chosen)


def _url_of(state: ListState, bar: Bar) -> str:
    """The search limited to the bar's days."""
    is_created = [isinstance(clause, DateClause) and clause.field == "created" for clause in state.query.clauses]
    kept = tuple(clause for clause, is_date in zip(state.query.clauses, is_created, strict=True) if not is_date)
    query = Query(kept, state.query.problems)
    return state.searching(query.with_clause(parse(f"created:{_range(bar)}").clauses[0]))


def _range(bar: Bar) -> str:
    if bar.first == bar.last:
        return str(bar.first)
    is_month = bar.first.day == 1 and bar.last.month == bar.first.month and (bar.last - bar.first).days > 7
    return f"{bar.first:%Y-%m}" if is_month else f"{bar.first}..{bar.last}"


def _days(bar: Bar) -> str:
    if bar.first == bar.last:
        return _day(bar.first)
    return f"{bar.first:%B %Y}" if len(_range(bar)) == 7 else f"{_day(bar.first)} to {_day(bar.last)}"


def _short(bar: Bar) -> str:
    return f"{bar.first:%b %Y}" if len(_range(bar)) == 7 else f"{bar.first.day} {bar.first:%b}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _height(number: int | None, highest: int) -> float:
    """In the histogram's units; anything above 0 is visible."""
    if not number:
        return HEIGHT if number is None else 0
    return max(2, round(number / highest * HEIGHT, 1))
