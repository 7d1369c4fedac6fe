"""Saying what became of an event of which nobody knew, and choosing where metadata differs."""

import uuid

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from ..models import Action, Conversation, Event, Outcome, State
from .conversations import get_conversation
from .errors import ServiceError
from .recording import write_detail
from .rows import locked


def settle_by_id(*, actor: User, event: Event, openai_id: str) -> Conversation:
    """An unresolved creation did create `openai_id`: read it, put it into the index, and settle the event.

    Raises what `get_conversation` raises; the event then stays unresolved.
    """
    if event.credential is None:
        raise ServiceError("Its credential was deleted. Settle it with a note.")
    token = uuid.uuid4().hex
    conversation = get_conversation(actor=actor, credential=event.credential, openai_id=openai_id, token=token)
    with transaction.atomic():
        read = Event.objects.get(token=token)
        if Event.objects.resolve(event, read) or event.settled_by_id == read.pk:  # the read may have settled it
            event.conversation, event.openai_id = conversation, conversation.openai_id
            event.save(update_fields=["conversation", "openai_id"])
    return conversation


def settle_by_note(*, actor: User, event: Event, note: str) -> Event:
    """Someone looked into it and says what became of it; gives the new event that holds the note.

    Raises ServiceError where somebody else settled it meanwhile.
    """
    with transaction.atomic():
        settling = _local_event(actor, Action.SETTLE, event)
        write_detail(settling, note=note)
        if not Event.objects.resolve(event, settling):
            raise ServiceError("Somebody else settled this meanwhile. Load the page again to see how.")
    return settling


def keep_remote_metadata(*, actor: User, conversation: Conversation) -> bool:
    """Accept the metadata that OpenAI holds where it differs from what we had; False where nothing differs."""
    with transaction.atomic():
        row = locked(conversation)
        if row.state != State.DIFFERS:
            return False
        row.keep_theirs()
        event = Event(credential=row.credential, openai_id=row.openai_id, conversation=row)
        event.credential_name, event.base_url = row.credential.name, row.base_url
        _local_event(actor, Action.KEEP, event)
    return True


def _local_event(actor: User, action: str, about: Event) -> Event:
    """An event that needed no call: done as it is written."""
    return Event.objects.create(
        actor=actor,
        actor_name=actor.get_username(),
        action=action,
        outcome=Outcome.SUCCEEDED,
        finished_at=timezone.now(),
        credential=about.credential,
        credential_name=about.credential_name,
        base_url=about.base_url,
        openai_id=about.openai_id,
        conversation=about.conversation,
    )
