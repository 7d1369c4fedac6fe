"""Which texts can be ids of conversations and items. Pure."""

import unicodedata

MAX_ID_LENGTH = 255


def is_legal_id(text: str) -> bool:
    """Whether `text` can be the id of a conversation. Ids may change form, so only what could do harm is refused."""
    return is_legal_item_id(text) and "/" not in text


def is_legal_item_id(text: str) -> bool:
    """Whether `text` can be the id of an item, which may hold a "/" on other servers."""
    return (
        0 < len(text) <= MAX_ID_LENGTH
        and text not in {".", ".."}
        and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
    )
