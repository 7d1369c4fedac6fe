"""What the services do alike with a conversation: begin a change of it, read it, lock and store its row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ..metadata import storable
from ..models import Conversation, Credential, Event
from ..openai_client import Calls, RemoteConversation
from ..openai_errors import NotFound
from .attempts import begin, recorded, settle
from .credentials import calls_for, client_for


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


def store_not_found(event: Event) -> None:
    """What the event is about was answered 404; its row may have been purged meanwhile."""
    with transaction.atomic():
        row = Conversation.objects.at_address(event.base_url, event.openai_id).locked().first()
        if row is not None:
            row.store_not_found()
        settle(event)


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
