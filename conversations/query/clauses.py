"""The clauses of a search, as values: what each one asks, its canonical text, and its label.

    MetadataClause  key:a,b*,~c     one of some values, each exact, a prefix or a part
    FieldClause     id:conv_68a*, state:active, credential:prod, added:operator
    HasClause       has:key
    DateClause      created:7d, read:>2026
    TextClause      a word, "a phrase"

Clauses are equal if they ask the same; `span`, their place in the text, doesn't count.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Literal, NamedTuple, Self

from .dates import Bounds, DateRange

STATES = ("active", "differs", "missing", "removed", "unread")
DATE_FIELDS = ("created", "read")
BUILT_INS = ("id", "state", "credential", *DATE_FIELDS, "added", "has")
# Operators of other languages; here they would be searched for silently.
OPERATOR_WORDS = ("AND", "OR", "NOT")

Kind = Literal["exact", "prefix", "contains"]

# What the parser reads back unchanged; anything else is written in quotes.
_PLAIN = re.compile(r'[^\s",:*<>=~!“”„-][^\s",:*<>=]*')

_RELATIONS: dict[tuple[str, bool], tuple[str, str]] = {
    # (kind, several values): (plain, negated)
    ("exact", False): ("is", "is not"),
    ("exact", True): ("is any of", "is none of"),
    ("prefix", False): ("begins with", "does not begin with"),
    ("prefix", True): ("begins with any of", "begins with none of"),
    ("contains", False): ("contains", "does not contain"),
    ("contains", True): ("contains any of", "contains none of"),
    ("mixed", True): ("matches any of", "matches none of"),
}


class Label(NamedTuple):
    """A clause as a chip shows it: ("tenant", "is not", "acme")."""

    subject: str
    relation: str
    value: str


class Span(NamedTuple):
    """Where a clause stood in the text it was read from, and what stood there."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Problem:
    """What could not be understood: source[start:end], which is `text`, and a sentence that says what to write.

    In `text`, U+FFFD replaces characters that can't be stored. For a clause made of several (`k:a … k:b`), or not read
    from a text, `text` is the whole canonical clause.
    """

    start: int
    end: int
    text: str
    message: str


def quoted(text: str) -> str:
    """The text in quotes, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def quoted_if_needed(text: str) -> str:
    """The text as a value is written: in quotes only if it would be read as something else."""
    return text if _PLAIN.fullmatch(text) else quoted(text)


def key_text(key: str) -> str:
    """A metadata key as it is written: also in quotes if a built-in has its name."""
    return quoted(key) if key.lower() in BUILT_INS else quoted_if_needed(key)


@dataclass(frozen=True)
class Value:
    """A value that a clause accepts: the whole, a prefix, or a part of it (ignoring case)."""

    text: str
    kind: Kind = "exact"

    def __str__(self) -> str:
        """As it is typed: abc, abc* or ~abc."""
        text = quoted_if_needed(self.text)
        return f"~{text}" if self.kind == "contains" else f"{text}*" if self.kind == "prefix" else text


def exact(*texts: str) -> tuple[Value, ...]:
    """Exact values: FieldClause("state", exact("active", "differs"))."""
    return tuple(Value(text) for text in texts)


@dataclass(frozen=True)
class Clause:
    """One condition of a query; `negated` inverts it."""

    negated: bool = field(default=False, kw_only=True)
    span: Span | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __str__(self) -> str:
        """The canonical text, which parses to this clause again."""
        return f"{'-' if self.negated else ''}{self._body()}"

    def _body(self) -> str:
        raise NotImplementedError

    def label(self) -> Label:
        """The clause as a chip shows it."""
        raise NotImplementedError

    def opposite(self) -> Self:
        """The same clause, inverted."""
        return replace(self, negated=not self.negated, span=None)

    @property
    def merge_key(self) -> Hashable:
        """Clauses with the same key are merged into one: here, equal ones."""
        return self

    def _pick(self, plain: str, negated: str) -> str:
        return negated if self.negated else plain


class ChoiceClause(Clause):
    """A clause that accepts one of several values: the base of the next two."""

    values: tuple[Value, ...]

    @property
    def subject(self) -> tuple[str, str]:
        """What the values belong to. Clauses about the same subject can be merged, or contradict each other."""
        raise NotImplementedError

    @property
    def is_exclusive(self) -> bool:
        """Whether a conversation can have only one of two different exact values."""
        return True

    @property
    def texts(self) -> tuple[str, ...]:
        """The values without their kinds."""
        return tuple(value.text for value in self.values)

    @property
    def merge_key(self) -> Hashable:
        """Positive clauses about one subject are merged (any of their values); negated ones stay apart."""
        return self if self.negated else self.subject

    def with_values(self, values: tuple[Value, ...]) -> Self:
        """The same clause with these values, each once."""
        return replace(self, values=tuple(dict.fromkeys(values)))  # type: ignore[call-arg]

    def covers(self, other: "ChoiceClause") -> bool:
        """Whether each value of the other, with the same subject and sign, is among these."""
        # -k:a doesn't cover k:a.
        same = self.negated == other.negated and self.subject == other.subject
        return same and set(other.values) <= set(self.values)

    def _list(self) -> str:
        return ",".join(map(str, self.values))

    def _label(self, subject: str) -> Label:
        kinds = {value.kind for value in self.values}
        kind = kinds.pop() if len(kinds) == 1 else "mixed"
        relation = _RELATIONS[kind, len(self.values) > 1 or kind == "mixed"]
        if kind == "mixed":
            return Label(subject, self._pick(*relation), ", ".join(map(str, self.values)))
        return Label(subject, self._pick(*relation), ", ".join(text or "(empty)" for text in self.texts))


@dataclass(frozen=True)
class MetadataClause(ChoiceClause):
    """The metadata key has one of the values."""

    key: str
    values: tuple[Value, ...]

    @property
    def subject(self) -> tuple[str, str]:
        return "metadata", self.key

    def _body(self) -> str:
        return f"{key_text(self.key)}:{self._list()}"

    def label(self) -> Label:
        """("tenant", "is any of", "a, b")."""
        return self._label(self.key)


@dataclass(frozen=True)
class FieldClause(ChoiceClause):
    """A field of the conversation is one of the values: "id" (or begins with it), "state", one of STATES, "credential"
    or "added", names of credentials or users that may not exist."""

    field: str
    values: tuple[Value, ...]

    @property
    def subject(self) -> tuple[str, str]:
        return "field", self.field

    @property
    def is_exclusive(self) -> bool:
        """Not for names: they are looked up elsewhere, perhaps ignoring case, so their spelling proves nothing."""
        return self.field in ("id", "state")

    def _body(self) -> str:
        return f"{self.field}:{self._list()}"

    def label(self) -> Label:
        """("state", "is not", "removed")."""
        return self._label("added by" if self.field == "added" else self.field)


@dataclass(frozen=True)
class HasClause(Clause):
    """The conversation has the metadata key, with any value."""

    key: str

    def _body(self) -> str:
        return f"has:{key_text(self.key)}"

    def label(self) -> Label:
        """("user_id", "is present", "")."""
        return Label(self.key, self._pick("is present", "is not present"), "")


@dataclass(frozen=True)
class DateClause(Clause):
    """`field` ("created" or "read") is in the range."""

    field: str
    range: DateRange

    def bounds(self, now: datetime, zone: tzinfo) -> Bounds:
        """Half-open [start, end) in UTC, None where open; negation is up to the caller."""
        return self.range.bounds(now, zone)

    def _body(self) -> str:
        return f"{self.field}:{self.range}"

    def label(self) -> Label:
        """("created", "after", "1 Oct 2026")."""
        relation, value = self.range.label()
        return Label(self.field, self._pick(relation, "is not" if relation == "is" else f"not {relation}"), value)


@dataclass(frozen=True)
class TextClause(Clause):
    """The text is part of any value, or the beginning of an id, without case."""

    text: str

    def _body(self) -> str:
        return quoted(self.text) if self.text in OPERATOR_WORDS else quoted_if_needed(self.text)

    def label(self) -> Label:
        """("any value", "contains", "refund")."""
        return Label("any value", self._pick("contains", "does not contain"), self.text)
