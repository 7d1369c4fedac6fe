"""The state of the list, read once from the address; every link of the page is built from it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from .query import Query, Term, exact, parse
from .query import StateTerm as _StateTerm

NOT_REMOVED = Query((_StateTerm(exact("removed"), negated=True),))


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
    """The search and the page that the address asks for."""

    query: Query = field(default=NOT_REMOVED)
    text: str = str(NOT_REMOVED)
    before: str = ""
    after: str = ""

    @classmethod
    def from_address(cls, parameters: Mapping[str, str]) -> "ListState":
        """The state of `?q=…&before=…&after=…`; without `q` the list hides what was removed."""
        text = parameters.get("q", str(NOT_REMOVED))
        return cls(parse(text), text, parameters.get("before", ""), parameters.get("after", ""))

    @property
    def chips(self) -> list[Chip]:
        """The terms, each with its way out."""
        return [Chip(term, self._address(self.query.without(term))) for term in self.query.terms]

    @property
    def cleared(self) -> str:
        """The address without any term."""
        return self._address(Query())

    @property
    def address(self) -> str:
        """The address of this very page."""
        cursors = {"before": self.before, "after": self.after}
        return "?" + urlencode({"q": self.text, **{name: cursor for name, cursor in cursors.items() if cursor}})

    def older_than(self, cursor: str) -> str:
        """The address of the page below a row."""
        return "?" + urlencode({"q": self.text, "before": cursor})

    def newer_than(self, cursor: str) -> str:
        """The address of the page above a row."""
        return "?" + urlencode({"q": self.text, "after": cursor})

    @property
    def newest(self) -> str:
        """The address of the first page."""
        return "?" + urlencode({"q": self.text})

    def refused(self, term: Term, message: str) -> "ListState":
        """The state with a term that turned out not to be answerable."""
        return replace(self, query=self.query.refused(term, message))

    @staticmethod
    def _address(query: Query) -> str:
        return "?" + urlencode({"q": str(query)})
