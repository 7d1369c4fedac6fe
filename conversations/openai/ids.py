"""What can be the id of a conversation or an item. Pure."""

import unicodedata

MAX_ID_LENGTH = 255


def is_legal_id(text: str) -> bool:
    """Whether `text` can be the id of a conversation. The format of ids may change: only harmful text is refused."""
    return is_legal_item_id(text) and "/" not in text


def is_legal_item_id(text: str) -> bool:
    """Whether `text` can be the id of an item. On some servers, these contain a "/"."""
    return (
        0 < len(text) <= MAX_ID_LENGTH
        and text not in {".", ".."}  # path segments that `requests` would resolve
        and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
    )
