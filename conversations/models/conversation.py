"""The index: every known conversation, as OpenAI's last response gave it."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, models, transaction
from django.db.models import Case, F, When
from django.db.models.functions import Length, Lower
from django.urls import reverse
from django.utils import timezone

from ..metadata import replace_unstorable
from .choices import Origin, State
from .credential import Credential
from .fields import CodePointCharField, OrderedJSONField
from .index import writing
from .index.terms import EPOCH, TIEBREAK_BITS, IndexTerm, index_terms, sort_key_at
from .index.writing import IndexChange

if TYPE_CHECKING:
    from .erasure import ErasureQuerySet
    from .event import EventQuerySet


MAX_SHORT_METADATA = 20_000  # characters of JSON; longer than anything OpenAI accepts


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Rows of the index."""

    def visible_to(self, user: User | AnonymousUser) -> "ConversationQuerySet":
        """Those of the credentials that the user may see: the only way to rows."""
        return self.filter(credential__in=Credential.objects.visible_to(user))

    def locked(self) -> "ConversationQuerySet":
        """Locked until the transaction ends, each with its credential."""
        return self.select_for_update(of=("self",)).select_related("credential")

    def with_short_metadata(self) -> "ConversationQuerySet":
        """For reading many: `short_metadata` replaces the metadata, and is None where that is large."""
        short = Case(When(metadata_length__lte=MAX_SHORT_METADATA, then=F("metadata")), output_field=OrderedJSONField())
        rows = self.alias(metadata_length=Length("metadata")).annotate(short_metadata=short)  # type: ignore[no-redef]
        return rows.defer("metadata", "our_metadata")

    def fields_of_each(self, *names: str) -> Iterator[list[Any]]:
        """These fields of each row; at most one large metadata is in memory at a time."""
        short = ["short_metadata" if name == "metadata" else name for name in names]
        position = names.index("metadata") if "metadata" in names else None
        for pk, *values in self.with_short_metadata().values_list("pk", *short):
            if position is not None and values[position] is None:
                values[position] = self.metadata_of(pk)
            yield values

    def metadata_of(self, pk: int) -> Mapping[str, Any]:
        """The metadata of one conversation, however large; {} where the row is gone."""
        return Conversation.objects.filter(pk=pk).values_list("metadata", flat=True).first() or {}

    def by_sort_keys(self, sort_keys: Iterable[int]) -> list["Conversation"]:
        """Those with these sort keys, in that order; rows that are gone are left out."""
        ordered = list(sort_keys)
        rows = {row.sort_key: row for row in self.filter(sort_key__in=ordered)}
        return [rows[sort_key] for sort_key in ordered if sort_key in rows]

    def known_as(self, openai_id: str) -> "Conversation | None":
        """One with this id, at whichever server."""
        return self.filter(openai_id=openai_id).first() if openai_id else None

    def with_remote_id(self, base_url: str, openai_id: str) -> "ConversationQuerySet":
        """The one that this server knows by this id."""
        return self.filter(base_url=base_url, openai_id=openai_id)

    def add(
        self,
        *,
        credential: Credential,
        openai_id: str,
        created_at: int | None,
        metadata: Mapping[str, Any] | None,
        added_by: User | None,
        origin: str,
    ) -> "Conversation":
        """Add a conversation to the index, from a response of its server. `created_at`: Unix seconds; `metadata`: None
        where the response held none."""
        conversation = Conversation(
            credential=credential,
            base_url=credential.base_url,
            openai_id=openai_id,
            added_by=added_by,
            origin=origin,
        )
        conversation.set_created_at(created_at)
        conversation.set_metadata(metadata or {})
        conversation.is_metadata_known = metadata is not None
        conversation.insert()
        writing.apply([IndexChange(credential.pk, conversation.sort_key, after=conversation.index_terms)])
        return conversation


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
    read_at = models.DateTimeField("last read", default=timezone.now)
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

    @contextmanager
    def _reindexed(self) -> Iterator[None]:
        """Update the index with what the block changes and saves, in the caller's transaction."""
        old_owner, old_key, before = self.credential_id, self.sort_key, self.index_terms
        yield
        owner, sort_key, after = self.credential_id, self.sort_key, self.index_terms
        if (owner, sort_key) == (old_owner, old_key):
            writing.apply([IndexChange(owner, sort_key, before, after)])
        else:
            writing.apply([IndexChange(old_owner, old_key, before=before), IndexChange(owner, sort_key, after=after)])

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
        ours = self.metadata if self.our_metadata is None else self.our_metadata
        is_first = not self.is_metadata_known  # nothing can differ from metadata that was never known
        with self._reindexed():
            self.is_metadata_known = True
            self._correct_created_at(created_at)
            self.set_metadata(metadata)
            self.our_metadata = None if is_own_change or is_first or ours == self.metadata else ours
            self.state = State.ACTIVE if self.our_metadata is None else State.DIFFERS
            self.read_at = timezone.now()
            self.save()

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
            self.save(update_fields=["state"])

    def store_removed(self) -> None:
        """OpenAI confirmed our removal."""
        with self._reindexed():
            self.state, self.our_metadata, self.read_at = State.REMOVED, None, timezone.now()
            self.save(update_fields=["state", "our_metadata", "read_at"])

    def store_erased(self) -> None:
        """Everything of it was just deleted at OpenAI: its values are forgotten here too."""
        with self._reindexed():
            self.forget()
            self.state, self.read_at = State.REMOVED, timezone.now()
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
