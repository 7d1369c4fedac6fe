"""The results of a job as CSV, a row for each item, written while they're read."""

from collections.abc import Iterator
from datetime import UTC
from itertools import islice

from ..models import JobItem
from ..models.job_item import JobItemQuerySet
from .csv import BYTE_ORDER_MARK, lines

BATCH = 1_000
COLUMNS = ("id", "credential", "outcome", "message", "HTTP status", "request id", "attempts", "line", "finished")


def chunks(items: JobItemQuerySet) -> Iterator[str]:
    """The text of the file, one batch at a time; no statement stays open in between."""
    yield BYTE_ORDER_MARK + lines([COLUMNS])
    last = 0
    while batch := list(islice(items.filter(pk__gt=last).select_related("credential").order_by("pk"), BATCH)):
        yield lines(map(_row, batch))
        last = batch[-1].pk


def _row(item: JobItem) -> list[str]:
    return [
        item.openai_id,
        item.credential.name if item.credential else "",
        item.get_outcome_display() if item.outcome else "Waiting",
        item.message,
        str(item.status or ""),
        item.request_id,
        str(item.attempts),
        str(item.line or ""),
        f"{item.finished_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if item.finished_at else "",
    ]
