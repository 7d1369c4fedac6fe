"""Create, get, refresh, edit the metadata of, remove and hand over a conversation.

The index holds OpenAI's last answer, never what was wished. Every function raises OpenAIError for what went
wrong at OpenAI, CredentialUnusable, AlreadySubmitted and BeingChanged before anything was sent.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from ..metadata import MAX_PAIRS, Change, difference, storable, told_by_answer
from ..models import Action, Conversation, Credential, Erasure, Event, Outcome
from ..models.conversation import Origin
from ..openai_client import Calls, Json, RemoteConversation
from ..openai_errors import InvalidRequest, NotFound, OpenAIError
from .attempts import recorded, settle, succeed, write_detail
from .errors import BelongsToAnother, MetadataMoved, NotRecorded, ServiceError
from .rows import begin_on, begin_with, done_if_gone, is_ours, locked, read, store_not_found

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
    exists and could not be stored.
    """
    event, calls = begin_with(actor, Action.CREATE, credential, token=token, item_count=len(items))
    with recorded(event, changes=True):
        remote = calls.create_conversation(items=items, metadata=metadata)
    try:
        return _enter(event, credential, remote, Origin.CREATED)
    except Exception as error:  # whatever it is, the id stands nowhere else
        _save_id(event, remote.id, type(error).__name__)
        raise NotRecorded(remote.id, credential) from None


def get_conversation(*, actor: User, credential: Credential, openai_id: str, token: str | None = None) -> Conversation:
    """Read a conversation by its id and put it, or its news, into the index; an unknown id enters nothing.

    Raises BelongsToAnother where another credential of the same server brought it.
    """
    event, calls = begin_with(actor, Action.GET, credential, openai_id=openai_id, token=token)
    known = Conversation.objects.at_address(credential.base_url, openai_id).first()
    own = known if known is not None and known.credential_id == credential.pk else None
    remote = read(event, calls, openai_id, own)
    conversation = _enter(event, credential, remote, Origin.FETCHED)
    if conversation.credential_id != credential.pk:
        raise BelongsToAnother(conversation)
    return conversation


def refresh_conversation(*, actor: User, conversation: Conversation) -> Conversation:
    """Read it again; its state then says what the answer means. Settles what was unresolved about it."""
    event, calls = begin_on(conversation, actor, Action.REFRESH)
    remote = read(event, calls, conversation.openai_id, conversation)
    return _store(event, conversation, remote.metadata, by_us=False)


def update_metadata(
    *,
    actor: User,
    conversation: Conversation,
    opened_with: Mapping[str, Any],
    wanted: Mapping[str, Any],
    token: str | None = None,
) -> list[Change]:
    """Make `wanted` the metadata at OpenAI; gives key by key what the answer holds.

    `opened_with` is what the form showed: where OpenAI holds something else by now, MetadataMoved is raised
    and nothing was sent. A key whose value is as it was opened goes back exactly as OpenAI holds it.
    """
    event, calls = begin_on(conversation, actor, Action.UPDATE, token=token)
    current = read(event, calls, conversation.openai_id, conversation).metadata
    if storable(current) != opened_with:
        _store_conflict(event, conversation, current)
        raise MetadataMoved(opened_with, storable(current))
    exact = _exact(current, opened_with, wanted)
    write_detail(event, before=opened_with, wanted=storable(exact))
    answers: list[Mapping[str, Any]] = [current]
    try:
        with recorded(event, changes=True):
            for answer in _updates(calls, conversation.openai_id, current, exact):
                answers.append(answer)  # an answer counts even where the next call fails
    except OpenAIError:
        _keep_partial(event, conversation, answers)
        raise
    _store(event, conversation, answers[-1], by_us=True, wanted=storable(exact))
    return told_by_answer(storable(current), storable(exact), storable(answers[-1]))


def remove_conversation(*, actor: User, conversation: Conversation, token: str | None = None) -> Conversation:
    """Delete it at OpenAI. It counts as removed when OpenAI confirms that, or answers 404 to a repeat of a
    recorded DELETE that had followed a recorded 200; a first 404 only makes it missing (NotFound is raised)."""
    _refuse_while_erased(conversation)
    event, calls = begin_on(conversation, actor, Action.REMOVE, token=token)
    is_repeat = Event.objects.removal_was_sent(conversation.base_url, conversation.openai_id)
    if is_repeat:
        with recorded(event, changes=False), suppress(NotFound):
            calls.retrieve_conversation(conversation.openai_id)
    else:
        read(event, calls, conversation.openai_id, conversation)
    try:
        with recorded(event, changes=True), done_if_gone(is_repeat=is_repeat):
            calls.delete_conversation(conversation.openai_id)
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
    _refuse_while_erased(conversation)
    event, calls = begin_with(
        actor,
        Action.HAND_OVER,
        credential,
        openai_id=conversation.openai_id,
        conversation=conversation,
        token=token,
    )
    remote = read(event, calls, conversation.openai_id, None)
    with transaction.atomic():
        locked(conversation).hand_over(credential)
        return _store(event, conversation, remote.metadata, by_us=False)


def _refuse_while_erased(conversation: Conversation) -> None:
    """An erasure that is not finished needs the conversation, and the credential that it was begun with."""
    if Erasure.objects.unfinished().about(conversation).exists():
        raise ServiceError("Its erasure is not finished: go on with it, or give it up first. Nothing was sent.")


def _exact(current: Mapping[str, Any], opened_with: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`wanted`, with each key and each untouched value as OpenAI holds it, not as it can be stored."""
    theirs = {storable(key): (key, value) for key, value in current.items()}
    exact = {}
    for key, value in wanted.items():
        their_key, their_value = theirs.get(key, (key, value))
        exact[their_key] = their_value if opened_with.get(key) == value else value
    return exact


def _updates(
    calls: Calls, openai_id: str, current: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Send what makes `wanted` of `current` on servers that merge and on servers that replace; gives the
    metadata of each answer."""
    removed = dict.fromkeys(key for key in current if key not in wanted)
    with suppress(NullRefused):
        if len(wanted) + len(removed) <= MAX_PAIRS:
            yield _update(calls, openai_id, {**wanted, **removed}, removed)
            return
        yield _update(calls, openai_id, {**current, **removed}, removed)
    yield calls.update_conversation(openai_id, wanted).metadata


class NullRefused(Exception):
    """The server takes no null for "remove this key": it replaces the whole map."""


def _update(
    calls: Calls, openai_id: str, metadata: Mapping[str, Any], removed: Mapping[str, None]
) -> Mapping[str, Any]:
    try:
        return calls.update_conversation(openai_id, metadata).metadata
    except InvalidRequest as error:
        if removed and error.code == "invalid_type" and error.param.startswith("metadata"):
            raise NullRefused from None
        raise


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
            return _store(event, known, remote.metadata, by_us=False)
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


def _store(
    event: Event,
    conversation: Conversation,
    metadata: Mapping[str, Any],
    *,
    by_us: bool,
    wanted: Mapping[str, Any] | None = None,
) -> Conversation:
    """Store an answer about a row that is in the index, and close the event as done."""
    with transaction.atomic():
        row = locked(conversation)
        # The event is seen by those of its credential: what another credential's row held is not for them.
        before = row.metadata if row.credential_id == event.credential_id else None
        row.store_answer(metadata, by_us=by_us or is_ours(row, metadata))
        succeed(event, row, before=before, after=row.metadata, wanted=wanted)
    return row


def _store_conflict(event: Event, conversation: Conversation, metadata: Mapping[str, Any]) -> None:
    """What was read in place of what the form showed is OpenAI's last answer all the same."""
    with transaction.atomic():
        row = locked(conversation)
        row.store_answer(metadata, by_us=is_ours(row, metadata))
        event.finish(Outcome.FAILED, code="conflict")
        write_detail(event, message="The metadata at OpenAI had changed since the form was opened.")
        settle(event)


def _keep_partial(event: Event, conversation: Conversation, answers: Sequence[Mapping[str, Any]]) -> None:
    """The first of two updates was answered and the second was not: the index holds the answer there is, and
    the event tells what was changed; that the second was not sent does not make it "not sent"."""
    if len(answers) < 2:
        return
    with transaction.atomic():
        row = locked(conversation)
        before = row.metadata
        row.store_answer(answers[-1], by_us=True)
        event.note_keys(difference(before, row.metadata))
        event.finish(Outcome.UNKNOWN if event.outcome == Outcome.FAILED else event.outcome)
        write_detail(event, before=before, after=row.metadata)
