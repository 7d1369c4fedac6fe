"""The pictures and sound that stand in an item, read from OpenAI when they are looked at."""

from collections.abc import Sequence

from ..items import displayed
from ..models import Conversation
from .items import retrieve_item


def retrieve_data(*, conversation: Conversation, item_id: str, number: int, include: Sequence[str] = ()) -> str | None:
    """The base64 of the picture or sound of this number, as the item's page counts them; None where there is none.

    Raises OpenAIError or CredentialUnusable.
    """
    data = displayed(retrieve_item(conversation=conversation, item_id=item_id, include=include)).data
    return data[number] if number < len(data) else None
