"""A result of the search: its pages, its number and the neighbours of a conversation in it."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from ..models import Conversation, Credential
from ..models.conversation import ConversationQuerySet
from ..models.index.terms import ord_at
from ..query import CredentialTerm, Query
from .conditions import Conditions
from .sources import ALL, Everything, Span
from .walk import Clock, Plan, walk_all

BUDGET = 0.2  # seconds that a page may look for matches
COUNTED = 10_000  # matches that are counted unasked
COUNTING_BUDGET = 20.0  # seconds that an exact number may take


@dataclass(frozen=True)
class Page:
    """Conversations as they are shown, and the cursors beside them, None where there is nothing more.

    `older` is below the lowest shown `ord`, `newer` above the highest; `further` tells that time ran out before
    the page was full, and beside which cursor the search goes on.
    """

    rows: list[Conversation]
    newer: int | None
    older: int | None
    further: str = ""


@dataclass(frozen=True)
class Number:
    """How many match: `at_least` so many, and no more if it `is_exact`."""

    at_least: int
    is_exact: bool

    def __str__(self) -> str:
        """With separators, and a plus where it may be more."""
        return f"{self.at_least:,}{'' if self.is_exact else '+'}"


class Search:
    """What matches a query among the conversations that someone may see.

    `query` is the one that is answered: a credential that the user does not know by its name became a problem (R24).
    """

    def __init__(self, query: Query, user: User | AnonymousUser) -> None:
        self.credentials = list(Credential.objects.visible_to(user).only("pk", "name"))
        self.query = _with_known_credentials(query, [credential.name for credential in self.credentials])
        self._now = timezone.now()

    @property
    def names(self) -> dict[int, str]:
        """The names of the credentials that are visible, by key."""
        return {credential.pk: credential.name for credential in self.credentials}

    def asking(self, query: Query) -> "Search":
        """The search for another query, by the same person at the same moment."""
        other = copy(self)
        for name in ("conditions", "plans"):
            other.__dict__.pop(name, None)
        other.query = _with_known_credentials(query, list(self.names.values()))
        return other

    @property
    def visible(self) -> ConversationQuerySet:
        """All conversations of the credentials that may be seen, whatever the query asks."""
        return Conversation.objects.filter(credential__in=list(self.names))

    @cached_property
    def conditions(self) -> Conditions:
        """What the query asks of each credential's conversations."""
        return Conditions(self.query, self.credentials, self._now, timezone.get_default_timezone())

    @cached_property
    def plans(self) -> list[Plan]:
        """What to walk over, a plan a credential."""
        return self.conditions.plans()

    def page(
        self, *, size: int, before: int | None = None, after: int | None = None, oldest_first: bool = False
    ) -> Page:
        """The page below the cursor `before` or above `after`, which are ords; else the first one."""
        ascending = after is not None or (oldest_first and before is None)
        span = Span(ALL.low if after is None else after + 1, ALL.high if before is None else before)
        found, stop = self._first(size + 1, span, ascending=ascending)
        goes_back = ascending is not oldest_first
        if goes_back and stop is None and len(found) < size:
            return self.page(size=size, oldest_first=oldest_first)  # the first page, and full
        shown, more = found[:size], len(found) > size
        onward = shown[-1] if more else stop
        backward = None if before is None and after is None else shown[0] if shown else _beside(before, after)
        rows = self._rows(sorted(shown, reverse=not oldest_first))
        newer, older = (onward, backward) if ascending else (backward, onward)
        further = ("newer" if ascending else "older") if stop is not None and not more else ""
        return Page(rows, newer, older, further)

    def ords(self, *, oldest_first: bool = False, clock: Clock | None = None) -> Iterator[int]:
        """The ords of all matches in order, or of those found within the clock's time."""
        steps = walk_all(self.plans, ALL, ascending=oldest_first, clock=clock or Clock(float("inf")))
        return (ord_ for ord_, matches in steps if matches)

    def neighbours(self, ord_: int) -> tuple[Conversation | None, Conversation | None]:
        """The next newer and the next older match of a conversation."""
        newer, _ = self._first(1, Span(ord_ + 1, ALL.high), ascending=True)
        older, _ = self._first(1, Span(ALL.low, ord_), ascending=False)
        rows = {row.ord: row for row in self._rows([*newer, *older])}
        return rows.get(newer[0]) if newer else None, rows.get(older[0]) if older else None

    def newest(self, count: int | None = None, seconds: float = BUDGET) -> tuple[list[int], bool]:
        """The ords of the newest matches, at most `count` and as many as are found in that time; and whether they
        are all that match."""
        found, stop = self._first(count, ALL, ascending=False, seconds=seconds)
        return found, stop is None and len(found) != count

    def number(self) -> Number:
        """How many match: counted one by one, for as long as someone waits for it."""
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
        """The first ord of a day written as 2026-01-31, in the list's zone, and that after it; None for no day."""
        try:
            first = datetime.combine(date.fromisoformat(text), time(), timezone.get_default_timezone())
            return ord_at(first), ord_at(first + timedelta(days=1))
        except (ValueError, OverflowError):
            return None

    def first_ord(self, *, ascending: bool) -> int | None:
        """The ord of the oldest match, or of the newest; None where there is none, or it is not found in time."""
        found, _ = self._first(1, ALL, ascending=ascending)
        return found[0] if found else None

    def known_number(self) -> int | None:
        """How many match, where that need not be counted."""
        numbers = [_known_number(plan) for plan in self.plans]
        return None if None in numbers else sum(number or 0 for number in numbers)

    def _first(
        self, count: int | None, span: Span, *, ascending: bool, seconds: float = BUDGET
    ) -> tuple[list[int], int | None]:
        """The first matches in the span, and where time ran out before there were so many."""
        found: list[int] = []
        for ord_, matches in walk_all(self.plans, span, ascending=ascending, clock=Clock(seconds)):
            if not matches:
                return found, ord_
            found.append(ord_)
            if len(found) == count:
                break
        return found, None

    def _rows(self, ords: list[int]) -> list[Conversation]:
        """The rows, as far as they still belong to a credential that may be seen; each with that credential and
        with short metadata."""
        known = {credential.pk: credential for credential in self.credentials}
        rows = self.visible.with_short_metadata().at_ords(ords)
        for row in rows:
            row.credential = known[row.credential_id]
        return rows


def _with_known_credentials(query: Query, names: list[str]) -> Query:
    for term in query.terms:
        if isinstance(term, CredentialTerm):
            unknown = [name for name in term.texts if name not in names]
            if unknown:
                known = ", ".join(names[:10]) or "none yet"
                query = query.refused(term, f"There is no credential “{unknown[0]}”. Yours are: {known}.")
    return query


def _beside(before: int | None, after: int | None) -> int | None:
    """The way back from an empty page: to what lies on the other side of its cursor."""
    return before - 1 if before is not None else after + 1 if after is not None else None


def _known_number(plan: Plan) -> int | None:
    """All of one list; or all conversations but those of one list."""
    if plan.wanted or plan.tests or plan.spans != (ALL,) or not plan.lead.is_exact:
        return None
    if not plan.unwanted:
        return plan.lead.size
    is_all_but_one = isinstance(plan.lead, Everything) and len(plan.unwanted) == 1 and plan.unwanted[0].is_exact
    return plan.lead.size - plan.unwanted[0].size if is_all_but_one else None
