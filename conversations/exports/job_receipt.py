"""The receipt of a job that erased: its totals, the digest of each receipt, and one over all of them."""

import hashlib
from collections.abc import Iterator
from typing import Any

from ..models import Erasure, Job
from ..models.choices import Stage
from .receipt import CANNOT_BE_KNOWN, receipt_text

CHUNK = 500  # receipts that are looked up with one statement


def job_receipt(job: Job) -> dict[str, Any]:
    """The receipt for JSON. `receipts_sha256` is the SHA-256 of one line a receipt, in their order: its digest, two
    spaces, and the id of the conversation."""
    numbers = job.numbers()
    listed, digest = [], hashlib.sha256()
    for erasure in _finished(job):
        line = f"{erasure.receipt_digest}  {erasure.openai_id}\n"
        digest.update(line.encode())
        listed.append(
            {"conversation": erasure.openai_id, "erasure": str(erasure.uuid), "sha256": erasure.receipt_digest}
        )
    return {
        "object": "convadmin.job_receipt",
        "job": job.pk,
        "requested_by": job.actor_name,
        "reason": job.reason,
        "searched": job.parameters.get("searched", []),
        "state": job.state,
        "started_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "conversations": numbers.total,
        "outcomes": {outcome.value: count for outcome, count in numbers.by_outcome.items()},
        "waiting": numbers.waiting,
        "receipts": listed,
        "receipts_sha256": digest.hexdigest(),
        "cannot_be_known": list(CANNOT_BE_KNOWN),
    }


def receipts(job: Job) -> Iterator[str]:
    """Each receipt as a line of JSON: the SHA-256 of a line, without its end, is the receipt's digest."""
    for erasure in _finished(job):
        yield receipt_text(erasure) + "\n"


def _finished(job: Job) -> Iterator[Erasure]:
    rows = job.erasures.filter(stage=Stage.FINISHED).exclude(receipt_digest="").order_by("pk")
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        yield from chunk
        last = chunk[-1].pk
