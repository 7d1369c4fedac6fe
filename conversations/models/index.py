"""The search index: which conversations bear which key and pair, kept by one write path.

A term is a pair, or a key alone (value None: "has this key"), of one credential; a posting says that the
conversation with that `ord` bears it. `ord` is one 64-bit integer, seconds since EPOCH and a tiebreak: sort
key, cursor, date range and posting in one. `n` counts a term's postings; a term that reaches 0 is deleted.
"""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, models
from django.db.models import F

from ..metadata import as_text, fold
from .credential import Credential

BATCH = 200  # terms looked up or written in one statement; SQLite's limit on parameters is far above

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # no conversation of the API is older
TIEBREAK_BITS = 17

LONGEST_KEY = 500  # characters; longer ones, which OpenAI refuses and PostgreSQL cannot index, are not searchable

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
    """The smallest `ord` of a conversation created at `moment` or later; they are created at whole seconds."""
    return max(0, math.ceil((moment - EPOCH).total_seconds())) << TIEBREAK_BITS


def digest(key: str, value: str | None) -> bytes:
    """What a term is unique by within its credential: short, whatever the value's length."""
    return hashlib.blake2b(json.dumps([key, value]).encode(), digest_size=16).digest()


def terms_of(metadata: Mapping[str, Any]) -> set[tuple[str, str | None]]:
    """The terms that a conversation with this metadata bears: each pair, and each key alone."""
    keys = [key for key in metadata if len(key) <= LONGEST_KEY]
    return {(key, as_text(metadata[key])) for key in keys} | {(key, None) for key in keys}


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
    ids = _terms(added, removed)
    _add(added, ids)
    _remove(removed, ids)


def _terms(added: Iterable[Name], removed: Iterable[Name]) -> dict[Name, int]:
    """The ids of the terms, those to be added made where they are missing, and locked until the transaction
    ends, so that nobody deletes a term that is about to be borne."""
    wanted = sorted(added, key=_order)
    for _ in range(10):
        Term.objects.bulk_create(map(_new_term, wanted), ignore_conflicts=True, batch_size=BATCH)
        ids = _locked(_ids([*wanted, *removed]))
        if all(name in ids for name in wanted):
            return ids
    raise IntegrityError("Terms were deleted as fast as they were made, 10 times.")


def _locked(ids: Mapping[Name, int]) -> dict[Name, int]:
    """Those that are still there, locked in the order of their ids, so that nobody waits in a circle."""
    terms = Term.objects.select_for_update(no_key=True).order_by("pk")
    held: set[int] = set()
    for batch in _batches(sorted(ids.values())):
        held.update(terms.filter(pk__in=batch).values_list("pk", flat=True))
    return {name: pk for name, pk in ids.items() if pk in held}


def _add(added: Mapping[Name, list[int]], ids: Mapping[Name, int]) -> None:
    postings = (Posting(term_id=ids[name], ord=ord_) for name, ords in added.items() for ord_ in ords)
    Posting.objects.bulk_create(postings, batch_size=BATCH)
    _count({ids[name]: len(ords) for name, ords in added.items()})


def _remove(removed: Mapping[Name, list[int]], ids: Mapping[Name, int]) -> None:
    known = {ids[name]: ords for name, ords in removed.items() if name in ids}
    for term_id, ords in known.items():
        Posting.objects.filter(term_id=term_id, ord__in=ords).delete()
    _count({term_id: -len(ords) for term_id, ords in known.items()})
    for batch in _batches(sorted(known)):
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
