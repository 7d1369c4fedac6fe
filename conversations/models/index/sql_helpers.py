"""SQL helpers. Lists of values go into one statement as JSON on SQLite and as arrays on PostgreSQL; Django's ORM would
send each value as a separate parameter.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

Relation = tuple[str, list[Any]]


def placeholders(values: Collection[Any]) -> str:
    """Placeholders for a few values after IN; NULL if there are none, since PostgreSQL refuses empty parentheses."""
    return f"({', '.join(['%s'] * len(values)) or 'NULL'})"


def numbers(values: Iterable[int]) -> Relation:
    """A relation with the column `value`, and its parameters."""
    if connection.vendor == "postgresql":
        return "(SELECT unnest(%s::bigint[]) AS value)", [list(values)]
    return "(SELECT value FROM json_each(%s))", [json.dumps(list(values))]


def postings(sort_keys: Mapping[int, Iterable[int]]) -> Relation:
    """A relation with the columns `term_id` and `sort_key`, from the sort keys of each term id, and its parameters."""
    if connection.vendor == "postgresql":
        pairs = [(term_id, sort_key) for term_id, own in sort_keys.items() for sort_key in own]
        term_ids, all_sort_keys = ([pair[column] for pair in pairs] for column in (0, 1))
        return "(SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS pair(term_id, sort_key))", [
            term_ids,
            all_sort_keys,
        ]
    relation = (
        "(SELECT CAST(t.key AS INTEGER) AS term_id, o.value AS sort_key FROM json_each(%s) t, json_each(t.value) o)"
    )
    return relation, [json.dumps({term_id: list(own) for term_id, own in sort_keys.items()})]


def insert_missing(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, except those that already exist. `columns`: name and type of each.

    On SQLite, too, a statement inserts many rows: FTS5 writes after each statement.
    """
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
            lists = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING", lists
            )
            return
        row = placeholders(columns)
        for batch in batches(rows):
            values = ", ".join([row] * len(batch))
            flat = [value for each in batch for value in each]
            cursor.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES {values}", flat)


def batches(values: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
    """The values in batches; SQLite allows 32,766 parameters or more."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def prepare_for_bulk() -> None:
    """Give this connection more memory for large writes; SQLite's default is small."""
    if connection.vendor == "sqlite":
        execute("PRAGMA cache_size = -262144")  # in KiB


def execute(sql: str, parameters: Iterable[Any] = ()) -> None:
    """Run a statement without a result."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))


def fetch(sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return cursor.fetchall()


def fetch_column(sql: str, parameters: Iterable[Any] = ()) -> list[Any]:
    """The first column of a statement's rows."""
    return [row[0] for row in fetch(sql, parameters)]
