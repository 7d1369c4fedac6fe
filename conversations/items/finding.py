"""Finding a text in items, without regard to case. Pure; each text is read once, however it repeats itself."""

from collections.abc import Iterator
from functools import lru_cache

from .kinds import DisplayedItem

MAX_LENGTH = 200  # characters to look for


def places(text: str, wanted: str) -> Iterator[tuple[int, int]]:
    """Where a text contains another: the beginning and the end of each place, which don't overlap."""
    folded, looked_for = _folded(text), _looked_for(wanted)
    at = folded.find(looked_for) if looked_for else -1
    while at >= 0:
        yield at, at + len(looked_for)
        at = folded.find(looked_for, at + len(looked_for))


def matches(item: DisplayedItem, wanted: str) -> int:
    """How often an item contains a text: in its name, in the id of its call, and in all that its blocks show.

    Its own id, which is full of letters that mean nothing, has to be the whole text.
    """
    looked_for = _looked_for(wanted)
    texts = (item.name, item.call_id, *(block.text for block in item.blocks))
    return (item.id == wanted) + sum(_folded(text).count(looked_for) for text in texts) if looked_for else 0


def _folded(text: str) -> str:
    """In lower case, and as long as before: the few letters that would become several stay as they are."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in text)


@lru_cache(maxsize=16)
def _looked_for(wanted: str) -> str:
    return _folded(wanted)  # once, not for each piece of a rendered text
