"""Writing down what is about to happen, before it happens, and how it ended.

`begin()` commits a pending event, which is the lock on its conversation; `recorded()` closes it with the
outcome that fits whatever OpenAI did. A process that dies in between leaves a pending event behind, which
shows as unresolved two minutes later.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from ..metadata import told_by_answer
from ..models import Conversation, Credential, Event, EventDetail, Outcome
from ..openai.errors import NotSent, OpenAIError
from .errors import AlreadySubmitted, BeingChanged

LONGEST_DETAIL = 256 * 1024  # characters of JSON that an event keeps of one map

logger = logging.getLogger(__name__)


class EventRecorder:
    """Tells each attempt to its event: committed before it is sent, its answer with the next write."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def sending(self, method: str, path: str) -> str:
        """Commit that a request is about to go; gives its X-Client-Request-Id."""
        request_id = f"{self._event.uuid}-{len(self._event.attempts) + 1}"
        self._event.attempts.append({"id": request_id, "method": method, "at": timezone.now().isoformat()})
        self._event.save(update_fields=["attempts"])
        return request_id

    def answered(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        """Note the answer; it is saved when the event is, so that nothing stands between answer and index."""
        self._event.attempts[-1] |= {"status": status, "request_id": request_id[:200]}
        if status is not None and status < 300 and not is_usable:
            self._event.attempts[-1]["is_unusable"] = True  # a success that proves nothing
        self._event.request_id = request_id[:200]


def begin(
    *,
    actor: User,
    action: str,
    credential: Credential,
    token: str | None = None,
    openai_id: str = "",
    conversation: Conversation | None = None,
    check: Callable[[], None] = lambda: None,
    **facts: Any,
) -> Event:
    """A pending event, committed. Raises AlreadySubmitted for a token that was used, BeingChanged where
    another event of the conversation is pending. `check` begins nothing if it raises: it is called once before, since
    it may know better than who holds the lock, and once under the lock. `facts`: further fields of the event."""
    check()
    event = Event(
        actor=actor,
        actor_name=actor.get_username(),
        action=action,
        credential=credential,
        credential_name=credential.name,
        base_url=credential.base_url,
        openai_id=openai_id,
        conversation=conversation,
        token=token,
        **facts,
    )
    _insert(event, actor, check)
    return event


def _insert(event: Event, actor: User, check: Callable[[], None]) -> None:
    for is_last in (False, False, True):  # who held the lock may let it go before it is asked who that was
        try:
            with transaction.atomic(durable=True):
                if event.openai_id:
                    _let_go_of_dead(event)
                event.save(force_insert=True)
                check()
        except IntegrityError:
            _explain(event, actor)
            if is_last:
                raise
        else:
            break


def _let_go_of_dead(event: Event) -> None:
    """An event whose process died holds no lock; it stays unresolved until a read or a person settles it."""
    Event.objects.open_at(event.base_url, event.openai_id).stale().update(outcome=Outcome.UNKNOWN)


def _explain(event: Event, actor: User) -> None:
    first = Event.objects.filter(token=event.token).first() if event.token else None
    if first is not None:
        raise AlreadySubmitted(first)
    holder = Event.objects.open_at(event.base_url, event.openai_id).first() if event.openai_id else None
    if holder is not None:
        raise BeingChanged(holder, is_named=Event.objects.visible_to(actor).contains(holder))


@contextmanager
def recorded(event: Event, *, changes: bool) -> Iterator[None]:
    """Close the event if OpenAI fails inside; the error goes on.

    `changes`: what is inside may change something at OpenAI, so that some failures leave that unknown.
    """
    try:
        yield
    except OpenAIError as error:
        fail(event, error, changes=changes)
        raise


def fail(event: Event, error: OpenAIError, *, changes: bool) -> None:
    """Close the event with what OpenAI said."""
    with transaction.atomic():
        event.finish(
            _outcome(error, changes),
            status=error.status,
            code=error.code[:200],
            param=error.param[:600],
            request_id=error.request_id[:200] or event.request_id,
        )
        write_detail(event, message=error.message)


def succeed(
    event: Event,
    conversation: Conversation,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    wanted: Mapping[str, Any] | None = None,
) -> None:
    """Close the event as done, in the caller's transaction, and settle what an answer about the
    conversation settles. `wanted`: what an update asked for, so that what was refused is noted."""
    if before is not None and after is not None:
        event.note_keys(told_by_answer(before, after if wanted is None else wanted, after))
    event.finish(Outcome.SUCCEEDED, conversation=conversation, openai_id=conversation.openai_id)
    write_detail(event, before=before, after=after)
    settle(event)


def settle(event: Event) -> None:
    """An answer about a conversation tells what became of its unresolved changes."""
    unresolved = Event.objects.settleable_by_reading(event.base_url, event.openai_id).exclude(pk=event.pk)
    unresolved.update(outcome=Outcome.UNKNOWN, settled_by=event)


def write_detail(event: Event, **detail: Any) -> None:
    """Keep values and words beside the event, where there are any; maps that are no page's are left out."""
    kept = {name: None if _is_huge(value) else value for name, value in detail.items()}
    if any(value not in (None, "") for value in kept.values()):
        EventDetail.objects.update_or_create(event=event, defaults=kept)


def _is_huge(value: Any) -> bool:
    return isinstance(value, Mapping) and len(json.dumps(value)) > LONGEST_DETAIL


def _outcome(error: OpenAIError, changes: bool) -> str:
    if changes and error.may_have_happened:
        return Outcome.UNKNOWN
    if isinstance(error, NotSent) or (not changes and error.status is None):
        return Outcome.FAILED
    return Outcome.REFUSED
