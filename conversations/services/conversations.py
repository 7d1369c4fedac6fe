"""Create, get, refresh, remove and hand over a conversation.

The index holds OpenAI's last answer, never what was wished. Every function raises OpenAIError for what went
wrong at OpenAI, CredentialUnusable, AlreadySubmitted and BeingChanged before anything was sent.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from ..models import Action, Conversation, Credential, Erasure, Event, Outcome
from ..models.conversation import Origin
from ..openai.client import Calls, Json, RemoteConversation
from ..openai.errors import BadAnswer, NotFound, OpenAIError
from .errors import BelongsToAnother, NotRecorded, ServiceError
from .recording import recorded, succeed
from .rows import (
    begin_on,
    begin_with,
    done_if_gone,
    locked,
    prove_conversation_gone,
    read,
    read_metadata,
    store,
    store_not_found,
)

MOST_ITEMS = 20  # that the API takes with one call

logger = logging.getLogger(__name__)


def create_conversation(
    *,
    actor: User,
    credential: Credential,
    items: Sequence[Json],
    metadata: Mapping[str, str],
    token: str | None = None,
) -> Conversation:
    """Create a conversation at OpenAI and put it into the index.

    An OpenAIError with `may_have_happened` means that one may exist all the same; NotRecorded, that one
    exists and could not be stored. How many of the items the server kept stands in the event.
    """
    event, calls = begin_with(actor, Action.CREATE, credential, token=token, item_count=len(items))
    try:
        with recorded(event, changes=True):
            remote = calls.create_conversation(items=items, metadata=metadata)
    except BadAnswer as error:
        _note_named_id(event, error)
        raise
    try:
        conversation = _enter(event, credential, remote, Origin.CREATED)
    except Exception as error:  # whatever it is, the id stands nowhere else
        _save_id(event, remote.id, type(error).__name__)
        raise NotRecorded(remote.id, credential) from None
    if items:
        _count_kept(event, calls, conversation)
    return conversation if remote.metadata is not None else _with_metadata(event, calls, conversation)


def get_conversation(*, actor: User, credential: Credential, openai_id: str, token: str | None = None) -> Conversation:
    """Read a conversation by its id and put it, or its news, into the index; an unknown id enters nothing.

    Raises BelongsToAnother where another credential of the same server brought it.
    """
    event, calls = begin_with(actor, Action.GET, credential, openai_id=openai_id, token=token)
    known = Conversation.objects.at_address(credential.base_url, openai_id).first()
    own = known if known is not None and known.credential_id == credential.pk else None
    remote, _ = read_metadata(event, calls, openai_id, own)
    conversation = _enter(event, credential, remote, Origin.FETCHED)
    if conversation.credential_id != credential.pk:
        raise BelongsToAnother(conversation)
    return conversation


def refresh_conversation(*, actor: User, conversation: Conversation) -> Conversation:
    """Read it again; its state then says what the answer means. Settles what was unresolved about it."""
    event, calls = begin_on(conversation, actor, Action.REFRESH)
    remote, _ = read_metadata(event, calls, conversation.openai_id, conversation)
    return store(event, conversation, remote, by_us=False)


def remove_conversation(*, actor: User, conversation: Conversation, token: str | None = None) -> Conversation:
    """Delete it at OpenAI. It counts as removed when OpenAI confirms that, or answers 404 to a repeat of a
    recorded DELETE that had followed a recorded 200; a first 404 only makes it missing (NotFound is raised). Where
    the answer confirms nothing, a read has to."""
    check = partial(_refuse_while_erased, conversation)
    event, calls = begin_on(conversation, actor, Action.REMOVE, token=token, check=check)
    is_repeat = Event.objects.removal_was_sent(conversation.base_url, conversation.openai_id)
    if is_repeat:
        with recorded(event, changes=False), suppress(NotFound):
            calls.retrieve_conversation(conversation.openai_id)
    else:
        read(event, calls, conversation.openai_id, conversation)
    try:
        with recorded(event, changes=True), done_if_gone(is_repeat=is_repeat):
            if not calls.delete_conversation(conversation.openai_id):
                prove_conversation_gone(calls, conversation.openai_id)
    except NotFound:
        store_not_found(event)
        raise
    with transaction.atomic():
        row = locked(conversation)
        row.store_removed()
        succeed(event, row)
    return row


def hand_over_conversation(
    *, actor: User, conversation: Conversation, credential: Credential, token: str | None = None
) -> Conversation:
    """Make it belong to another credential of the same server, once a read through that one proves it.

    Raises ServiceError for a credential of another server.
    """
    if credential.base_url != conversation.base_url:
        raise ServiceError(f"“{credential.name}” is a credential of another server. Nothing was sent.")
    event, calls = begin_with(
        actor,
        Action.HAND_OVER,
        credential,
        openai_id=conversation.openai_id,
        conversation=conversation,
        token=token,
        check=partial(_refuse_while_erased, conversation),
    )
    remote, _ = read_metadata(event, calls, conversation.openai_id, None)
    with transaction.atomic():
        row = locked(conversation)
        is_foreign = row.credential_id != credential.pk
        row.hand_over(credential)
        return store(event, row, remote, by_us=False, tells_before=not is_foreign)


def _refuse_while_erased(conversation: Conversation) -> None:
    """An erasure that is not finished needs the conversation, and the credential that it was begun with."""
    if Erasure.objects.unfinished().about(conversation).exists():
        raise ServiceError("Its erasure is not finished: go on with it, or give it up first. Nothing was sent.")


def _note_named_id(event: Event, error: BadAnswer) -> None:
    """The answer to a creation cannot be read and names an id: that is all there is to find it by."""
    if error.named_id:
        Event.objects.filter(pk=event.pk, openai_id="").update(openai_id=error.named_id)


def _count_kept(event: Event, calls: Calls, conversation: Conversation) -> None:
    """Note how many of the messages that were sent along the server holds now: one server drops them all."""
    with suppress(OpenAIError):
        page = calls.list_items(conversation.openai_id, limit=MOST_ITEMS)
        is_all = len(page.items) >= event.item_count or not page.has_more  # some servers give fewer than they are asked
        event.kept_count = min(len(page.items), event.item_count) if is_all else None
    event.save(update_fields=["kept_count", "attempts"])


def _with_metadata(event: Event, calls: Calls, conversation: Conversation) -> Conversation:
    """The answer to the creation held no metadata: a read may tell it, within the same time."""
    with suppress(OpenAIError):
        remote = calls.retrieve_conversation(conversation.openai_id)
        if remote.metadata is not None:
            with transaction.atomic():
                conversation = locked(conversation)
                conversation.store_answer(remote.metadata, by_us=True, created_at=remote.created_at)
    event.save(update_fields=["attempts"])
    return conversation


def _save_id(event: Event, openai_id: str, reason: str) -> None:
    """Keep the id of what was created and could not be entered: in the log, and in its event if that can be."""
    logger.critical(
        "OpenAI created %s with credential %s for event %s, and it could not be stored (%s).",
        openai_id,
        event.credential_id,
        event.pk,
        reason,
    )
    with suppress(DatabaseError):
        Event.objects.filter(pk=event.pk).update(outcome=Outcome.UNKNOWN, openai_id=openai_id)


def _enter(event: Event, credential: Credential, remote: RemoteConversation, origin: str) -> Conversation:
    """Put an answer into the index: as news of a row that is there, or as a new row."""
    with transaction.atomic():
        known = Conversation.objects.at_address(credential.base_url, remote.id).first()
        if known is not None:
            return store(event, known, remote, by_us=False)
        conversation = Conversation.objects.add(
            credential=credential,
            openai_id=remote.id,
            created_at=remote.created_at,
            metadata=remote.metadata,
            added_by=event.actor,
            origin=origin,
        )
        succeed(event, conversation, before={}, after=conversation.metadata)
    return conversation
