"""How many conversations of each credential were created in each hour: a chart of all of them reads hours, of which
there are never many, instead of conversations.

`writing` keeps them, from the postings of states: each conversation has one state.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.db import models

from ..credential import Credential
from . import sql_helpers
from .terms import TIEBREAK_BITS

SECONDS = int(timedelta(hours=1).total_seconds())


class HourCount(models.Model):
    """The conversations of a credential that were created in one hour; there is no row where there are none."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.PositiveIntegerField(help_text="Since the epoch of the sort keys.")
    count = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["credential", "hour"], name="hour_once")]
        indexes = [models.Index(fields=["credential", "hour", "count"], name="hour_with_count")]

    def __str__(self) -> str:
        return f"{self.count} in hour {self.hour}"


def hour_of(sort_key: int) -> int:
    """The hour in which the conversation with this sort key was created."""
    return (sort_key >> TIEBREAK_BITS) // SECONDS


def beginning_of(hour: int) -> int:
    """The smallest sort key of an hour."""
    return hour * SECONDS << TIEBREAK_BITS


def add(steps: Mapping[tuple[int, int], int]) -> None:
    """Add to the counts of credentials and hours, and delete those that fall to 0."""
    table = HourCount._meta.db_table
    rows = [(*owner_and_hour, step) for owner_and_hour, step in sorted(steps.items()) if step]
    for batch in sql_helpers.batches(rows):
        values = ", ".join(["(%s, %s, %s)"] * len(batch))
        sql_helpers.execute(
            f"""INSERT INTO {table} (credential_id, hour, count) VALUES {values}
            ON CONFLICT (credential_id, hour) DO UPDATE SET count = {table}.count + excluded.count""",
            [value for row in batch for value in row],
        )
    emptied = sorted({owner for owner, _, step in rows if step < 0})
    if emptied:
        sql_helpers.execute(
            f"DELETE FROM {table} WHERE credential_id IN {sql_helpers.placeholders(emptied)} AND count <= 0", emptied
        )
