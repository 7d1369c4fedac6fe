"""Where the conversations that meet one condition are: each can be read in order, and asked which of some it holds.

Conversations are known here by their `ord` alone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

from ..models import Conversation, Posting
from ..models.index import statements

POSTING = Posting._meta.db_table
CONVERSATION = Conversation._meta.db_table


class Span(NamedTuple):
    """Ords from `low` on, below `high`."""

    low: int
    high: int

    @property
    def is_empty(self) -> bool:
        """Whether no ord lies in it."""
        return self.low >= self.high

    def and_(self, other: "Span") -> "Span":
        """What lies in both."""
        return Span(max(self.low, other.low), min(self.high, other.high))

    def beyond(self, ord_: int, *, ascending: bool) -> "Span":
        """What is left after `ord_`, in the direction of a walk."""
        return Span(ord_ + 1, self.high) if ascending else Span(self.low, ord_)

    def from_(self, ord_: int, *, ascending: bool) -> "Span":
        """What is left from `ord_` on, in the direction of a walk."""
        return Span(ord_, self.high) if ascending else Span(self.low, ord_ + 1)


ALL = Span(0, 2**63 - 1)


class Source(Protocol):
    """Conversations that meet a condition: at most `size` of them, and just so many if that is exact."""

    size: int
    is_exact: bool

    def take(self, span: Span, count: int, *, ascending: bool) -> list[int]:
        """The first `count` of those in the span, in the direction of the walk."""

    def take_all(self) -> list[int]:
        """All of them, in no order."""

    def held(self, ords: Sequence[int]) -> set[int]:
        """Those of `ords` that meet the condition."""


class Postings:
    """Those that bear at least one of a few terms; exact, where no conversation can bear two of them."""

    def __init__(self, term_ids: Sequence[int], size: int, *, are_exclusive: bool) -> None:
        self.term_ids, self.size = list(term_ids), size
        self.is_exact = are_exclusive or len(self.term_ids) == 1

    def take(self, span: Span, count: int, *, ascending: bool) -> list[int]:
        """Each term's own postings are read in order, and merged: no term is read further than needed."""
        order = "ASC" if ascending else "DESC"
        one = f"SELECT ord FROM {POSTING} WHERE term_id = %s AND ord >= %s AND ord < %s ORDER BY ord {order} LIMIT %s"
        parameters = [value for term_id in self.term_ids for value in (term_id, *span, count)]
        if len(self.term_ids) == 1:
            return statements.fetch_column(one, parameters)
        every = " UNION ".join(f"SELECT ord FROM ({one}) AS t{number}" for number in range(len(self.term_ids)))
        return statements.fetch_column(f"{every} ORDER BY ord {order} LIMIT %s", [*parameters, count])

    def take_all(self) -> list[int]:
        """Read at once."""
        sql = f"SELECT ord FROM {POSTING} WHERE term_id IN {statements.places(self.term_ids)}"
        return statements.fetch_column(sql, self.term_ids)

    def held(self, ords: Sequence[int]) -> set[int]:
        """OFFSET 0 keeps PostgreSQL from turning look-ups into a merge of whole tables."""
        relation, parameters = statements.numbers(ords)
        terms = statements.places(self.term_ids)
        sql = f"""SELECT value FROM {relation} AS o WHERE EXISTS
            (SELECT 1 FROM {POSTING} WHERE term_id IN {terms} AND ord = o.value LIMIT 1 OFFSET 0)"""
        return set(statements.fetch_column(sql, [*parameters, *self.term_ids]))


class Everything:
    """All conversations of a credential."""

    is_exact = True

    def __init__(self, credential_id: int, size: int) -> None:
        self.credential_id, self.size = credential_id, size

    def take(self, span: Span, count: int, *, ascending: bool) -> list[int]:
        """Read from the index of conversations."""
        order = "ASC" if ascending else "DESC"
        sql = f"""SELECT ord FROM {CONVERSATION} WHERE credential_id = %s AND ord >= %s AND ord < %s
            ORDER BY ord {order} LIMIT %s"""
        return statements.fetch_column(sql, [self.credential_id, *span, count])

    def take_all(self) -> list[int]:
        """Read at once."""
        return self.take(ALL, self.size, ascending=True)

    def held(self, ords: Sequence[int]) -> set[int]:
        """All of them."""
        return set(ords)


class Fixed:
    """A list that was looked up already."""

    is_exact = True

    def __init__(self, ords: Iterable[int]) -> None:
        self.ords = sorted(set(ords))
        self._set = set(self.ords)
        self.size = len(self.ords)

    @classmethod
    def of_terms(cls, term_ids: Iterable[int]) -> Self:
        """Those that bear at least one of many terms, which together have few postings."""
        relation, parameters = statements.numbers(term_ids)
        sql = f"SELECT ord FROM {POSTING} WHERE term_id IN (SELECT value FROM {relation} AS t)"
        return cls(statements.fetch_column(sql, parameters))

    def take(self, span: Span, count: int, *, ascending: bool) -> list[int]:
        """By bisection."""
        low, high = bisect_left(self.ords, span.low), bisect_left(self.ords, span.high)
        if ascending:
            return self.ords[low : min(high, low + count)]
        return self.ords[max(low, high - count) : high][::-1]

    def take_all(self) -> list[int]:
        """The list."""
        return self.ords

    def held(self, ords: Sequence[int]) -> set[int]:
        """By look-up in a set."""
        return self._set.intersection(ords)


NONE = Fixed(())


@dataclass(frozen=True)
class RowTest:
    """A condition that only the row itself can answer, from some of its fields."""

    fields: tuple[str, ...]
    test: Callable[..., bool]

    def opposite(self) -> "RowTest":
        """The same condition, turned round."""
        return RowTest(self.fields, lambda *values: not self.test(*values))


def passing(tests: Sequence[RowTest], ords: Sequence[int]) -> set[int]:
    """Those of `ords` whose rows pass every test; the rows are read once."""
    fields = list(dict.fromkeys(field for test in tests for field in test.fields))
    places = [(test.test, [fields.index(field) + 1 for field in test.fields]) for test in tests]
    rows = Conversation.objects.filter(ord__in=ords).facts("ord", *fields)
    return {row[0] for row in rows if all(test(*(row[place] for place in own)) for test, own in places)}
