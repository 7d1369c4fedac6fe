"""How often keys, values, states and credentials stand in a result: counted in its newest conversations, or taken
from the numbers that the index keeps, where the query asks for nothing but states and credentials."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..metadata import fold
from ..models import Conversation, Posting, Term
from ..models.index import statements, trigrams
from ..models.index.terms import digest, searchable
from ..query import STATES

KEYS = 8  # of which the values are shown
VALUES = 6  # of each key
MOST_EXCLUDED = 2_000  # conversations whose counts are taken off those of the index
MOST_VALUES = 5_000  # of a key that are looked through for a part

TERM, POSTING = Term._meta.db_table, Posting._meta.db_table
IS_KEY = "value IS NULL AND key IS NOT NULL"
IS_FREQUENT = "n >= 2 AND value IS NOT NULL AND key IS NOT NULL"


@dataclass
class Counts:
    """What stands in `of` conversations. `is_complete`: these are all that match; `is_exact`: and no other's counts
    are among the numbers."""

    of: int = 0
    is_complete: bool = True
    is_exact: bool = True
    keys: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    credentials: Counter[int] = field(default_factory=Counter)

    def add(self, metadata: Mapping[str, Any], state: str, credential_id: int) -> None:
        """Count one conversation."""
        self.of += 1
        self.states[state] += 1
        self.credentials[credential_id] += 1
        for key, value in searchable(metadata).items():
            self.keys[key] += 1
            self.values.setdefault(key, Counter())[value] += 1

    def without(self, other: "Counts") -> "Counts":
        """These, with what the other counted taken off its keys and values."""
        keys = self.keys - other.keys
        values = {key: own - other.values.get(key, Counter()) for key, own in self.values.items()}
        return Counts(self.of, self.is_complete, self.is_exact, keys, values, self.states, self.credentials)


def counted(ords: Sequence[int], *, is_complete: bool) -> Counts:
    """The counts of these conversations."""
    counts = Counts(is_complete=is_complete)
    for batch in statements.batches(ords):
        for row in Conversation.objects.filter(ord__in=batch).facts("metadata", "state", "credential_id"):
            counts.add(*row)
    return counts


def of_index(credentials: Sequence[int], refused: set[str]) -> Counts:
    """The counts of all conversations of the credentials but those in refused states.

    Where more than a few are refused, theirs are among the numbers of keys and values, which then are not exact.
    """
    counts = Counts(keys=keys_of(credentials))
    for key, _ in counts.keys.most_common(KEYS):
        counts.values[key] = top_values(credentials, key)
    states = _states_of(credentials)
    for _, credential_id, state, n in states:
        if state not in refused:
            counts.of += n
            counts.states[state] += n
            counts.credentials[credential_id] += n
    ords = _ords_of([pk for pk, _, state, _ in states if state in refused])
    if len(ords) > MOST_EXCLUDED:
        counts.is_exact = False
        return counts
    return counts.without(counted(ords, is_complete=True))


def keys_of(credentials: Sequence[int]) -> Counter[str]:
    """How many conversations of the credentials bear each key."""
    sql = f"""SELECT key, SUM(n) FROM {TERM} WHERE credential_id IN {statements.places(credentials)}
        AND {IS_KEY} GROUP BY key"""
    return Counter({key: int(n) for key, n in statements.fetch(sql, credentials)})


def top_values(credentials: Sequence[int], key: str, limit: int = VALUES) -> Counter[str]:
    """Frequent values of a key, with their numbers in all the credentials together.

    Each credential says which are its most frequent; a value that is alone in its credential is not among them.
    """
    top = f"SELECT value FROM {TERM} WHERE credential_id = %s AND key = %s AND {IS_FREQUENT} ORDER BY n DESC LIMIT %s"
    found: dict[str, None] = {}
    for credential_id in credentials:
        found.update(dict.fromkeys(statements.fetch_column(top, [credential_id, key, limit + 1])))
    return numbers_of(credentials, key, found)


def numbers_of(credentials: Sequence[int], key: str, values: Iterable[str]) -> Counter[str]:
    """How many conversations of the credentials bear each of these values of a key."""
    digests = [digest(key, value) for value in values]
    terms = Term.objects.filter(credential__in=credentials, digest__in=digests)
    return _summed(terms.values_list("value", "n"))


def values_holding(credentials: Sequence[int], key: str, part: str, limit: int = 100) -> Counter[str] | None:
    """Values of a key that hold a part, without case; None where they are too many to look through."""
    folded = fold(part)
    terms = trigrams.terms_holding(folded, credentials=credentials, key=key)
    if terms is not None:
        found = Term.objects.filter(pk__in=[pk for _, pk, _ in sorted(terms, key=lambda term: -term[2])[:limit]])
        return _summed(found.values_list("value", "n"))
    every = Term.objects.filter(credential__in=credentials, key=key, value__isnull=False)
    rows = list(every.values_list("value", "n", "folded")[: MOST_VALUES + 1])
    if len(rows) > MOST_VALUES:
        return None
    return _summed((value, n) for value, n, own in rows if folded in own)


def _summed(pairs: Iterable[tuple[str | None, int]]) -> Counter[str]:
    numbers: Counter[str] = Counter()
    for value, n in pairs:
        numbers[value or ""] += n
    return numbers


def _states_of(credentials: Sequence[int]) -> list[tuple[int, int, str, int]]:
    """Term, credential, state and number."""
    terms = Term.objects.filter(credential__in=credentials, digest__in=[digest(None, state) for state in STATES])
    rows = terms.values_list("pk", "credential_id", "value", "n")
    return [(pk, credential_id, state or "", n) for pk, credential_id, state, n in rows]


def _ords_of(term_ids: Sequence[int]) -> list[int]:
    """Conversations that bear one of the terms, at most one more than can be excluded."""
    sql = f"SELECT ord FROM {POSTING} WHERE term_id IN {statements.places(term_ids)} LIMIT %s"
    return statements.fetch_column(sql, [*term_ids, MOST_EXCLUDED + 1]) if term_ids else []
