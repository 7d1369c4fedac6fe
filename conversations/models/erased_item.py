"""The items of an erasure: the attempts to delete each, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from .choices import ItemOutcome

DONE = (ItemOutcome.DELETED, ItemOutcome.UNCONFIRMED, ItemOutcome.GONE)


class ListedItem(NamedTuple):
    """What the receipt says of an item that was listed."""

    item_id: str
    type: str


class Numbers:
    """How many items had which outcome."""

    def __init__(self, by_outcome: Mapping[str, int]) -> None:
        self._by_outcome = by_outcome

    @property
    def found(self) -> int:
        """Items that were ever listed."""
        return sum(self._by_outcome.values())

    @property
    def done(self) -> int:
        """Items that are no longer at OpenAI, whoever deleted them."""
        return sum(self._by_outcome.get(outcome, 0) for outcome in DONE)

    @property
    def deleted(self) -> int:
        """Items whose deletion OpenAI confirmed."""
        return self._by_outcome.get(ItemOutcome.DELETED, 0)

    @property
    def unconfirmed(self) -> int:
        return self._by_outcome.get(ItemOutcome.UNCONFIRMED, 0)

    @property
    def gone(self) -> int:
        return self._by_outcome.get(ItemOutcome.GONE, 0)

    @property
    def refused(self) -> int:
        return self._by_outcome.get(ItemOutcome.REFUSED, 0)

    @property
    def unresolved(self) -> int:
        return self._by_outcome.get(ItemOutcome.SENT, 0)

    @property
    def left(self) -> int:
        """Items that were listed and aren't known to be gone, refused ones included."""
        return self.found - self.done


class ErasedItemQuerySet(models.QuerySet["ErasedItem"]):
    """Items of erasures, by what became of them."""

    def refused(self) -> "ErasedItemQuerySet":
        """Those that OpenAI refused to delete."""
        return self.filter(outcome=ItemOutcome.REFUSED)

    def forget_messages(self) -> None:
        """Delete OpenAI's messages about them."""
        self.exclude(message="").update(message="")

    def done_since(self, time: datetime) -> int:
        """How many were sent since then and are done."""
        return self.filter(sent_at__gte=time, outcome__in=DONE).count()

    def number_done(self, erasure: models.OuterRef) -> Coalesce:
        """How many of an erasure are done, for a query of erasures."""
        done = self.filter(erasure=erasure, outcome__in=DONE).order_by().values("erasure")
        return Coalesce(models.Subquery(done.annotate(number=models.Count("pk")).values("number")), 0)

    def retry_refused(self) -> None:
        """Try the refused ones again."""
        self.refused().update(outcome=ItemOutcome.FOUND, message="")

    def resolve_as_gone(self) -> None:
        """OpenAI no longer lists any of them: record what that says of each, and delete the messages of failures."""
        self.filter(is_confirmed=True).update(outcome=ItemOutcome.DELETED)
        self.exclude(outcome__in=DONE).filter(may_be_done=True).update(outcome=ItemOutcome.UNCONFIRMED)
        self.exclude(outcome__in=DONE).update(outcome=ItemOutcome.GONE)
        self.forget_messages()


class ErasedItem(models.Model):
    """One item, the attempts to delete it, and what became of it."""

    erasure = models.ForeignKey("conversations.Erasure", on_delete=models.CASCADE, related_name="items", db_index=False)
    item_id = models.CharField("id at OpenAI", max_length=255)
    type = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=ItemOutcome, default=ItemOutcome.FOUND)
    tries = models.PositiveIntegerField(default=0)
    is_confirmed = models.BooleanField(default=False, help_text="OpenAI confirmed once that it was deleted.")
    may_be_done = models.BooleanField(default=False, help_text="One of the tries may have deleted it.")
    sent_at = models.DateTimeField("last sent", null=True)
    client_request_id = models.CharField("X-Client-Request-Id", max_length=80, blank=True)
    request_id = models.CharField("request id", max_length=200, blank=True)
    status = models.PositiveSmallIntegerField("HTTP status", null=True)
    code = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)

    objects = ErasedItemQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["erasure", "item_id"], name="erased_item_once")]
        indexes = [models.Index(fields=["erasure", "outcome"], name="erased_item_by_outcome")]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.get_outcome_display()}"

    @property
    def is_refused(self) -> bool:
        return self.outcome == ItemOutcome.REFUSED

    @property
    def is_done(self) -> bool:
        return self.outcome in DONE

    @property
    def is_reported_gone(self) -> bool:
        """Whether OpenAI has said that it is gone."""
        says_so = self.status is not None and (self.status < 300 or self.status == 404)
        return says_so and self.outcome in (ItemOutcome.SENT, ItemOutcome.DELETED)

    def record_sending(self, client_request_id: str) -> None:
        """Its deletion is about to be sent with this id."""
        self.tries, self.may_be_done, self.outcome = self.tries + 1, True, ItemOutcome.SENT
        self.client_request_id, self.sent_at = client_request_id, timezone.now()
        self.status, self.request_id = None, ""
        self.save()

    def record_response(self, status: int | None, request_id: str) -> None:
        """Set the response to the attempt; it is saved with the outcome, or with the next attempt."""
        self.status, self.request_id = status, request_id[:200]

    def record_outcome(self, outcome: ItemOutcome, *, code: str = "", message: str = "") -> None:
        """What became of it, by OpenAI's response."""
        self.outcome, self.code, self.message = outcome, code[:200], message
        self.is_confirmed = self.is_confirmed or outcome == ItemOutcome.DELETED
        self.save()
