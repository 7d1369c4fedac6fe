"""Pictures and sound inside an item, read from OpenAI when somebody views them."""

from collections.abc import Sequence

from ..items import displayed
from ..models import Conversation
from .items import retrieve_item


def retrieve_data(*, conversation: Conversation, item_id: str, number: int, include: Sequence[str] = ()) -> str | None:
    """The base64 of the picture or sound with this number, as the item's page counts them; None if there is none.

    Raises OpenAIError or CredentialUnusable.
    """
    data = displayed(retrieve_item(conversation=conversation, item_id=item_id, include=include)).data
    return data[number] if number < len(data) else None
