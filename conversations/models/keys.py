"""Primary keys as they come in requests: text that may be anything."""

from collections.abc import Iterable

MAX_DIGITS = 18  # larger numbers don't fit into a database's integer


def as_key(text: str) -> int | None:
    """The key that the text writes; None if it can't be one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None


def as_keys(texts: Iterable[str]) -> list[int]:
    """The keys that the texts write, without those that can't be one."""
    return [key for text in texts if (key := as_key(text)) is not None]
