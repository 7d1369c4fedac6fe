"""The items of an erasure: the attempts to delete each, and what became of it."""

from collections.abc import Mapping
from datetime import datetime

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone


class Fate(models.TextChoices):
    """What became of an item.

    `sent`: its deletion was sent, and OpenAI's answer did not settle it. Once OpenAI lists it no more it is
    `unanswered` where a deletion of ours may have done it, and else `gone`: by no deletion that is known here.
    """

    FOUND = "found", "Found"
    SENT = "sent", "Sent, not settled yet"
    DELETED = "deleted", "Deleted"
    UNANSWERED = "unanswered", "Deleted, no answer confirmed it"
    GONE = "gone", "Gone without us"
    REFUSED = "refused", "Not deleted"


DONE = (Fate.DELETED, Fate.UNANSWERED, Fate.GONE)


class Numbers:
    """How many items met which fate."""

    def __init__(self, by_fate: Mapping[str, int]) -> None:
        self._by_fate = by_fate

    @property
    def found(self) -> int:
        """All that were ever listed."""
        return sum(self._by_fate.values())

    @property
    def done(self) -> int:
        """Those that are no longer at OpenAI, whoever deleted them."""
        return sum(self._by_fate.get(fate, 0) for fate in DONE)

    @property
    def deleted(self) -> int:
        """Those whose deletion OpenAI confirmed."""
        return self._by_fate.get(Fate.DELETED, 0)

    @property
    def unanswered(self) -> int:
        return self._by_fate.get(Fate.UNANSWERED, 0)

    @property
    def gone(self) -> int:
        return self._by_fate.get(Fate.GONE, 0)

    @property
    def refused(self) -> int:
        return self._by_fate.get(Fate.REFUSED, 0)

    @property
    def unsettled(self) -> int:
        return self._by_fate.get(Fate.SENT, 0)

    @property
    def left(self) -> int:
        """Those that were listed and are not known to be gone, refused ones included."""
        return self.found - self.done


class ErasedItemQuerySet(models.QuerySet["ErasedItem"]):
    """Items of erasures."""

    def refused(self) -> "ErasedItemQuerySet":
        """Those that OpenAI refused to delete."""
        return self.filter(fate=Fate.REFUSED)

    def forget_messages(self) -> None:
        """Forget OpenAI's words about them."""
        self.exclude(message="").update(message="")

    def done_since(self, moment: datetime) -> int:
        """How many were sent since then, and are done."""
        return self.filter(sent_at__gte=moment, fate__in=DONE).count()

    def number_done(self, erasure: models.OuterRef) -> Coalesce:
        """How many of an erasure are done, as a part of a query for erasures."""
        done = self.filter(erasure=erasure, fate__in=DONE).order_by().values("erasure")
        return Coalesce(models.Subquery(done.annotate(number=models.Count("pk")).values("number")), 0)

    def offer_again(self) -> None:
        """Forget that they were refused: they are tried again."""
        self.refused().update(fate=Fate.FOUND, message="")

    def settle_as_gone(self) -> None:
        """OpenAI lists none of them any more: what is known of each is final, and the words of failures go."""
        self.filter(is_confirmed=True).update(fate=Fate.DELETED)
        self.exclude(fate__in=DONE).filter(may_be_done=True).update(fate=Fate.UNANSWERED)
        self.exclude(fate__in=DONE).update(fate=Fate.GONE)
        self.forget_messages()


class ErasedItem(models.Model):
    """One item, the attempts to delete it, and what became of it."""

    erasure = models.ForeignKey("conversations.Erasure", on_delete=models.CASCADE, related_name="items", db_index=False)
    item_id = models.CharField("id at OpenAI", max_length=255)
    type = models.CharField(max_length=60)
    fate = models.CharField(max_length=10, choices=Fate, default=Fate.FOUND)
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
        indexes = [models.Index(fields=["erasure", "fate"], name="erased_item_by_fate")]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.get_fate_display()}"

    @property
    def is_refused(self) -> bool:
        return self.fate == Fate.REFUSED

    @property
    def is_done(self) -> bool:
        return self.fate in DONE

    @property
    def is_answered(self) -> bool:
        """Whether OpenAI said of it that it is gone."""
        has_answer = self.status is not None and (self.status < 300 or self.status == 404)
        return has_answer and self.fate in (Fate.SENT, Fate.DELETED)

    def note_sending(self, client_request_id: str) -> None:
        """Its deletion is about to be sent, as the attempt with this id: committed before it is."""
        self.tries, self.may_be_done, self.fate = self.tries + 1, True, Fate.SENT
        self.client_request_id, self.sent_at = client_request_id, timezone.now()
        self.status, self.request_id = None, ""
        self.save()

    def note_answer(self, status: int | None, request_id: str) -> None:
        """What was answered to the attempt; saved with its fate, or with the next attempt."""
        self.status, self.request_id = status, request_id[:200]

    def note_fate(self, fate: str, *, code: str = "", message: str = "") -> None:
        """What became of it, by OpenAI's answer."""
        self.fate, self.code, self.message = fate, code[:200], message
        self.is_confirmed = self.is_confirmed or fate == Fate.DELETED
        self.save()
