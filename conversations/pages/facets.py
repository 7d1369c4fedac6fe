"""What stands beside and over the list: values with their numbers, and bars, each a link that changes the search."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from ..models import State
from ..query import CredentialTerm, DateTerm, MetadataTerm, Query, StateTerm, Term, exact, parse
from ..search.counts import KEYS, VALUES, Counts
from ..search.histogram import Bar, Histogram
from ..search.overview import Overview
from .list_state import ListState

HEIGHT = 56  # of the histogram, in its own units
TOO_MANY = 0.8  # distinct values a conversation, from which a key tells conversations apart rather than groups them


@dataclass(frozen=True)
class Option:
    """One value: a link that adds its term to the search, or takes it away."""

    label: str
    number: str
    address: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A key, or what every conversation has, with its most frequent values."""

    title: str
    options: list[Option]
    key: str | None = None  # of metadata
    column: str = ""  # the address that makes it a column, or takes that back
    is_column: bool = False
    more: str = ""  # what to ask for all its values


@dataclass(frozen=True)
class Column:
    """A bar of the histogram as it is drawn: `number` is None where it was not counted."""

    bar: Bar
    address: str
    label: str
    short_label: str
    height: float

    @property
    def number(self) -> int | None:
        return self.bar.number


def facets(state: ListState, overview: Overview) -> list[Facet]:
    """State and credential, then the most frequent keys with their values."""
    counts, names = overview.counts, overview.search.names
    fixed = [Facet("State", [_option(state, _state_term(value), label, overview) for value, label in State.choices])]
    if len(names) > 1:
        owners = [CredentialTerm(exact(name)) for name in names.values()]
        fixed.append(Facet("Credential", [_option(state, term, term.texts[0], overview) for term in owners]))
    return [*fixed, *(_key_facet(state, key, overview) for key in _keys(state, counts))]


def note(overview: Overview) -> str:
    """What to know of the numbers, where they are not plain counts of all that match."""
    counts = overview.counts
    if not counts.is_complete:
        return f"Counted in the newest {counts.of:,} of {overview.number} that match."
    return "" if counts.is_exact else "Estimates: conversations in the states left out are counted too."


def columns(state: ListState, histogram: Histogram) -> list[Column]:
    """The bars, each with the search within its day, week or month."""
    return [
        Column(bar, _address_of(state, bar), _days(bar), _short(bar), _height(bar.number, histogram.highest))
        for bar in histogram.bars
    ]


def value_options(state: ListState, key: str, numbers: Counter[str], limit: int) -> list[Option]:
    """Values of a key as links."""
    return [
        _link(state, MetadataTerm(key, exact(value)), value, f"{number:,}")
        for value, number in numbers.most_common(limit)
    ]


def _key_facet(state: ListState, key: str, overview: Overview) -> Facet:
    terms = [term for term in state.query.terms if isinstance(term, MetadataTerm) and term.key == key]
    chosen = [term for term in terms if not term.negated]
    numbers = overview.counts_without(chosen[0]) if chosen else overview.counts
    values = numbers.values.get(key, Counter())
    shown = [value for value, _ in values.most_common(VALUES)]
    asked = [value.text for term in chosen for value in term.values if value.kind == "exact"]
    is_grouping = len(values) <= max(VALUES, TOO_MANY * values.total())
    texts = dict.fromkeys([*asked, *(shown if is_grouping else [])])
    options = [_link(state, MetadataTerm(key, exact(text)), text, f"{values[text]:,}") for text in texts]
    more = urlencode([*state.pairs, ("key", key)])
    return Facet(key, options, key, state.toggling_column(key), key in state.columns, more)


def _keys(state: ListState, counts: Counts) -> Iterable[str]:
    """The most frequent keys, those that are searched for among them."""
    asked = [term.key for term in state.query.terms if isinstance(term, MetadataTerm)]
    frequent = [key for key, _ in counts.keys.most_common(KEYS)]
    return dict.fromkeys([*(key for key in asked if key not in frequent), *frequent])


def _state_term(value: str) -> StateTerm:
    return StateTerm(exact(value))


def _option(state: ListState, term: StateTerm | CredentialTerm, label: str, overview: Overview) -> Option:
    same = [known for known in state.query.terms if isinstance(known, type(term))]
    counts = overview.counts_without(same[0]) if same else overview.counts
    numbers = counts.states if isinstance(term, StateTerm) else _by_name(counts, overview.search.names)
    return _link(state, term, label, f"{numbers[term.texts[0]]:,}")


def _by_name(counts: Counts, names: Mapping[int, str]) -> Counter[str]:
    return Counter({names[pk]: number for pk, number in counts.credentials.items() if pk in names})


def _link(state: ListState, term: Term, label: str, number: str) -> Option:
    query, is_chosen = state.query, term in state.query
    changed = query.without(term) if is_chosen else query.without(term.opposite()).with_(term)
    return Option(label, number, state.searching(changed), is_chosen)


def _address_of(state: ListState, bar: Bar) -> str:
    """The search within the bar's days."""
    kept = tuple(term for term in state.query.terms if not (isinstance(term, DateTerm) and term.field == "created"))
    query = Query(kept, state.query.problems)
    return state.searching(query.with_(parse(f"created:{_range(bar)}").terms[0]))


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
    """In the histogram's units; what is there at all can be seen."""
    if not number:
        return HEIGHT if number is None else 0
    return max(2, round(number / highest * HEIGHT, 1))
