"""What a query asks of each credential's conversations, looked up in the index: from terms to plans.

A value that is given whole is one term. A beginning, or a part, is the terms that bear it, while those are few.
Where they are many, or cannot be told, the rows themselves are asked: then matches are so frequent that a walk soon
has a page of them, or the walk runs out of time and says how far it came.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cached_property, partial
from typing import Any

from django.contrib.auth.models import User

from .. import query as language
from ..metadata import as_text, fold
from ..models import Conversation, Credential, Term
from ..models.index import statements, trigrams
from ..models.index.terms import (
    LONGEST_KEY,
    LONGEST_VALUE,
    MOST_PAIRS,
    after_all,
    digest,
    ord_at,
    searchable,
    searchable_keys,
    values_beginning,
)
from .sources import ALL, NONE, Everything, Fixed, Postings, RowTest, Source, Span
from .walk import Plan

MOST_TERMS = 5_000  # that a beginning or part may stand for before the rows are asked
MOST_POSTINGS = 50_000  # that are read into memory
FEW_POSTINGS = 2_000  # that are read whatever the newest rows hold
FEW_TERMS = 16  # that are read in order, side by side
SAMPLE = 64  # of the newest rows, which tell whether a part is common
COMMON = 2  # in the sample

Condition = Source | RowTest
Found = tuple[int, int, int]  # credential, term, n
Test = Callable[[str], bool]


class Conditions:
    """The plans of one query for some credentials."""

    def __init__(self, query: language.Query, credentials: Iterable[Credential], now: datetime, zone: tzinfo) -> None:
        self._terms = () if query.is_contradiction else query.simplified().terms
        named = [term for term in self._terms if isinstance(term, language.CredentialTerm)]
        self._credentials = (
            {}
            if query.is_contradiction
            else {
                credential.pk: credential.name
                for credential in credentials
                if all((credential.name in term.texts) is not term.negated for term in named)
            }
        )
        self._now, self._zone = now, zone

    def plans(self) -> list[Plan]:
        """What to walk over, for each credential of which anything may match."""
        if not self._credentials:
            return []
        spans = self._spans()
        asked = [term for term in self._terms if not _is_met_elsewhere(term)]
        met = [(term, self._met(term)) for term in asked]
        plans = (self._plan(credential_id, spans, met) for credential_id in self._credentials if spans)
        return [plan for plan in plans if plan is not None]

    def _plan(
        self, credential_id: int, spans: tuple[Span, ...], met: Sequence[tuple[language.Term, Mapping[int, Condition]]]
    ) -> Plan | None:
        conditions = [(term.negated, of.get(credential_id, NONE)) for term, of in met]
        wanted = [condition for negated, condition in conditions if not negated and not isinstance(condition, RowTest)]
        unwanted = [condition for negated, condition in conditions if negated and not isinstance(condition, RowTest)]
        tests = [
            condition.opposite() if negated else condition
            for negated, condition in conditions
            if isinstance(condition, RowTest)
        ]
        lead, *others = sorted(wanted, key=_size) or [Everything(credential_id, self.totals[credential_id])]
        if not lead.size:
            return None
        avoided = sorted((source for source in unwanted if source.size), key=_size)
        return Plan(credential_id, spans, lead, tuple(others), tuple(avoided), tuple(tests))

    @cached_property
    def totals(self) -> dict[int, int]:
        """How many conversations each credential has."""
        states = [digest(None, state) for state in language.STATES]
        return {pk: sum(self._known.get((pk, state), (0, 0))[1] for state in states) for pk in self._credentials}

    @cached_property
    def _known(self) -> dict[tuple[int, bytes], tuple[int, int]]:
        """Term and n of each whole value, key and state that the query names, by credential and digest."""
        digests = {digest(None, state) for state in language.STATES}
        for term in self._terms:
            if isinstance(term, language.HasTerm):
                digests.add(digest(term.key, None))
            if isinstance(term, language.MetadataTerm):
                digests.update(digest(term.key, value.text) for value in term.values if value.kind == "exact")
        sql = f"""SELECT credential_id, digest, id, n FROM {Term._meta.db_table}
            WHERE credential_id IN {statements.places(self._credentials)} AND digest IN {statements.places(digests)}"""
        rows = statements.fetch(sql, [*self._credentials, *digests])
        return {(credential_id, bytes(own)): (pk, n) for credential_id, own, pk, n in rows}

    def _spans(self) -> tuple[Span, ...]:
        spans = [ALL]
        for term in self._terms:
            if isinstance(term, language.DateTerm) and term.field == "created":
                allowed = _spans_of(term.bounds(self._now, self._zone), negated=term.negated)
                both = (span.and_(other) for span in spans for other in allowed)
                spans = [span for span in both if not span.is_empty]
        return tuple(sorted(spans))

    # What meets a term, for each credential; a credential that is left out has nothing.

    def _met(self, term: language.Term) -> dict[int, Condition]:
        if isinstance(term, language.MetadataTerm):
            return self._met_metadata(term)
        if isinstance(term, language.TextTerm):
            return self._met_text(term)
        if isinstance(term, language.IdTerm):
            return self._met_id(term)
        if isinstance(term, language.HasTerm):
            return self._as_conditions(self._exactly([digest(term.key, None)]))
        if isinstance(term, language.StateTerm):
            return self._as_conditions(self._exactly([digest(None, state) for state in term.texts]))
        return self._everywhere(self._row_test(term))

    def _row_test(self, term: language.Term) -> RowTest | None:
        """What only the row can tell: when it was read, and who added it."""
        if isinstance(term, language.DateTerm):
            start, end = term.bounds(self._now, self._zone)
            return RowTest(("read_at",), partial(_lies_between, start, end))
        if isinstance(term, language.AddedTerm):
            people = set(User.objects.filter(username__in=term.texts).values_list("pk", flat=True))
            return RowTest(("added_by_id",), people.__contains__) if people else None
        raise NotImplementedError(type(term).__name__)

    def _met_metadata(self, term: language.MetadataTerm) -> dict[int, Condition]:
        if len(term.key) > LONGEST_KEY:
            return {}
        test = RowTest(("metadata",), partial(_has_value, term.key, [_test(value) for value in term.values]))
        found = self._exactly([digest(term.key, value.text) for value in term.values if value.kind == "exact"])
        for value in term.values:
            if value.kind != "exact":
                more = self._beginning(term.key, value.text) if value.kind == "prefix" else self._part(term.key, value)
                if more is None:
                    return self._everywhere(test)
                found += more
        return self._as_conditions(found, test)

    def _met_text(self, term: language.TextTerm) -> dict[int, Condition]:
        part, beginning = fold(term.text), lower(term.text)
        test = RowTest(("metadata", "openai_id"), partial(_holds_text, part, beginning))
        if self._is_common(test):
            return self._everywhere(test)
        terms = trigrams.terms_holding(part, credentials=self._credentials, key=None)
        ids = self._ids_beginning(beginning)
        if terms is None or ids is None:
            return self._everywhere(test)
        met = self._as_conditions(terms, test, are_exclusive=False)
        for credential_id, ords in _by_credential(ids).items():
            met[credential_id] = self._with_ords(credential_id, ords, terms, test)
        return met

    def _met_id(self, term: language.IdTerm) -> dict[int, Condition]:
        found: list[tuple[int, int]] = []
        for value in term.values:
            ids = self._ids_beginning(lower(value.text), text=value.text, whole=value.kind == "exact")
            if ids is None:
                tests = [_test(value) for value in term.values]
                return self._everywhere(RowTest(("openai_id",), partial(_fits_any, tests)))
            found += ids
        return {credential_id: Fixed(ords) for credential_id, ords in _by_credential(found).items()}

    # Looking up

    def _exactly(self, digests: Iterable[bytes]) -> list[Found]:
        keys = ((pk, own) for own in digests for pk in self._credentials)
        return [(key[0], *self._known[key]) for key in keys if key in self._known]

    def _beginning(self, key: str, beginning: str) -> list[Found] | None:
        """The terms of a key whose value begins so; None where they are too many."""
        condition, parameters = values_beginning(beginning)
        sql = f"""SELECT credential_id, id, n, value FROM {Term._meta.db_table}
            WHERE credential_id IN {statements.places(self._credentials)} AND key = %s AND {condition} LIMIT %s"""
        rows = statements.fetch(sql, [*self._credentials, key, *parameters, MOST_TERMS + 1])
        if len(rows) > MOST_TERMS:
            return None
        return [(pk, term_id, n) for pk, term_id, n, value in rows if value.startswith(beginning)]

    def _part(self, key: str, value: language.Value) -> list[Found] | None:
        """The terms of a key whose value holds a part; None where they are too many, or cannot be told."""
        part = fold(value.text)
        terms = Term.objects.filter(credential_id__in=list(self._credentials), key=key, value__isnull=False)
        readable = SAMPLE if len(part) >= trigrams.LENGTH and trigrams.are_kept() else MOST_TERMS
        rows = list(terms.values_list("credential_id", "pk", "n", "folded")[: readable + 1])
        if len(rows) <= readable:
            return [(pk, term_id, n) for pk, term_id, n, folded in rows if part in folded]
        return trigrams.terms_holding(part, credentials=self._credentials, key=key)

    def _ids_beginning(self, beginning: str, *, text: str = "", whole: bool = False) -> list[tuple[int, int]] | None:
        """Credential and ord of ids that begin so, or are the whole, without case; with case where `text` is given."""
        end = ("<=", beginning) if whole else ("<", after_all(beginning))
        sql = f"""SELECT credential_id, ord, openai_id FROM {Conversation._meta.db_table}
            WHERE credential_id IN {statements.places(self._credentials)}
            AND lower(openai_id) >= %s AND lower(openai_id) {end[0]} %s LIMIT %s"""
        rows = statements.fetch(sql, [*self._credentials, beginning, end[1], MOST_TERMS + 1])
        if len(rows) > MOST_TERMS:
            return None
        return [(pk, ord_) for pk, ord_, openai_id in rows if openai_id.startswith(text)]

    def _is_common(self, test: RowTest) -> bool:
        """Whether so many of the newest conversations pass that a walk soon has a page of them."""
        return sum(test.test(*(row[field] for field in test.fields)) for row in self._sample) >= COMMON

    @cached_property
    def _sample(self) -> list[dict[str, Any]]:
        """Metadata, unless it is large, and id of the newest conversations of the largest credential."""
        largest = max(self.totals, key=lambda pk: self.totals[pk], default=None)
        rows = Conversation.objects.filter(credential=largest).order_by("-ord").with_short_metadata()
        found = rows.values_list("short_metadata", "openai_id")[:SAMPLE]  # type: ignore[misc]
        return [{"metadata": metadata or {}, "openai_id": openai_id} for metadata, openai_id in found]

    # From what was found to conditions

    def _as_conditions(
        self, found: Iterable[Found], test: RowTest | None = None, *, are_exclusive: bool = True
    ) -> dict[int, Condition]:
        """`are_exclusive`: no conversation bears two of the terms, as where they are values of one key."""
        by_credential: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for credential_id, term_id, n in dict.fromkeys(found):
            by_credential[credential_id].append((term_id, n))
        return {
            credential_id: self._condition(terms, test, are_exclusive=are_exclusive)
            for credential_id, terms in by_credential.items()
        }

    def _condition(self, terms: Sequence[tuple[int, int]], test: RowTest | None, *, are_exclusive: bool) -> Condition:
        """Few terms are read side by side, many with few postings at once; else the rows are asked."""
        total = sum(n for _, n in terms)
        if len(terms) <= FEW_TERMS or test is None:
            return Postings([term_id for term_id, _ in terms], total, are_exclusive=are_exclusive)
        if total > MOST_POSTINGS or (total > FEW_POSTINGS and self._is_common(test)):
            return test
        return Fixed.of_terms(term_id for term_id, _ in terms)

    def _with_ords(self, credential_id: int, ords: Sequence[int], terms: Iterable[Found], test: RowTest) -> Condition:
        """Those whose id was found, and those that bear one of the terms."""
        own = {term_id: n for pk, term_id, n in terms if pk == credential_id}
        if sum(own.values()) > MOST_POSTINGS:
            return test
        return Fixed([*ords, *Fixed.of_terms(own).ords])

    def _everywhere(self, test: RowTest | None) -> dict[int, Condition]:
        return dict.fromkeys(self._credentials, test) if test is not None else {}


def _size(source: Source) -> int:
    return source.size


def _by_credential(found: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    by_credential: dict[int, list[int]] = defaultdict(list)
    for credential_id, ord_ in found:
        by_credential[credential_id].append(ord_)
    return by_credential


def lower(text: str) -> str:
    """`text` with the letters A to Z in lower case, as both engines lower an id."""
    return "".join(character.lower() if character.isascii() else character for character in text)


# Days


def _is_met_elsewhere(term: language.Term) -> bool:
    """By the choice of credentials, or of spans."""
    return isinstance(term, language.CredentialTerm) or (
        isinstance(term, language.DateTerm) and term.field == "created"
    )


def _spans_of(bounds: tuple[datetime | None, datetime | None], *, negated: bool) -> list[Span]:
    start, end = bounds
    low = ALL.low if start is None else ord_at(start)
    high = ALL.high if end is None else ord_at(end)
    return [Span(ALL.low, low), Span(high, ALL.high)] if negated else [Span(low, high)]


def _lies_between(start: datetime | None, end: datetime | None, moment: datetime) -> bool:
    return (start is None or moment >= start) and (end is None or moment < end)


# What rows are asked


def _test(value: language.Value) -> Test:
    if value.kind == "contains":
        part = fold(value.text)
        return lambda text: part in fold(text)
    if value.kind == "prefix":
        return lambda text: text.startswith(value.text)
    return lambda text: text == value.text


def _fits_any(tests: Sequence[Test], text: str) -> bool:
    return any(test(text) for test in tests)


def _has_value(key: str, tests: Sequence[Test], metadata: Mapping[str, Any]) -> bool:
    if key not in metadata or (len(metadata) > MOST_PAIRS and key not in searchable_keys(metadata)):
        return False
    text = as_text(metadata[key])
    return len(text) <= LONGEST_VALUE and _fits_any(tests, text)


def _holds_text(part: str, beginning: str, metadata: Mapping[str, Any], openai_id: str) -> bool:
    return lower(openai_id).startswith(beginning) or any(part in fold(text) for text in searchable(metadata).values())
