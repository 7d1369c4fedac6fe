"""Comparing the index with the conversations, and repairing it, both while the site is in use.

Four checks, each in short steps: every term is well-formed and counts its postings; every posting belongs to a
conversation that has the term; every conversation has its postings, and is counted in its hour. A candidate for a fault
is looked at again under a lock, so that a change made meanwhile is not taken for one. Progress is saved, so that a
rebuild resumes after a crash.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db import models, transaction

from ...metadata import fold
from ..conversation import Conversation
from ..credential import Credential
from . import hours, sql_helpers, trigrams, writing
from .hours import HourCount
from .terms import TIEBREAK_BITS, IndexTerm, Posting, Term, term_digest
from .writing import IndexChange

STEP = 2_000  # terms, or conversations, compared at once
POSTINGS = 10_000
READ_AT_ONCE = 50  # conversations, of which each may hold megabytes

TERM, POSTING = Term._meta.db_table, Posting._meta.db_table

Cursor = tuple[int, int]  # where a check is: a term id and a sort key
START: Cursor = (-1, -1)


class Progress(models.Model):
    """How far a rebuild is; there is a row only while one is under way."""

    stage = models.PositiveSmallIntegerField(default=0)  # the number of the check
    term = models.BigIntegerField(default=START[0])
    sort_key = models.BigIntegerField(default=START[1])
    repaired = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        name = CHECKS[self.stage].name if self.stage < len(CHECKS) else "trigrams"
        return f"{name}, {self.repaired} differences repaired"

    def advance(self, stage: int, cursor: Cursor | None, repaired: int) -> None:
        """Save how far the rebuild is; without a cursor the check is complete, and the next one begins."""
        self.stage, (self.term, self.sort_key) = (stage, cursor) if cursor is not None else (stage + 1, START)
        self.repaired += repaired
        self.save()


class Check(NamedTuple):
    """One comparison: `candidates` from a cursor on, with the next cursor or None; `confirm` one, repaired if asked.

    A difference is described by keys and ids, never by values.
    """

    name: str
    candidates: Callable[[Cursor], tuple[list[Cursor], Cursor | None]]
    confirm: Callable[[Cursor, bool], str]


def differences() -> Iterator[str]:
    """Every difference between the index and the conversations, as a sentence; changes nothing."""
    for check in CHECKS:
        cursor: Cursor | None = START
        while cursor is not None:
            found, cursor = _compare(check, cursor, repair=False)
            yield from found
    if trigrams.differ():
        yield "The trigrams are not those of the terms."


def rebuild(*, restart: bool = False, report: Callable[[str], None] = lambda text: None) -> int:
    """Repair the index, from where an interrupted rebuild stopped; returns how many differences were repaired, those
    before the interruption included."""
    if restart:
        Progress.objects.all().delete()
    progress = Progress.objects.first() or Progress()
    sql_helpers.prepare_for_bulk()
    if trigrams.differ():  # SQLite may refuse to delete a term whose trigrams are wrong
        trigrams.remove()
    for number, check in enumerate(CHECKS[progress.stage :], start=progress.stage):
        cursor: Cursor | None = (progress.term, progress.sort_key)
        while cursor is not None:
            found, cursor = _compare(check, cursor, repair=True)
            progress.advance(number, cursor, len(found))
            report(str(progress))
    trigrams.install()
    Progress.objects.all().delete()
    return progress.repaired


def _compare(check: Check, cursor: Cursor, *, repair: bool) -> tuple[list[str], Cursor | None]:
    candidates, following = check.candidates(cursor)
    confirmed: list[str] = []
    for candidate in candidates:
        with transaction.atomic():
            confirmed.append(check.confirm(candidate, repair))
    return [difference for difference in confirmed if difference], following


# Terms


def _candidate_terms(cursor: Cursor) -> tuple[list[Cursor], Cursor | None]:
    sql = f"""SELECT id, key, value, folded, digest, count, (SELECT count(*) FROM {POSTING} WHERE term_id = t.id)
        FROM {TERM} t WHERE id > %s ORDER BY id LIMIT %s"""
    rows = sql_helpers.fetch(sql, [cursor[0], STEP])
    candidates = [(row[0], 0) for row in rows if not _is_correct(*row[1:])]
    return candidates, (rows[-1][0], 0) if len(rows) == STEP else None


def _is_correct(
    key: str | None, value: str | None, folded: str, digest: bytes | memoryview, count: int, counted: int
) -> bool:
    is_well_formed = bytes(digest) == term_digest(key, value) and folded == fold(value or "")
    return is_well_formed and count == counted > 0


def _confirm_term(cursor: Cursor, repair: bool) -> str:
    owner = Term.objects.filter(pk=cursor[0]).values_list("credential_id", flat=True).first()
    writing.lock([] if owner is None else [owner])
    term = Term.objects.filter(pk=cursor[0]).first()
    if term is None:
        return ""
    # Counted again under the lock: the candidate may come from a change that was still being written.
    counted = Posting.objects.filter(term_id=term.pk).count()
    if _is_correct(term.key, term.value, term.folded, term.digest, term.count, counted):
        return ""
    if repair and counted and _is_correct(term.key, term.value, term.folded, term.digest, counted, counted):
        Term.objects.filter(pk=term.pk).update(count=counted)
    elif repair:  # the third check creates it again
        if term.folded != fold(term.value or ""):
            trigrams.remove_copy()
        Posting.objects.filter(term_id=term.pk).delete()
        term.delete()
    return f"Term {term.pk} ({_name(term.key)}): counts {term.count}, has {counted} postings, or is malformed."


# Postings


def _candidate_postings(cursor: Cursor) -> tuple[list[Cursor], Cursor | None]:
    sql = f"""SELECT p.term_id, p.sort_key, t.credential_id, t.key, t.value
        FROM {POSTING} p LEFT JOIN {TERM} t ON t.id = p.term_id
        WHERE (p.term_id, p.sort_key) > (%s, %s) ORDER BY p.term_id, p.sort_key LIMIT %s"""
    rows = sql_helpers.fetch(sql, [*cursor, POSTINGS])
    by_sort_key: dict[int, list[tuple[int, int | None, IndexTerm]]] = defaultdict(list)
    for term_id, sort_key, owner, key, value in rows:
        by_sort_key[sort_key].append((term_id, owner, (key, value)))
    candidates = {(term_id, sort_key) for term_id, sort_key, *_ in rows} - set(_correct_postings(by_sort_key))
    return sorted(candidates), (rows[-1][0], rows[-1][1]) if len(rows) == POSTINGS else None


def _correct_postings(by_sort_key: dict[int, list[tuple[int, int | None, IndexTerm]]]) -> Iterator[Cursor]:
    """The correct ones of these postings. Each conversation is read once, and few are held in memory."""
    for batch in sql_helpers.batches(sorted(by_sort_key)):
        for conversation in Conversation.objects.filter(sort_key__in=batch).iterator(chunk_size=READ_AT_ONCE):
            own = conversation.index_terms
            for term_id, owner, index_term in by_sort_key[conversation.sort_key]:
                if owner == conversation.credential_id and index_term in own:
                    yield term_id, conversation.sort_key


def _confirm_posting(cursor: Cursor, repair: bool) -> str:
    term_id, sort_key = cursor
    conversation = Conversation.objects.select_for_update(of=("self",)).filter(sort_key=sort_key).first()
    term = Term.objects.filter(pk=term_id).first()
    postings = Posting.objects.filter(term_id=term_id, sort_key=sort_key)
    is_correct = (
        term is not None
        and conversation is not None
        and term.credential_id == conversation.credential_id
        and (term.key, term.value) in conversation.index_terms
    )
    if is_correct or not postings.exists():
        return ""
    if repair and term is not None:
        index_term = frozenset([(term.key, term.value)])
        writing.apply([IndexChange(term.credential_id, sort_key, before=index_term)])
    elif repair:
        postings.delete()
    return f"Posting {sort_key} of term {term_id} ({_name(term.key) if term else 'missing'}): no conversation has it."


# Conversations


class _Indexed(NamedTuple):
    """What the index has to hold of a conversation."""

    sort_key: int
    credential_id: int
    index_terms: frozenset[IndexTerm]


def _candidate_conversations(cursor: Cursor) -> tuple[list[Cursor], Cursor | None]:
    rows = Conversation.objects.filter(sort_key__gt=cursor[1]).order_by("sort_key")[:STEP]
    indexed = [_indexed(row) for row in rows.iterator(chunk_size=READ_AT_ONCE)]
    candidates = [(0, sort_key) for sort_key in _missing(indexed)]
    return candidates, (0, indexed[-1].sort_key) if len(indexed) == STEP else None


def _indexed(row: Conversation) -> _Indexed:
    return _Indexed(row.sort_key, row.credential_id, row.index_terms)


def _missing(rows: list[_Indexed]) -> dict[int, list[str]]:
    """By sort key, the conversations that lack postings, with the names of the keys that they can't be found by."""
    digests = {(row.credential_id, term): term_digest(*term) for row in rows for term in row.index_terms}
    ids = writing.ids_of(digests)
    expected: dict[int, list[int]] = defaultdict(list)
    missing: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        for term in row.index_terms:
            term_id = ids.get((row.credential_id, term))
            if term_id is None:
                missing[row.sort_key].append(_name(term[0]))
            else:
                expected[term_id].append(row.sort_key)
    keys = {term_id: _name(term[0]) for (_, term), term_id in ids.items()}
    for term_id, sort_key in writing.missing_postings(expected):
        missing[sort_key].append(keys[term_id])
    return missing


def _confirm_conversation(cursor: Cursor, repair: bool) -> str:
    conversation = Conversation.objects.select_for_update(of=("self",)).filter(sort_key=cursor[1]).first()
    missing = _missing([_indexed(conversation)])[conversation.sort_key] if conversation is not None else []
    if conversation is None or not missing:
        return ""
    if repair:
        change = IndexChange(conversation.credential_id, conversation.sort_key, after=conversation.index_terms)
        writing.apply([change])
    return f"Conversation {conversation.openai_id}: can't be found by {', '.join(sorted(set(missing)))}."


# Hours: the conversations of one credential at a time


def _candidate_hours(cursor: Cursor) -> tuple[list[Cursor], Cursor | None]:
    owner = Credential.objects.filter(pk__gt=cursor[0]).order_by("pk").values_list("pk", flat=True).first()
    if owner is None:
        return [], None
    stored = dict(HourCount.objects.filter(credential=owner).values_list("hour", "count"))
    sql = f"""SELECT (sort_key >> {TIEBREAK_BITS}) / {hours.SECONDS} AS hour, COUNT(*)
        FROM {Conversation._meta.db_table} WHERE credential_id = %s GROUP BY hour"""
    counted = dict(sql_helpers.fetch(sql, [owner]))
    differing = [hour for hour in stored.keys() | counted.keys() if stored.get(hour) != counted.get(hour)]
    return [(owner, hour) for hour in sorted(differing)], (owner, 0)


def _confirm_hour(cursor: Cursor, repair: bool) -> str:
    owner, hour = cursor
    writing.lock([owner])
    ends = hours.beginning_of(hour), hours.beginning_of(hour + 1)
    counted = Conversation.objects.filter(credential=owner, sort_key__gte=ends[0], sort_key__lt=ends[1]).count()
    stored = HourCount.objects.filter(credential=owner, hour=hour).values_list("count", flat=True).first() or 0
    if repair and stored != counted:
        hours.add({cursor: counted - stored})
    return f"Hour {hour} of credential {owner}: counts {stored}, has {counted}." if stored != counted else ""


def _name(key: str | None) -> str:
    return "state" if key is None else f"“{key}”"


CHECKS = [
    Check("terms", _candidate_terms, _confirm_term),
    Check("postings", _candidate_postings, _confirm_posting),
    Check("conversations", _candidate_conversations, _confirm_conversation),
    Check("hours", _candidate_hours, _confirm_hour),
]
