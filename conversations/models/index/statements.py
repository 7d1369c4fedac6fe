"""Lists of values in one statement, as each engine takes them: JSON on SQLite, arrays on PostgreSQL.

Django's ORM has no word for such lists, and would send each value as a parameter of its own.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

Relation = tuple[str, list[Any]]


def placeholders(values: Collection[Any]) -> str:
    """Room for a few values, as after IN; nothing is among none, where PostgreSQL refuses empty parentheses."""
    return f"({', '.join(['%s'] * len(values)) or 'NULL'})"


def numbers(values: Iterable[int]) -> Relation:
    """A relation with the column `value`, and its parameter."""
    if connection.vendor == "postgresql":
        return "(SELECT unnest(%s::bigint[]) AS value)", [list(values)]
    return "(SELECT value FROM json_each(%s))", [json.dumps(list(values))]


def postings(sort_keys: Mapping[int, Iterable[int]]) -> Relation:
    """A relation with the columns `term_id` and `sort_key`, of the sort_keys that each term id has."""
    if connection.vendor == "postgresql":
        pairs = [(term_id, sort_key) for term_id, own in sort_keys.items() for sort_key in own]
        term_ids, all_sort_keys = ([pair[place] for pair in pairs] for place in (0, 1))
        return "(SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS pair(term_id, sort_key))", [
            term_ids,
            all_sort_keys,
        ]
    relation = (
        "(SELECT CAST(t.key AS INTEGER) AS term_id, o.value AS sort_key FROM json_each(%s) t, json_each(t.value) o)"
    )
    return relation, [json.dumps({term_id: list(own) for term_id, own in sort_keys.items()})]


def insert_missing(table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, leaving out those that are there already. `columns`: name and type of each.

    One statement has many rows on SQLite too: after each statement FTS5 writes down what a trigger gave it.
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
    """The values, so many at a time; SQLite takes 32,766 parameters, or more."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def prepare_for_bulk() -> None:
    """Give this connection memory for writing much at once; SQLite's own choice is small."""
    if connection.vendor == "sqlite":
        execute("PRAGMA cache_size = -262144")  # in KiB


def execute(sql: str, parameters: Iterable[Any] = ()) -> None:
    """Run a statement that gives nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))


def fetch(sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows that a statement gives."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        return cursor.fetchall()


def fetch_column(sql: str, parameters: Iterable[Any] = ()) -> list[Any]:
    """The first column of the rows that a statement gives."""
    return [row[0] for row in fetch(sql, parameters)]
