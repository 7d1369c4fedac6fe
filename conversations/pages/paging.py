"""Keyset pagination: a page begins after a row, so rows that are added meanwhile don't shift it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True)
class KeysetPage:
    """Rows, newest first, and the cursors of the pages beside them ("" if there is none)."""

    rows: list[Any]
    newer: str
    older: str


def keyset_page(
    rows: QuerySet[Any], key: str, *, before: str = "", after: str = "", size: int, visible_to: Any = None
) -> KeysetPage:
    """The page of `rows` below the cursor `before`, or above `after`, by descending `key`; otherwise the first one.

    A cursor is the key of a row, as text; anything but a number counts as none. `visible_to`: for records, which find
    those that a user may see by themselves, only the ones that this user may see.
    """
    above, below = cursor(after), cursor(before)
    if above is not None:
        # One more than a page, to know whether there is another one.
        found = _nearest(rows, key, size + 1, visible_to, above=above)
        has_newer, has_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        found = _nearest(rows, key, size + 1, visible_to, below=below)
        has_newer, has_older = below is not None, len(found) > size
        found = found[:size]
    keys = [str(getattr(row, key)) for row in found]
    return KeysetPage(
        rows=found,
        newer=keys[0] if keys and has_newer else "",
        older=keys[-1] if keys and has_older else "",
    )


def _nearest(rows: Any, key: str, count: int, user: Any, **bound: int | None) -> list[Any]:
    """The nearest rows above or below a key, in order of distance."""
    if user is not None:
        found: list[Any] = rows.nearest_visible_to(user, count, **bound)
        return found
    above, below = bound.get("above"), bound.get("below")
    if above is not None:
        return list(rows.filter(**{f"{key}__gt": above}).order_by(key)[:count])
    lower = rows if below is None else rows.filter(**{f"{key}__lt": below})
    return list(lower.order_by(f"-{key}")[:count])


def cursor(text: str) -> int | None:
    """The key of a row from a URL; None if it isn't a number, at most the largest one of a database."""
    return min(int(text), 2**63 - 1) if text.isascii() and text.isdecimal() and len(text) < 20 else None
