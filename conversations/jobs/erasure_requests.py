"""Erasure requests: what the index holds of one end user, and the document about what became of it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from ..exports.job_receipt import job_receipt
from ..exports.receipt import CANNOT_BE_KNOWN
from ..models import Conversation, Credential, ErasureRequest, Job, JobKind, JobState, State
from ..query import MetadataClause, Query, exact
from ..search import Search
from ..services.holds import held_among, holds_on
from .drafts import found_by_any

CHUNK = 1_000  # rows that are looked up with one statement
SHOWN = 200
NOT_SEARCHED = (
    "What metadata doesn’t say: messages that mention the person, and conversations whose metadata has none of these "
    "pairs, or had them only in an older version. Searches and steps that jobs, saved views, holds and rules keep."
)


@dataclass
class Found:
    """What the index holds now of the person that a request is about."""

    total: int = 0
    by_credential: dict[str, int] = field(default_factory=dict)
    by_state: dict[str, int] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    rows: list[Conversation] = field(default_factory=list)
    unread: int = 0  # of the same credentials, whose metadata isn't known
    is_cut: bool = False  # there are more than one job may work on


def searches_of(request: ErasureRequest, user: User) -> list[Search]:
    """A search for each pair, among the credentials of the request that the user may use: one match is enough."""
    usable = list(Credential.objects.usable_of(request, user))
    queries = (Query((MetadataClause(key, exact(value)),)) for key, value in request.pairs)
    return [Search(query, usable, timezone.now()) for query in queries]


def found_by(request: ErasureRequest, user: User, *, shown: int | None = SHOWN) -> Found:
    """What the searches of a request find now, with at most `shown` of the conversations."""
    found, keys = Found(), dict[int, int]()
    owners, states = Counter[str](), Counter[str]()
    for row in _rows(searches_of(request, user)):
        if found.total == settings.BULK_LIMIT:
            found.is_cut = True
            break
        found.total += 1
        owners[row.credential.name] += 1
        states[row.get_state_display()] += 1
        keys[row.sort_key] = row.pk
        if shown is None or len(found.rows) < shown:
            found.rows.append(row)
    found.by_credential, found.by_state = dict(owners), dict(states)
    found.held = held_among(keys, request.credentials.values_list("pk", flat=True))
    found.unread = (
        Conversation.objects.visible_to(user)
        .filter(credential__in=request.credentials.all(), state=State.UNREAD)
        .count()
    )
    return found


def _rows(searches: list[Search]) -> Iterator[Conversation]:
    for sort_keys in found_by_any(searches):
        rows = searches[0].visible.filter(sort_key__in=sort_keys).select_related("credential")
        yield from rows.defer("metadata", "our_metadata").order_by("-sort_key")


def is_under_way(request: ErasureRequest) -> bool:
    """Whether one of its jobs hasn't ended."""
    return request.jobs.under_way().exists()


def document_of(request: ErasureRequest, user: User) -> dict[str, Any]:
    """What was found, erased, held and failed, when and by whom, as of now. It names no value of the person."""
    found = found_by(request, user, shown=None)
    jobs = list(request.jobs.exclude(state=JobState.DRAFT).order_by("pk"))
    outcomes = list(_outcomes(jobs))
    left = [_left(row, found) for row in found.rows]
    return {
        "object": "convadmin.erasure_request",
        "id": str(request.uuid),
        "reference": request.reference,
        "opened_by": request.actor_name,
        "opened_at": request.created_at.isoformat(),
        "signed_off_by": user.get_username(),
        "signed_off_at": timezone.now().isoformat(),
        "keys": [{"key": key, "fingerprint": fingerprint} for key, fingerprint in request.fingerprints],
        "credentials": sorted(request.credentials.values_list("name", flat=True)),
        "found": len({each["conversation"] for each in [*outcomes, *left]}),
        "erasure": _last_outcomes(outcomes, jobs),
        "jobs": [_job(job) for job in jobs],
        "conversations": outcomes,
        "left_in_the_index": left,
        "not_read_yet": found.unread,
        "cannot_be_known": [*CANNOT_BE_KNOWN, NOT_SEARCHED],
    }


def document_text(document: Mapping[str, Any]) -> str:
    """The document as it is kept."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def _job(job: Job) -> dict[str, Any]:
    numbers = job.numbers()
    receipt = job_receipt(job) if job.kind == JobKind.ERASE else {}
    return {
        "job": job.pk,
        "what": job.kind,
        "by": job.actor_name,
        "state": job.state,
        "started_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "conversations": numbers.total,
        "outcomes": {outcome.value: count for outcome, count in numbers.by_outcome.items()},
        **({"receipts_sha256": receipt["receipts_sha256"]} if receipt else {}),
    }


def _outcomes(jobs: list[Job]) -> Iterator[dict[str, Any]]:
    """What became of each conversation in each job."""
    for job in jobs:
        receipts = dict(job.erasures.exclude(receipt_digest="").values_list("openai_id", "receipt_digest"))
        for item in job.items.select_related("credential").order_by("pk").iterator(chunk_size=CHUNK):
            yield {
                "conversation": item.openai_id,
                "credential": item.credential.name if item.credential else "",
                "job": job.pk,
                "outcome": item.outcome or "waiting",
                "message": item.message,
                "at": item.finished_at.isoformat() if item.finished_at else None,
                **({"receipt_sha256": receipts[item.openai_id]} if item.openai_id in receipts else {}),
            }


def _last_outcomes(outcomes: list[dict[str, Any]], jobs: list[Job]) -> dict[str, int]:
    """How many conversations have which outcome in the last job that was to erase them."""
    erasing = {job.pk for job in jobs if job.kind == JobKind.ERASE}
    last = {(each["credential"], each["conversation"]): each["outcome"] for each in outcomes if each["job"] in erasing}
    return dict(Counter(last.values()))


def _left(row: Conversation, found: Found) -> dict[str, Any]:
    held_by = [str(hold.reason) for hold in holds_on(row)] if row.pk in found.held else []
    return {
        "conversation": row.openai_id,
        "credential": row.credential.name,
        "state": row.state,
        **({"held_because": held_by} if held_by else {}),
    }
