"""The index: every known conversation, as OpenAI's last response gave it."""

import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from ..metadata import replace_unstorable
from .choices import Origin, State
from .conversation_queryset import ConversationQuerySet, reindexed
from .credential import Credential
from .fields import CodePointCharField, OrderedJSONField
from .index import writing
from .index.terms import EPOCH, TIEBREAK_BITS, IndexTerm, index_terms, sort_key_at
from .index.writing import IndexChange

if TYPE_CHECKING:
    from .erasure import ErasureQuerySet
    from .event import EventQuerySet


class Conversation(models.Model):
    """A conversation, unique by server and id, and the credential that it belongs to."""

    sort_key = models.BigIntegerField(unique=True, editable=False)
    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, related_name="conversations", db_index=False
    )  # the first of two indexes' columns
    base_url = models.CharField("base URL", max_length=300, editable=False)
    openai_id = CodePointCharField("id at OpenAI", max_length=255)
    created_at = models.DateTimeField(
        "created", help_text="At OpenAI or, if OpenAI didn’t say, when it was first seen here."
    )
    is_created_known = models.BooleanField(
        "time of creation known", default=True, help_text="OpenAI said when it was created."
    )
    metadata = OrderedJSONField(default=dict, help_text="From OpenAI’s last response.")
    is_metadata_known = models.BooleanField(default=True, help_text="A response contained it.")
    is_altered = models.BooleanField(
        default=False, help_text="The response contained characters that can’t be stored. Each is replaced by U+FFFD."
    )
    our_metadata = OrderedJSONField(
        null=True, blank=True, help_text="Our version, while the metadata at OpenAI differs."
    )
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    read_at = models.DateTimeField(
        "last read",
        null=True,
        blank=True,
        default=timezone.now,
    )
    checked_at = models.DateTimeField(
        "last checked",
        null=True,
        blank=True,
        default=timezone.now,
        help_text="When the server last responded to a read, with the conversation or with 404.",
    )
    added_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-sort_key"]
        permissions = [("purge_conversation", "Can purge conversation from the index")]
        constraints = [models.UniqueConstraint(fields=["base_url", "openai_id"], name="conversation_once")]
        indexes = [
            models.Index(fields=["credential", "-sort_key"], name="conversation_by_credential"),
            models.Index("credential", Lower("openai_id"), name="conversation_by_id"),
            models.Index(
                fields=["credential", "checked_at"], condition=~models.Q(state="removed"), name="conversation_by_check"
            ),
            models.Index(
                fields=["credential", "id"],
                condition=models.Q(state="unread", origin="registered"),
                name="conversation_to_read",
            ),
        ]

    def __str__(self) -> str:
        return self.openai_id

    def get_absolute_url(self) -> str:
        """Its page in the dashboard."""
        return reverse("conversation_detail", args=[self.pk])

    def is_visible_to(self, user: User | AnonymousUser) -> bool:
        """Whether the user may see this row."""
        return Conversation.objects.visible_to(user).filter(pk=self.pk).exists()

    @property
    def is_removed(self) -> bool:
        return self.state == State.REMOVED

    @property
    def whole_metadata(self) -> Mapping[str, Any]:
        """The metadata of a row that was read with short metadata: a large one is read now, and not kept."""
        if self.short_metadata is not None:
            return self.short_metadata
        return Conversation.objects.metadata_of(self.pk)

    @property
    def index_terms(self) -> frozenset[IndexTerm]:
        """The terms that the search finds it by."""
        return index_terms(self.metadata, self.state)

    def _reindexed(self) -> AbstractContextManager[None]:
        """Update the index with what the block changes and saves, in the caller's transaction."""
        return reindexed([self])

    def insert(self) -> None:
        """Save a new row; draws another sort key where a conversation of the same second has it."""
        for _ in range(20):
            self.draw_sort_key()
            try:
                with transaction.atomic():
                    self.save(force_insert=True)
            except IntegrityError:
                if Conversation.objects.with_remote_id(self.base_url, self.openai_id).exists():
                    raise
            else:
                return
        raise IntegrityError("No free sort key was found in 20 draws.")

    @classmethod
    def unread(
        cls, credential: Credential, openai_id: str, *, origin: str, added_by: User | None = None
    ) -> "Conversation":
        """A conversation that nobody has read yet; not saved. Until then it counts as created now."""
        row = cls(
            credential=credential,
            base_url=credential.base_url,
            openai_id=openai_id,
            added_by=added_by,
            origin=origin,
            state=State.UNREAD,
            read_at=None,
            checked_at=None,
            is_metadata_known=False,
        )
        row.set_created_at(None)
        return row

    def draw_sort_key(self) -> None:
        """Choose a free sort key for the time of creation; does not save."""
        # Random tiebreakers rarely collide: a second has 131,072 of them.
        first = sort_key_at(self.created_at)
        for _ in range(20):
            self.sort_key = first | secrets.randbits(TIEBREAK_BITS)
            if not Conversation.objects.filter(sort_key=self.sort_key).exists():
                return
        raise IntegrityError("No free sort key was found in 20 draws.")

    def set_created_at(self, created_at: int | None) -> None:
        """Set the time of creation from a response, in Unix seconds; where that is unusable and none was known, the
        conversation counts as created now. Does not save."""
        time = _usable_time(created_at)
        if time is not None:
            self.created_at, self.is_created_known = time, True
        elif self.created_at is None:
            self.created_at, self.is_created_known = timezone.now().replace(microsecond=0), False

    def set_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Set the metadata of a response, with U+FFFD for what can't be stored; does not save."""
        self.metadata = replace_unstorable(metadata)
        self.is_altered = self.metadata != metadata

    def store_response(
        self, metadata: Mapping[str, Any], *, is_own_change: bool, created_at: int | None = None
    ) -> None:
        """Store the response that OpenAI just gave; `created_at` in Unix seconds, None where it is unusable.

        `is_own_change`: it is the response to our own change, which ends any difference. Metadata that changed
        elsewhere makes the conversation differ, until someone chooses a version or OpenAI returns to ours.
        """
        with self._reindexed():
            self.set_response(metadata, is_own_change=is_own_change, created_at=created_at)
            self.save()

    def set_response(self, metadata: Mapping[str, Any], *, is_own_change: bool, created_at: int | None) -> None:
        """The same without saving."""
        ours = self.metadata if self.our_metadata is None else self.our_metadata
        # Nothing can differ from metadata that was never read.
        is_first = not self.is_metadata_known or self.state == State.UNREAD
        self.is_metadata_known = True
        self._correct_created_at(created_at)
        self.set_metadata(metadata)
        self.our_metadata = None if is_own_change or is_first or ours == self.metadata else ours
        self.state = State.ACTIVE if self.our_metadata is None else State.DIFFERS
        self.read_at = self.checked_at = timezone.now()

    def set_new_response(self, metadata: Mapping[str, Any], *, created_at: int | None) -> None:
        """Set the response about a conversation that is not saved yet."""
        self.state, self.is_metadata_known = State.ACTIVE, True
        self.read_at = self.checked_at = timezone.now()
        self.set_created_at(created_at)
        self.set_metadata(metadata)

    def is_as_read(self, metadata: Mapping[str, Any], created_at: int | None) -> bool:
        """Whether a response says of it exactly what the row holds."""
        return (
            self.state in (State.ACTIVE, State.DIFFERS)
            and self.is_metadata_known
            and replace_unstorable(metadata) == self.metadata
            and _usable_time(created_at) in (None, self.created_at)
        )

    def _correct_created_at(self, created_at: int | None) -> None:
        """Accept a changed time of creation, and the sort key that goes with it."""
        previous = self.created_at
        self.set_created_at(created_at)
        if self.created_at != previous:
            self.draw_sort_key()

    def store_not_found(self) -> None:
        """A read got a 404: it is missing, which proves nothing more; a removed one stays removed."""
        with self._reindexed():
            self.state = State.REMOVED if self.is_removed else State.MISSING
            self.checked_at = timezone.now()
            self.save(update_fields=["state", "checked_at"])

    def store_removed(self) -> None:
        """OpenAI confirmed our removal."""
        with self._reindexed():
            self.state, self.our_metadata = State.REMOVED, None
            self.read_at = self.checked_at = timezone.now()
            self.save(update_fields=["state", "our_metadata", "read_at", "checked_at"])

    def store_erased(self) -> None:
        """Everything of it was just deleted at OpenAI: its values are forgotten here too."""
        with self._reindexed():
            self.forget()
            self.state = State.REMOVED
            self.read_at = self.checked_at = timezone.now()
            self.save()

    def forget_values(self) -> None:
        """Forget its values, whatever OpenAI still holds."""
        with self._reindexed():
            self.forget()
            self.save()

    def forget(self) -> None:
        """Drop all its values (R28); does not save."""
        self.metadata, self.our_metadata, self.is_altered = {}, None, False
        self.state = State.ACTIVE if self.state == State.DIFFERS else self.state

    def accept_remote(self) -> None:
        """Accept OpenAI's version where the metadata differs."""
        if self.state != State.DIFFERS:
            return
        with self._reindexed():
            self.state, self.our_metadata = State.ACTIVE, None
            self.save(update_fields=["state", "our_metadata"])

    def transfer(self, credential: Credential) -> None:
        """Give it, and its terms, to another credential of the same server."""
        with self._reindexed():
            self.credential = credential
            self.save(update_fields=["credential"])

    def purge(self) -> None:
        """Delete it from the index, with its terms and the details of its events."""
        with transaction.atomic():
            self.refresh_from_db(from_queryset=Conversation.objects.select_for_update())
            self.events.forget_details()
            self.erasures.close("The conversation was purged from the index.")
            # Before the row is deleted: the index must never point to a row that isn't there.
            writing.apply([IndexChange(self.credential_id, self.sort_key, before=self.index_terms)])
            self.delete()

    if TYPE_CHECKING:
        events: EventQuerySet
        erasures: ErasureQuerySet
        short_metadata: dict[str, Any] | None


def _usable_time(seconds: int | None) -> datetime | None:
    """OpenAI's `created_at` as a time; None where it is missing or absurd."""
    latest = timezone.now() + timedelta(days=1)
    if seconds is None or not EPOCH.timestamp() <= seconds <= latest.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)
