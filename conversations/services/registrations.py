"""Registering conversations that applications created.

The index gets what the application says, in the state unread, so that it can be found at once. A job reads each one
soon, and from then on the index holds the server's last response, as ever (R1).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction

from ..models import Conversation, Credential, Origin


class Registration(NamedTuple):
    """What an application says of a conversation. `created_at`: Unix seconds."""

    openai_id: str
    metadata: Mapping[str, Any] | None = None
    created_at: int | None = None


def register(credential: Credential, registrations: Sequence[Registration]) -> set[str]:
    """Add these conversations to the index; returns the ids that were added. What the index has stays as it is, so
    registering twice changes nothing."""
    rows = [_row(credential, registration) for registration in registrations]
    with transaction.atomic():
        return {row.openai_id for row in Conversation.objects.add_many(rows)}


def _row(credential: Credential, registration: Registration) -> Conversation:
    row = Conversation.unread(credential, registration.openai_id, origin=Origin.REGISTERED)
    row.set_created_at(registration.created_at)
    if registration.metadata is not None:
        row.set_metadata(registration.metadata)
    return row
