"""Create, get, refresh, remove and transfer a conversation.

The index holds OpenAI's last response, never what was requested. Every function raises OpenAIError for what went wrong
at OpenAI; and CredentialUnusable, AlreadySubmitted and BeingChanged before anything was sent.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from ..metadata import replace_unstorable
from ..models import Action, Conversation, Credential, Erasure, Event, Job, Outcome
from ..models.choices import Origin
from ..openai.client import Calls, Json, RemoteConversation
from ..openai.errors import BadResponse, NotFound, OpenAIError
from ..openai.objects import id_of
from .errors import BelongsToAnother, NotRecorded, ServiceError
from .holds import note_matches
from .recording import (
    accept_not_found,
    locked,
    prove_conversation_gone,
    read,
    read_metadata,
    recorded,
    refuse_newly_held,
    start_on,
    start_with,
    store,
    store_not_found,
    succeed,
)

MAX_ITEMS = 20  # that one call of the API takes

logger = logging.getLogger(__name__)


def create_conversation(
    *,
    actor: User,
    credential: Credential,
    items: Sequence[Json],
    metadata: Mapping[str, str],
    token: str | None = None,
    seconds: float | None = None,
) -> Conversation:
    """Create a conversation at OpenAI and add it to the index. `seconds`: what is left of the web request's budget.

    An OpenAIError with `may_have_happened` means that one may exist all the same; NotRecorded, that one exists and
    couldn't be stored. The event holds how many of the items the server kept.
    """
    event, calls = start_with(
        credential,
        actor=actor,
        action=Action.CREATE,
        token=token,
        item_count=len(items),
        seconds=seconds,
    )
    try:
        with recorded(event, changes=True):
            remote = calls.create_conversation(items=items, metadata=metadata)
    except BadResponse as error:
        _keep_named_id(event, error)
        raise
    try:
        conversation = _store_or_add(event, credential, remote, Origin.CREATED)
    except Exception as error:  # whatever it is: the id is recorded nowhere else
        _save_id(event, remote.id, type(error).__name__)
        raise NotRecorded(remote.id, credential) from None
    if items:
        _count_kept(event, calls, conversation)
    return conversation if remote.metadata is not None else _with_metadata(event, calls, conversation)


def get_conversation(
    *,
    actor: User,
    credential: Credential,
    openai_id: str,
    token: str | None = None,
    origin: Origin = Origin.FETCHED,
) -> Conversation:
    """Read a conversation by its id, and add it to the index or update its row; an unknown id adds nothing.

    Raises BelongsToAnother where its row belongs to another credential of the same server.
    """
    event, calls = start_with(credential, actor=actor, action=Action.GET, openai_id=openai_id, token=token)
    known = Conversation.objects.with_remote_id(credential.base_url, openai_id).first()
    own = known if known is not None and known.credential_id == credential.pk else None
    remote, _ = read_metadata(event, calls, openai_id, own)
    conversation = _store_or_add(event, credential, remote, origin)
    if conversation.credential_id != credential.pk:
        raise BelongsToAnother(conversation)
    return conversation


def refresh_conversation(*, actor: User, conversation: Conversation, job: Job | None = None) -> Conversation:
    """Read it again and update its state. Resolves its changes whose outcome was unknown."""
    event, calls = start_on(conversation, actor=actor, action=Action.REFRESH, job=job)
    remote, _ = read_metadata(event, calls, conversation.openai_id, conversation)
    return store(event, conversation, remote, is_own_change=False)


def remove_conversation(
    *, actor: User, conversation: Conversation, token: str | None = None, job: Job | None = None
) -> Conversation:
    """Delete it at OpenAI. It counts as removed when OpenAI confirms that, or gives a 404 to a repeat of a recorded
    DELETE that followed a recorded 200. A first 404 only makes it missing (NotFound is raised). Where the response
    confirms nothing, a read has to."""
    # Removing it would leave items that can't be listed any more, and so can't be erased.
    check = partial(_refuse_while_erased, conversation)
    event, calls = start_on(conversation, actor=actor, action=Action.REMOVE, token=token, job=job, check=check)
    # After an earlier DELETE a 404 is success; otherwise a read has to prove first that the conversation exists.
    is_repeat = Event.objects.removal_was_sent(conversation.base_url, conversation.openai_id)
    if is_repeat:
        with recorded(event, changes=False), suppress(NotFound):
            calls.retrieve_conversation(conversation.openai_id)
    else:
        read(event, calls, conversation.openai_id, conversation)
    refuse_newly_held(event)
    try:
        with recorded(event, changes=True), accept_not_found(is_repeat=is_repeat):
            if not calls.delete_conversation(conversation.openai_id):
                prove_conversation_gone(calls, conversation.openai_id)
    except NotFound:
        store_not_found(event)
        raise
    with transaction.atomic():
        row = locked(conversation)
        note_matches([row])
        row.store_removed()
        succeed(event, row)
    return row


def transfer_conversation(
    *,
    actor: User,
    conversation: Conversation,
    credential: Credential,
    token: str | None = None,
    job: Job | None = None,
) -> Conversation:
    """Give it to another credential of the same server, once a read through that credential succeeds.

    Raises ServiceError for a credential of another server.
    """
    if credential.base_url != conversation.base_url:
        raise ServiceError(f"“{credential.name}” is a credential of another server. Nothing was sent.")
    event, calls = start_with(
        credential,
        actor=actor,
        action=Action.TRANSFER,
        openai_id=conversation.openai_id,
        conversation=conversation,
        token=token,
        job=job,
        check=partial(_refuse_while_erased, conversation),
    )
    remote, _ = read_metadata(event, calls, conversation.openai_id, None)
    with transaction.atomic():
        row = locked(conversation)
        note_matches([row])
        is_foreign = row.credential_id != credential.pk
        row.transfer(credential)
        return store(event, row, remote, is_own_change=False, may_show_before=not is_foreign)


def _refuse_while_erased(conversation: Conversation) -> None:
    """An unfinished erasure needs the conversation, and the credential that it was started with."""
    if Erasure.objects.unfinished().about(conversation).exists():
        raise ServiceError("It’s being erased: resume the erasure, or give it up first. Nothing was sent.")


def _keep_named_id(event: Event, error: BadResponse) -> None:
    """The response to a creation is unreadable but names an id: keep it, since nothing else leads to it."""
    if error.named_id:
        Event.objects.filter(pk=event.pk, openai_id="").update(openai_id=error.named_id)


def _count_kept(event: Event, calls: Calls, conversation: Conversation) -> None:
    """Record how many of the messages the server kept, and their ids: one server drops them all."""
    with suppress(OpenAIError):
        page = calls.list_items(conversation.openai_id, limit=MAX_ITEMS)
        is_all = len(page.items) >= event.item_count or not page.has_more  # some servers return fewer than asked for
        event.kept_count = min(len(page.items), event.item_count) if is_all else None
        is_exact = len(page.items) == event.item_count
        event.item_ids = [replace_unstorable(id_of(item)) for item in page.items] if is_exact else []
    event.save(update_fields=["kept_count", "item_ids", "attempts"])


def _with_metadata(event: Event, calls: Calls, conversation: Conversation) -> Conversation:
    """The response to the creation held no metadata: read it, within the same budget."""
    with suppress(OpenAIError):
        remote = calls.retrieve_conversation(conversation.openai_id)
        if remote.metadata is not None:
            with transaction.atomic():
                conversation = locked(conversation)
                conversation.store_response(remote.metadata, is_own_change=True, created_at=remote.created_at)
    event.save(update_fields=["attempts"])
    return conversation


def _save_id(event: Event, openai_id: str, reason: str) -> None:
    """Keep the id of a conversation that couldn't be stored: in the log and, if possible, in its event."""
    logger.critical(
        "OpenAI created %s with credential %s for event %s, and it couldn't be stored (%s).",
        openai_id,
        event.credential_id,
        event.pk,
        reason,
    )
    with suppress(DatabaseError):
        Event.objects.filter(pk=event.pk).update(outcome=Outcome.UNKNOWN, openai_id=openai_id)


def _store_or_add(event: Event, credential: Credential, remote: RemoteConversation, origin: str) -> Conversation:
    """Store a response: in the row that is there, or as a new row."""
    with transaction.atomic():
        known = Conversation.objects.with_remote_id(credential.base_url, remote.id).first()
        if known is not None:
            return store(event, known, remote, is_own_change=False)
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
