"""Resolving events whose outcome is unknown, and choosing a version where metadata differs."""

import uuid

from django.contrib.auth.models import User
from django.db import transaction

from ..models import Action, Conversation, Event, State
from ..models.event_queryset import Subject
from .conversations import get_conversation
from .errors import ServiceError
from .holds import refuse_held
from .recording import locked


def resolve_by_id(*, actor: User, event: Event, openai_id: str) -> Conversation:
    """An unresolved creation did create `openai_id`: add it to the index and resolve the event.

    Raises what `get_conversation` raises; the event then stays unresolved.
    """
    if event.credential is None:
        raise ServiceError("Its credential was deleted. Resolve it with a note.")
    # Finds the event of the read among others that may start at the same time.
    token = uuid.uuid4().hex
    conversation = get_conversation(actor=actor, credential=event.credential, openai_id=openai_id, token=token)
    with transaction.atomic():
        read = Event.objects.get(token=token)
        if event.resolve(by=read) or event.resolved_by_id == read.pk:  # the read may have resolved it already
            event.conversation, event.openai_id = conversation, conversation.openai_id
            event.save(update_fields=["conversation", "openai_id"])
    return conversation


def resolve_by_note(*, actor: User, event: Event, note: str) -> Event:
    """A person says how the event ended; returns the new event that holds the note.

    Raises ServiceError where somebody else has resolved it meanwhile.
    """
    with transaction.atomic():
        resolving = Event.objects.record_local(actor=actor, action=Action.RESOLVE, subject=event.subject)
        resolving.keep_detail(note=note)
        if not event.resolve(by=resolving):
            raise ServiceError("Someone else has just resolved this. Reload the page to see how.")
    return resolving


def accept_remote_metadata(*, actor: User, conversation: Conversation) -> bool:
    """Accept OpenAI's version where the metadata differs; False where nothing differs.

    Raises Held, because our version would be lost.
    """
    with transaction.atomic():
        row = locked(conversation)
        refuse_held(row.base_url, row.openai_id)
        if row.state != State.DIFFERS:
            return False
        row.accept_remote()
        Event.objects.record_local(actor=actor, action=Action.ACCEPT_REMOTE, subject=Subject.of(row))
    return True
