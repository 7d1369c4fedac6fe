"""Legal holds: nothing that is held is removed, erased, edited or purged until the hold is lifted.

A hold is on certain conversations, or on whatever a search finds, now and later. What a search has found once stays
held, even if it no longer matches: each such conversation has a HeldConversation, which also keeps the row from being
deleted. `services.holds` says whether a conversation is held.
"""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from .conversation import Conversation
from .credential import Credential


class HoldQuerySet(models.QuerySet["Hold"]):
    """Holds, by who may see them and what they hold."""

    def visible_to(self, user: User | AnonymousUser) -> "HoldQuerySet":
        """Those with a credential that the user may use; all for an active superuser."""
        if user.is_superuser and user.is_active:
            return self
        return self.filter(credentials__in=Credential.objects.visible_to(user)).distinct()

    def active(self) -> "HoldQuerySet":
        """Those that were not lifted."""
        return self.filter(lifted_at=None)

    def searches(self) -> "HoldQuerySet":
        """Those on whatever a search finds."""
        return self.filter(is_search=True)

    def on(self, credential_ids: Iterable[int]) -> "HoldQuerySet":
        """Those that look through the conversations of one of these credentials."""
        return self.filter(credentials__in=list(credential_ids)).distinct()

    def with_token(self, token: str) -> "Hold | None":
        """The hold that a form with this token made."""
        return self.filter(token=token).first() if token else None


class Hold(models.Model):
    """A legal hold: on certain conversations, or on what a search finds."""

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150)
    reason = models.TextField()
    is_search = models.BooleanField(default=False)
    query = models.TextField(blank=True, help_text="The search, as text, whose result it holds.")
    credentials = models.ManyToManyField(
        Credential, related_name="holds", help_text="Those whose conversations it looks through."
    )
    created_at = models.DateTimeField(default=timezone.now)
    swept_at = models.DateTimeField(null=True, help_text="When its search was last carried out as a whole.")
    lifted_at = models.DateTimeField(null=True)
    lifted_by_name = models.CharField(max_length=150, blank=True)
    lift_reason = models.TextField(blank=True)
    token = models.CharField(max_length=64, default=uuid.uuid4, unique=True, editable=False)

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["id"], condition=models.Q(lifted_at=None), name="hold_active")]

    def __str__(self) -> str:
        return f"Hold {self.pk}"

    def get_absolute_url(self) -> str:
        """Its page in the dashboard."""
        return reverse("hold_detail", args=[self.pk])

    @property
    def is_active(self) -> bool:
        return self.lifted_at is None

    @property
    def subject(self) -> str:
        """What it holds, in a few words."""
        if self.is_search:
            return self.query or "all conversations"
        held = list(self.held.values_list("conversation__openai_id", flat=True)[:2])
        return held[0] if len(held) == 1 else "chosen conversations"

    if TYPE_CHECKING:
        held: "HeldConversationQuerySet"


class HeldConversationQuerySet(models.QuerySet["HeldConversation"]):
    """What holds are known to hold."""

    def keep(self, hold: Hold, conversation_ids: list[int]) -> bool:
        """Note that the hold applies to these conversations; False, and nothing is noted, where it was lifted."""
        with transaction.atomic():
            if not Hold.objects.active().select_for_update().filter(pk=hold.pk):
                return False
            rows = [self.model(hold=hold, conversation_id=pk) for pk in conversation_ids]
            self.bulk_create(rows, ignore_conflicts=True, batch_size=1_000)
        return True


class HeldConversation(models.Model):
    """A conversation that an active hold is known to apply to. While there is one, its row can't be deleted."""

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="held", db_index=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.PROTECT, related_name="holds")

    objects = HeldConversationQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hold", "conversation"], name="held_once")]

    def __str__(self) -> str:
        return f"{self.hold_id} holds {self.conversation_id}"
