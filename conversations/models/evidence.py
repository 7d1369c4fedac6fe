"""What a server's response showed: an erasure keeps one for each step that its receipt has to prove."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils import timezone


def timestamp() -> str:
    """The current time, as the receipt gives it: ISO 8601, in UTC."""
    return timezone.now().isoformat(timespec="seconds")


@dataclass(frozen=True)
class Evidence:
    """One response.

    at: when, ISO 8601 in UTC; status: None while no response has come; outcome: of a deletion, an ItemOutcome, "" while
    it is unknown; credential_changed_at: of a deletion, when the credential that sent it was last changed.
    """

    at: str
    status: int | None = None
    request_id: str = ""
    outcome: str = ""
    credential_changed_at: str = ""

    @classmethod
    def of(cls, status: int, request_id: str) -> "Evidence":
        """A response that came just now."""
        return cls(timestamp(), status, request_id[:200])

    def as_map(self) -> dict[str, Any]:
        """What is known, for JSON."""
        response = {"status": self.status, "request_id": self.request_id} if self.status is not None else {}
        deletion = {"outcome": self.outcome, "credential_changed_at": self.credential_changed_at}
        return {"at": self.at, **response, **{name: value for name, value in deletion.items() if value}}


class EvidenceField(models.JSONField):
    """An Evidence or None, as a JSON object that is empty for None."""

    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **{"default": None, **options})

    def get_prep_value(self, value: Evidence | None) -> dict[str, Any]:
        """The JSON object of a value."""
        return {} if value is None else value.as_map()

    def get_db_prep_save(self, value: Evidence | None, connection: Any) -> Any:
        """The same as any other value of the database: None is an empty object, not NULL."""
        return self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Evidence | None:
        """The value of a JSON object."""
        known = super().from_db_value(value, expression, connection)
        return Evidence(**known) if known else None
