"""Reading what is inside a conversation. Nothing of it is stored."""

from dataclasses import replace

from ..metadata import storable
from ..models import Conversation
from ..openai_client import ItemPage
from .credentials import calls_for

ITEMS_A_PAGE = 20


def list_items(*, conversation: Conversation, after: str = "") -> ItemPage:
    """Up to 20 items, oldest first, after the item `after`. Raises OpenAIError or CredentialUnusable."""
    calls = calls_for(conversation.credential)
    page = calls.list_items(conversation.openai_id, limit=ITEMS_A_PAGE, order="asc", after=after)
    return replace(page, items=storable(page.items))  # a lone surrogate cannot stand in a page either
