"""Failed sign-ins in the admin. Superusers see them, and unlock a user or an address by deleting attempts."""

from axes.models import AccessAttempt, AccessFailureLog
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from .base import SuperusersOnly


class FailedSignIns(SuperusersOnly):
    """A page of records that django-axes writes."""

    list_display = ["attempt_time", "username", "ip_address", "user_agent"]
    search_fields = ["username", "ip_address"]
    ordering = ["-pk"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AccessAttempt)
class AttemptAdmin(FailedSignIns):
    """Failures that count now. Deleting those of a user, or of an address, ends a lock at once."""

    list_display = [*FailedSignIns.list_display, "failures_since_start"]
    fields = ["attempt_time", "username", "ip_address", "user_agent", "failures_since_start"]


@admin.register(AccessFailureLog)
class FailureAdmin(FailedSignIns):
    """All failures. Those that led to a lock are marked."""

    list_display = [*FailedSignIns.list_display, "locked_out"]
    list_filter = ["locked_out"]
