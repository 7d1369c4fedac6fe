"""The search language: text → Query → text. Pure: no database, no clock, no network.

    tenant:acme -state:removed created:7d "password reset"

Terms stand apart by white space and must all match; `-` or `!` right before a term turns it round.

    key:value · key:"two words" · key:a,b either · key:abc* beginning · key:~part part, without case
    key:"" the empty value · has:key · id:conv_68a* · state:active,differs · credential:"Support prod"
    added:operator · created:>2026-01-01, read:7d (dates: `query_dates`) · word or "phrase": part of any value,
    or the beginning of an id, without case

What was decided where the language could go either way:

- A comma list mixes kinds (`k:a,b*,~c`). The same subject twice without minus is one term, either of its values,
  at the place of the first (`k:a x k:b` is `k:a,b x`), for metadata, id, state, credential and added; `has:`, dates,
  text and negated terms are all kept and must all hold (`-k:a -k:b`: neither). Equal terms count once.
- A quote always opens quoted text, up to the next one; in it only \\" and \\\\ are special. Quotes enclose a whole
  key or value: `~"part"` and `"beginning"*` have their sign outside, and `ab"c` is a problem.
- Names of built-ins are read in any case, and always as built-ins unless quoted: `"state":x`, `"State":x` are
  metadata. After `has:` stands always a metadata key.
- Nothing is silently searched for that was likely meant as a sign: an asterisk amid bare text, `~` or `*` at free text,
  `key:>5`, `created>2026`, AND, OR, NOT, curly quotes are problems that name the quoted form. A colon inside a value
  and signs after the colon are text (`url:https://x`, `n:-5`); the canonical text quotes them.
- Exact values and beginnings compare as they are; folding parts and text is the evaluator's part.
- A problem covers its whole token. `str(query)` writes the terms, then the text of each problem, so that a link built
  from a query with problems is never broader than the query, and is refused wherever the query is.
- NUL and lone surrogates are problems, and stand as U+FFFD in the problem's text: such a link asks for a value that
  cannot be that one, instead of being refused.

`parse(str(query)) == query` for each query without problems; with problems, the terms and messages come back.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Self

from .dates import DateRange
from .parser import UNSTORABLE, read_terms
from .terms import (
    STATES,
    AddedTerm,
    ChoiceTerm,
    CredentialTerm,
    DateTerm,
    HasTerm,
    IdTerm,
    MetadataTerm,
    Problem,
    Span,
    StateTerm,
    Term,
    TextTerm,
    Value,
    Words,
    exact,
)

MOST_CHARACTERS = 4_000
MOST_VALUES = 100

__all__ = [
    "STATES",
    "AddedTerm",
    "ChoiceTerm",
    "CredentialTerm",
    "DateRange",
    "DateTerm",
    "HasTerm",
    "IdTerm",
    "MetadataTerm",
    "Problem",
    "Query",
    "Span",
    "StateTerm",
    "Term",
    "TextTerm",
    "Value",
    "Words",
    "exact",
    "parse",
    "parse_bounded",
    "problem_for",
]


@dataclass(frozen=True)
class Query:
    """Terms that must all match, in the order typed, and what could not be understood."""

    terms: tuple[Term, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        """Make one term of those about one subject, however the query was built."""
        object.__setattr__(self, "terms", _merged(self.terms))

    def __str__(self) -> str:
        """The canonical text: the terms, then what was not understood, as it was typed."""
        return " ".join([*map(str, self.terms), *(problem.text for problem in self.problems)])

    def __contains__(self, term: Term) -> bool:
        """Whether the query asks for this already, alone or as one of several values (`k:a` is in `k:a,b`)."""
        return any(known == term or _covers(known, term) for known in self.terms)

    def with_(self, term: Term) -> Self:
        """The query that asks for this too; a further value of the same subject means either."""
        return replace(self, terms=(*self.terms, replace(term, span=None)))

    def without(self, term: Term) -> Self:
        """The query that does not ask for this: `k:a,b` without `k:a` is `k:b`."""
        kept = (_taken_from(known, term) for known in self.terms)
        return replace(self, terms=tuple(known for known in kept if known is not None))

    def refused(self, term: Term, message: str) -> Self:
        """The query with one of its terms turned into a problem, for what only the evaluator can know."""
        kept = tuple(known for known in self.terms if known != term)
        # In front, because an open quote, which is always the last, would swallow what follows it in the text.
        return replace(self, terms=kept, problems=(problem_for(term, message), *self.problems))

    @property
    def is_contradiction(self) -> bool:
        """Whether no conversation can match, whatever there is."""
        return _simplified(self.terms) is None

    def simplified(self) -> Self:
        """The same question in fewer terms, for the evaluator; a contradiction comes back as it is."""
        terms = _simplified(self.terms)
        return self if terms is None else replace(self, terms=terms)


def parse(text: str) -> Query:
    """Read a search; never raises: what it cannot understand is among the problems."""
    terms, problems = read_terms(text)
    return Query(tuple(terms), tuple(problems))


def parse_bounded(text: str) -> Query:
    """Read a search that came in an address; one that is too much is a problem as a whole.

    Each link of a page holds the whole search, so that a page grows with the square of its terms.
    """
    if len(text) > MOST_CHARACTERS:
        return _refused(text, f"A search has at most {MOST_CHARACTERS:,} characters: shorten it.")
    query = parse(text)
    size = sum(len(term.values) if isinstance(term, ChoiceTerm) else 1 for term in query.terms)
    if size + len(query.problems) > MOST_VALUES:
        return _refused(text, f"A search has at most {MOST_VALUES} terms and values: leave some out.")
    return query


def _refused(text: str, message: str) -> Query:
    return Query((), (Problem(0, len(text), UNSTORABLE.sub("\ufffd", text), message),))


def problem_for(term: Term, message: str) -> Problem:
    """A problem at the place of a term, such as a credential that does not exist."""
    span = term.span or Span(0, 0, str(term))
    return Problem(span.start, span.end, span.text, message)


def _merged(terms: Iterable[Term]) -> tuple[Term, ...]:
    slots: dict[Hashable, list[Term]] = {}
    for term in terms:
        slots.setdefault(term.slot, []).append(term)
    return tuple(_joined(group) for group in slots.values())


def _joined(group: list[Term]) -> Term:
    """One term for all of a slot; its span is the first's place, with the text of the whole."""
    first = group[0]
    choices = [term for term in group if isinstance(term, ChoiceTerm)]
    if not choices or not isinstance(first, ChoiceTerm):
        return first
    whole = first.with_values(tuple(value for term in choices for value in term.values))
    if whole == first or first.span is None:
        return whole
    return replace(whole, span=first.span._replace(text=str(whole)))


def _covers(known: Term, term: Term) -> bool:
    return isinstance(known, ChoiceTerm) and isinstance(term, ChoiceTerm) and known.covers(term)


def _taken_from(known: Term, term: Term) -> Term | None:
    """What is left of a known term, None if nothing."""
    if known == term:
        return None
    if not isinstance(known, ChoiceTerm) or not isinstance(term, ChoiceTerm):
        return known
    if known.subject != term.subject or known.negated != term.negated:
        return known
    left = tuple(value for value in known.values if value not in term.values)
    if left == known.values:
        return known
    return replace(known.with_values(left), span=None) if left else None


def _simplified(terms: tuple[Term, ...]) -> tuple[Term, ...] | None:
    """The terms without those that follow from others; None if they contradict each other."""
    asked = set(terms)
    if any(term.opposite() in asked for term in terms):
        return None
    choices = [term for term in terms if isinstance(term, ChoiceTerm)]
    refused = _refused_values(choices)
    wanted = {term.subject: _without_values(term, refused) for term in choices if not term.negated}
    if _is_impossible(asked, wanted, refused):
        return None
    kept = (_needed(term, asked, wanted) for term in terms)
    return tuple(term for term in kept if term is not None)


_Subject = tuple[str, str]


def _refused_values(choices: list[ChoiceTerm]) -> dict[_Subject, set[Value]]:
    refused: dict[_Subject, set[Value]] = {}
    for term in choices:
        if term.negated:
            refused.setdefault(term.subject, set()).update(term.values)
    return refused


def _without_values(term: ChoiceTerm, refused: dict[_Subject, set[Value]]) -> ChoiceTerm:
    gone = refused.get(term.subject, set())
    return term.with_values(tuple(value for value in term.values if value not in gone))


def _is_impossible(asked: set[Term], wanted: dict[_Subject, ChoiceTerm], refused: dict[_Subject, set[Value]]) -> bool:
    absent = (HasTerm(term.key, negated=True) for term in wanted.values() if isinstance(term, MetadataTerm))
    states = refused.get(StateTerm(()).subject, set())
    return (
        not all(term.values for term in wanted.values())
        or any(term in asked for term in absent)
        or states.issuperset(exact(*STATES))
    )


def _needed(term: Term, asked: set[Term], wanted: dict[_Subject, ChoiceTerm]) -> Term | None:
    """What is left to ask of a term beside the others, None if nothing."""
    if isinstance(term, HasTerm):
        return None if not term.negated and MetadataTerm(term.key, ()).subject in wanted else term
    if not isinstance(term, ChoiceTerm):
        return term
    positive = wanted.get(term.subject)
    if not term.negated:
        return positive
    if isinstance(term, MetadataTerm) and HasTerm(term.key, negated=True) in asked:
        return None
    if positive is None or not term.exclusive or not _all_exact(positive):
        return term
    # What is wanted is one of some whole values, none of which is refused: other whole values need no refusing.
    left = tuple(value for value in term.values if value.kind != "exact")
    return term.with_values(left) if left else None


def _all_exact(term: ChoiceTerm) -> bool:
    return all(value.kind == "exact" for value in term.values)
