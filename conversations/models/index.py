"""The search index: which conversations bear which key and pair, kept by one write path.

A term is a pair, or a key alone (value None: "has this key"), of one credential; a posting says that the
conversation with that `ord` bears it. `ord` is one 64-bit integer, seconds since EPOCH and a tiebreak: sort
key, cursor, date range and posting in one. `n` counts a term's postings; a term that reaches 0 is deleted.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models import F

from ..metadata import as_text, fold
from .credential import Credential

BATCH = 200  # terms looked up or written in one statement; SQLite's limit on parameters is far above

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # no conversation of the API is older
TIEBREAK_BITS = 17

Name = tuple[int, str, str | None]  # credential, key, value


class Term(models.Model):
    """A pair, or a key alone, that at least one conversation of the credential bears."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+")
    key = models.TextField()
    value = models.TextField(null=True)  # noqa: DJ001  None is "has this key", "" the empty value
    folded = models.TextField()
    digest = models.BinaryField(max_length=16)
    n = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["credential", "digest"], name="term_once")]
        indexes = [models.Index(fields=["credential", "key"], name="term_by_key")]

    def __str__(self) -> str:
        return self.key if self.value is None else f"{self.key}:{self.value}"


class Posting(models.Model):
    """A conversation, by its `ord`, bears a term. On SQLite the table has no row id (see the migration)."""

    pk = models.CompositePrimaryKey("term_id", "ord")
    term = models.ForeignKey(Term, on_delete=models.DO_NOTHING, related_name="postings", db_index=False)
    ord = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.term_id} {self.ord}"


def ord_at(moment: datetime) -> int:
    """The smallest `ord` of a conversation created at `moment` or later."""
    return max(0, int((moment - EPOCH).total_seconds())) << TIEBREAK_BITS


def digest(key: str, value: str | None) -> bytes:
    """What a term is unique by within its credential: short, whatever the value's length."""
    return hashlib.blake2b(json.dumps([key, value]).encode(), digest_size=16).digest()


def terms_of(metadata: Mapping[str, Any]) -> set[tuple[str, str | None]]:
    """The terms that a conversation with this metadata bears: each pair, and each key alone."""
    pairs = {(key, as_text(value)) for key, value in metadata.items()}
    return pairs | {(key, None) for key in metadata}


@dataclass(frozen=True)
class IndexChange:
    """A conversation bore the terms of one map and now bears those of another; an empty map bears none."""

    credential_id: int
    ord: int
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def apply(changes: Iterable[IndexChange]) -> None:
    """Bring the index up to date with `changes`, in the caller's transaction, where each `before` was true."""
    added: dict[Name, list[int]] = defaultdict(list)
    removed: dict[Name, list[int]] = defaultdict(list)
    for change in changes:
        before, after = terms_of(change.before), terms_of(change.after)
        for target, names in ((added, after - before), (removed, before - after)):
            for key, value in names:
                target[change.credential_id, key, value].append(change.ord)
    _add(added)
    _remove(removed)


def _add(added: Mapping[Name, list[int]]) -> None:
    names = sorted(added, key=_order)
    Term.objects.bulk_create(map(_new_term, names), ignore_conflicts=True, batch_size=BATCH)
    ids = _ids(names)
    Posting.objects.bulk_create(
        (Posting(term_id=ids[name], ord=ord_) for name in names for ord_ in added[name]), batch_size=BATCH
    )
    _count({ids[name]: len(added[name]) for name in names})


def _remove(removed: Mapping[Name, list[int]]) -> None:
    ids = _ids(sorted(removed, key=_order))
    for name, term_id in ids.items():
        Posting.objects.filter(term_id=term_id, ord__in=removed[name]).delete()
    _count({term_id: -len(removed[name]) for name, term_id in ids.items()})
    for batch in _batches(sorted(ids.values())):
        Term.objects.filter(pk__in=batch, n__lte=0).delete()


def _count(steps: Mapping[int, int]) -> None:
    """Add to `n`: one statement for all terms with the same step, in the order of their ids."""
    for step in Counter(steps.values()):
        for batch in _batches(sorted(term_id for term_id, own in steps.items() if own == step)):
            Term.objects.filter(pk__in=batch).update(n=F("n") + step)


def _ids(names: list[Name]) -> dict[Name, int]:
    by_digest = {
        (credential_id, digest(key, value)): (credential_id, key, value) for credential_id, key, value in names
    }
    found: dict[Name, int] = {}
    for batch in _batches(list(by_digest)):
        terms = Term.objects.filter(
            credential_id__in={credential_id for credential_id, _ in batch}, digest__in=[each for _, each in batch]
        )
        for pk, credential_id, each in terms.values_list("pk", "credential_id", "digest"):
            name = by_digest.get((credential_id, bytes(each)))
            if name is not None:
                found[name] = pk
    return found


def _new_term(name: Name) -> Term:
    credential_id, key, value = name
    return Term(credential_id=credential_id, key=key, value=value, folded=fold(value or ""), digest=digest(key, value))


def _order(name: Name) -> tuple[int, bytes]:
    credential_id, key, value = name
    return credential_id, digest(key, value)


def _batches(values: list[Any]) -> Iterable[list[Any]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
