"""What a query asks of each credential's conversations, looked up in the index: from clauses to plans.

A whole value is one term. A prefix, or a part, stands for the terms whose values begin with it or contain it, as long
as these are few. If there are many, or they can't be determined, the rows themselves are tested: then matches are so
frequent that a walk soon fills a page, or it runs out of time and says how far it came.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cached_property, partial
from typing import Any

from django.contrib.auth.models import User

from ..metadata import as_text, fold
from ..models import Conversation, Credential, Term
from ..models.index import sql_helpers, trigrams
from ..models.index.terms import (
    MAX_SEARCHABLE_KEY,
    MAX_SEARCHABLE_PAIRS,
    MAX_SEARCHABLE_VALUE,
    after_all,
    searchable,
    searchable_keys,
    sort_key_at,
    term_digest,
    values_beginning,
)
from ..query import STATES, Clause, DateClause, FieldClause, HasClause, MetadataClause, Query, TextClause, Value
from .sources import ALL, NONE, AllConversations, InMemory, Interval, Postings, RowTest, Source
from .walk import Plan

MAX_TERMS = 5_000  # that a prefix or part may stand for before the rows are tested
MAX_POSTINGS = 50_000  # that are read into memory
FEW_POSTINGS = 2_000  # that are always read into memory
FEW_TERMS = 16  # whose postings are merged in order
SAMPLE = 64  # of the newest rows, which show whether a part is common
COMMON = 2  # matches in the sample

Condition = Source | RowTest
TermCount = trigrams.TermCount
Test = Callable[[str], bool]


class Conditions:
    """The plans of one query for some credentials."""

    def __init__(self, query: Query, credentials: Iterable[Credential], now: datetime, zone: tzinfo) -> None:
        self._clauses = () if query.is_contradiction else query.simplified().clauses
        named = query.clauses_on("credential")
        self._credentials = {
            credential.pk: credential.name
            for credential in credentials
            if not query.is_contradiction
            and all((credential.name in clause.texts) is not clause.negated for clause in named)
        }
        self._now, self._zone = now, zone

    def plans(self) -> list[Plan]:
        """What to walk over, for each credential of which anything may match."""
        intervals = self._intervals()
        if not self._credentials or not intervals:
            return []
        conditions = [(clause, self._look_up(clause)) for clause in self._clauses if not _chooses_plans(clause)]
        plans = (self._plan(credential_id, intervals, conditions) for credential_id in self._credentials)
        return [plan for plan in plans if plan is not None]

    def _plan(
        self,
        credential_id: int,
        intervals: tuple[Interval, ...],
        conditions: Sequence[tuple[Clause, Mapping[int, Condition]]],
    ) -> Plan | None:
        own = [(clause.negated, of.get(credential_id, NONE)) for clause, of in conditions]
        required = [source for negated, source in own if not negated and not isinstance(source, RowTest)]
        excluded = [source for negated, source in own if negated and not isinstance(source, RowTest)]
        tests = [test.opposite() if negated else test for negated, test in own if isinstance(test, RowTest)]
        driver, *others = sorted(required, key=_size) or [AllConversations(credential_id, self.totals[credential_id])]
        if not driver.size:
            return None
        avoided = sorted((source for source in excluded if source.size), key=_size)
        return Plan(credential_id, intervals, driver, tuple(others), tuple(avoided), tuple(tests))

    @cached_property
    def totals(self) -> dict[int, int]:
        """How many conversations each credential has."""
        states = [term_digest(None, state) for state in STATES]
        return {pk: sum(self._known.get((pk, state), (0, 0))[1] for state in states) for pk in self._credentials}

    @cached_property
    def _known(self) -> dict[tuple[int, bytes], tuple[int, int]]:
        """The id and count of each whole value, key and state that the query names, by credential and digest."""
        digests = {term_digest(None, state) for state in STATES}
        for clause in self._clauses:
            if isinstance(clause, HasClause):
                digests.add(term_digest(clause.key, None))
            if isinstance(clause, MetadataClause):
                digests.update(term_digest(clause.key, value.text) for value in clause.values if value.kind == "exact")
        sql = f"""SELECT credential_id, digest, id, count FROM {Term._meta.db_table}
            WHERE credential_id IN {sql_helpers.placeholders(self._credentials)}
            AND digest IN {sql_helpers.placeholders(digests)}"""
        rows = sql_helpers.fetch(sql, [*self._credentials, *digests])
        return {(credential_id, bytes(own)): (pk, count) for credential_id, own, pk, count in rows}

    def _intervals(self) -> tuple[Interval, ...]:
        intervals = [ALL]
        for clause in self._clauses:
            if isinstance(clause, DateClause) and clause.field == "created":
                allowed = _intervals_of(clause.bounds(self._now, self._zone), negated=clause.negated)
                both = (interval.intersection(other) for interval in intervals for other in allowed)
                intervals = [interval for interval in both if not interval.is_empty]
        return tuple(sorted(intervals))

    # The condition that a clause is for each credential; a credential that is left out has no matches.

    def _look_up(self, clause: Clause) -> dict[int, Condition]:
        if isinstance(clause, MetadataClause):
            return self._look_up_metadata(clause)
        if isinstance(clause, TextClause):
            return self._look_up_text(clause)
        if isinstance(clause, HasClause):
            return self._as_conditions(self._exactly([term_digest(clause.key, None)]))
        if isinstance(clause, FieldClause) and clause.field == "id":
            return self._look_up_id(clause)
        if isinstance(clause, FieldClause) and clause.field == "state":
            return self._as_conditions(self._exactly([term_digest(None, state) for state in clause.texts]))
        return self._everywhere(self._row_test(clause))

    def _row_test(self, clause: Clause) -> RowTest | None:
        """What only the row knows: when it was read, and who added it. None: nobody with such a name exists."""
        if isinstance(clause, DateClause):
            start, end = clause.bounds(self._now, self._zone)
            return RowTest(("read_at",), partial(_lies_between, start, end))
        if isinstance(clause, FieldClause) and clause.field == "added":
            people = set(User.objects.filter(username__in=clause.texts).values_list("pk", flat=True))
            return RowTest(("added_by_id",), people.__contains__) if people else None
        raise NotImplementedError(str(clause))

    def _look_up_metadata(self, clause: MetadataClause) -> dict[int, Condition]:
        if len(clause.key) > MAX_SEARCHABLE_KEY:
            return {}
        test = RowTest(("metadata",), partial(_has_value, clause.key, [_test(value) for value in clause.values]))
        found = self._exactly([term_digest(clause.key, value.text) for value in clause.values if value.kind == "exact"])
        for value in clause.values:
            if value.kind != "exact":
                is_prefix = value.kind == "prefix"
                more = self._beginning(clause.key, value.text) if is_prefix else self._containing(clause.key, value)
                if more is None:
                    return self._everywhere(test)
                found += more
        return self._as_conditions(found, test)

    def _look_up_text(self, clause: TextClause) -> dict[int, Condition]:
        part, beginning = fold(clause.text), lower(clause.text)
        test = RowTest(("metadata", "openai_id"), partial(_contains_text, part, beginning))
        # A frequent word: testing rows finds a page sooner than collecting its terms.
        if self._is_common(test):
            return self._everywhere(test)
        terms = trigrams.terms_containing(part, credentials=self._credentials, key=None)
        ids = self._ids_beginning(beginning)
        if terms is None or ids is None:
            return self._everywhere(test)
        conditions = self._as_conditions(terms, test, are_exclusive=False)
        for credential_id, sort_keys in _by_credential(ids).items():
            conditions[credential_id] = self._with_sort_keys(credential_id, sort_keys, terms, test)
        return conditions

    def _look_up_id(self, clause: FieldClause) -> dict[int, Condition]:
        found: list[tuple[int, int]] = []
        for value in clause.values:
            ids = self._ids_beginning(lower(value.text), text=value.text, whole=value.kind == "exact")
            if ids is None:
                tests = [_test(value) for value in clause.values]
                return self._everywhere(RowTest(("openai_id",), partial(_fits_any, tests)))
            found += ids
        return {credential_id: InMemory(sort_keys) for credential_id, sort_keys in _by_credential(found).items()}

    # Looking up

    def _exactly(self, digests: Iterable[bytes]) -> list[TermCount]:
        keys = ((pk, own) for own in digests for pk in self._credentials)
        return [(key[0], *self._known[key]) for key in keys if key in self._known]

    def _beginning(self, key: str, beginning: str) -> list[TermCount] | None:
        """The terms of a key whose values begin with a text; None if there are too many."""
        condition, parameters = values_beginning(beginning)
        sql = f"""SELECT credential_id, id, count, value FROM {Term._meta.db_table}
            WHERE credential_id IN {sql_helpers.placeholders(self._credentials)} AND key = %s AND {condition}
            LIMIT %s"""
        rows = sql_helpers.fetch(sql, [*self._credentials, key, *parameters, MAX_TERMS + 1])
        if len(rows) > MAX_TERMS:
            return None
        return [(pk, term_id, count) for pk, term_id, count, value in rows if value.startswith(beginning)]

    def _containing(self, key: str, value: Value) -> list[TermCount] | None:
        """The terms of a key whose values contain a part; None if there are too many, or they can't be found."""
        part = fold(value.text)
        terms = Term.objects.filter(credential_id__in=list(self._credentials), key=key, value__isnull=False)
        # Few terms are faster to compare than to look up by trigrams.
        readable = SAMPLE if len(part) >= trigrams.LENGTH and trigrams.are_kept() else MAX_TERMS
        rows = list(terms.values_list("credential_id", "pk", "count", "folded")[: readable + 1])
        if len(rows) <= readable:
            return [(pk, term_id, count) for pk, term_id, count, folded in rows if part in folded]
        return trigrams.terms_containing(part, credentials=self._credentials, key=key)

    def _ids_beginning(self, beginning: str, *, text: str = "", whole: bool = False) -> list[tuple[int, int]] | None:
        """Credential and sort key of the ids that begin with a text, or are the `whole` text, in lower case; `text` is
        compared in its own case too. None if there are too many."""
        end = ("<=", beginning) if whole else ("<", after_all(beginning))
        sql = f"""SELECT credential_id, sort_key, openai_id FROM {Conversation._meta.db_table}
            WHERE credential_id IN {sql_helpers.placeholders(self._credentials)}
            AND lower(openai_id) >= %s AND lower(openai_id) {end[0]} %s LIMIT %s"""
        rows = sql_helpers.fetch(sql, [*self._credentials, beginning, end[1], MAX_TERMS + 1])
        if len(rows) > MAX_TERMS:
            return None
        return [(pk, sort_key) for pk, sort_key, openai_id in rows if openai_id.startswith(text)]

    def _is_common(self, test: RowTest) -> bool:
        """Whether so many of the newest conversations pass that a walk soon fills a page."""
        return sum(test.test(*(row[field] for field in test.fields)) for row in self._sample) >= COMMON

    @cached_property
    def _sample(self) -> list[dict[str, Any]]:
        """Metadata, unless it is large, and id of the newest conversations of the largest credential."""
        largest = max(self.totals, key=lambda pk: self.totals[pk], default=None)
        rows = Conversation.objects.filter(credential=largest).order_by("-sort_key").with_short_metadata()
        found = rows.values_list("short_metadata", "openai_id")[:SAMPLE]  # type: ignore[misc]
        return [{"metadata": metadata or {}, "openai_id": openai_id} for metadata, openai_id in found]

    # From what was found to conditions

    def _as_conditions(
        self, found: Iterable[TermCount], test: RowTest | None = None, *, are_exclusive: bool = True
    ) -> dict[int, Condition]:
        """`are_exclusive`: no conversation has two of the terms, since they are values of one key."""
        by_credential: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for credential_id, term_id, count in dict.fromkeys(found):
            by_credential[credential_id].append((term_id, count))
        return {
            credential_id: self._condition(terms, test, are_exclusive=are_exclusive)
            for credential_id, terms in by_credential.items()
        }

    def _condition(self, terms: Sequence[tuple[int, int]], test: RowTest | None, *, are_exclusive: bool) -> Condition:
        total = sum(count for _, count in terms)
        # The database merges the postings of a few terms in order, and stops after a block; whole values have no test.
        if len(terms) <= FEW_TERMS or test is None:
            return Postings([term_id for term_id, _ in terms], total, are_exclusive=are_exclusive)
        # Many terms: reading all their postings first would cost more than testing rows, if matches are that frequent.
        if total > MAX_POSTINGS or (total > FEW_POSTINGS and self._is_common(test)):
            return test
        return InMemory.of_terms(term_id for term_id, _ in terms)

    def _with_sort_keys(
        self, credential_id: int, sort_keys: Sequence[int], terms: Iterable[TermCount], test: RowTest
    ) -> Condition:
        """The conversations whose id was found, and those that have one of the terms."""
        own = {term_id: count for pk, term_id, count in terms if pk == credential_id}
        if sum(own.values()) > MAX_POSTINGS:
            return test
        return InMemory([*sort_keys, *InMemory.of_terms(own).sort_keys])

    def _everywhere(self, test: RowTest | None) -> dict[int, Condition]:
        return dict.fromkeys(self._credentials, test) if test is not None else {}


def _size(source: Source) -> int:
    return source.size


def _by_credential(found: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    by_credential: dict[int, list[int]] = defaultdict(list)
    for credential_id, sort_key in found:
        by_credential[credential_id].append(sort_key)
    return by_credential


def lower(text: str) -> str:
    """`text` with the letters A to Z in lower case, as both engines lower an id."""
    return "".join(character.lower() if character.isascii() else character for character in text)


# Days


def _chooses_plans(clause: Clause) -> bool:
    """Whether it chooses the credentials or intervals of the plans, and needs no condition."""
    if isinstance(clause, FieldClause):
        return clause.field == "credential"
    return isinstance(clause, DateClause) and clause.field == "created"


def _intervals_of(bounds: tuple[datetime | None, datetime | None], *, negated: bool) -> list[Interval]:
    start, end = bounds
    low = ALL.low if start is None else sort_key_at(start)
    high = ALL.high if end is None else sort_key_at(end)
    return [Interval(ALL.low, low), Interval(high, ALL.high)] if negated else [Interval(low, high)]


def _lies_between(start: datetime | None, end: datetime | None, time: datetime) -> bool:
    return (start is None or time >= start) and (end is None or time < end)


# Tests of rows


def _test(value: Value) -> Test:
    if value.kind == "contains":
        part = fold(value.text)
        return lambda text: part in fold(text)
    if value.kind == "prefix":
        return lambda text: text.startswith(value.text)
    return lambda text: text == value.text


def _fits_any(tests: Sequence[Test], text: str) -> bool:
    return any(test(text) for test in tests)


def _has_value(key: str, tests: Sequence[Test], metadata: Mapping[str, Any]) -> bool:
    if key not in metadata or (len(metadata) > MAX_SEARCHABLE_PAIRS and key not in searchable_keys(metadata)):
        return False
    text = as_text(metadata[key])
    return len(text) <= MAX_SEARCHABLE_VALUE and _fits_any(tests, text)


def _contains_text(part: str, beginning: str, metadata: Mapping[str, Any], openai_id: str) -> bool:
    return lower(openai_id).startswith(beginning) or any(part in fold(text) for text in searchable(metadata).values())
