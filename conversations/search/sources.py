"""Sources of the conversations that meet one condition: each can be read in order, and says which ones of a block it
contains. Conversations are represented by their sort keys alone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

from ..models import Conversation, Posting
from ..models.index import sql_helpers

POSTING = Posting._meta.db_table
CONVERSATION = Conversation._meta.db_table


class Interval(NamedTuple):
    """Sort keys from `low` on, below `high`."""

    low: int
    high: int

    @property
    def is_empty(self) -> bool:
        """Whether it contains no sort key."""
        return self.low >= self.high

    def intersection(self, other: "Interval") -> "Interval":
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def after(self, sort_key: int, *, ascending: bool) -> "Interval":
        """What is left after a sort key, in the direction of a walk."""
        return Interval(sort_key + 1, self.high) if ascending else Interval(self.low, sort_key)

    def starting_at(self, sort_key: int, *, ascending: bool) -> "Interval":
        """What is left from a sort key on, in the direction of a walk."""
        return Interval(sort_key, self.high) if ascending else Interval(self.low, sort_key + 1)


ALL = Interval(0, 2**63 - 1)


class Source(Protocol):
    """Conversations that meet a condition: at most `size` of them, exactly that many if it `is_exact`."""

    size: int
    is_exact: bool

    def next(self, interval: Interval, count: int, *, ascending: bool) -> list[int]:
        """The first `count` of those in the interval, in the direction of the walk."""

    def all(self) -> list[int]:
        """All of them, in no order."""

    def contained(self, sort_keys: Sequence[int]) -> set[int]:
        """Those of the sort keys that meet the condition."""


class Postings:
    """Those that have at least one of a few terms; exact if no conversation can have two of them."""

    def __init__(self, term_ids: Sequence[int], size: int, *, are_exclusive: bool) -> None:
        self.term_ids, self.size = list(term_ids), size
        self.is_exact = are_exclusive or len(self.term_ids) == 1

    def next(self, interval: Interval, count: int, *, ascending: bool) -> list[int]:
        """The postings of each term, read in order and merged: no term is read further than needed."""
        order = "ASC" if ascending else "DESC"
        one = f"""SELECT sort_key FROM {POSTING} WHERE term_id = %s AND sort_key >= %s AND sort_key < %s
            ORDER BY sort_key {order} LIMIT %s"""
        parameters = [value for term_id in self.term_ids for value in (term_id, *interval, count)]
        if len(self.term_ids) == 1:
            return sql_helpers.fetch_column(one, parameters)
        # UNION of limited subqueries: each reads its own index range, and duplicates vanish in the merge.
        every = " UNION ".join(f"SELECT sort_key FROM ({one}) AS t{number}" for number in range(len(self.term_ids)))
        return sql_helpers.fetch_column(f"{every} ORDER BY sort_key {order} LIMIT %s", [*parameters, count])

    def all(self) -> list[int]:
        sql = f"SELECT sort_key FROM {POSTING} WHERE term_id IN {sql_helpers.placeholders(self.term_ids)}"
        return sql_helpers.fetch_column(sql, self.term_ids)

    def contained(self, sort_keys: Sequence[int]) -> set[int]:
        """A lookup for each. OFFSET 0 keeps PostgreSQL from merging whole tables instead."""
        relation, parameters = sql_helpers.numbers(sort_keys)
        terms = sql_helpers.placeholders(self.term_ids)
        sql = f"""SELECT value FROM {relation} AS o WHERE EXISTS
            (SELECT 1 FROM {POSTING} WHERE term_id IN {terms} AND sort_key = o.value LIMIT 1 OFFSET 0)"""
        return set(sql_helpers.fetch_column(sql, [*parameters, *self.term_ids]))


class AllConversations:
    """All conversations of a credential."""

    is_exact = True

    def __init__(self, credential_id: int, size: int) -> None:
        self.credential_id, self.size = credential_id, size

    def next(self, interval: Interval, count: int, *, ascending: bool) -> list[int]:
        """Read from the database's index on credential and sort key."""
        order = "ASC" if ascending else "DESC"
        sql = f"""SELECT sort_key FROM {CONVERSATION} WHERE credential_id = %s AND sort_key >= %s AND sort_key < %s
            ORDER BY sort_key {order} LIMIT %s"""
        return sql_helpers.fetch_column(sql, [self.credential_id, *interval, count])

    def all(self) -> list[int]:
        return self.next(ALL, self.size, ascending=True)

    def contained(self, sort_keys: Sequence[int]) -> set[int]:
        return set(sort_keys)


class InMemory:
    """A list that was looked up before."""

    is_exact = True

    def __init__(self, sort_keys: Iterable[int]) -> None:
        self.sort_keys = sorted(set(sort_keys))
        self._set = set(self.sort_keys)
        self.size = len(self.sort_keys)

    @classmethod
    def of_terms(cls, term_ids: Iterable[int]) -> Self:
        """Those that have at least one of many terms, which together have few postings."""
        relation, parameters = sql_helpers.numbers(term_ids)
        sql = f"SELECT sort_key FROM {POSTING} WHERE term_id IN (SELECT value FROM {relation} AS t)"
        return cls(sql_helpers.fetch_column(sql, parameters))

    def next(self, interval: Interval, count: int, *, ascending: bool) -> list[int]:
        low, high = bisect_left(self.sort_keys, interval.low), bisect_left(self.sort_keys, interval.high)
        if ascending:
            return self.sort_keys[low : min(high, low + count)]
        return self.sort_keys[max(low, high - count) : high][::-1]

    def all(self) -> list[int]:
        return self.sort_keys

    def contained(self, sort_keys: Sequence[int]) -> set[int]:
        return self._set.intersection(sort_keys)


NONE = InMemory(())


@dataclass(frozen=True)
class RowTest:
    """A condition that only the row itself can decide, from some of its fields."""

    fields: tuple[str, ...]
    test: Callable[..., bool]

    def opposite(self) -> "RowTest":
        """The same condition, inverted."""
        return RowTest(self.fields, lambda *values: not self.test(*values))


def passing(tests: Sequence[RowTest], sort_keys: Sequence[int]) -> set[int]:
    """Those of the sort keys whose rows pass every test; the rows are read once."""
    fields = list(dict.fromkeys(field for test in tests for field in test.fields))
    positions = [(test.test, [fields.index(field) + 1 for field in test.fields]) for test in tests]
    rows = Conversation.objects.filter(sort_key__in=sort_keys).fields_of_each("sort_key", *fields)
    return {row[0] for row in rows if all(test(*(row[position] for position in own)) for test, own in positions)}
