"""What the index holds: terms, the postings of each, and how both are named and ordered.

A term is a pair, a key alone (value None: "has this key") or a state (key None) of one credential. A posting says that
the conversation with that sort key has the term. The sort key is one 64-bit integer, seconds since EPOCH and a
tiebreaker: order, cursor, date range and posting in one.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import connection, models
from django.db.models.functions import Left

from ...metadata import as_text
from ..credential import Credential
from ..fields import CodePointTextField

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # no conversation of the API is older
TIEBREAK_BITS = 17

MAX_SEARCHABLE_KEY = 500  # characters; longer keys, which OpenAI refuses and PostgreSQL can't index, aren't searchable
MAX_SEARCHABLE_VALUE = 2_000  # characters; of longer values, which OpenAI refuses, only the key is searchable
MAX_SEARCHABLE_PAIRS = 64  # of one conversation that are searchable; OpenAI keeps 16
LAST_CHARACTER = "\U0010ffff"
INDEXED_LENGTH = 64  # characters of a value in the database's index; PostgreSQL refuses long entries

IndexTerm = tuple[str | None, str | None]  # key and value: a pair, (key, None) or (None, state)


class Term(models.Model):
    """A pair, a key alone or a state that at least one conversation of the credential has."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = CodePointTextField(null=True)  # None: a state
    value = CodePointTextField(null=True)  # None: "has this key"; "" is the empty value
    folded = CodePointTextField()
    digest = models.BinaryField(max_length=16)
    count = models.BigIntegerField(default=0)  # of its postings; a term that reaches 0 is deleted

    class Meta:
        constraints = [models.UniqueConstraint(fields=["credential", "digest"], name="term_once")]
        indexes = [
            models.Index("credential", "key", Left("value", INDEXED_LENGTH), name="term_by_value"),
            models.Index(
                fields=["credential", "key", "-count"],
                condition=models.Q(count__gte=2, value__isnull=False, key__isnull=False),
                name="term_by_count",
            ),
            models.Index(
                fields=["credential", "key", "count"], condition=models.Q(value__isnull=True), name="term_of_key"
            ),
        ]

    def __str__(self) -> str:
        return ":".join(part for part in (self.key, self.value) if part is not None)


class Posting(models.Model):
    """A conversation, by its sort key, has a term. On SQLite the table has no row id (see the migration)."""

    pk = models.CompositePrimaryKey("term_id", "sort_key")
    term = models.ForeignKey(Term, on_delete=models.DO_NOTHING, related_name="postings", db_index=False)
    sort_key = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.term_id} {self.sort_key}"


def sort_key_at(time: datetime) -> int:
    """The smallest sort key of a conversation created at `time` or later; they are created at whole seconds."""
    return max(0, math.ceil((time - EPOCH).total_seconds())) << TIEBREAK_BITS


def created_at_of(sort_key: int) -> datetime:
    """When the conversation with this sort key was created, in UTC."""
    return datetime.fromtimestamp((sort_key >> TIEBREAK_BITS) + EPOCH.timestamp(), UTC)


def term_digest(key: str | None, value: str | None) -> bytes:
    """What makes a term unique within its credential: short, however long the value."""
    return hashlib.blake2b(json.dumps([key, value]).encode(), digest_size=16).digest()


def searchable_keys(metadata: Mapping[str, Any]) -> list[str]:
    """The keys that the conversation can be found by: the first ones, without those that are too long."""
    return [key for key in islice(metadata, MAX_SEARCHABLE_PAIRS) if len(key) <= MAX_SEARCHABLE_KEY]


def searchable(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The pairs that the conversation can be found by, values as text: long values are left out."""
    pairs = ((key, as_text(metadata[key])) for key in searchable_keys(metadata))
    return {key: text for key, text in pairs if len(text) <= MAX_SEARCHABLE_VALUE}


def index_terms(metadata: Mapping[str, Any], state: str) -> frozenset[IndexTerm]:
    """The terms that a conversation has: each pair, each key alone, and its state."""
    keys = searchable_keys(metadata)
    return frozenset([*searchable(metadata).items(), *((key, None) for key in keys), (None, state)])


def values_beginning(beginning: str) -> tuple[str, list[str]]:
    """An SQL condition on the indexed part of a term's value, and its parameters. A value that meets it still has to be
    compared as a whole."""
    indexed = beginning[:INDEXED_LENGTH]
    left = (
        f"left(value, {INDEXED_LENGTH})" if connection.vendor == "postgresql" else f"substr(value, 1, {INDEXED_LENGTH})"
    )
    return f"value IS NOT NULL AND {left} >= %s AND {left} < %s", [indexed, after_all(indexed)]


def after_all(beginning: str) -> str:
    """The first text, by code points, after all those that begin with `beginning`."""
    stem = beginning.rstrip(LAST_CHARACTER)
    if not stem:
        return LAST_CHARACTER * (len(beginning) + INDEXED_LENGTH)
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)  # skips the surrogates
