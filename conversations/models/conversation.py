"""The index: every conversation known here, as OpenAI last answered about it."""

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

from ..metadata import storable
from .credential import Credential
from .fields import CodePointCharField, OrderedJSONField
from .index import terms as index
from .index.terms import EPOCH, TIEBREAK_BITS, Bearing, IndexChange, bearings, ord_at

if TYPE_CHECKING:
    from .erasure import ErasureQuerySet
    from .event import EventQuerySet


SHORT_METADATA = 20_000  # characters of JSON; longer than all that OpenAI takes


class State(models.TextChoices):
    """What the last answer said of a conversation."""

    ACTIVE = "active", "Active"
    DIFFERS = "differs", "Metadata differs"
    MISSING = "missing", "Missing at OpenAI"
    REMOVED = "removed", "Removed"


class Origin(models.TextChoices):
    """How a conversation came into the index."""

    CREATED = "created", "created here"
    FETCHED = "fetched", "got by its id"
    IMPORTED = "imported", "imported"


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Rows of the index."""

    def visible_to(self, user: User | AnonymousUser) -> "ConversationQuerySet":
        """Those of the credentials that the user may see: the only way to rows."""
        return self.filter(credential__in=Credential.objects.visible_to(user))

    def locked(self) -> "ConversationQuerySet":
        """Locked until the transaction ends, each with its credential."""
        return self.select_for_update(of=("self",)).select_related("credential")

    def with_short_metadata(self) -> "ConversationQuerySet":
        """For reading many: with `short_metadata` in place of the metadata, None where that is large."""
        short = Case(When(metadata_length__lte=SHORT_METADATA, then=F("metadata")), output_field=OrderedJSONField())
        rows = self.alias(metadata_length=Length("metadata")).annotate(short_metadata=short)  # type: ignore[no-redef]
        return rows.defer("metadata", "our_metadata")

    def facts(self, *names: str) -> Iterator[list[Any]]:
        """These fields of each row; of large metadata one is held at a time."""
        short = ["short_metadata" if name == "metadata" else name for name in names]
        place = names.index("metadata") if "metadata" in names else None
        for pk, *facts in self.with_short_metadata().values_list("pk", *short):
            if place is not None and facts[place] is None:
                facts[place] = self.metadata_of(pk)
            yield facts

    def metadata_of(self, pk: int) -> Mapping[str, Any]:
        """The metadata of one, however large; {} where it is gone."""
        return Conversation.objects.filter(pk=pk).values_list("metadata", flat=True).first() or {}

    def at_ords(self, ords: Iterable[int]) -> list["Conversation"]:
        """Those with these `ord`s, in that order; one that is gone is left out."""
        wanted = list(ords)
        rows = {row.ord: row for row in self.filter(ord__in=wanted)}
        return [rows[ord_] for ord_ in wanted if ord_ in rows]

    def known_as(self, openai_id: str) -> "Conversation | None":
        """One that some server knows by this id."""
        return self.filter(openai_id=openai_id).first() if openai_id else None

    def at_address(self, base_url: str, openai_id: str) -> "ConversationQuerySet":
        """The one that OpenAI, or another server, knows by this id."""
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
        """Put a conversation that OpenAI answered about into the index. `created_at`: Unix seconds; `metadata`: None
        where the answer held none."""
        conversation = Conversation(
            credential=credential,
            base_url=credential.base_url,
            openai_id=openai_id,
            added_by=added_by,
            origin=origin,
        )
        conversation.take_created_at(created_at)
        conversation.take_metadata(metadata or {})
        conversation.is_metadata_known = metadata is not None
        conversation.insert()
        index.apply([IndexChange(credential.pk, conversation.ord, after=conversation.bearings)])
        return conversation


class Conversation(models.Model):
    """A conversation, unique by server and id, of the credential that brought it."""

    ord = models.BigIntegerField(unique=True, editable=False)
    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, related_name="conversations", db_index=False
    )  # the first of two indexes' columns
    base_url = models.CharField("base URL", max_length=300, editable=False)
    openai_id = CodePointCharField("id at OpenAI", max_length=255)
    created_at = models.DateTimeField("created", help_text="At OpenAI; when first seen, where OpenAI did not say.")
    is_created_known = models.BooleanField(
        "time of creation known", default=True, help_text="OpenAI said when it was created."
    )
    metadata = OrderedJSONField(default=dict, help_text="OpenAI's last answer.")
    is_metadata_known = models.BooleanField(default=True, help_text="An answer told it.")
    is_altered = models.BooleanField(
        default=False, help_text="The answer held characters that cannot be stored; they stand as U+FFFD."
    )
    our_metadata = OrderedJSONField(null=True, blank=True, help_text="While it differs: what the index held before.")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    read_at = models.DateTimeField("last read", default=timezone.now)
    added_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    origin = models.CharField(max_length=10, choices=Origin)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-ord"]
        permissions = [("purge_conversation", "Can purge conversation from the index")]
        constraints = [models.UniqueConstraint(fields=["base_url", "openai_id"], name="conversation_once")]
        indexes = [
            models.Index(fields=["credential", "-ord"], name="conversation_by_credential"),
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
        """The metadata of one that was read with short metadata: what is large is read now, and not kept."""
        if self.short_metadata is not None:
            return self.short_metadata
        return Conversation.objects.metadata_of(self.pk)

    @property
    def bearings(self) -> frozenset[Bearing]:
        """The terms by which the search finds it."""
        return bearings(self.metadata, self.state)

    @contextmanager
    def _reindexed(self) -> Iterator[None]:
        """Bring the index up to date with what is changed and saved inside, in the caller's transaction."""
        place, before = (self.credential_id, self.ord), self.bearings
        yield
        if place == (self.credential_id, self.ord):
            index.apply([IndexChange(*place, before, self.bearings)])
        else:
            moved = [IndexChange(*place, before=before)]
            index.apply([*moved, IndexChange(self.credential_id, self.ord, after=self.bearings)])

    def insert(self) -> None:
        """Save a new row, drawing `ord` again where another conversation of that second has it."""
        for _ in range(20):
            self.draw_ord()
            try:
                with transaction.atomic():
                    self.save(force_insert=True)
            except IntegrityError:
                if Conversation.objects.at_address(self.base_url, self.openai_id).exists():
                    raise
            else:
                return
        raise IntegrityError("No free ord was found in 20 draws.")

    def draw_ord(self) -> None:
        """Take an `ord` for the time of creation that no other conversation has; does not save."""
        first = ord_at(self.created_at)
        for _ in range(20):
            self.ord = first | secrets.randbits(TIEBREAK_BITS)
            if not Conversation.objects.filter(ord=self.ord).exists():
                return
        raise IntegrityError("No free ord was found in 20 draws.")

    def take_created_at(self, created_at: int | None) -> None:
        """Hold the time of creation that an answer gives, in Unix seconds; where that is unusable and none was known,
        it is now that it is first seen. Does not save."""
        moment = _moment(created_at)
        if moment is not None:
            self.created_at, self.is_created_known = moment, True
        elif self.created_at is None:
            self.created_at, self.is_created_known = timezone.now().replace(microsecond=0), False

    def take_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Hold an answer's metadata, in characters that can be stored; does not save."""
        self.metadata = storable(metadata)
        self.is_altered = self.metadata != metadata

    def store_answer(self, metadata: Mapping[str, Any], *, by_us: bool, created_at: int | None = None) -> None:
        """Store what OpenAI answered just now; `created_at` in Unix seconds, None where it said nothing usable.

        `by_us`: the answer to our own change, which settles what differed. Otherwise metadata that changed
        without us makes it differ, until someone chooses or OpenAI holds again what we had.
        """
        had = self.metadata if self.our_metadata is None else self.our_metadata
        is_first = not self.is_metadata_known  # nothing can differ from what was never told
        with self._reindexed():
            self.is_metadata_known = True
            self._correct_created_at(created_at)
            self.take_metadata(metadata)
            self.our_metadata = None if by_us or is_first or had == self.metadata else had
            self.state = State.ACTIVE if self.our_metadata is None else State.DIFFERS
            self.read_at = timezone.now()
            self.save()

    def _correct_created_at(self, created_at: int | None) -> None:
        """Take over another time of creation than is held, and the place in the list that goes with it."""
        held = self.created_at
        self.take_created_at(created_at)
        if self.created_at != held:
            self.draw_ord()

    def store_not_found(self) -> None:
        """A read was answered 404: missing, which proves nothing more; a removed one stays removed."""
        with self._reindexed():
            self.state = State.REMOVED if self.is_removed else State.MISSING
            self.save(update_fields=["state"])

    def store_removed(self) -> None:
        """OpenAI confirmed our removal."""
        with self._reindexed():
            self.state, self.our_metadata, self.read_at = State.REMOVED, None, timezone.now()
            self.save(update_fields=["state", "our_metadata", "read_at"])

    def store_erased(self) -> None:
        """Everything of it is deleted at OpenAI, which is known as of now; its values are forgotten."""
        with self._reindexed():
            self.forget()
            self.state, self.read_at = State.REMOVED, timezone.now()
            self.save()

    def forget_values(self) -> None:
        """Forget its values, whatever OpenAI holds of it."""
        with self._reindexed():
            self.forget()
            self.save()

    def forget(self) -> None:
        """Hold no value of it any more (R28); does not save."""
        self.metadata, self.our_metadata, self.is_altered = {}, None, False
        self.state = State.ACTIVE if self.state == State.DIFFERS else self.state

    def keep_theirs(self) -> None:
        """Accept what OpenAI holds where it differs: nothing differs any more."""
        if self.state != State.DIFFERS:
            return
        with self._reindexed():
            self.state, self.our_metadata = State.ACTIVE, None
            self.save(update_fields=["state", "our_metadata"])

    def hand_over(self, credential: Credential) -> None:
        """Make it belong to another credential of the same server, and its terms with it."""
        with self._reindexed():
            self.credential = credential
            self.save(update_fields=["credential"])

    def purge(self) -> None:
        """Take it out of the index for good, with its terms and the details of its events."""
        with transaction.atomic():
            self.refresh_from_db(from_queryset=Conversation.objects.select_for_update())
            self.events.forget_details()
            self.erasures.close("The conversation was purged from the index.")
            index.apply([IndexChange(self.credential_id, self.ord, before=self.bearings)])
            self.delete()

    if TYPE_CHECKING:
        events: EventQuerySet
        erasures: ErasureQuerySet
        short_metadata: dict[str, Any] | None


def _moment(seconds: int | None) -> datetime | None:
    """The moment of OpenAI's `created_at`, in whole seconds, as `ord` is; None where it is missing or absurd."""
    latest = timezone.now() + timedelta(days=1)
    if seconds is None or not EPOCH.timestamp() <= seconds <= latest.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)
