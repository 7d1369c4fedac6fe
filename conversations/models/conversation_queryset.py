"""How conversations are found in the index and added to it, one at a time or many."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Case, F, Func, When
from django.db.models.functions import Length

from .credential import Credential
from .fields import OrderedJSONField
from .index import writing
from .index.terms import TIEBREAK_BITS, sort_key_at
from .index.writing import IndexChange

if TYPE_CHECKING:
    from .conversation import Conversation
    from .hold import Hold

ADDED_AT_ONCE = 2_000  # conversations with one statement
MAX_SHORT_METADATA = 20_000  # characters of JSON; longer than anything OpenAI accepts


# Literals: SQLite uses a partial index only where the statement's own text states the index's condition.
_IS_KEPT = Func(F("state"), template="(NOT (%(expressions)s = 'removed'))", output_field=models.BooleanField())
_IS_TO_READ = Func(
    F("origin"),
    F("state"),
    template="(%(expressions)s = 'unread')",
    arg_joiner=" = 'registered' AND ",
    output_field=models.BooleanField(),
)


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
        return self.model.objects.filter(pk=pk).values_list("metadata", flat=True).first() or {}

    def by_sort_keys(self, sort_keys: Iterable[int]) -> list["Conversation"]:
        """Those with these sort keys, in that order; rows that are gone are left out."""
        ordered = list(sort_keys)
        rows = {row.sort_key: row for row in self.filter(sort_key__in=ordered)}
        return [rows[sort_key] for sort_key in ordered if sort_key in rows]

    def known_as(self, openai_id: str) -> "Conversation | None":
        """One with this id, at whichever server."""
        return self.filter(openai_id=openai_id).first() if openai_id else None

    def with_credential(self, pk: int) -> "Conversation | None":
        """The one with this key, and its credential."""
        return self.select_related("credential").filter(pk=pk).first()

    def held_by(self, hold: "Hold") -> "ConversationQuerySet":
        """Those that a hold is known to apply to, newest first."""
        return self.filter(holds__hold=hold).select_related("credential").order_by("-sort_key")

    def of(self, credential: Credential) -> "ConversationQuerySet":
        """Those that belong to a credential."""
        return self.filter(credential=credential)

    def get_by_remote_id(self, openai_id: str) -> "Conversation":
        """The one with this id; raises DoesNotExist."""
        return self.get(openai_id=openai_id)

    def kept(self) -> "ConversationQuerySet":
        """Those that were not removed."""
        return self.filter(_IS_KEPT)

    def registered_unread(self) -> "ConversationQuerySet":
        """Those that an application registered, and that nobody has read yet."""
        return self.filter(_IS_TO_READ)

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
        conversation = self.model(
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

    def add_many(self, rows: Sequence["Conversation"]) -> list["Conversation"]:
        """Add conversations that are not saved yet, in the caller's transaction; returns those that were added. One
        whose id the index has already, or that stands here twice, is left out."""
        once = list({(row.base_url, row.openai_id): row for row in reversed(rows)}.values())[::-1]
        added: list[Conversation] = []
        for start in range(0, len(once), ADDED_AT_ONCE):
            added += self._add_some(once[start : start + ADDED_AT_ONCE])
        return added

    def _add_some(self, rows: Sequence["Conversation"]) -> list["Conversation"]:
        known = self.known_among(rows)
        new = [row for row in rows if (row.base_url, row.openai_id) not in known]
        _draw_sort_keys(new)
        self.model.objects.bulk_create(new, ignore_conflicts=True)
        # Somebody else may have added one at this very moment, or taken its sort key.
        written = self.filter(sort_key__in=[row.sort_key for row in new])
        owners = {row[0]: row[1:] for row in written.values_list("sort_key", "base_url", "openai_id", "pk")}
        added = []
        for row in new:
            base_url, openai_id, pk = owners.get(row.sort_key, ("", "", None))
            if (base_url, openai_id) == (row.base_url, row.openai_id):
                row.pk = pk
                added.append(row)
        writing.apply(IndexChange(row.credential_id, row.sort_key, after=row.index_terms) for row in added)
        return added

    def save_many(self, rows: Sequence["Conversation"], fields: Sequence[str]) -> None:
        """Save these fields of rows that the caller has locked."""
        # Ten times as fast as bulk_update(), which writes a condition for each row and field.
        self.model.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=fields)

    def known_among(self, rows: Iterable["Conversation"]) -> set[tuple[str, str]]:
        """Base URL and id of those that the index has."""
        wanted = {(row.base_url, row.openai_id) for row in rows}
        found = self.with_remote_ids({url for url, _ in wanted}, {openai_id for _, openai_id in wanted})
        return set(found.values_list("base_url", "openai_id")) & wanted

    def with_remote_ids(self, base_urls: Iterable[str], openai_ids: Iterable[str]) -> "ConversationQuerySet":
        """Those that one of these servers knows by one of these ids."""
        return self.filter(base_url__in=set(base_urls), openai_id__in=set(openai_ids))


def _draw_sort_keys(rows: Sequence["Conversation"]) -> None:
    """Choose a free sort key for each; does not save."""
    taken: set[int] = set()
    rest = list(rows)
    while rest:
        drawn = [(row, sort_key_at(row.created_at) | secrets.randbits(TIEBREAK_BITS)) for row in rest]
        sort_keys = [sort_key for _, sort_key in drawn]
        taken |= set(type(rest[0]).objects.filter(sort_key__in=sort_keys).values_list("sort_key", flat=True))
        rest = []
        for row, sort_key in drawn:
            if sort_key in taken:
                rest.append(row)
            else:
                row.sort_key = sort_key
                taken.add(sort_key)


@contextmanager
def reindexed(rows: Sequence["Conversation"]) -> Iterator[None]:
    """Update the index with what the block changes and saves in these rows, in the caller's transaction."""
    before = [(row.credential_id, row.sort_key, row.index_terms) for row in rows]
    yield
    changes = []
    for row, (old_owner, old_key, old_terms) in zip(rows, before, strict=True):
        owner, sort_key, terms = row.credential_id, row.sort_key, row.index_terms
        if (owner, sort_key) == (old_owner, old_key):
            changes.append(IndexChange(owner, sort_key, old_terms, terms))
        else:
            changes.append(IndexChange(old_owner, old_key, before=old_terms))
            changes.append(IndexChange(owner, sort_key, after=terms))
    writing.apply(changes)
