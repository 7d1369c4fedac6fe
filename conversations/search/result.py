"""The result of a search: its pages, its number, and the neighbours of a conversation in it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Self

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from ..models import Conversation, Credential
from ..models.conversation import ConversationQuerySet
from ..models.index.sql_helpers import batches
from ..models.index.terms import sort_key_at
from ..query import Query
from .conditions import Conditions
from .sources import ALL, AllConversations, Interval
from .walk import Clock, Plan, walk_all

BUDGET = 0.2  # seconds that a page may look for matches
COUNTED = 10_000  # matches that are counted unasked
LOOKED_UP = 2_000  # rows that are looked up with one statement
COUNTING_BUDGET = 20.0  # seconds that an exact number may take


@dataclass(frozen=True)
class ResultPage:
    """Conversations as they are shown, and the cursors of the pages beside them, None where there are none.

    `older` is below the lowest sort key shown, `newer` above the highest; `resumes`: time ran out before the page was
    full, and the search continues at this cursor, "newer" or "older".
    """

    rows: list[Conversation]
    newer: int | None
    older: int | None
    resumes: str = ""


@dataclass(frozen=True)
class Number:
    """How many match: `at_least` this many, and no more if it `is_exact`."""

    at_least: int
    is_exact: bool

    def __str__(self) -> str:
        """With separators, and a plus if it may be more."""
        return f"{self.at_least:,}{'' if self.is_exact else '+'}"


class Search:
    """What matches a query among the conversations of some credentials, at one point in time.

    `query` is the one that is answered: a credential that the user can't see by its name became a problem (R24).
    """

    def __init__(self, query: Query, credentials: Sequence[Credential], now: datetime) -> None:
        self.credentials = credentials
        self.query = _with_known_credentials(query, [credential.name for credential in credentials])
        self._now = now

    @classmethod
    def for_user(cls, query: Query, user: User | AnonymousUser) -> Self:
        """A search among the conversations that the user may see, now."""
        return cls(query, list(Credential.objects.visible_to(user).only("pk", "name")), timezone.now())

    @property
    def names(self) -> dict[int, str]:
        """The names of the credentials, by primary key."""
        return {credential.pk: credential.name for credential in self.credentials}

    def chosen_credentials(self) -> list[int]:
        """The keys of the credentials that have anything to look through for this query."""
        return [plan.credential_id for plan in self.plans]

    def with_query(self, query: Query) -> Self:
        """A search for another query, among the same conversations at the same point in time."""
        return type(self)(query, self.credentials, self._now)

    @property
    def visible(self) -> ConversationQuerySet:
        """All conversations of the credentials, whatever the query asks."""
        return Conversation.objects.filter(credential__in=list(self.names))

    @cached_property
    def conditions(self) -> Conditions:
        """What the query asks of each credential's conversations."""
        return Conditions(self.query, self.credentials, self._now, timezone.get_default_timezone())

    @cached_property
    def plans(self) -> list[Plan]:
        """What to walk over, one plan per credential."""
        return self.conditions.plans()

    def page(
        self,
        *,
        size: int,
        before: int | None = None,
        after: int | None = None,
        oldest_first: bool = False,
        seconds: float = BUDGET,
    ) -> ResultPage:
        """The page below the cursor `before` or above `after`, both sort keys; otherwise the first one."""
        # The walk starts at the cursor and goes away from it; the rows are put into the list's order afterwards.
        ascending = after is not None or (oldest_first and before is None)
        interval = Interval(ALL.low if after is None else after + 1, ALL.high if before is None else before)
        found, stop = self._first(size + 1, interval, ascending=ascending, seconds=seconds)
        is_backward = ascending is not oldest_first
        # There are fewer rows than a page before the cursor: the first page, and full, is less confusing.
        if is_backward and stop is None and len(found) < size:
            return self.page(size=size, oldest_first=oldest_first, seconds=seconds)
        shown, more = found[:size], len(found) > size
        onward = shown[-1] if more else stop
        backward = None if before is None and after is None else shown[0] if shown else _beside(before, after)
        rows = self._rows(sorted(shown, reverse=not oldest_first))
        newer, older = (onward, backward) if ascending else (backward, onward)
        resumes = ("newer" if ascending else "older") if stop is not None and not more else ""
        return ResultPage(rows, newer, older, resumes)

    def sort_keys(self, *, oldest_first: bool = False, clock: Clock | None = None) -> Iterator[int]:
        """The sort keys of all matches in order, or of those found in time."""
        steps = walk_all(self.plans, ALL, ascending=oldest_first, clock=clock or Clock(float("inf")))
        return (sort_key for sort_key, matches in steps if matches)

    def among(self, sort_keys: Iterable[int]) -> set[int]:
        """Those of these conversations that match."""
        owned: dict[int, list[int]] = defaultdict(list)
        for batch in batches(list(sort_keys), LOOKED_UP):
            rows = self.visible.filter(sort_key__in=batch).values_list("credential_id", "sort_key")
            for credential_id, sort_key in rows:
                owned[credential_id].append(sort_key)
        return set[int]().union(*(plan.among(owned[plan.credential_id]) for plan in self.plans))

    def neighbours(self, sort_key: int) -> tuple[Conversation | None, Conversation | None]:
        """The next newer and the next older match of a conversation."""
        newer, _ = self._first(1, Interval(sort_key + 1, ALL.high), ascending=True)
        older, _ = self._first(1, Interval(ALL.low, sort_key), ascending=False)
        rows = {row.sort_key: row for row in self._rows([*newer, *older])}
        return rows.get(newer[0]) if newer else None, rows.get(older[0]) if older else None

    def newest(self, count: int | None = None, seconds: float = BUDGET) -> tuple[list[int], bool]:
        """The sort keys of the newest matches, at most `count` and as many as are found in time; and whether these are
        all that match."""
        found, stop = self._first(count, ALL, ascending=False, seconds=seconds)
        return found, stop is None and len(found) != count

    def number(self) -> Number:
        """How many match: counted one by one, for as long as someone may wait."""
        known = self.known_number()
        if known is not None:
            return Number(known, is_exact=True)
        count = 0
        for _, matches in walk_all(self.plans, ALL, ascending=False, clock=Clock(COUNTING_BUDGET)):
            if not matches:
                return Number(count, is_exact=False)
            count += 1
        return Number(count, is_exact=True)

    def day(self, text: str) -> tuple[int, int] | None:
        """The first sort key of a day such as 2026-01-31, in the list's zone, and the first one after it; None if the
        text is not a day."""
        try:
            first = datetime.combine(date.fromisoformat(text), time(), timezone.get_default_timezone())
            return sort_key_at(first), sort_key_at(first + timedelta(days=1))
        except (ValueError, OverflowError):
            return None

    @property
    def reconciled_at(self) -> datetime | None:
        """Since when every conversation of the credentials has been checked at its server, apart from removed ones and
        those that were never read; None if there are none."""
        return min(self.checked_since.values(), default=None)

    @cached_property
    def checked_since(self) -> dict[int, datetime]:
        """The same for each credential, by its key; without those that have none."""
        rows = Conversation.objects.filter(credential=OuterRef("pk")).kept().exclude(checked_at=None)
        oldest = Subquery(rows.order_by("checked_at").values("checked_at")[:1])
        times = Credential.objects.with_keys(self.names).annotate(oldest=oldest).exclude(oldest=None)
        return dict(list(times.values_list("pk", "oldest")))  # a list: the query set has keys of its own

    def first_sort_key(self, *, ascending: bool) -> int | None:
        """The sort key of the oldest match, or of the newest; None where none is found in time."""
        found, _ = self._first(1, ALL, ascending=ascending)
        return found[0] if found else None

    def known_number(self) -> int | None:
        """How many match, where the index knows without counting."""
        numbers = [_known_number(plan) for plan in self.plans]
        return None if None in numbers else sum(number or 0 for number in numbers)

    def _first(
        self, count: int | None, interval: Interval, *, ascending: bool, seconds: float = BUDGET
    ) -> tuple[list[int], int | None]:
        """The first matches in the interval, and where time ran out before there were that many."""
        found: list[int] = []
        for sort_key, matches in walk_all(self.plans, interval, ascending=ascending, clock=Clock(seconds)):
            if not matches:
                return found, sort_key
            found.append(sort_key)
            if len(found) == count:
                break
        return found, None

    def _rows(self, sort_keys: list[int]) -> list[Conversation]:
        """The rows that still belong to one of the credentials, each with that credential and with short metadata."""
        known = {credential.pk: credential for credential in self.credentials}
        rows = self.visible.with_short_metadata().by_sort_keys(sort_keys)
        for row in rows:
            row.credential = known[row.credential_id]
        return rows


def _with_known_credentials(query: Query, names: list[str]) -> Query:
    for clause in query.clauses_on("credential"):
        unknown = [name for name in clause.texts if name not in names]
        if unknown:
            known = ", ".join(names[:10]) or "none yet"
            query = query.refused(clause, f"There’s no credential “{unknown[0]}”. Yours are: {known}.")
    return query


def _beside(before: int | None, after: int | None) -> int | None:
    """The cursor that leads back from an empty page, to the other side of its own cursor."""
    return before - 1 if before is not None else after + 1 if after is not None else None


def _known_number(plan: Plan) -> int | None:
    """All of one list; or all conversations but those of one list."""
    if plan.required or plan.tests or plan.intervals != (ALL,) or not plan.driver.is_exact:
        return None
    if not plan.excluded:
        return plan.driver.size
    is_all_but_one = isinstance(plan.driver, AllConversations) and len(plan.excluded) == 1 and plan.excluded[0].is_exact
    return plan.driver.size - plan.excluded[0].size if is_all_but_one else None
