"""The terms of the search language, as values: what each one asks, its canonical text, and its plain words.

    MetadataTerm   key:a,b*,~c     one of some values, each exact, a beginning or a part
    IdTerm         id:conv_68a*    one of some ids, each exact or a beginning
    StateTerm      state:active    CredentialTerm  credential:prod    AddedTerm  added:operator
    HasTerm        has:key         DateTerm  created:7d, read:>2026   TextTerm   a word, "a phrase"

A term compares by what it asks; `span`, its place in the text it was read from, takes no part in that.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import ClassVar, Literal, NamedTuple, Self

from .dates import Bounds, DateRange

STATES = ("active", "differs", "missing", "removed")
DATE_FIELDS = ("created", "read")
BUILT_INS = ("id", "state", "credential", *DATE_FIELDS, "added", "has")
# Other languages use these words; here they would silently be searched for.
OPERATOR_WORDS = ("AND", "OR", "NOT")

Kind = Literal["exact", "prefix", "contains"]

# What the parser reads back as it stands; all else is written in quotes.
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


class Words(NamedTuple):
    """A term as a chip shows it: ("tenant", "is not", "acme")."""

    subject: str
    relation: str
    value: str


class Span(NamedTuple):
    """Where a term stood in the text it was read from, and what stood there."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Problem:
    """What could not be understood: source[start:end], which is `text`, and a sentence that says what to write.

    In `text`, characters that cannot be stored stand as U+FFFD. For a term made of several (`k:a … k:b`), or not
    read from a text, `text` is the whole canonical term.
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
    """The text as a value is written: in quotes only where it would be read as something else."""
    return text if _PLAIN.fullmatch(text) else quoted(text)


def key_text(key: str) -> str:
    """A metadata key as it is written: in quotes too where a built-in has its name."""
    return quoted(key) if key.lower() in BUILT_INS else quoted_if_needed(key)


@dataclass(frozen=True)
class Value:
    """One of the values a term accepts: all of it, its beginning, or a part of it (without case)."""

    text: str
    kind: Kind = "exact"

    def __str__(self) -> str:
        """As it is typed: abc, abc* or ~abc."""
        text = quoted_if_needed(self.text)
        return f"~{text}" if self.kind == "contains" else f"{text}*" if self.kind == "prefix" else text


def exact(*texts: str) -> tuple[Value, ...]:
    """Exact values, as most terms hold them: StateTerm(exact("active", "differs"))."""
    return tuple(Value(text) for text in texts)


@dataclass(frozen=True)
class Term:
    """One condition of a query; `negated` turns it round."""

    negated: bool = field(default=False, kw_only=True)
    span: Span | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __str__(self) -> str:
        """The canonical text, which parses to this term again."""
        return f"{'-' if self.negated else ''}{self._body()}"

    def _body(self) -> str:
        raise NotImplementedError

    def words(self) -> Words:
        """The term in plain words, for a chip."""
        raise NotImplementedError

    def opposite(self) -> Self:
        """The same term, turned round."""
        return replace(self, negated=not self.negated, span=None)

    @property
    def slot(self) -> Hashable:
        """Terms with the same slot are one term: here, equal ones."""
        return self

    def _pick(self, plain: str, negated: str) -> str:
        return negated if self.negated else plain


class ChoiceTerm(Term):
    """A term that accepts one of several values; the base of those below, never made itself."""

    values: tuple[Value, ...]

    # Whether two different exact values can never be true of one conversation. Names of credentials and users
    # are looked up elsewhere, perhaps without case, so nothing is concluded from their spelling.
    exclusive: ClassVar[bool] = True

    @property
    def subject(self) -> tuple[str, str]:
        """What the values belong to: terms about the same subject bear on each other."""
        return type(self).__name__, ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The values without their kinds."""
        return tuple(value.text for value in self.values)

    @property
    def slot(self) -> Hashable:
        """Positive terms about one subject are one term (either); negated ones stay apart."""
        return self if self.negated else self.subject

    def with_values(self, values: tuple[Value, ...]) -> Self:
        """The same question with these values, each once."""
        return replace(self, values=tuple(dict.fromkeys(values)))  # type: ignore[call-arg]

    def covers(self, other: "ChoiceTerm") -> bool:
        """Whether each value of the other, with the same subject and sign, is among these."""
        same = self.negated == other.negated and self.subject == other.subject
        return same and set(other.values) <= set(self.values)

    def _list(self) -> str:
        return ",".join(map(str, self.values))

    def _words(self, subject: str) -> Words:
        kinds = {value.kind for value in self.values}
        kind = kinds.pop() if len(kinds) == 1 else "mixed"
        relation = _RELATIONS[kind, len(self.values) > 1 or kind == "mixed"]
        if kind == "mixed":
            return Words(subject, self._pick(*relation), ", ".join(map(str, self.values)))
        return Words(subject, self._pick(*relation), ", ".join(text or "(empty)" for text in self.texts))


@dataclass(frozen=True)
class MetadataTerm(ChoiceTerm):
    """The metadata key bears one of the values."""

    key: str
    values: tuple[Value, ...]

    @property
    def subject(self) -> tuple[str, str]:
        """The key."""
        return type(self).__name__, self.key

    def _body(self) -> str:
        return f"{key_text(self.key)}:{self._list()}"

    def words(self) -> Words:
        """("tenant", "is any of", "a, b")."""
        return self._words(self.key)


@dataclass(frozen=True)
class IdTerm(ChoiceTerm):
    """The id is, or begins with, one of the values."""

    values: tuple[Value, ...]

    def _body(self) -> str:
        return f"id:{self._list()}"

    def words(self) -> Words:
        """("id", "begins with", "conv_68a")."""
        return self._words("id")


@dataclass(frozen=True)
class StateTerm(ChoiceTerm):
    """The state is one of the values, each of STATES."""

    values: tuple[Value, ...]

    def _body(self) -> str:
        return f"state:{self._list()}"

    def words(self) -> Words:
        """("state", "is not", "removed")."""
        return self._words("state")


@dataclass(frozen=True)
class CredentialTerm(ChoiceTerm):
    """The conversation belongs to one of the named credentials, which may not exist."""

    values: tuple[Value, ...]

    exclusive = False

    def _body(self) -> str:
        return f"credential:{self._list()}"

    def words(self) -> Words:
        """("credential", "is", "Support prod")."""
        return self._words("credential")


@dataclass(frozen=True)
class AddedTerm(ChoiceTerm):
    """The conversation was added by one of the named users, who may not exist."""

    values: tuple[Value, ...]

    exclusive = False

    def _body(self) -> str:
        return f"added:{self._list()}"

    def words(self) -> Words:
        """("added by", "is", "operator")."""
        return self._words("added by")


@dataclass(frozen=True)
class HasTerm(Term):
    """The conversation has the metadata key, with any value."""

    key: str

    def _body(self) -> str:
        return f"has:{key_text(self.key)}"

    def words(self) -> Words:
        """("user_id", "is present", "")."""
        return Words(self.key, self._pick("is present", "is not present"), "")


@dataclass(frozen=True)
class DateTerm(Term):
    """`field` ("created" or "read") lies in the range."""

    field: str
    range: DateRange

    def bounds(self, now: datetime, zone: tzinfo) -> Bounds:
        """Half-open [start, end) in UTC, None where open; the negation is left to the caller."""
        return self.range.bounds(now, zone)

    def _body(self) -> str:
        return f"{self.field}:{self.range}"

    def words(self) -> Words:
        """("created", "after", "1 Oct 2026")."""
        relation, value = self.range.words()
        return Words(self.field, self._pick(relation, "is not" if relation == "is" else f"not {relation}"), value)


@dataclass(frozen=True)
class TextTerm(Term):
    """The text is part of any value, or the beginning of an id, without case."""

    text: str

    def _body(self) -> str:
        return quoted(self.text) if self.text in OPERATOR_WORDS else quoted_if_needed(self.text)

    def words(self) -> Words:
        """("any value", "contains", "refund")."""
        return Words("any value", self._pick("contains", "does not contain"), self.text)
