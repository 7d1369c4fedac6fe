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
    above, below = _number(after), _number(before)
    if above is not None:
        found = list(rows.filter(**{f"{key}__gt": above}).order_by(key)[: size + 1])
        has_newer, has_older = len(found) > size, True
        found = found[:size][::-1]
    else:
        lower = rows if below is None else rows.filter(**{f"{key}__lt": below})
        found = list(lower.order_by(f"-{key}")[: size + 1])
        has_newer, has_older = below is not None, len(found) > size
        found = found[:size]
    cursors = [str(getattr(row, key)) for row in found]
    return Page(
        rows=found,
        newer=cursors[0] if cursors and has_newer else "",
        older=cursors[-1] if cursors and has_older else "",
    )


def _number(cursor: str) -> int | None:
    return int(cursor) if cursor.isdecimal() and len(cursor) < 20 else None
