"""Finding terms by a part of their value, by the trigrams of the folded values: FTS5 on SQLite, pg_trgm on PostgreSQL.

A database may have neither; then `terms_containing()` returns None, and the search tests rows instead.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db import DatabaseError, connection, transaction

from . import sql_helpers

LENGTH = 3  # characters of the shortest part that has a trigram
MAX_CANDIDATES = 20_000  # terms with all trigrams of a part, which are compared one by one
NAME = "term_trigram"  # of the table, or of the index
TERM = "conversations_term"
IS_PAIR = "key IS NOT NULL AND value IS NOT NULL"

TermCount = tuple[int, int, int]  # a credential, a term of it, and its count

_SQLITE = [
    f"CREATE VIRTUAL TABLE {NAME} USING fts5(folded, content='', detail='none', tokenize='trigram case_sensitive 1')",
    f"""CREATE TRIGGER {NAME}_added AFTER INSERT ON {TERM} WHEN new.key IS NOT NULL AND new.value IS NOT NULL BEGIN
        INSERT INTO {NAME} (rowid, folded) VALUES (new.id, new.folded); END""",
    f"""CREATE TRIGGER {NAME}_deleted AFTER DELETE ON {TERM} WHEN old.key IS NOT NULL AND old.value IS NOT NULL BEGIN
        INSERT INTO {NAME} ({NAME}, rowid, folded) VALUES ('delete', old.id, old.folded); END""",
    f"INSERT INTO {NAME} (rowid, folded) SELECT id, folded FROM {TERM} WHERE {IS_PAIR}",
]
_POSTGRESQL = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"CREATE INDEX {NAME} ON {TERM} USING gin (folded gin_trgm_ops) WHERE {IS_PAIR}",
]


def are_kept() -> bool:
    """Whether this database has trigrams."""
    catalogue = "pg_indexes WHERE indexname" if connection.vendor == "postgresql" else "sqlite_master WHERE name"
    return bool(sql_helpers.fetch(f"SELECT 1 FROM {catalogue} = %s", [NAME]))


def install() -> bool:
    """Create the trigrams of all terms if the database can; returns whether it has them now."""
    if are_kept():
        return True
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
                cursor.execute(statement)
    except DatabaseError:  # an old SQLite, or a PostgreSQL without pg_trgm or the right to use it
        return False
    return True


def remove() -> None:
    """Remove the trigrams; the search then tests rows instead."""
    things = [f"TRIGGER {NAME}_added", f"TRIGGER {NAME}_deleted", f"TABLE {NAME}"]
    with transaction.atomic(), connection.cursor() as cursor:
        for thing in [f"INDEX {NAME}"] if connection.vendor == "postgresql" else things:
            kind, name = thing.split()
            cursor.execute(f"DROP {kind} IF EXISTS {name}")


def remove_copy() -> None:
    """Remove them where they may be outdated; on PostgreSQL they are an index, which never is."""
    if connection.vendor == "sqlite" and are_kept():
        remove()


def differ() -> bool:
    """Whether the terms with trigrams are not the existing pairs; PostgreSQL keeps its index right by itself."""
    if connection.vendor == "postgresql" or not are_kept():
        return False
    pairs, kept = f"SELECT id FROM {TERM} WHERE {IS_PAIR}", f"SELECT id FROM {NAME}_docsize"
    return any(
        sql_helpers.fetch(f"SELECT 1 FROM ({one} EXCEPT {other}) LIMIT 1")
        for one, other in ((pairs, kept), (kept, pairs))
    )


def terms_containing(part: str, *, credentials: Collection[int], key: str | None) -> list[TermCount] | None:
    """Terms of the credentials whose folded value contains `part`, which is folded, of one key or of any.

    None if there are no trigrams to tell, or too many candidates to compare.
    """
    if len(part) < LENGTH or not are_kept():
        return None
    read = _read_from_gin if connection.vendor == "postgresql" else _read_from_fts
    candidates = read(part, credentials, key, MAX_CANDIDATES + 1)
    if len(candidates) > MAX_CANDIDATES:
        return None
    return [(credential, pk, count) for credential, pk, count, folded in candidates if part in folded]


def _read_from_fts(part: str, credentials: Collection[int], key: str | None, limit: int) -> Sequence[Any]:
    """The candidates: FTS5 without positions finds values that contain each of the trigrams, somewhere."""
    trigrams = dict.fromkeys(part[start : start + LENGTH] for start in range(len(part) - LENGTH + 1))
    match = " AND ".join('"{}"'.format(trigram.replace('"', '""')) for trigram in trigrams)
    found = sql_helpers.fetch_column(f"SELECT rowid FROM {NAME} WHERE {NAME} MATCH %s LIMIT %s", [match, limit])
    # Too many: the caller gives up anyway, so their values need not be read.
    if len(found) >= limit:
        return found
    relation, parameters = sql_helpers.numbers(found)
    return sql_helpers.fetch(  # CROSS JOIN: the hits first, and each one's term by its id
        f"SELECT credential_id, id, count, folded FROM {relation} AS hit CROSS JOIN {TERM} ON id = hit.value"
        f" WHERE {_of(credentials, key)}",
        [*parameters, *_parameters(credentials, key)],
    )


def _read_from_gin(part: str, credentials: Collection[int], key: str | None, limit: int) -> Sequence[Any]:
    """The candidates: LIKE uses the trigrams."""
    pattern = "%{}%".format(part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"))
    return sql_helpers.fetch(
        f"SELECT credential_id, id, count, folded FROM {TERM} WHERE {IS_PAIR} AND folded LIKE %s"
        f" AND {_of(credentials, key)} LIMIT %s",
        [pattern, *_parameters(credentials, key), limit],
    )


def _of(credentials: Collection[int], key: str | None) -> str:
    return f"credential_id IN {sql_helpers.placeholders(credentials)}" + (" AND key = %s" if key is not None else "")


def _parameters(credentials: Collection[int], key: str | None) -> list[Any]:
    return [*credentials, *([key] if key is not None else [])]
