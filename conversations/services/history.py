"""The history of people, teams and credentials: the same entries that Django's admin writes, whichever page made the
change."""

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

__all__ = ["ADDITION", "CHANGE", "DELETION", "history_of", "record_change"]


def record_change(actor: User, subject: Model, message: str, *, flag: int = CHANGE) -> None:
    """Write to the admin's log what somebody did. `flag`: ADDITION, CHANGE or DELETION."""
    LogEntry.objects.create(
        user=actor,
        content_type=ContentType.objects.get_for_model(subject),
        object_id=str(subject.pk),
        object_repr=str(subject)[:200],
        action_flag=flag,
        change_message=message,
    )


def history_of(subject: Model) -> QuerySet[LogEntry]:
    """What was done to a person, team or credential, the last first."""
    kind = ContentType.objects.get_for_model(subject)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(subject.pk))
    return entries.select_related("user").order_by("-action_time", "-pk")
