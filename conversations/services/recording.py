"""Recording a call: the event is committed before OpenAI is called, and finished with whatever came of it.

`start_on()` and `start_with()` commit a pending event, which is the lock on its conversation; `recorded()` finishes it
when OpenAI fails, `succeed()` when it doesn't. A process that dies in between leaves a pending event behind, which
counts as unresolved two minutes later.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from ..metadata import compare_with_response, replace_unstorable
from ..models import Action, Conversation, Credential, Erasure, Event, Job, Outcome
from ..models.choices import CHANGES
from ..models.event_queryset import Subject, no_check
from ..openai.client import Calls, Json, RemoteConversation
from ..openai.errors import BadResponse, NotConfirmed, NotFound, NotSent, OpenAIError
from .clients import calls_for, client_for, keep_rate_limits
from .errors import AlreadySubmitted, BeingChanged, Held
from .holds import note_matches, refuse_held

JOB_BUDGET = 100.0  # seconds for all calls of a change by a job; a pending event counts as dead soon afterwards


class EventRecorder:
    """Records each attempt in its event: committed before it is sent, the response with the next save."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def sending(self, method: str, path: str) -> str:
        """Commit that a request is about to be sent; returns its X-Client-Request-Id."""
        request_id = f"{self._event.uuid}-{len(self._event.attempts) + 1}"
        self._event.attempts.append({"id": request_id, "method": method, "at": timezone.now().isoformat()})
        self._event.save(update_fields=["attempts"])
        return request_id

    def received(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        """Note the response. It is saved with the event later, so that nothing delays its way into the index."""
        self._event.attempts[-1] |= {"status": status, "request_id": request_id[:200]}
        if status is not None and status < 300 and not is_usable:
            self._event.attempts[-1]["is_unusable"] = True  # a success that proves nothing
        self._event.request_id = request_id[:200]


def start(
    *,
    actor: User,
    action: Action,
    subject: Subject,
    token: str | None = None,
    item_count: int = 0,
    erasure: Erasure | None = None,
    job: Job | None = None,
    check: Callable[[], None] = no_check,
) -> Event:
    """A pending event, committed. Raises AlreadySubmitted for a used token, Held where it would change a conversation
    that is on hold, BeingChanged where another event of the conversation is pending.

    `check` starts nothing if it raises. It runs once before, since its reason may be better than "somebody else is
    changing it", and once under the lock; so does the look at holds.
    """
    checked = partial(_check, check, action, subject)
    checked()
    for is_last in (False, False, True):  # the holder may release the lock before it is looked up
        try:
            return Event.objects.start(
                actor=actor,
                action=action,
                subject=subject,
                token=token,
                item_count=item_count,
                erasure=erasure,
                job=job,
                check=checked,
            )
        except IntegrityError:
            _raise_reason(actor, subject, token)
            if is_last:
                raise
    raise AssertionError("The last try returns or raises.")


def _check(check: Callable[[], None], action: Action, subject: Subject) -> None:
    check()
    if action in CHANGES:
        refuse_held(subject.base_url, subject.openai_id)


def refuse_newly_held(event: Event) -> None:
    """Ask for holds once more, just before something is sent: one may have been placed since the event began.

    Raises Held, with the event finished as not sent.
    """
    try:
        refuse_held(event.base_url, event.openai_id)
    except Held:
        event.finish(Outcome.FAILED, code="held")
        raise


def start_with(
    credential: Credential,
    *,
    actor: User,
    action: Action,
    openai_id: str = "",
    conversation: Conversation | None = None,
    token: str | None = None,
    item_count: int = 0,
    job: Job | None = None,
    seconds: float | None = None,
    check: Callable[[], None] = no_check,
) -> tuple[Event, Calls]:
    """A pending event through a credential, and the calls that it records. A credential that can't be used raises
    CredentialUnusable and starts nothing; raises what `start()` raises, too. `job`: the one that it's part of;
    `seconds`: what is left of a web request's budget that several events share."""
    client_for(credential)
    subject = Subject.through(credential, openai_id, conversation)
    event = start(actor=actor, action=action, subject=subject, token=token, item_count=item_count, job=job, check=check)
    return event, calls_for(credential, EventRecorder(event), seconds=JOB_BUDGET if job else seconds)


def start_on(
    conversation: Conversation,
    *,
    actor: User,
    action: Action,
    token: str | None = None,
    item_count: int = 0,
    job: Job | None = None,
    seconds: float | None = None,
    check: Callable[[], None] = no_check,
) -> tuple[Event, Calls]:
    """The same about a conversation of the index, through the credential that it belongs to."""
    return start_with(
        conversation.credential,
        actor=actor,
        action=action,
        openai_id=conversation.openai_id,
        conversation=conversation,
        token=token,
        item_count=item_count,
        job=job,
        seconds=seconds,
        check=check,
    )


def _raise_reason(actor: User, subject: Subject, token: str | None) -> None:
    """Raise why an event could not be started, if the reason is still there."""
    first = Event.objects.with_token(token or "")
    if first is not None:
        raise AlreadySubmitted(first)
    holder = Event.objects.lock_holders(subject.base_url, subject.openai_id).first() if subject.openai_id else None
    if holder is not None:
        raise BeingChanged(holder, is_named=Event.objects.visible_to(actor).contains(holder))


@contextmanager
def recorded(event: Event, *, changes: bool) -> Iterator[None]:
    """Finish the event if OpenAI fails inside the block; the error is raised on.

    `changes`: the block may change something at OpenAI, so that some failures leave the outcome unknown.
    """
    try:
        yield
    except OpenAIError as error:
        fail(event, error, changes=changes)
        raise


def fail(event: Event, error: OpenAIError, *, changes: bool) -> None:
    """Finish the event with what OpenAI said."""
    with transaction.atomic():
        event.finish(
            _outcome(error, changes),
            status=error.status,
            code=error.code,
            param=error.param,
            request_id=error.request_id or event.request_id,
        )
        event.keep_detail(message=error.message)
    _keep_rate_limits(event)


def succeed(
    event: Event,
    conversation: Conversation,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    requested: Mapping[str, Any] | None = None,
) -> None:
    """Finish the event as succeeded, in the caller's transaction, and resolve what the response resolves.

    `requested`: what an update asked for, so that what the server refused is recorded.
    """
    if before is not None and after is not None:
        event.record_changes(compare_with_response(before, after if requested is None else requested, after))
    event.finish(Outcome.SUCCEEDED, conversation=conversation)
    event.keep_detail(before=before, after=after)
    resolve_by_reading(event)
    _keep_rate_limits(event)


def _keep_rate_limits(event: Event) -> None:
    if event.credential is not None:
        keep_rate_limits(event.credential)


def resolve_by_reading(event: Event) -> None:
    """The response to this event tells the outcome of the conversation's unresolved changes."""
    Event.objects.resolvable_by_reading(event.base_url, event.openai_id).exclude(pk=event.pk).resolve(by=event)


def _outcome(error: OpenAIError, changes: bool) -> Outcome:
    if changes and error.may_have_happened:
        return Outcome.UNKNOWN
    if isinstance(error, NotSent) or (not changes and error.status is None):
        return Outcome.FAILED
    return Outcome.REFUSED


# Reading a conversation and storing the response


def read(event: Event, calls: Calls, openai_id: str, conversation: Conversation | None) -> RemoteConversation:
    """OpenAI's response about a conversation. A 404 makes its row missing, and is raised as NotFound."""
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
    """The same with its metadata. A response without any is asked for a second time; then BadResponse is raised."""
    remote = read(event, calls, openai_id, conversation)
    if remote.metadata is None:
        remote = read(event, calls, openai_id, conversation)
    with recorded(event, changes=False):
        return remote, required_metadata(remote)


def required_metadata(remote: RemoteConversation) -> Json:
    """The metadata in a response; raises BadResponse, which says what came instead, where there is none."""
    if remote.metadata is None:
        message = f"{remote.metadata_problem} Nothing was stored."
        raise BadResponse(message, status=200, request_id=remote.request_id)
    return remote.metadata


def store_not_found(event: Event) -> None:
    """The event's conversation got a 404; its row may have been purged meanwhile."""
    with transaction.atomic():
        row = Conversation.objects.with_remote_id(event.base_url, event.openai_id).locked().first()
        if row is not None:
            note_matches([row])
            row.store_not_found()
        resolve_by_reading(event)


def store(
    event: Event,
    conversation: Conversation,
    remote: RemoteConversation,
    *,
    is_own_change: bool,
    requested: Mapping[str, Any] | None = None,
    may_show_before: bool = True,
) -> Conversation:
    """Store a response about a row of the index, and finish the event as succeeded. A response without metadata says
    only that the conversation exists. `may_show_before`: the event may keep what the row held before."""
    with transaction.atomic():
        row = locked(conversation)
        # Whoever may use the event's credential sees the event, but not what another credential's row held.
        before = row.metadata if may_show_before and row.credential_id == event.credential_id else None
        store_in(row, remote, is_own_change=is_own_change)
        succeed(event, row, before=before, after=row.metadata, requested=requested)
    return row


def store_in(row: Conversation, remote: RemoteConversation, *, is_own_change: bool = False) -> None:
    """Store a response in its locked row. Metadata that one of our unresolved changes requested is our own change."""
    if remote.metadata is not None:
        note_matches([row])
        is_own = is_own_change or _was_requested(row, remote.metadata)
        row.store_response(remote.metadata, is_own_change=is_own, created_at=remote.created_at)


def locked(conversation: Conversation) -> Conversation:
    """Its current row, locked until the transaction ends."""
    return Conversation.objects.locked().get(pk=conversation.pk)


def _was_requested(row: Conversation, metadata: Mapping[str, Any]) -> bool:
    """Whether this metadata is what one of our changes requested whose outcome is unknown."""
    return Event.objects.has_requested(row.base_url, row.openai_id, replace_unstorable(metadata))


# Deleting


def prove_conversation_gone(calls: Calls, openai_id: str) -> None:
    """A deletion was accepted and not confirmed: only a 404 to a read proves it. Raises the OpenAIError that leaves it
    open, with `may_have_happened`."""
    try:
        calls.retrieve_conversation(openai_id)
    except NotFound:
        return
    except OpenAIError as error:
        error.may_have_happened = True
        raise
    raise NotConfirmed("The server accepted the deletion, but still returns the conversation.", status=200)


@contextmanager
def accept_not_found(*, is_repeat: bool) -> Iterator[None]:
    """A 404 to a deletion counts as success where an earlier deletion of ours may have been carried out."""
    try:
        yield
    except NotFound as error:
        if not is_repeat and not error.may_have_happened:
            raise
