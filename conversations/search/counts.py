"""How often keys, values, states and credentials occur in a result: counted in its newest conversations, or taken from
the counts of the index, if the query only asks for states and credentials."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..metadata import fold
from ..models import Conversation, Posting, Term
from ..models.index import sql_helpers, trigrams
from ..models.index.terms import searchable, term_digest
from ..query import STATES

KEYS = 8  # whose values are shown
VALUES = 6  # of each key
MAX_EXCLUDED = 2_000  # conversations that are subtracted from the counts of the index
MAX_VALUES = 5_000  # of a key that are searched for a part

TERM, POSTING = Term._meta.db_table, Posting._meta.db_table
IS_KEY = "value IS NULL AND key IS NOT NULL"
IS_FREQUENT = "count >= 2 AND value IS NOT NULL AND key IS NOT NULL"


@dataclass
class Counts:
    """What occurs in `total` conversations. `is_complete`: these are all that match; `is_exact`: and no others are
    counted."""

    total: int = 0
    is_complete: bool = True
    is_exact: bool = True
    keys: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    credentials: Counter[int] = field(default_factory=Counter)

    def add(self, metadata: Mapping[str, Any], state: str, credential_id: int) -> None:
        """Count one conversation."""
        self.total += 1
        self.states[state] += 1
        self.credentials[credential_id] += 1
        for key, value in searchable(metadata).items():
            self.keys[key] += 1
            self.values.setdefault(key, Counter())[value] += 1

    def add_states(self, states: Iterable[tuple[int, int, str, int]], excluded: Collection[str] = ()) -> None:
        """Add the numbers of the index: term, credential, state and number of each, but for the excluded states."""
        for _, credential_id, state, count in states:
            if state not in excluded:
                self.total += count
                self.states[state] += count
                self.credentials[credential_id] += count

    def without(self, other: "Counts") -> "Counts":
        """These, minus the other's keys and values."""
        keys = self.keys - other.keys
        values = {key: own - other.values.get(key, Counter()) for key, own in self.values.items()}
        return Counts(self.total, self.is_complete, self.is_exact, keys, values, self.states, self.credentials)


def counted(sort_keys: Sequence[int], *, is_complete: bool) -> Counts:
    """The counts of these conversations."""
    counts = Counts(is_complete=is_complete)
    for batch in sql_helpers.batches(sort_keys):
        for row in Conversation.objects.filter(sort_key__in=batch).fields_of_each("metadata", "state", "credential_id"):
            counts.add(*row)
    return counts


def of_index(credentials: Sequence[int], excluded: set[str]) -> Counts:
    """The counts of all conversations of the credentials except those in excluded states.

    If more than a few are excluded, they still count among keys and values, which then are not exact.
    """
    counts = Counts(keys=keys_of(credentials))
    for key, _ in counts.keys.most_common(KEYS):
        counts.values[key] = top_values(credentials, key)
    states = _states_of(credentials)
    counts.add_states(states, excluded)
    sort_keys = _sort_keys_of([pk for pk, _, state, _ in states if state in excluded])
    if len(sort_keys) > MAX_EXCLUDED:
        counts.is_exact = False
        return counts
    return counts.without(counted(sort_keys, is_complete=True))


def of_all(credentials: Sequence[int]) -> Counts:
    """The keys, states and credentials of all conversations of the credentials, without values: two statements,
    however many conversations and credentials these are."""
    counts = Counts(keys=keys_of(credentials))
    counts.add_states(_states_of(credentials))
    return counts


def keys_of(credentials: Sequence[int]) -> Counter[str]:
    """How many conversations of the credentials have each key."""
    sql = f"""SELECT key, SUM(count) FROM {TERM} WHERE credential_id IN {sql_helpers.placeholders(credentials)}
        AND {IS_KEY} GROUP BY key"""
    return Counter({key: int(count) for key, count in sql_helpers.fetch(sql, credentials)})


def top_values(credentials: Sequence[int], key: str, limit: int = VALUES) -> Counter[str]:
    """Frequent values of a key, with their numbers in all the credentials together.

    They are the most frequent ones of each credential; a value that occurs once in its credential is not among them.
    """
    top = (
        f"SELECT value FROM {TERM} WHERE credential_id = %s AND key = %s AND {IS_FREQUENT} ORDER BY count DESC LIMIT %s"
    )
    found: dict[str, None] = {}
    for credential_id in credentials:
        found.update(dict.fromkeys(sql_helpers.fetch_column(top, [credential_id, key, limit + 1])))
    return numbers_of(credentials, key, found)


def numbers_of(credentials: Sequence[int], key: str, values: Iterable[str]) -> Counter[str]:
    """How many conversations of the credentials have each of these values of a key."""
    digests = [term_digest(key, value) for value in values]
    terms = Term.objects.filter(credential__in=credentials, digest__in=digests)
    return _summed(terms.values_list("value", "count"))


def values_containing(credentials: Sequence[int], key: str, part: str, limit: int = 100) -> Counter[str] | None:
    """Values of a key that contain a part, ignoring case; None if there are too many to search."""
    folded = fold(part)
    terms = trigrams.terms_containing(folded, credentials=credentials, key=key)
    if terms is not None:
        # The most frequent ones, since only some are shown.
        found = Term.objects.filter(pk__in=[pk for _, pk, _ in sorted(terms, key=lambda term: -term[2])[:limit]])
        return _summed(found.values_list("value", "count"))
    every = Term.objects.filter(credential__in=credentials, key=key, value__isnull=False)
    rows = list(every.values_list("value", "count", "folded")[: MAX_VALUES + 1])
    if len(rows) > MAX_VALUES:
        return None
    return _summed((value, count) for value, count, own in rows if folded in own)


def _summed(pairs: Iterable[tuple[str | None, int]]) -> Counter[str]:
    numbers: Counter[str] = Counter()
    for value, count in pairs:
        numbers[value or ""] += count
    return numbers


def states_of(credentials: Sequence[int]) -> dict[int, Counter[str]]:
    """How many conversations of each credential are in each state, as the index counts them."""
    numbers: dict[int, Counter[str]] = {pk: Counter() for pk in credentials}
    for _, credential_id, state, count in _states_of(credentials):
        numbers[credential_id][state] = count
    return numbers


def _states_of(credentials: Sequence[int]) -> list[tuple[int, int, str, int]]:
    """Term, credential, state and number."""
    terms = Term.objects.filter(credential__in=credentials, digest__in=[term_digest(None, state) for state in STATES])
    rows = terms.values_list("pk", "credential_id", "value", "count")
    return [(pk, credential_id, state or "", count) for pk, credential_id, state, count in rows]


def _sort_keys_of(term_ids: Sequence[int]) -> list[int]:
    """Conversations that have one of the terms, at most one more than can be subtracted."""
    sql = f"SELECT sort_key FROM {POSTING} WHERE term_id IN {sql_helpers.placeholders(term_ids)} LIMIT %s"
    return sql_helpers.fetch_column(sql, [*term_ids, MAX_EXCLUDED + 1]) if term_ids else []
