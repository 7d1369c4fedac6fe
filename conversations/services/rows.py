"""What the services do alike with a conversation: begin a change of it, read it, lock and store its row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ..metadata import storable
from ..models import Conversation, Credential, Event
from ..openai.client import Calls, Json, RemoteConversation
from ..openai.errors import BadAnswer, NotConfirmed, NotFound, OpenAIError
from .clients import calls_for, client_for
from .recording import begin, recorded, settle, succeed


def begin_with(actor: User, action: str, credential: Credential, **facts: Any) -> tuple[Event, Calls]:
    """The pending event and the calls that it records; a credential that cannot be used begins nothing."""
    client_for(credential)
    event = begin(actor=actor, action=action, credential=credential, **facts)
    return event, calls_for(credential, event)


def begin_on(conversation: Conversation, actor: User, action: str, **facts: Any) -> tuple[Event, Calls]:
    """The same, about a conversation of the index, with the credential that it belongs to."""
    facts |= {"openai_id": conversation.openai_id, "conversation": conversation}
    return begin_with(actor, action, conversation.credential, **facts)


def read(event: Event, calls: Calls, openai_id: str, conversation: Conversation | None) -> RemoteConversation:
    """What OpenAI answers about it; a 404 makes the row missing, and is raised as NotFound."""
    try:
        with recorded(event, changes=False):
            return calls.retrieve_conversation(openai_id)
    except NotFound:
        if conversation is not None:
            store_not_found(event)
        raise


def read_metadata(
    event: Event, calls: Calls, openai_id: str, conversation: Conversation | None
) -> tuple[RemoteConversation, Json]:
    """The same with its metadata, asked for a second time where the answer holds none; then BadAnswer is raised."""
    remote = read(event, calls, openai_id, conversation)
    if remote.metadata is None:
        remote = read(event, calls, openai_id, conversation)
    with recorded(event, changes=False):
        return remote, required_metadata(remote)


def required_metadata(remote: RemoteConversation) -> Json:
    """The metadata in an answer; raises BadAnswer, which says what came, where there is none."""
    if remote.metadata is None:
        message = f"{remote.metadata_problem} Nothing was stored."
        raise BadAnswer(message, status=200, request_id=remote.request_id)
    return remote.metadata


def store_not_found(event: Event) -> None:
    """What the event is about was answered 404; its row may have been purged meanwhile."""
    with transaction.atomic():
        row = Conversation.objects.at_address(event.base_url, event.openai_id).locked().first()
        if row is not None:
            row.store_not_found()
        settle(event)


def store(
    event: Event,
    conversation: Conversation,
    remote: RemoteConversation,
    *,
    by_us: bool,
    wanted: Mapping[str, Any] | None = None,
    tells_before: bool = True,
) -> Conversation:
    """Store an answer about a row that is in the index, and close the event as done; an answer without metadata says
    only that it is there. `tells_before`: the event may hold what the row held before."""
    with transaction.atomic():
        row = locked(conversation)
        # The event is seen by those of its credential: what another credential's row held is not for them.
        before = row.metadata if tells_before and row.credential_id == event.credential_id else None
        if remote.metadata is not None:
            is_own = by_us or is_ours(row, remote.metadata)
            row.store_answer(remote.metadata, by_us=is_own, created_at=remote.created_at)
        succeed(event, row, before=before, after=row.metadata, wanted=wanted)
    return row


def prove_conversation_gone(calls: Calls, openai_id: str) -> None:
    """A deletion was accepted and not confirmed: gone is what a read answers 404. Raises the OpenAIError that leaves it
    open, with `may_have_happened`."""
    try:
        calls.retrieve_conversation(openai_id)
    except NotFound:
        return
    except OpenAIError as error:
        error.may_have_happened = True
        raise
    raise NotConfirmed("The server accepted the deletion, and still answers for the conversation.", status=200)


@contextmanager
def done_if_gone(*, is_repeat: bool) -> Iterator[None]:
    """A deletion that is answered 404 is done where one of ours before it may have been carried out."""
    try:
        yield
    except NotFound as error:
        if not is_repeat and not error.may_have_happened:
            raise


def locked(conversation: Conversation) -> Conversation:
    """Its row as it is now, locked until the transaction ends."""
    return Conversation.objects.locked().get(pk=conversation.pk)


def is_ours(row: Conversation, metadata: Mapping[str, Any]) -> bool:
    """Whether what was read is what a change of ours wanted, of which nobody knew whether it was carried out."""
    return Event.objects.wanted(row.base_url, row.openai_id, storable(metadata))
