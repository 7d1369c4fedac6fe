"""The history of credentials: the same entries that Django's admin writes, whichever page made the change."""

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

__all__ = ["ADDITION", "CHANGE", "DELETION", "history_of", "note_change"]


def note_change(*, actor: User, row: Model, flag: int, message: str = "") -> None:
    """Add an entry to the history of a row. `flag`: ADDITION, CHANGE or DELETION."""
    LogEntry.objects.create(
        user_id=actor.pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=flag,
        change_message=message,
    )


def history_of(row: Model) -> QuerySet[LogEntry]:
    """Its entries, the newest first."""
    kind = ContentType.objects.get_for_model(row)
    return LogEntry.objects.filter(content_type=kind, object_id=str(row.pk)).select_related("user")
