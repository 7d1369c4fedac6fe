"""The search index: which conversations bear which terms, kept by one write path.

A term is a pair, a key alone (value None: "has this key") or a state (key None), of one credential; a posting
says that the conversation with that `ord` bears it. `ord` is one 64-bit integer, seconds since EPOCH and a
tiebreak: sort key, cursor, date range and posting in one. `n` counts a term's postings; a term that reaches 0
is deleted. On SQLite, triggers keep the trigrams of a term beside it (see `trigrams`).
"""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import connection, models
from django.db.models.functions import Left

from ...metadata import as_text, fold
from ..credential import Credential
from ..fields import CodePointTextField
from . import statements

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # no conversation of the API is older
TIEBREAK_BITS = 17

LONGEST_KEY = 500  # characters; longer ones, which OpenAI refuses and PostgreSQL cannot index, are not searchable
LONGEST_VALUE = 2_000  # characters; of longer ones, which OpenAI refuses, only the key is searchable
MOST_PAIRS = 64  # of one conversation that are searchable; OpenAI keeps 16
LAST_CHARACTER = "\U0010ffff"
INDEXED_LENGTH = 64  # characters of a value that its index holds; PostgreSQL refuses long entries

TERM_COLUMNS = {
    "credential_id": "bigint", "key": "text", "value": "text", "folded": "text", "digest": "bytea", "n": "bigint",
}  # fmt: skip

LOCK = 7301  # the name of this lock among PostgreSQL's advisory ones

Bearing = tuple[str | None, str | None]  # key and value: a pair, (key, None) or (None, state)
Name = tuple[int, Bearing]  # of which credential
NOTHING: frozenset[Bearing] = frozenset()


class Term(models.Model):
    """A pair, a key alone or a state, that at least one conversation of the credential bears."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = CodePointTextField(null=True)  # None: a state
    value = CodePointTextField(null=True)  # None: "has this key", "" is the empty value
    folded = CodePointTextField()
    digest = models.BinaryField(max_length=16)
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["credential", "digest"], name="term_once")]
        indexes = [
            models.Index("credential", "key", Left("value", INDEXED_LENGTH), name="term_by_value"),
            models.Index(
                fields=["credential", "key", "-n"],
                condition=models.Q(n__gte=2, value__isnull=False, key__isnull=False),
                name="term_by_number",
            ),
            models.Index(fields=["credential", "key", "n"], condition=models.Q(value__isnull=True), name="term_of_key"),
        ]

    def __str__(self) -> str:
        return ":".join(part for part in (self.key, self.value) if part is not None)


class Posting(models.Model):
    """A conversation, by its `ord`, bears a term. On SQLite the table has no row id (see the migration)."""

    pk = models.CompositePrimaryKey("term_id", "ord")
    term = models.ForeignKey(Term, on_delete=models.DO_NOTHING, related_name="postings", db_index=False)
    ord = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.term_id} {self.ord}"


def ord_at(moment: datetime) -> int:
    """The smallest `ord` of a conversation created at `moment` or later; they are created at whole seconds."""
    return max(0, math.ceil((moment - EPOCH).total_seconds())) << TIEBREAK_BITS


def moment_of(ord_: int) -> datetime:
    """When the conversation with this `ord` was created, in UTC."""
    return datetime.fromtimestamp((ord_ >> TIEBREAK_BITS) + EPOCH.timestamp(), UTC)


def digest(key: str | None, value: str | None) -> bytes:
    """What a term is unique by within its credential: short, whatever the value's length."""
    return hashlib.blake2b(json.dumps([key, value]).encode(), digest_size=16).digest()


def searchable_keys(metadata: Mapping[str, Any]) -> list[str]:
    """The keys by which it can be found: the first ones, without those that are too long."""
    return [key for key in islice(metadata, MOST_PAIRS) if len(key) <= LONGEST_KEY]


def searchable(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The pairs by which it can be found: those of the searchable keys whose value, as text, is not too long."""
    pairs = ((key, as_text(metadata[key])) for key in searchable_keys(metadata))
    return {key: text for key, text in pairs if len(text) <= LONGEST_VALUE}


def values_beginning(beginning: str) -> tuple[str, list[str]]:
    """A condition on a term's value, as its index has it, and its parameters; what meets it is to be compared whole."""
    stem = beginning[:INDEXED_LENGTH]
    start = (
        f"left(value, {INDEXED_LENGTH})" if connection.vendor == "postgresql" else f"substr(value, 1, {INDEXED_LENGTH})"
    )
    return f"value IS NOT NULL AND {start} >= %s AND {start} < %s", [stem, after_all(stem)]


def after_all(beginning: str) -> str:
    """The first text, by code points, that comes after all that begin so."""
    stem = beginning.rstrip(LAST_CHARACTER)
    if not stem:
        return LAST_CHARACTER * (len(beginning) + INDEXED_LENGTH)
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)  # between them lie the surrogates


def bearings(metadata: Mapping[str, Any], state: str) -> frozenset[Bearing]:
    """The terms that a conversation bears: each pair, each key alone, and its state."""
    keys = searchable_keys(metadata)
    return frozenset([*searchable(metadata).items(), *((key, None) for key in keys), (None, state)])


@dataclass(frozen=True)
class IndexChange:
    """A conversation bore some terms and now bears others; NOTHING where it was, or will be, not there."""

    credential_id: int
    ord: int
    before: frozenset[Bearing] = NOTHING
    after: frozenset[Bearing] = NOTHING


def apply(changes: Iterable[IndexChange]) -> None:
    """Bring the index up to date with `changes`, in the caller's transaction.

    What is there already, or gone already, is left so; `n` follows what was really written.
    """
    added: dict[Name, list[int]] = defaultdict(list)
    removed: dict[Name, list[int]] = defaultdict(list)
    for change in changes:
        for bearing in change.after - change.before:
            added[change.credential_id, bearing].append(change.ord)
        for bearing in change.before - change.after:
            removed[change.credential_id, bearing].append(change.ord)
    ids = _terms(added, removed)
    steps = _add({ids[name]: ords for name, ords in added.items()})
    steps.subtract(_remove({ids[name]: ords for name, ords in removed.items() if name in ids}))
    _count(steps)


def lock(credentials: Iterable[int]) -> None:
    """Let one transaction at a time write terms of a credential, always in the same order, so that nobody waits in a
    circle. Most writes of a credential wait for each other anyway, at the numbers of the terms that they share.

    SQLite has one writer at a time, and needs no such locks.
    """
    if connection.vendor == "postgresql":
        for credential_id in sorted(set(credentials)):
            statements.fetch("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, credential_id % 2**31])


def _terms(added: Iterable[Name], removed: Iterable[Name]) -> dict[Name, int]:
    """The ids of the terms, those to be added made where they are missing."""
    names = {name: digest(*name[1]) for name in [*added, *removed]}
    lock(credential_id for credential_id, _ in names)
    ids = ids_of(names)
    missing = {name: names[name] for name in added if name not in ids}
    if missing:
        _make_terms(missing)
        ids |= ids_of(missing)
    return ids


def _add(ords: Mapping[int, list[int]]) -> Counter[int]:
    """Write postings; gives how many each term got."""
    relation, parameters = statements.postings(ords)
    sql = f"""INSERT INTO {Posting._meta.db_table} (term_id, ord) SELECT term_id, ord FROM {relation} AS new
        WHERE true ON CONFLICT DO NOTHING RETURNING term_id"""
    return Counter(statements.fetch_column(sql, parameters)) if ords else Counter()


def _remove(ords: Mapping[int, list[int]]) -> Counter[int]:
    """Delete postings; gives how many each term lost."""
    relation, parameters = statements.postings(ords)
    sql = f"""DELETE FROM {Posting._meta.db_table} WHERE (term_id, ord) IN (SELECT term_id, ord FROM {relation} AS old)
        RETURNING term_id"""
    return Counter(statements.fetch_column(sql, parameters)) if ords else Counter()


def _count(steps: Mapping[int, int]) -> None:
    """Add to `n`, one statement for all terms with the same step, and delete the terms that nothing bears."""
    by_step: dict[int, list[int]] = defaultdict(list)
    for term_id, step in sorted(steps.items()):
        by_step[step].append(term_id)
    by_step.pop(0, None)
    for step, term_ids in sorted(by_step.items()):
        relation, parameters = statements.numbers(term_ids)
        sql = f"UPDATE {Term._meta.db_table} SET n = n + %s WHERE id IN (SELECT value FROM {relation} AS t)"
        statements.execute(sql, [step, *parameters])
        if step < 0:
            statements.execute(
                f"""DELETE FROM {Term._meta.db_table} WHERE id IN (SELECT value FROM {relation} AS t)
                AND n <= 0 AND NOT EXISTS (SELECT 1 FROM {Posting._meta.db_table} WHERE term_id = id)""",
                parameters,
            )


def ids_of(digests: Mapping[Name, bytes]) -> dict[Name, int]:
    """The ids of those terms that are there."""
    names = {(name[0], own): name for name, own in digests.items()}
    found: dict[Name, int] = {}
    for batch in statements.batches(sorted(names)):
        credentials = sorted({credential_id for credential_id, _ in batch})
        sql = f"""SELECT id, credential_id, digest FROM {Term._meta.db_table}
            WHERE credential_id IN {statements.places(credentials)} AND digest IN {statements.places(batch)}"""
        for pk, credential_id, own in statements.fetch(sql, [*credentials, *(own for _, own in batch)]):
            name = names.get((credential_id, bytes(own)))
            if name is not None:
                found[name] = pk
    return found


def missing(ords: Mapping[int, list[int]]) -> list[tuple[int, int]]:
    """Those of the postings, as term id and ord, that are not there."""
    relation, parameters = statements.postings(ords)
    sql = f"""SELECT p.term_id, p.ord FROM {relation} AS p WHERE NOT EXISTS
        (SELECT 1 FROM {Posting._meta.db_table} o WHERE o.term_id = p.term_id AND o.ord = p.ord)"""
    return [(term_id, ord_) for term_id, ord_ in statements.fetch(sql, parameters)] if ords else []


def _make_terms(digests: Mapping[Name, bytes]) -> None:
    rows = [
        (credential_id, *bearing, fold(bearing[1] or ""), own, 0) for (credential_id, bearing), own in digests.items()
    ]
    statements.insert_missing(Term._meta.db_table, TERM_COLUMNS, rows)
