"""What a drafted job would do: how many, of which credential, what stands in the way, and a few rows as samples."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Prefetch

from ..edits import Impossible
from ..metadata import Change, difference
from ..models import Conversation, Credential, Job, JobItem, JobKind, State
from ..models.conversation_queryset import ConversationQuerySet
from ..services.holds import held_among
from .kinds import KINDS
from .kinds.edit import UNDONE, Edit, Moved

SAMPLES = 5
CHUNK = 200  # rows that are in memory at once
SECONDS_A_CALL = 0.4  # that a server takes, usually
CALLS = {
    JobKind.EDIT: 2, JobKind.UNDO: 2, JobKind.REMOVE: 2, JobKind.ERASE: 8, JobKind.TRANSFER: 1, JobKind.EXPORT: 2,
    JobKind.REFRESH: 1,
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A conversation, and what would change; `problem`: why nothing would."""

    openai_id: str
    metadata: Mapping[str, Any]
    changes: list[Change] = field(default_factory=list)
    problem: str = ""


@dataclass
class Preview:
    """What a job would do. seconds: about how long it takes."""

    total: int
    by_credential: list[tuple[Credential | None, int]]
    seconds: float
    states: Counter[str] = field(default_factory=Counter)
    held: int = 0
    unchanged: int = 0
    impossible: dict[str, int] = field(default_factory=dict)
    moved: int = 0
    changing: int = 0  # as far as the index can tell
    samples: list[Sample] = field(default_factory=list)

    @property
    def removed(self) -> int:
        return self.states[State.REMOVED]

    @property
    def missing(self) -> int:
        return self.states[State.MISSING]

    @property
    def unread(self) -> int:
        return self.states[State.UNREAD]

    @property
    def differing(self) -> int:
        return self.states[State.DIFFERS]


def preview_of(job: Job) -> Preview:
    """What the job would do with its parameters as they are."""
    counts = dict(job.items.values_list("credential").annotate(count=Count("pk")).order_by())
    credentials = Credential.objects.in_bulk([pk for pk in counts if pk is not None])
    preview = Preview(
        total=sum(counts.values()),
        by_credential=[(credentials.get(pk), counts[pk]) for pk in sorted(counts, key=lambda pk: -counts[pk])],
        seconds=_seconds(job, {credentials[pk]: count for pk, count in counts.items() if pk in credentials}),
    )
    rows = _visible_rows(job).filter(job_items__job=job)
    preview.states.update(dict(rows.values_list("state").annotate(count=Count("pk")).order_by()))
    keys = dict(rows.values_list("sort_key", "pk"))
    held = held_among(keys, credentials)
    preview.held = len(held)
    kind = KINDS[job.kind]
    if isinstance(kind, Edit) and (job.kind == JobKind.UNDO or job.parameters.get("steps")):
        _try_out(job, kind, preview, held)
    else:
        preview.samples = [Sample(row.openai_id, row.metadata) for row in rows.order_by("-sort_key")[:SAMPLES]]
    return preview


def _try_out(job: Job, kind: Edit, preview: Preview, held: set[int]) -> None:
    """Apply an edit to every row that it may change, and count what comes of it."""
    for row in _rows(job):
        is_undecided = row.state == State.DIFFERS and not job.parameters.get("over_changes")
        if row.state in (State.REMOVED, State.MISSING) or is_undecided or row.pk in held:
            continue
        try:
            wanted = kind.wanted(job, row)
        except Impossible as problem:
            preview.impossible[str(problem)] = preview.impossible.get(str(problem), 0) + 1
            sample = Sample(row.openai_id, row.metadata, problem=str(problem))
        except Moved as problem:
            preview.moved += 1
            sample = Sample(row.openai_id, row.metadata, problem=str(problem))
        else:
            is_same = wanted == row.metadata
            preview.unchanged += is_same
            preview.changing += not is_same
            sample = Sample(row.openai_id, row.metadata, difference(row.metadata, wanted))
        if len(preview.samples) < SAMPLES and (sample.changes or sample.problem):
            preview.samples.append(sample)


def _visible_rows(job: Job) -> ConversationQuerySet:
    """What its actor may see now: something may have been transferred since it was listed (R23)."""
    return Conversation.objects.visible_to(job.actor or AnonymousUser())


def _rows(job: Job) -> Iterator[Conversation]:
    items = JobItem.objects.filter(job=job).exclude(conversation=None).order_by("pk")
    keys = items.values_list("conversation_id", flat=True).iterator(chunk_size=CHUNK)
    while chunk := list(islice(keys, CHUNK)):
        rows = _visible_rows(job).filter(pk__in=chunk).order_by("-sort_key")
        yield from rows if job.undoes is None else rows.prefetch_related(_undone_events(job.undoes))


def _undone_events(job: Job) -> "Prefetch[str]":
    """What a job did to each conversation, looked up at once."""
    events = job.events.select_related("detail").order_by("pk")
    return Prefetch("events", events, to_attr=UNDONE)


def _seconds(job: Job, counts: Mapping[Credential, int]) -> float:
    """How long it takes: the credentials are worked on at the same time, each as fast as the last time."""
    times = (count * _seconds_each(job.kind, credential) for credential, count in counts.items())
    return max(times, default=0.0)


def _seconds_each(kind: str, credential: Credential) -> float:
    known = Job.objects.seconds_an_item(kind, credential)
    return CALLS[JobKind(kind)] * SECONDS_A_CALL / credential.concurrency if known is None else known
