"""What a result shows besides its rows: its number, the counts in it, and when its conversations were created.

One walk over the newest matches provides all of it; numbers that the index keeps are used where they fit.
"""

from functools import cached_property

from ..query import Clause, FieldClause, Query
from .counts import Counts, counted, of_index
from .histogram import Histogram, exact, of_newest
from .result import COUNTED, Number, Search

SAMPLE = 2_000  # of the newest matches, whose values are counted


class Overview:
    """The number, the counts and the histogram of a search."""

    def __init__(self, search: Search, sample: int | None = None) -> None:
        """`sample`: how many of the newest matches to look at, if only the counts are needed."""
        self.search = search
        self._sample = sample
        self._counts_without: dict[Clause, Counts] = {}

    @cached_property
    def _newest(self) -> tuple[list[int], bool]:
        """The newest matches that were found in time, at most one more than are counted, and whether they are all."""
        return self.search.newest((self._sample or COUNTED) + 1)

    @cached_property
    def number(self) -> Number:
        """How many match, counted up to COUNTED."""
        known = self.search.known_number()
        if known is not None:
            return Number(known, is_exact=True)
        sort_keys, is_whole = self._newest
        return Number(min(len(sort_keys), COUNTED), is_whole)

    @cached_property
    def counts(self) -> Counts:
        """Keys, values, states and credentials of the matches; of the newest if there are many."""
        # The index counts per credential and state, so it can answer exactly these queries.
        if _asks_for_states_only(self.search.query) and (self.search.known_number() or 0) > SAMPLE:
            excluded = {state for clause in self.search.query.clauses_on("state") for state in clause.texts}
            return of_index([plan.credential_id for plan in self.search.plans], excluded)
        sort_keys, is_whole = self._newest
        return counted(sort_keys[:SAMPLE], is_complete=is_whole and len(sort_keys) <= SAMPLE)

    def counts_without(self, clause: Clause) -> Counts:
        """The counts of the search without a clause: what else it could ask for, and how often that occurs."""
        if clause not in self._counts_without:
            other = Overview(self.search.with_query(self.search.query.without(clause)), sample=SAMPLE)
            self._counts_without[clause] = other.counts
        return self._counts_without[clause]

    @cached_property
    def histogram(self) -> Histogram | None:
        """When the matches were created; None where there are none."""
        return exact(self.search) or of_newest(*self._newest)


def _asks_for_states_only(query: Query) -> bool:
    return all(map(_is_for_index, query.clauses))


def _is_for_index(clause: Clause) -> bool:
    """Whether the numbers of the index can answer it: it chooses credentials or excludes states."""
    if not isinstance(clause, FieldClause):
        return False
    return clause.field == "credential" or (clause.field == "state" and clause.negated)
