"""The state of the list, read once from the address; every link of the page is built from it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from ..query import Query, Term, exact, parse_bounded
from ..query import StateTerm as _StateTerm

NOT_REMOVED = Query((_StateTerm(exact("removed"), negated=True),))
MOST_COLUMNS = 8


@dataclass(frozen=True)
class Chip:
    """A term under the search box, in words, with the address that drops it."""

    term: Term
    without: str

    @property
    def words(self) -> tuple[str, str, str]:
        return self.term.words()


@dataclass(frozen=True)
class ListState:
    """The search, its order and columns, and the page of it that the address asks for."""

    query: Query = field(default=NOT_REMOVED)
    text: str = str(NOT_REMOVED)
    oldest_first: bool = False
    columns: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    on: str = ""  # a day to jump to

    @classmethod
    def from_address(cls, parameters: Mapping[str, Sequence[str]]) -> "ListState":
        """The state of `?q=…&order=oldest&col=…&before=…`; without `q` the list hides what was removed."""
        one = {name: values[-1] for name, values in parameters.items() if values}
        text = one.get("q", str(NOT_REMOVED))
        columns = dict.fromkeys(column for column in parameters.get("col", ()) if column)
        return cls(
            query=parse_bounded(text),
            text=text,
            oldest_first=one.get("order") == "oldest",
            columns=tuple(columns)[:MOST_COLUMNS],
            before=one.get("before", ""),
            after=one.get("after", ""),
            on=one.get("on", ""),
        )

    @property
    def chips(self) -> list[Chip]:
        """The terms, each with its way out."""
        return [Chip(term, self.searching(self.query.without(term))) for term in self.query.terms]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a form besides the search box has to carry along: order and columns."""
        order = [("order", "oldest")] if self.oldest_first else []
        return [*order, *(("col", column) for column in self.columns)]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The whole state as names and values, for hidden fields and links; the page of it excepted."""
        return [("q", self.text), *self.kept]

    @property
    def parameters(self) -> str:
        """The search, order and columns as in an address, for other pages about the same result."""
        return urlencode(self.pairs)

    @property
    def address(self) -> str:
        """The address of this very page."""
        cursors = {"before": self.before, "after": self.after, "on": self.on}
        return self._address(*((name, value) for name, value in cursors.items() if value))

    @property
    def cleared(self) -> str:
        """The address without any term."""
        return self.searching(Query())

    @property
    def first(self) -> str:
        """The address of the first page."""
        return self._address()

    @property
    def turned(self) -> str:
        """The address of the first page in the other order."""
        return replace(self, oldest_first=not self.oldest_first)._address()

    def searching(self, query: Query) -> str:
        """The address of the first page of another search, in the same order, with the same columns."""
        return replace(self, text=str(query))._address()

    def older_than(self, cursor: str) -> str:
        """The address of the page below a row."""
        return self._address(("before", cursor))

    def newer_than(self, cursor: str) -> str:
        """The address of the page above a row."""
        return self._address(("after", cursor))

    def from_row(self, ord_: int) -> str:
        """The address of the page that begins with a row."""
        return self.newer_than(str(ord_ - 1)) if self.oldest_first else self.older_than(str(ord_ + 1))

    def toggling_column(self, key: str) -> str:
        """The address of this page with a key as a column, or without it."""
        without = tuple(column for column in self.columns if column != key)
        return replace(self, columns=without if key in self.columns else (*self.columns, key)).address

    def answered_as(self, query: Query) -> "ListState":
        """The state with what of its query can be answered; the text stays as it was typed."""
        return replace(self, query=query)

    def _address(self, *more: tuple[str, str]) -> str:
        return "?" + urlencode([*self.pairs, *more])


def kept(parameters: Mapping[str, Sequence[str]], **more: str) -> str:
    """The query string of a page about one row: `more`, and the list's state where it was opened from a list."""
    address = ListState.from_address(parameters).address if "q" in parameters else ""
    return "?" + "&".join(part for part in (urlencode(more), address[1:]) if part) if more or address else ""
