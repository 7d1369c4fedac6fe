"""Comparing the index with the conversations, and making it what they say; both while the site is in use.

Three stages, each in short steps: the terms are what they say and count their postings; each posting is borne by its
conversation; each conversation's terms are there. What looks wrong is looked at once more under a lock, so that a
change made meanwhile is not taken for a fault. How far a rebuild came is kept, so that it goes on after a crash.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db import models, transaction

from ...metadata import fold
from ..conversation import Conversation
from . import statements, trigrams
from . import terms as index
from .terms import Bearing, IndexChange, Posting, Term, digest

STEP = 2_000  # terms, or conversations, compared at once
POSTINGS = 10_000
READ_AT_ONCE = 50  # conversations, of which each may hold megabytes

TERM, POSTING = Term._meta.db_table, Posting._meta.db_table

Place = tuple[int, int]  # where a stage is: a term, an ord
START: Place = (-1, -1)


class Progress(models.Model):
    """How far a rebuild of the index came; there is a row only while one is under way."""

    stage = models.PositiveSmallIntegerField(default=0)
    term = models.BigIntegerField(default=START[0])
    ord = models.BigIntegerField(default=START[1])
    mended = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        name = STAGES[self.stage].name if self.stage < len(STAGES) else "trigrams"
        return f"{name}, {self.mended} differences mended"

    def note(self, stage: int, place: Place | None, mended: int) -> None:
        """Keep how far it is; without a place the stage is done, and the next one is to begin."""
        self.stage, (self.term, self.ord) = (stage, place) if place is not None else (stage + 1, START)
        self.mended += mended
        self.save()


class Stage(NamedTuple):
    """One comparison: `suspects` from a place on, with the next place or None; `confirm` one, and mend it if asked.

    A difference is told in words that name keys and ids, and no values.
    """

    name: str
    suspects: Callable[[Place], tuple[list[Place], Place | None]]
    confirm: Callable[[Place, bool], str]


def differences() -> Iterator[str]:
    """Every difference between the index and the conversations, in words; changes nothing."""
    for stage in STAGES:
        place: Place | None = START
        while place is not None:
            found, place = _compare(stage, place, mend=False)
            yield from found
    if trigrams.differ():
        yield "The trigrams are not those of the terms."


def rebuild(*, restart: bool = False, tell: Callable[[str], None] = lambda text: None) -> int:
    """Make the index what the conversations say, from where an interrupted rebuild was; gives how many differences
    were mended, those before the interruption included."""
    if restart:
        Progress.objects.all().delete()
    progress = Progress.objects.first() or Progress()
    statements.prepare_for_bulk()
    if trigrams.differ():  # SQLite may refuse to delete a term whose trigrams are not its own
        trigrams.remove()
    for number, stage in enumerate(STAGES[progress.stage :], start=progress.stage):
        place: Place | None = (progress.term, progress.ord)
        while place is not None:
            found, place = _compare(stage, place, mend=True)
            progress.note(number, place, len(found))
            tell(str(progress))
    trigrams.install()
    Progress.objects.all().delete()
    return progress.mended


def _compare(stage: Stage, place: Place, *, mend: bool) -> tuple[list[str], Place | None]:
    suspects, following = stage.suspects(place)
    confirmed: list[str] = []
    for suspect in suspects:
        with transaction.atomic():
            confirmed.append(stage.confirm(suspect, mend))
    return [difference for difference in confirmed if difference], following


# Terms


def _suspect_terms(place: Place) -> tuple[list[Place], Place | None]:
    sql = f"""SELECT id, key, value, folded, digest, n, (SELECT count(*) FROM {POSTING} WHERE term_id = t.id)
        FROM {TERM} t WHERE id > %s ORDER BY id LIMIT %s"""
    rows = statements.fetch(sql, [place[0], STEP])
    suspects = [(row[0], 0) for row in rows if not _is_right(*row[1:])]
    return suspects, (rows[-1][0], 0) if len(rows) == STEP else None


def _is_right(key: str | None, value: str | None, folded: str, own: bytes | memoryview, n: int, counted: int) -> bool:
    return bytes(own) == digest(key, value) and folded == fold(value or "") and n == counted > 0


def _confirm_term(place: Place, mend: bool) -> str:
    owner = Term.objects.filter(pk=place[0]).values_list("credential_id", flat=True).first()
    index.lock([] if owner is None else [owner])
    term = Term.objects.filter(pk=place[0]).first()
    if term is None:
        return ""
    counted = Posting.objects.filter(term_id=term.pk).count()
    if _is_right(term.key, term.value, term.folded, term.digest, term.n, counted):
        return ""
    if mend and counted and _is_right(term.key, term.value, term.folded, term.digest, counted, counted):
        Term.objects.filter(pk=term.pk).update(n=counted)
    elif mend:  # the third stage makes it anew
        if term.folded != fold(term.value or ""):
            trigrams.remove_copy()
        Posting.objects.filter(term_id=term.pk).delete()
        term.delete()
    return f"Term {term.pk} ({_name(term.key)}): counts {term.n}, has {counted} postings, or is not what it says."


# Postings


def _suspect_postings(place: Place) -> tuple[list[Place], Place | None]:
    sql = f"""SELECT p.term_id, p.ord, t.credential_id, t.key, t.value
        FROM {POSTING} p LEFT JOIN {TERM} t ON t.id = p.term_id
        WHERE (p.term_id, p.ord) > (%s, %s) ORDER BY p.term_id, p.ord LIMIT %s"""
    rows = statements.fetch(sql, [*place, POSTINGS])
    by_ord: dict[int, list[tuple[int, int | None, Bearing]]] = defaultdict(list)
    for term_id, ord_, owner, key, value in rows:
        by_ord[ord_].append((term_id, owner, (key, value)))
    suspects = {(term_id, ord_) for term_id, ord_, *_ in rows} - set(_borne(by_ord))
    return sorted(suspects), (rows[-1][0], rows[-1][1]) if len(rows) == POSTINGS else None


def _borne(by_ord: dict[int, list[tuple[int, int | None, Bearing]]]) -> Iterator[Place]:
    """The postings that are right, of those given by ord; each conversation is read once, and few are held."""
    for batch in statements.batches(sorted(by_ord)):
        for conversation in Conversation.objects.filter(ord__in=batch).iterator(chunk_size=READ_AT_ONCE):
            own = conversation.bearings
            for term_id, owner, bearing in by_ord[conversation.ord]:
                if owner == conversation.credential_id and bearing in own:
                    yield term_id, conversation.ord


def _confirm_posting(place: Place, mend: bool) -> str:
    term_id, ord_ = place
    conversation = Conversation.objects.select_for_update(of=("self",)).filter(ord=ord_).first()
    term = Term.objects.filter(pk=term_id).first()
    postings = Posting.objects.filter(term_id=term_id, ord=ord_)
    is_borne = (
        term is not None
        and conversation is not None
        and term.credential_id == conversation.credential_id
        and (term.key, term.value) in conversation.bearings
    )
    if is_borne or not postings.exists():
        return ""
    if mend and term is not None:
        bearing = frozenset([(term.key, term.value)])
        index.apply([IndexChange(term.credential_id, ord_, before=bearing)])
    elif mend:
        postings.delete()
    return f"Posting {ord_} of term {term_id} ({_name(term.key) if term else 'gone'}): no conversation bears it."


# Conversations


def _suspect_conversations(place: Place) -> tuple[list[Place], Place | None]:
    rows = Conversation.objects.filter(ord__gt=place[1]).order_by("ord")[:STEP]
    known = [_bearer(row) for row in rows.iterator(chunk_size=READ_AT_ONCE)]
    suspects = [(0, ord_) for ord_ in _lacking(known)]
    return suspects, (0, known[-1].ord) if len(known) == STEP else None


class _Bearer(NamedTuple):
    """What the index has to hold of a conversation, without its metadata."""

    ord: int
    credential_id: int
    bearings: frozenset[Bearing]


def _bearer(row: Conversation) -> _Bearer:
    return _Bearer(row.ord, row.credential_id, row.bearings)


def _lacking(rows: list[_Bearer]) -> dict[int, list[str]]:
    """The ords of conversations of which a posting is missing, with the keys of the terms that lack it."""
    names = {(row.credential_id, bearing): digest(*bearing) for row in rows for bearing in row.bearings}
    ids = index.ids_of(names)
    wanted: dict[int, list[int]] = defaultdict(list)
    lacking: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        for bearing in row.bearings:
            term_id = ids.get((row.credential_id, bearing))
            if term_id is None:
                lacking[row.ord].append(_name(bearing[0]))
            else:
                wanted[term_id].append(row.ord)
    keys = {term_id: _name(bearing[0]) for (_, bearing), term_id in ids.items()}
    for term_id, ord_ in index.missing(wanted):
        lacking[ord_].append(keys[term_id])
    return lacking


def _confirm_conversation(place: Place, mend: bool) -> str:
    conversation = Conversation.objects.select_for_update(of=("self",)).filter(ord=place[1]).first()
    lacking = _lacking([_bearer(conversation)])[conversation.ord] if conversation is not None else []
    if conversation is None or not lacking:
        return ""
    if mend:
        index.apply([IndexChange(conversation.credential_id, conversation.ord, after=conversation.bearings)])
    return f"Conversation {conversation.openai_id}: cannot be found by {', '.join(sorted(set(lacking)))}."


def _name(key: str | None) -> str:
    return "state" if key is None else f"“{key}”"


STAGES = [
    Stage("terms", _suspect_terms, _confirm_term),
    Stage("postings", _suspect_postings, _confirm_posting),
    Stage("conversations", _suspect_conversations, _confirm_conversation),
]
