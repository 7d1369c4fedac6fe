"""The receipt of an erasure: what was deleted, what proves it, and what can't be known."""

import hashlib
import json
from typing import Any

from ..models import ErasedItem, Erasure, ItemOutcome
from ..models.evidence import Evidence

CANNOT_BE_KNOWN = (
    "Whether someone added items between the empty listing and the deletion of the conversation. OpenAI keeps the "
    "items of a deleted conversation, but nobody can list them anymore.",
    "What’s kept elsewhere: OpenAI’s backups and logs, files that items refer to by id, and copies in other systems.",
)


def receipt(erasure: Erasure) -> dict[str, Any]:
    """The receipt for JSON: ids, counts, times in UTC and request ids, but no message text."""
    numbers = erasure.numbers
    return {
        "object": "convadmin.erasure",
        "id": str(erasure.uuid),
        "conversation": erasure.openai_id,
        "server": erasure.base_url,
        "credential": erasure.credential_name,
        "stage": erasure.stage,
        "requested_by": erasure.actor_name,
        "reason": erasure.reason,
        "metadata_keys": erasure.keys,
        "started_at": erasure.created_at.isoformat(),
        "finished_at": erasure.finished_at.isoformat() if erasure.finished_at else None,
        "items": {
            "listed": numbers.found,
            "deleted": numbers.deleted,
            "deleted_unconfirmed": numbers.unconfirmed,
            "deleted_elsewhere": numbers.gone,
            "not_deleted": numbers.refused,
            "unresolved": numbers.unresolved,
            "left": numbers.left,
        },
        "first_read": _evidence(erasure.first_read),
        "empty_listing": _evidence(erasure.empty_listing),
        "deletion_of_the_conversation": _evidence(erasure.deletion),
        "last_read": _evidence(erasure.last_read),
        "last_failure": erasure.failure,
        "runs": [_run(event) for event in erasure.events.order_by("pk")],
        "each_item": [_item(row) for row in erasure.items.iterator(chunk_size=2_000)],
        "cannot_be_known": list(CANNOT_BE_KNOWN),
    }


def receipt_text(erasure: Erasure) -> str:
    """The receipt as one line of JSON, with its keys in order: the text that its digest is about."""
    return json.dumps(receipt(erasure), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(erasure: Erasure) -> str:
    """The SHA-256 of the receipt's text in UTF-8, in hexadecimal."""
    return hashlib.sha256(receipt_text(erasure).encode()).hexdigest()


def _run(event: Any) -> dict[str, Any]:
    return {
        "event": str(event.uuid),
        "by": event.actor_name,
        "started_at": event.created_at.isoformat(),
        "ended_at": event.finished_at.isoformat() if event.finished_at else None,
        "outcome": event.outcome,
        "attempts": event.attempts,
    }


def _evidence(evidence: Evidence | None) -> dict[str, Any]:
    return {**evidence.as_map(), **_outcome(evidence.outcome)} if evidence is not None else {}


def _outcome(outcome: str) -> dict[str, str]:
    return {"outcome": "unconfirmed" if outcome == ItemOutcome.UNCONFIRMED else outcome} if outcome else {}


def _item(row: ErasedItem) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": row.item_id,
        "type": row.type,
        **_outcome(row.outcome),
        "tries": row.tries,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "client_request_id": row.client_request_id,
        "request_id": row.request_id,
        "status": row.status,
        "code": row.code,
    }
    return item | ({"message": row.message} if row.outcome == ItemOutcome.REFUSED else {})
