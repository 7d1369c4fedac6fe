"""The one write path of the index: from what conversations had and have now to terms, postings, counts and hours.

On SQLite, triggers keep the trigrams of each term beside it (see `trigrams`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from ...metadata import fold
from . import hours, sql_helpers
from .terms import IndexTerm, Posting, Term, term_digest

TERM, POSTING = Term._meta.db_table, Posting._meta.db_table
TERM_COLUMNS = {
    "credential_id": "bigint", "key": "text", "value": "text", "folded": "text", "digest": "bytea", "count": "bigint",
}  # fmt: skip
LOCK = 7301  # names this lock among PostgreSQL's advisory ones

OwnedTerm = tuple[int, IndexTerm]  # a credential and a term of it
NO_TERMS: frozenset[IndexTerm] = frozenset()


@dataclass(frozen=True)
class IndexChange:
    """A conversation had some terms and has others now; NO_TERMS where it was not in the index, or no longer is."""

    credential_id: int
    sort_key: int
    before: frozenset[IndexTerm] = NO_TERMS
    after: frozenset[IndexTerm] = NO_TERMS


def apply(changes: Iterable[IndexChange]) -> None:
    """Bring the index up to date with `changes`, in the caller's transaction.

    What is already there, or already gone, stays so; counts follow the postings that were really written.
    """
    added: dict[OwnedTerm, list[int]] = defaultdict(list)
    removed: dict[OwnedTerm, list[int]] = defaultdict(list)
    for change in changes:
        for term in change.after - change.before:
            added[change.credential_id, term].append(change.sort_key)
        for term in change.before - change.after:
            removed[change.credential_id, term].append(change.sort_key)
    ids = _ensure_terms(added, removed)
    inserted = _insert_postings({ids[term]: sort_keys for term, sort_keys in added.items()})
    deleted = _delete_postings({ids[term]: sort_keys for term, sort_keys in removed.items() if term in ids})
    steps = Counter(term_id for term_id, _ in inserted)
    steps.subtract(term_id for term_id, _ in deleted)
    _update_counts(steps)
    _update_hours(
        {ids[term]: term[0] for term in [*added, *removed] if _is_state(term) and term in ids}, inserted, deleted
    )


def lock(credentials: Iterable[int]) -> None:
    """Let one transaction at a time write terms of a credential. The locks are taken in one order, to avoid deadlocks.

    Most writes of a credential wait for each other anyway, at the counts of the terms that they share. SQLite has one
    writer at a time and needs no such lock.
    """
    if connection.vendor == "postgresql":
        for credential_id in sorted(set(credentials)):
            sql_helpers.fetch("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, credential_id % 2**31])


def ids_of(digests: Mapping[OwnedTerm, bytes]) -> dict[OwnedTerm, int]:
    """The ids of those terms that exist."""
    terms = {(term[0], digest): term for term, digest in digests.items()}
    found: dict[OwnedTerm, int] = {}
    for batch in sql_helpers.batches(sorted(terms)):
        credentials = sorted({credential_id for credential_id, _ in batch})
        sql = f"""SELECT id, credential_id, digest FROM {TERM}
            WHERE credential_id IN {sql_helpers.placeholders(credentials)}
            AND digest IN {sql_helpers.placeholders(batch)}"""
        for pk, credential_id, digest in sql_helpers.fetch(sql, [*credentials, *(digest for _, digest in batch)]):
            term = terms.get((credential_id, bytes(digest)))
            if term is not None:
                found[term] = pk
    return found


def missing_postings(sort_keys: Mapping[int, list[int]]) -> list[tuple[int, int]]:
    """Those of the postings, as term id and sort key, that don't exist."""
    relation, parameters = sql_helpers.postings(sort_keys)
    sql = f"""SELECT p.term_id, p.sort_key FROM {relation} AS p WHERE NOT EXISTS
        (SELECT 1 FROM {POSTING} o WHERE o.term_id = p.term_id AND o.sort_key = p.sort_key)"""
    return [(term_id, sort_key) for term_id, sort_key in sql_helpers.fetch(sql, parameters)] if sort_keys else []


def _ensure_terms(added: Iterable[OwnedTerm], removed: Iterable[OwnedTerm]) -> dict[OwnedTerm, int]:
    """The ids of the terms; those to be added are created where they don't exist."""
    digests = {term: term_digest(*term[1]) for term in [*added, *removed]}
    lock(credential_id for credential_id, _ in digests)
    ids = ids_of(digests)
    absent = {term: digests[term] for term in added if term not in ids}
    if absent:
        rows = [(owner, *term, fold(term[1] or ""), digest, 0) for (owner, term), digest in absent.items()]
        sql_helpers.insert_missing(TERM, TERM_COLUMNS, rows)
        ids |= ids_of(absent)
    return ids


def _insert_postings(sort_keys: Mapping[int, list[int]]) -> list[tuple[Any, ...]]:
    """Insert postings; returns those that didn't exist, as term id and sort key."""
    # RETURNING says which rows were really written, so that counts stay right when a posting already exists.
    relation, parameters = sql_helpers.postings(sort_keys)
    sql = f"""INSERT INTO {POSTING} (term_id, sort_key) SELECT term_id, sort_key FROM {relation} AS new
        WHERE true ON CONFLICT DO NOTHING RETURNING term_id, sort_key"""
    return sql_helpers.fetch(sql, parameters) if sort_keys else []


def _delete_postings(sort_keys: Mapping[int, list[int]]) -> list[tuple[Any, ...]]:
    """Delete postings; returns those that existed, as term id and sort key."""
    relation, parameters = sql_helpers.postings(sort_keys)
    sql = f"""DELETE FROM {POSTING} WHERE (term_id, sort_key) IN (SELECT term_id, sort_key FROM {relation} AS old)
        RETURNING term_id, sort_key"""
    return sql_helpers.fetch(sql, parameters) if sort_keys else []


def _update_counts(steps: Mapping[int, int]) -> None:
    """Add to the counts, one statement for all terms with the same step, and delete terms without postings."""
    by_step: dict[int, list[int]] = defaultdict(list)
    for term_id, step in sorted(steps.items()):
        by_step[step].append(term_id)
    by_step.pop(0, None)
    for step, term_ids in sorted(by_step.items()):
        relation, parameters = sql_helpers.numbers(term_ids)
        sql = f"UPDATE {TERM} SET count = count + %s WHERE id IN (SELECT value FROM {relation} AS t)"
        sql_helpers.execute(sql, [step, *parameters])
        if step < 0:
            sql_helpers.execute(
                f"""DELETE FROM {TERM} WHERE id IN (SELECT value FROM {relation} AS t)
                AND count <= 0 AND NOT EXISTS (SELECT 1 FROM {POSTING} WHERE term_id = id)""",
                parameters,
            )


def _is_state(term: OwnedTerm) -> bool:
    return term[1][0] is None


def _update_hours(
    owners: Mapping[int, int], inserted: Iterable[tuple[Any, ...]], deleted: Iterable[tuple[Any, ...]]
) -> None:
    """Count the postings of states, by the credential that owns each state's term. A change of state is no change."""
    steps = Counter((owners[pk], hours.hour_of(sort_key)) for pk, sort_key in inserted if pk in owners)
    steps.subtract((owners[pk], hours.hour_of(sort_key)) for pk, sort_key in deleted if pk in owners)
    hours.add(steps)
