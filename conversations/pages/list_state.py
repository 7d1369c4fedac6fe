"""The state of the list, read once from the URL; every link of the page is built from it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from ..query import Clause, FieldClause, Label, Query, exact, parse_bounded

NOT_REMOVED = Query((FieldClause("state", exact("removed"), negated=True),))
MAX_COLUMNS = 8


@dataclass(frozen=True)
class Chip:
    """A clause under the search box, with the URL of the search without it."""

    clause: Clause
    without: str

    @property
    def label(self) -> Label:
        return self.clause.label()


_WITH_EQUALS = re.compile(r"(?<!\S)(-?[A-Za-z_][\w.-]*)=(?=\S)")


@dataclass(frozen=True)
class ListState:
    """The search, its order and columns, and the page that the URL asks for."""

    query: Query = field(default=NOT_REMOVED)
    text: str = str(NOT_REMOVED)
    oldest_first: bool = False
    columns: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    on: str = ""  # a day to jump to

    @classmethod
    def from_query(cls, parameters: Mapping[str, Sequence[str]]) -> "ListState":
        """The state of `?q=…&order=oldest&col=…&before=…`; without `q` the list hides removed conversations."""
        one = {name: values[-1] for name, values in parameters.items() if values}
        # No q: the default search. An empty q: everything.
        text = one.get("q", str(NOT_REMOVED))
        columns = dict.fromkeys(column for column in parameters.get("col", ()) if column)
        return cls(
            query=parse_bounded(text),
            text=text,
            oldest_first=one.get("order") == "oldest",
            columns=tuple(columns)[:MAX_COLUMNS],
            before=one.get("before", ""),
            after=one.get("after", ""),
            on=one.get("on", ""),
        )

    @property
    def chips(self) -> list[Chip]:
        """One chip per clause."""
        return [Chip(clause, self.searching(self.query.without(clause))) for clause in self.query.clauses]

    @property
    def meant(self) -> str:
        """The text with a colon where an equals sign stands between a key and its value; "" if there is none."""
        text = _WITH_EQUALS.sub(r"\1:", self.text)
        return text if text != self.text else ""

    @property
    def hides_removed_only(self) -> bool:
        """Whether it asks for nothing but that removed conversations are hidden."""
        return self.query == NOT_REMOVED

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Order and columns, which every form but the search box keeps in hidden fields."""
        order = [("order", "oldest")] if self.oldest_first else []
        return [*order, *(("col", column) for column in self.columns)]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The state as names and values, for hidden fields and links, except the page."""
        return [("q", self.text), *self.hidden]

    @property
    def query_string(self) -> str:
        """The search, order and columns as a query string, for other pages about the same result."""
        return urlencode(self.pairs)

    @property
    def url(self) -> str:
        """The URL of this page."""
        cursors = {"before": self.before, "after": self.after, "on": self.on}
        return self._url(*((name, value) for name, value in cursors.items() if value))

    @property
    def cleared(self) -> str:
        """The URL of the list without a search."""
        return self.searching(Query())

    @property
    def first(self) -> str:
        """The URL of the first page."""
        return self._url()

    @property
    def reversed(self) -> str:
        """The URL of the first page in the other order."""
        return replace(self, oldest_first=not self.oldest_first)._url()

    def searching(self, query: Query) -> str:
        """The URL of the first page of another search, in the same order, with the same columns."""
        return replace(self, text=str(query))._url()

    def older_than(self, cursor: str) -> str:
        """The URL of the page below a row."""
        return self._url(("before", cursor))

    def newer_than(self, cursor: str) -> str:
        """The URL of the page above a row."""
        return self._url(("after", cursor))

    def from_row(self, sort_key: int) -> str:
        """The URL of the page that begins with a row."""
        return self.newer_than(str(sort_key - 1)) if self.oldest_first else self.older_than(str(sort_key + 1))

    def toggling_column(self, key: str) -> str:
        """The URL of this page with a key as a column, or without it."""
        without = tuple(column for column in self.columns if column != key)
        return replace(self, columns=without if key in self.columns else (*self.columns, key)).url

    def answering(self, query: Query) -> "ListState":
        """The state with the query that is answered; the text stays as it was typed."""
        return replace(self, query=query)

    def _url(self, *more: tuple[str, str]) -> str:
        return "?" + urlencode([*self.pairs, *more])


def kept_result(parameters: Mapping[str, Sequence[str]], **more: str) -> str:
    """The query string of a page about one conversation: `more`, and the state of the list that it was opened from."""
    result = ListState.from_query(parameters).url[1:] if "q" in parameters else ""
    return "?" + "&".join(part for part in (urlencode(more), result) if part) if more or result else ""
