"""Any number of example conversations for the index alone, to try and to measure the search.

No server has them. Their metadata is distributed like real metadata: a few tenants have most of the conversations, most
users have few, order ids are unique, and most conversations have a summary.
"""

import json
import random
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, islice
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from ..models import Conversation, Credential, IndexChange, State
from ..models.choices import Origin
from ..models.index import sql_helpers, writing
from ..models.index.terms import TIEBREAK_BITS, index_terms, sort_key_at
from . import dialogues

BATCH = 50_000  # conversations per transaction; each transaction writes to pages all over the index
DAYS = 3 * 365
TENANTS, USERS, TOPICS, WORDS = 5_000, 200_000, 50, 3_000
NAMES = ("Example shop", "Example bank", "Example clinic")
SHARES = (70, 25, 5)  # percent of the conversations that each credential has
STATES = {State.ACTIVE: 96, State.DIFFERS: 1, State.MISSING: 1, State.REMOVED: 2}


ONSETS = [*"bcdfghjklmnprstvw", "br", "ch", "fl", "pr", "qu", "st", "tr"]
VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
ENDINGS = ("", "", "d", "ck", "ing", "l", "m", "n", "nt", "r", "s", "st", "tion", "x")

COLUMNS = {
    "sort_key": "bigint", "credential_id": "bigint", "base_url": "text", "openai_id": "text",
    "created_at": "timestamptz", "is_created_known": "boolean", "is_metadata_known": "boolean",
    "metadata": "text", "is_altered": "boolean", "our_metadata": "text", "state": "text", "read_at": "timestamptz",
    "checked_at": "timestamptz",
    "added_at": "timestamptz", "added_by_id": "integer", "origin": "text",
}  # fmt: skip


class MetadataGenerator:
    """Random metadata and states; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  examples, no secrets
        # Cumulative weights by rank, as in Zipf's law.
        self._tenants = list(accumulate(1 / (rank + 1) for rank in range(TENANTS)))
        self._topics = list(accumulate(1 / (rank + 1) ** 0.7 for rank in range(TOPICS)))
        self._words = list(accumulate(1 / (rank + 2) for rank in range(WORDS)))
        self._vocabulary = [self._word() for _ in range(WORDS)]

    def metadata(self, number: int) -> dict[str, str]:
        draw = self.random
        pairs = {
            "tenant": f"tenant-{self._rank(self._tenants):04}",
            "env": draw.choices(list(dialogues.ENVIRONMENTS), list(dialogues.ENVIRONMENTS.values()))[0],
            "topic": f"topic {self._rank(self._topics):02}",
            "user_id": f"u_{int(USERS * draw.random() ** 2):06}",
            "order_id": f"ORD-{number:08}",
        }
        if draw.random() < 0.75:
            pairs["summary"] = " ".join(
                draw.choices(self._vocabulary, cum_weights=self._words, k=draw.randrange(3, 24))
            )
        return pairs

    def state(self) -> str:
        return self.random.choices(list(STATES), list(STATES.values()))[0]

    def _rank(self, weights: list[float]) -> int:
        return self.random.choices(range(len(weights)), cum_weights=weights)[0]

    def _word(self) -> str:
        syllables = [onset + vowel for onset in ONSETS for vowel in VOWELS]
        parts = self.random.choices(syllables, k=self.random.randrange(1, 4))
        return "".join(parts) + self.random.choice(ENDINGS)


def add_conversations(count: int, *, added_by: User | None, seed: int = 1) -> Iterator[int]:
    """Add conversations of three credentials, created over three years; yields how many there are so far."""
    credentials, generator, now = [_credential(name) for name in NAMES], MetadataGenerator(seed), timezone.now()
    owners = generator.random.choices(credentials, SHARES, k=count)
    rows = (
        _row(owner, now - timedelta(days=DAYS) * (1 - (number + 1) / count), generator, number, added_by)
        for number, owner in enumerate(owners)
    )
    sql_helpers.prepare_for_bulk()
    done = 0
    while batch := list(islice(rows, BATCH)):
        insert(batch)
        done += len(batch)
        yield done


def insert(rows: list[dict[str, Any]]) -> None:
    """Insert conversations and their terms in one transaction. Without model instances, which are slow."""
    values = [[row["columns"][name] for name in COLUMNS] for row in rows]
    with transaction.atomic():
        sql_helpers.insert_missing(Conversation._meta.db_table, COLUMNS, values)
        writing.apply(
            IndexChange(row["columns"]["credential_id"], row["columns"]["sort_key"], after=row["index_terms"])
            for row in rows
        )


def _credential(name: str) -> Credential:
    credential = Credential.objects.filter(name=name).first()
    if credential is None:
        credential = Credential(name=name, notes="Examples for the search. No server holds them.", is_active=False)
        credential.set_key("sk-example-" + secrets.token_hex(8))
        credential.save()
    return credential


def _row(
    credential: Credential, time: datetime, generator: MetadataGenerator, number: int, added_by: User | None
) -> dict[str, Any]:
    created_at, metadata, state = time.replace(microsecond=0), generator.metadata(number), generator.state()
    at = connection.ops.adapt_datetimefield_value(created_at)
    columns = {
        "sort_key": sort_key_at(created_at) | (number & ((1 << TIEBREAK_BITS) - 1)),
        "credential_id": credential.pk,
        "base_url": credential.base_url,
        "openai_id": f"conv_{generator.random.getrandbits(192):048x}",
        "created_at": at,
        "is_created_known": True,
        "is_metadata_known": True,
        "metadata": json.dumps(metadata, ensure_ascii=False),
        "is_altered": False,
        "our_metadata": "{}" if state == State.DIFFERS else None,
        "state": state,
        "read_at": at,
        "checked_at": at,
        "added_at": at,
        "added_by_id": added_by.pk if added_by else None,
        "origin": Origin.IMPORTED,
    }
    return {"columns": columns, "index_terms": index_terms(metadata, state)}
