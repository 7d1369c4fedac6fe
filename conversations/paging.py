"""Pages by keyset: a page begins after a row, so that rows added meanwhile move nothing."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True)
class Page:
    """Rows, newest first, and the cursors of the pages beside them ("" where there is none)."""

    rows: list[Any]
    newer: str
    older: str


def keyset_page(rows: QuerySet[Any], key: str, *, before: str = "", after: str = "", size: int) -> Page:
    """The page of `rows` below the cursor `before`, or above `after`, by descending `key`; the first otherwise.

    A cursor is the key of a row, as text; one that is no number counts as none.
    """
    above, below = cursor(after), cursor(before)
    if above is not None:
        found = list(rows.filter(**{f"{key}__gt": above}).order_by(key)[: size + 1])
        has_newer, has_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        lower = rows if below is None else rows.filter(**{f"{key}__lt": below})
        found = list(lower.order_by(f"-{key}")[: size + 1])
        has_newer, has_older = below is not None, len(found) > size
        found = found[:size]
    keys = [str(getattr(row, key)) for row in found]
    return Page(
        rows=found,
        newer=keys[0] if keys and has_newer else "",
        older=keys[-1] if keys and has_older else "",
    )


def cursor(text: str) -> int | None:
    """The key of a row, as an address holds it; None where it is no number that a database could hold."""
    return min(int(text), 2**63 - 1) if text.isascii() and text.isdecimal() and len(text) < 20 else None
