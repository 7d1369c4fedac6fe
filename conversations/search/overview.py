"""What a result holds besides its rows: its number, the counts in it, and when its conversations were created.

One walk over the newest matches serves all of it; where the index keeps the numbers itself, they are used instead.
"""

from functools import cached_property

from ..query import CredentialTerm, Query, StateTerm, Term
from .counts import Counts, counted, of_index
from .histogram import Histogram, exact, of_newest
from .result import COUNTED, Number, Search

SAMPLE = 2_000  # of the newest matches, whose values are counted


class Overview:
    """The number, the counts and the histogram of a search."""

    def __init__(self, search: Search, looked_at: int | None = None) -> None:
        """`looked_at`: how many of the newest matches, where only the counts are wanted."""
        self.search = search
        self._looked_at = looked_at
        self._beside: dict[Term, Counts] = {}

    @cached_property
    def _newest(self) -> tuple[list[int], bool]:
        """The newest matches, at most one more than are counted, and whether they are all, as far as time allowed."""
        return self.search.newest((self._looked_at or COUNTED) + 1)

    @cached_property
    def number(self) -> Number:
        """How many match, up to what is counted unasked."""
        known = self.search.known_number()
        if known is not None:
            return Number(known, is_exact=True)
        ords, is_whole = self._newest
        return Number(min(len(ords), COUNTED), is_whole)

    @cached_property
    def counts(self) -> Counts:
        """Keys, values, states and credentials of the matches; of the newest, where they are many."""
        if _asks_for_states_only(self.search.query) and (self.search.known_number() or 0) > SAMPLE:
            refused = {state for term in self.search.query.terms if isinstance(term, StateTerm) for state in term.texts}
            return of_index([plan.credential_id for plan in self.search.plans], refused)
        ords, is_whole = self._newest
        return counted(ords[:SAMPLE], is_complete=is_whole and len(ords) <= SAMPLE)

    def counts_without(self, term: Term) -> Counts:
        """The counts of the search that does not ask for a term: what else it could be, and how often."""
        if term not in self._beside:
            beside = Overview(self.search.asking(self.search.query.without(term)), looked_at=SAMPLE)
            self._beside[term] = beside.counts
        return self._beside[term]

    @cached_property
    def histogram(self) -> Histogram | None:
        """When the matches were created; None where there are none."""
        return exact(self.search) or of_newest(*self._newest)


def _asks_for_states_only(query: Query) -> bool:
    return all(isinstance(term, CredentialTerm) or _refuses_states(term) for term in query.terms)


def _refuses_states(term: Term) -> bool:
    return isinstance(term, StateTerm) and term.negated
