"""From a query of the search language to a condition on rows of conversations.

Text is compared folded, by position, never with LIKE, so that both engines answer alike.
"""

from datetime import datetime
from functools import reduce, singledispatch
from operator import or_

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Left, Lower, StrIndex
from django.db.models.lookups import Exact, GreaterThan
from django.utils import timezone

from .. import query as language
from ..metadata import fold
from .index import Posting, Term, digest, ord_at

NOTHING = Q(pk__in=[])


def condition(query: language.Query) -> Q:
    """What a conversation has to meet for every term of the query."""
    if query.is_contradiction:
        return NOTHING
    every = Q()
    for term in query.simplified().terms:
        met = _met(term)
        every &= ~met if term.negated else met
    return every


@singledispatch
def _met(term: language.Term) -> Q:
    raise NotImplementedError(type(term).__name__)


@_met.register
def _(term: language.MetadataTerm) -> Q:
    values = reduce(or_, (_value_is(term.key, value) for value in term.values))
    return _bears(Term.objects.filter(values, key=term.key, value__isnull=False))


@_met.register
def _(term: language.HasTerm) -> Q:
    return _bears(Term.objects.filter(digest=digest(term.key, None)))


@_met.register
def _(term: language.TextTerm) -> Q:
    part = fold(term.text)
    in_value = _bears(Term.objects.filter(_contains("folded", part), value__isnull=False))
    beginning = Exact(Lower(Left(F("openai_id"), len(part))), part)
    return in_value | Q(beginning)


@_met.register
def _(term: language.IdTerm) -> Q:
    return reduce(
        or_,
        (
            _begins("openai_id", value.text) if value.kind == "prefix" else Q(openai_id=value.text)
            for value in term.values
        ),
    )


@_met.register
def _(term: language.StateTerm) -> Q:
    return Q(state__in=term.texts)


@_met.register
def _(term: language.CredentialTerm) -> Q:
    return Q(credential__name__in=term.texts)


@_met.register
def _(term: language.AddedTerm) -> Q:
    return Q(added_by__username__in=term.texts)


@_met.register
def _(term: language.DateTerm) -> Q:
    start, end = term.bounds(timezone.now(), timezone.get_default_timezone())
    return _created_between(start, end) if term.field == "created" else _read_between(start, end)


def _created_between(start: datetime | None, end: datetime | None) -> Q:
    condition = Q() if start is None else Q(ord__gte=ord_at(start))
    return condition if end is None else condition & Q(ord__lt=ord_at(end))


def _read_between(start: datetime | None, end: datetime | None) -> Q:
    condition = Q() if start is None else Q(read_at__gte=start)
    return condition if end is None else condition & Q(read_at__lt=end)


def _bears(terms: QuerySet[Term]) -> Q:
    return Q(Exists(Posting.objects.filter(ord=OuterRef("ord"), term__in=terms.values("pk"))))


def _value_is(key: str, value: language.Value) -> Q:
    if value.kind == "contains":
        return _contains("folded", fold(value.text))
    if value.kind == "prefix":
        return _begins("value", value.text)
    return Q(digest=digest(key, value.text))


def _contains(field: str, part: str) -> Q:
    return Q(GreaterThan(StrIndex(F(field), Value(part)), 0))


def _begins(field: str, beginning: str) -> Q:
    return Q(Exact(Left(F(field), len(beginning)), beginning))
