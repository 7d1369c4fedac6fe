"""The receipt of an erasure as a document: what was erased, how it is known, and what cannot be known."""

from typing import Any

from ..models import ErasedItem, Erasure
from ..models.erased_item import Fate

CANNOT_BE_KNOWN = (
    "Whether somebody added items between the empty listing and the deletion of the conversation: OpenAI keeps the "
    "items of a deleted conversation, and nobody can list them any more.",
    "What is kept elsewhere: OpenAI’s backups and logs, files that items name by their id, copies of other programs.",
)


def receipt(erasure: Erasure) -> dict[str, Any]:
    """All that is known of it, for JSON: ids, counts, times in UTC, request ids; no text of any message."""
    numbers = erasure.numbers
    return {
        "object": "convadmin.erasure",
        "id": str(erasure.uuid),
        "conversation": erasure.openai_id,
        "server": erasure.base_url,
        "credential": erasure.credential_name,
        "stage": erasure.stage,
        "asked_for_by": erasure.actor_name,
        "reason": erasure.reason,
        "metadata_keys": erasure.keys,
        "begun_at": erasure.created_at.isoformat(),
        "finished_at": erasure.finished_at.isoformat() if erasure.finished_at else None,
        "items": {
            "listed": numbers.found,
            "deleted": numbers.deleted,
            "deleted_unconfirmed": numbers.unanswered,
            "gone_without_us": numbers.gone,
            "not_deleted": numbers.refused,
            "not_settled": numbers.unsettled,
            "left": numbers.left,
        },
        "first_read": erasure.found,
        "empty_listing": erasure.emptied,
        "deletion_of_the_conversation": {**erasure.removal, **_fate(erasure.removal.get("fate"))},
        "last_read": erasure.proof,
        "last_failure": erasure.failure,
        "runs": [_run(event) for event in erasure.events.order_by("pk")],
        "each_item": [_item(row) for row in erasure.items.iterator(chunk_size=2_000)],
        "cannot_be_known": list(CANNOT_BE_KNOWN),
    }


def _run(event: Any) -> dict[str, Any]:
    return {
        "event": str(event.uuid),
        "by": event.actor_name,
        "begun_at": event.created_at.isoformat(),
        "ended_at": event.finished_at.isoformat() if event.finished_at else None,
        "outcome": event.outcome,
        "attempts": event.attempts,
    }


def _fate(fate: str | None) -> dict[str, str]:
    """What became of something, in the receipt's words."""
    return {"fate": "unconfirmed" if fate == Fate.UNANSWERED else fate} if fate else {}


def _item(row: ErasedItem) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": row.item_id,
        "type": row.type,
        **_fate(row.fate),
        "tries": row.tries,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "client_request_id": row.client_request_id,
        "request_id": row.request_id,
        "status": row.status,
        "code": row.code,
    }
    return facts | ({"message": row.message} if row.fate == Fate.REFUSED else {})
