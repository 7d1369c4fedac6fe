"""Erasing a conversation at OpenAI: every item, then the conversation itself, then what the index holds of it.

The work can resume at any point: everything known is saved in the rows of the Erasure, before and after each deletion.
`work_on()` works for a few seconds, for a page that keeps posting or for a worker; one process at a time holds the
lease. Each run is an event, and as such the lock on the conversation.

Items are listed from the start, deleted, and listed from the start again, past those that OpenAI refused to delete.
An empty listing just before the conversation is deleted proves that the items are gone, a 404 afterwards that the
conversation is (R26): without the conversation, its item routes give a 404 in any case.
"""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from ..metadata import replace_unstorable
from ..models import Action, Conversation, Credential, Erasure, Event, Job, Outcome, export_file
from ..models.choices import Stage
from ..models.erasure import LeaseLost
from ..models.event_queryset import Subject
from ..models.evidence import Evidence, timestamp
from ..openai.errors import Locked, NoResponse, OpenAIError
from .clients import MAX_RETRY_WAIT, client_for
from .erasure_run import MIN_SECONDS, Run, is_final
from .errors import CredentialUnusable, Held, ServiceError
from .holds import refuse_held
from .recording import locked, read, start, start_on, store_in

SECONDS_A_STEP = 5.0
LEASE_MARGIN = 5.0  # seconds that a lease outlasts its step
WAIT_FOR_OTHERS = 2.0  # seconds
MAX_WAIT = 15.0  # seconds between steps where OpenAI names none
MAX_FAILURES = 20  # steps in a row that fail without progress, before the erasure stops
MAX_WAITS = 100  # steps in a row after which OpenAI asks to wait

logger = logging.getLogger(__name__)

TOO_SLOW = NoResponse("OpenAI is so slow that this step ended before anything was deleted.")


def start_erasure(
    *, actor: User, conversation: Conversation, reason: str, token: str | None = None, job: Job | None = None
) -> Erasure:
    """Start an erasure, with a recorded read that OpenAI answers with 200 (R25): without it nothing is erased, and
    there is no receipt. Nothing is deleted yet; that is up to `work_on()`.

    Raises OpenAIError, CredentialUnusable, AlreadySubmitted, BeingChanged; ServiceError where one was already started.
    """

    def refuse_second() -> None:
        if Erasure.objects.unfinished().about(conversation).exists():
            raise ServiceError("It’s already being erased. Resume that erasure.")

    event, calls = start_on(conversation, actor=actor, action=Action.ERASE, token=token, job=job, check=refuse_second)
    remote = read(event, calls, conversation.openai_id, conversation)
    with transaction.atomic():
        row = locked(conversation)
        store_in(row, remote)
        erasure = Erasure.objects.create(
            conversation=row,
            credential=row.credential,
            credential_name=row.credential.name,
            base_url=row.base_url,
            openai_id=row.openai_id,
            actor=actor,
            actor_name=actor.get_username(),
            reason=replace_unstorable(reason),
            job=job,
            keys=list(row.metadata),
            first_read=Evidence.of(200, remote.request_id),
        )
        event.erasure = erasure
        event.save(update_fields=["erasure", "attempts", "request_id"])
    return erasure


def work_on(*, actor: User, erasure: Erasure, seconds: float = SECONDS_A_STEP) -> Erasure:
    """Work on a running erasure for at most this many seconds; returns it as it is then, with its last failure if there
    was one. Does nothing if it isn't running, OpenAI asked to wait, or another process is working on it.

    Raises BeingChanged where somebody else is changing the conversation.
    """
    erasure = _current(erasure)
    if is_waiting(erasure):
        for event in erasure.events.pending():
            event.touch()  # waiting is a sign of life
        return erasure
    # The lease outlasts the step, or another process could take over during the last call.
    lease = Erasure.objects.lease(erasure.pk, seconds + LEASE_MARGIN)
    if lease:
        try:
            _work(actor, _current(erasure), seconds, lease)
        except LeaseLost:
            logger.warning("The work on erasure %s was taken over while it was slow.", erasure.pk)
        finally:
            _release(erasure, lease)
    return _current(erasure)


def resume_erasure(*, erasure: Erasure) -> Erasure:
    """Let a stopped erasure run again at once, including items that OpenAI refused. `work_on()` then continues it.
    Raises Held."""
    refuse_held(erasure.base_url, erasure.openai_id)
    with transaction.atomic():
        row = _locked(erasure)
        if row.is_stopped:
            row.items.retry_refused()
            row.keep(stage=Stage.RUNNING, failure={}, failures_in_a_row=0, after="", has_deleted=False)
        row.keep(not_before=None)
    return _current(erasure)


def stop_erasure(*, actor: User, erasure: Erasure) -> Erasure:
    """Stop a running erasure: whoever works on it stops before the next deletion, and unlocks the conversation."""
    with transaction.atomic():
        row = _locked(erasure)
        if row.is_running:
            message = f"Stopped by {actor.get_username()}."
            row.keep(stage=Stage.STOPPED, failure={"message": message, "is_requested": True, "at": timestamp()})
        if not row.is_leased:
            row.close_runs(Outcome.STOPPED)
    return _current(erasure)


def close_erasure(*, actor: User, erasure: Erasure) -> Erasure:
    """Give up a stopped erasure: it can't be resumed, and the index still forgets the content. Its receipt remains and
    says what was not deleted. Raises ServiceError unless it is stopped, and Held."""
    refuse_held(erasure.base_url, erasure.openai_id)
    with transaction.atomic():
        conversation = erasure.locked_row()
        row = _locked(erasure)
        if row.is_leased:
            raise ServiceError("It’s just finishing a step. Try again in a few seconds.")
        if not row.is_stopped:
            raise ServiceError("Only a stopped erasure can be given up. Stop it first.")
        row.give_up(f"Given up by {actor.get_username()}. Before that: {row.failure.get('message', '')}")
        if conversation is not None:
            conversation.forget_values()
            export_file.forget(conversation)
        Event.objects.with_remote_id(row.base_url, row.openai_id).forget_details()
    return _current(erasure)


def forget_conversation(*, conversation: Conversation) -> None:
    """Forget the values that the index holds of a removed conversation, and those of its events. Raises Held."""
    with transaction.atomic():
        refuse_held(conversation.base_url, conversation.openai_id)
        locked(conversation).forget_values()
        Event.objects.with_remote_id(conversation.base_url, conversation.openai_id).forget_details()
        export_file.forget(conversation)


def erase(*, actor: User, erasure: Erasure, seconds: float) -> Erasure:
    """Work on it until it finishes or stops, or the time is up, waiting where OpenAI asks to: for a worker. Raises what
    `work_on()` raises."""
    until = time.monotonic() + seconds
    while erasure.is_running and (left := until - time.monotonic()) > MIN_SECONDS:
        erasure = work_on(actor=actor, erasure=erasure, seconds=min(SECONDS_A_STEP, left))
        if erasure.is_running:
            time.sleep(min(wait_before_next(erasure), max(0.0, until - time.monotonic())))
    return erasure


def is_waiting(erasure: Erasure) -> bool:
    """Whether OpenAI asked to wait, and the wait is not over."""
    return erasure.not_before is not None and erasure.not_before > timezone.now()


def wait_before_next(erasure: Erasure) -> float:
    """Seconds to wait before the next step: what OpenAI asked for, or longer after each failure; a short time while
    another process is working on it."""
    if erasure.is_leased:
        return WAIT_FOR_OTHERS
    if erasure.not_before is not None:
        return max(0.0, (erasure.not_before - timezone.now()).total_seconds())
    return min(0.5 * 2**erasure.failures_in_a_row, MAX_WAIT) if erasure.failure else 0.0


def _current(erasure: Erasure) -> Erasure:
    return Erasure.objects.for_list().get(pk=erasure.pk)


def _locked(erasure: Erasure) -> Erasure:
    return Erasure.objects.select_for_update().get(pk=erasure.pk)


def _work(actor: User, erasure: Erasure, seconds: float, lease: str) -> None:
    if erasure.credential is None:
        _stop(erasure, {"message": "Its credential was deleted, so nothing can be sent."}, lease)
        return
    try:
        refuse_held(erasure.base_url, erasure.openai_id)
        client = client_for(erasure.credential)
    except (CredentialUnusable, Held) as error:
        _stop(erasure, {"message": str(error)}, lease)
        return
    event = _event_of_run(actor, erasure, erasure.credential)
    run = Run(erasure, event, erasure.credential, client.with_budget(seconds, max_wait=MAX_RETRY_WAIT), lease)
    try:
        run.run()
    except OpenAIError as error:
        with erasure.leased(lease):
            run.save_attempts()
        _record_failure(erasure, error, lease, made_progress=run.made_progress)
    else:
        _record_failure(erasure, None if run.made_progress else TOO_SLOW, lease, made_progress=run.made_progress)


def _release(erasure: Erasure, lease: str) -> None:
    """Release the lease; if the erasure is no longer running, the run ends here."""
    with transaction.atomic():
        row = _locked(erasure)
        if row.lease == lease and not row.is_running:
            row.close_runs(Outcome.STOPPED)
        Erasure.objects.release(lease)


def _event_of_run(actor: User, erasure: Erasure, credential: Credential) -> Event:
    """The pending event of this actor's run, or that of a new run: a previous actor's process is gone."""
    event = erasure.events.pending().first()
    if event is not None and event.actor_id == actor.pk:
        event.touch()
        return event
    erasure.close_runs(Outcome.STOPPED)
    subject = Subject.through(credential, erasure.openai_id, erasure.row)
    event = start(actor=actor, action=Action.ERASE, subject=subject, erasure=erasure, job=erasure.job)
    erasure.events.unresolved().exclude(pk=event.pk).resolve(by=event, outcome=Outcome.STOPPED)
    return event


def _record_failure(erasure: Erasure, error: OpenAIError | None, lease: str, *, made_progress: bool) -> None:
    """Keep what went wrong, if anything; a final error stops the erasure, and so do too many in a row."""
    running = Erasure.objects.running(erasure.pk, lease)
    if error is None:
        running.update(failures_in_a_row=0, failure={}, not_before=None)
        return
    is_asked_to_wait = isinstance(error, Locked) or error.retry_after is not None
    # A step that deleted something before it failed starts the count again.
    in_a_row = 1 if made_progress else erasure.failures_in_a_row + 1
    if is_final(error) or in_a_row > (MAX_WAITS if is_asked_to_wait else MAX_FAILURES):
        _stop(erasure, _failure(error), lease)
        return
    not_before = timezone.now() + timedelta(seconds=error.retry_after) if error.retry_after is not None else None
    running.update(failures_in_a_row=in_a_row, failure=_failure(error), not_before=not_before)


def _failure(error: OpenAIError) -> dict[str, Any]:
    return {
        "message": error.message,
        "advice": error.advice_text,
        "status": error.status,
        "code": error.code[:200],
        "request_id": error.request_id[:200],
    }


def _stop(erasure: Erasure, failure: Mapping[str, Any], lease: str) -> None:
    """Stop it until somebody has looked at the reason; if somebody has stopped it already, their reason stays."""
    with transaction.atomic():
        dated = {**failure, "at": timestamp()}
        running = Erasure.objects.running(erasure.pk, lease)
        if running.update(stage=Stage.STOPPED, failure=dated, not_before=None):
            for event in erasure.events.pending():
                event.keep_detail(message=failure["message"])
            status, code, request_id = failure.get("status"), failure.get("code", ""), failure.get("request_id", "")
            erasure.close_runs(Outcome.STOPPED, status=status, code=code, request_id=request_id)
