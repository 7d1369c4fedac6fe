"""What tests of odd servers share: a list as a server returns it, and an erasure from start to end."""

import json
from typing import Any

from django.contrib.auth.models import User

from conversations.models import Conversation, Erasure
from conversations.services.erasures import erase, start_erasure


def listing(*ids: str, **fields: Any) -> str:
    """The JSON of a list of messages."""
    data = [{"id": item_id, "type": "message", "role": "user", "content": "x"} for item_id in ids]
    return json.dumps({"object": "list", "data": data, **fields})


def erased(actor: User, conversation: Conversation, seconds: float = 8) -> Erasure:
    """The erasure of a conversation, as far as it comes in this time."""
    erasure = start_erasure(actor=actor, conversation=conversation, reason="Ticket 7")
    return erase(actor=actor, erasure=erasure, seconds=seconds)
