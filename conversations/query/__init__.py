"""The search language: text → Query → text. Pure: no database, no clock, no network.

    tenant:acme -state:removed created:7d "password reset"

Clauses are separated by white space and must all match; `-` or `!` right before a clause negates it.

    key:value · key:"two words" · key:a,b either · key:abc* prefix · key:~part part, ignoring case
    key:"" the empty value · has:key · id:conv_68a* · state:active,differs · credential:"Support prod"
    added:operator · created:>2026-01-01, read:7d (dates: `dates`) · word or "phrase": part of any value,
    or the beginning of an id, ignoring case

Decisions where the language could go either way:

- A comma list may mix kinds (`k:a,b*,~c`). Two positive clauses about the same subject are merged into one that accepts
  either value, at the position of the first (`k:a x k:b` is `k:a,b x`): metadata, id, state, credential and added.
  `has:`, dates, text and negated clauses are never merged; all of them must hold (`-k:a -k:b`: neither). Equal clauses
  count once.
- A quote always opens quoted text, up to the next one; in it only \\" and \\\\ are special. Quotes enclose a whole
  key or value: `~"part"` and `"beginning"*` have their sign outside, and `ab"c` is a problem.
- Names of built-ins are read in any case, and always as built-ins unless quoted: `"state":x` and `"State":x` are
  metadata. What follows `has:` is always a metadata key.
- Text that was probably meant as an operator is never searched for silently: an asterisk inside bare text, `~` or `*`
  at free text, `key:>5`, `created>2026`, AND, OR, NOT and curly quotes are problems that name the quoted form. A colon
  inside a value and signs after the colon are text (`url:https://x`, `n:-5`); the canonical text quotes them.
- Exact values and prefixes are case-sensitive; folding parts and text is up to the evaluator.
- A problem covers its whole token. `str(query)` writes the clauses, then the text of each problem, so that a link built
  from a query with problems is never broader than the query, and is refused wherever the query is.
- NUL and lone surrogates are problems. U+FFFD replaces them in the problem's text, so such a link asks for a value that
  can't be meant, instead of being refused.

`parse(str(query)) == query` for each query without problems; with problems, the clauses and messages are the same.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Self

from .clauses import (
    STATES,
    ChoiceClause,
    Clause,
    DateClause,
    FieldClause,
    HasClause,
    Label,
    MetadataClause,
    Problem,
    Span,
    TextClause,
    Value,
    exact,
)
from .dates import DateRange
from .parser import UNSTORABLE, read_clauses
from .simplify import simplify

MAX_CHARACTERS = 4_000
MAX_VALUES = 100

__all__ = [
    "STATES",
    "ChoiceClause",
    "Clause",
    "DateClause",
    "DateRange",
    "FieldClause",
    "HasClause",
    "Label",
    "MetadataClause",
    "Problem",
    "Query",
    "Span",
    "TextClause",
    "Value",
    "exact",
    "parse",
    "parse_bounded",
    "problem_for",
]


@dataclass(frozen=True)
class Query:
    """Clauses that must all match, in the order typed, and what could not be understood."""

    clauses: tuple[Clause, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        """Merge clauses about one subject, however the query was built."""
        object.__setattr__(self, "clauses", _merged(self.clauses))

    def __str__(self) -> str:
        """The canonical text: the clauses, then what was not understood, as it was typed."""
        return " ".join([*map(str, self.clauses), *(problem.text for problem in self.problems)])

    def __contains__(self, clause: Clause) -> bool:
        """Whether the query asks for this already, alone or as one of several values (`k:a` is in `k:a,b`)."""
        return any(known == clause or _covers(known, clause) for known in self.clauses)

    def with_clause(self, clause: Clause) -> Self:
        """The query that asks for this too; another value of the same subject means either."""
        return replace(self, clauses=(*self.clauses, replace(clause, span=None)))

    def without(self, clause: Clause) -> Self:
        """The query that doesn't ask for this: `k:a,b` without `k:a` is `k:b`."""
        kept = (_taken_from(known, clause) for known in self.clauses)
        return replace(self, clauses=tuple(known for known in kept if known is not None))

    def refused(self, clause: Clause, message: str) -> Self:
        """The query with one of its clauses turned into a problem, for what only the evaluator can know."""
        kept = tuple(known for known in self.clauses if known != clause)
        # In front, because an open quote, which is always the last, would swallow what follows it in the text.
        return replace(self, clauses=kept, problems=(problem_for(clause, message), *self.problems))

    def clauses_on(self, field: str) -> list[FieldClause]:
        """The clauses about a field: "id", "state", "credential" or "added"."""
        return [clause for clause in self.clauses if isinstance(clause, FieldClause) and clause.field == field]

    def clauses_on_dates(self, field: str) -> list[DateClause]:
        """The clauses about a date: "created" or "read"."""
        return [clause for clause in self.clauses if isinstance(clause, DateClause) and clause.field == field]

    @property
    def is_contradiction(self) -> bool:
        """Whether no conversation could ever match."""
        return simplify(self.clauses) is None

    def simplified(self) -> Self:
        """The same query in fewer clauses, for the evaluator; a contradiction is returned unchanged."""
        clauses = simplify(self.clauses)
        return self if clauses is None else replace(self, clauses=clauses)


def parse(text: str) -> Query:
    """Read a search; never raises: what it can't understand is among the problems."""
    clauses, problems = read_clauses(text)
    return Query(tuple(clauses), tuple(problems))


def parse_bounded(text: str) -> Query:
    """Read a search from a URL; one that is too large is a problem as a whole.

    Each link of a page holds the whole search, so a page grows with the square of its clauses.
    """
    if len(text) > MAX_CHARACTERS:
        return _refused(text, f"A search has at most {MAX_CHARACTERS:,} characters. Shorten it.")
    query = parse(text)
    size = sum(len(clause.values) if isinstance(clause, ChoiceClause) else 1 for clause in query.clauses)
    if size + len(query.problems) > MAX_VALUES:
        return _refused(text, f"A search has at most {MAX_VALUES} terms and values. Drop some of them.")
    return query


def _refused(text: str, message: str) -> Query:
    return Query((), (Problem(0, len(text), UNSTORABLE.sub("\ufffd", text), message),))


def problem_for(clause: Clause, message: str) -> Problem:
    """A problem with a clause that was understood, such as a credential that doesn't exist."""
    span = clause.span or Span(0, 0, str(clause))
    return Problem(span.start, span.end, span.text, message)


def _merged(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    groups: dict[Hashable, list[Clause]] = {}
    for clause in clauses:
        groups.setdefault(clause.merge_key, []).append(clause)
    return tuple(_joined(group) for group in groups.values())


def _joined(group: list[Clause]) -> Clause:
    """One clause for all of a group; its span is the position of the first, with the text of the whole."""
    first = group[0]
    choices = [clause for clause in group if isinstance(clause, ChoiceClause)]
    if not choices or not isinstance(first, ChoiceClause):
        return first
    whole = first.with_values(tuple(value for clause in choices for value in clause.values))
    if whole == first or first.span is None:
        return whole
    return replace(whole, span=first.span._replace(text=str(whole)))


def _covers(known: Clause, clause: Clause) -> bool:
    return isinstance(known, ChoiceClause) and isinstance(clause, ChoiceClause) and known.covers(clause)


def _taken_from(known: Clause, clause: Clause) -> Clause | None:
    """What is left of a known clause, None if nothing."""
    if known == clause:
        return None
    if not isinstance(known, ChoiceClause) or not isinstance(clause, ChoiceClause):
        return known
    if known.subject != clause.subject or known.negated != clause.negated:
        return known
    left = tuple(value for value in known.values if value not in clause.values)
    if left == known.values:
        return known
    return replace(known.with_values(left), span=None) if left else None
