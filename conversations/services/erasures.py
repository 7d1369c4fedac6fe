"""Erasing a conversation at OpenAI: every item, then the conversation itself, then what the index holds of it.

The work is resumable at any point: what is known stands in the rows of the Erasure, written before and after each
deletion. `work_on()` does a few seconds of it, for a page that posts on or for a worker; one process at a time holds
its lease. Each run of it, from beginning or going on to its end, is an event, and as such the lock on the conversation.

Items are listed from the start, deleted, and listed from the start again, past those that OpenAI refused to delete.
An empty listing just before the conversation goes is the proof for the items, a 404 afterwards the one for the
conversation (R26): once that is gone its item routes answer 404 in any case.
"""

import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from ..metadata import storable
from ..models import Action, Conversation, Credential, Erasure, Event, Outcome
from ..models.erasure import LeaseLost, Stage, moment
from ..openai.errors import Locked, NoAnswer, OpenAIError
from .clients import WEB_PATIENCE, client_for
from .erasure_run import LEAST_SECONDS, Run, is_final
from .errors import CredentialUnusable, ServiceError
from .recording import begin, write_detail
from .rows import begin_on, is_ours, locked, read

SECONDS_A_STEP = 5.0
LEASE_MARGIN = 5.0  # seconds beyond a step, for what surrounds its calls
WAIT_FOR_OTHERS = 2.0  # seconds
LONGEST_WAIT = 15.0  # seconds between steps where OpenAI names none
MOST_FAILURES = 20  # steps in a row that fail and delete nothing, before it stops
MOST_WAITS = 100  # steps in a row that OpenAI asks to wait after

logger = logging.getLogger(__name__)

TOO_SLOW = NoAnswer("OpenAI answers so slowly that a step of this erasure ended before anything was deleted.")


def begin_erasure(*, actor: User, conversation: Conversation, reason: str, token: str | None = None) -> Erasure:
    """Begin to erase it, with a recorded read that OpenAI answered 200 (R25): without one nothing is erased, and
    there is no receipt. Nothing is deleted yet: `work_on()` does that.

    Raises OpenAIError, CredentialUnusable, AlreadySubmitted, BeingChanged; ServiceError where one was begun already.
    """

    def refuse_second() -> None:
        if Erasure.objects.unfinished().about(conversation).exists():
            raise ServiceError("Its erasure was begun already, and is not finished. Go on with that one.")

    event, calls = begin_on(conversation, actor, Action.ERASE, token=token, check=refuse_second)
    remote = read(event, calls, conversation.openai_id, conversation)
    with transaction.atomic():
        row = locked(conversation)
        if remote.metadata is not None:
            is_own = is_ours(row, remote.metadata)
            row.store_answer(remote.metadata, by_us=is_own, created_at=remote.created_at)
        erasure = Erasure.objects.create(
            conversation=row,
            credential=row.credential,
            credential_name=row.credential.name,
            base_url=row.base_url,
            openai_id=row.openai_id,
            actor=actor,
            actor_name=actor.get_username(),
            reason=storable(reason),
            keys=list(row.metadata),
            found={"status": 200, "request_id": remote.request_id[:200], "at": moment()},
        )
        event.erasure = erasure
        event.save(update_fields=["erasure", "attempts", "request_id"])
    return erasure


def work_on(*, actor: User, erasure: Erasure, seconds: float = SECONDS_A_STEP) -> Erasure:
    """Go on with a running erasure for at most so many seconds; gives it as it is then, with its failure if one came
    up. Nothing is done where it does not run, where OpenAI asked to wait, or where another process is at work on it.

    Raises BeingChanged where somebody else changes the conversation at present.
    """
    erasure = _current(erasure)
    if waits(erasure):
        for event in erasure.events.pending():
            event.touch()  # waiting is a sign of life
        return erasure
    lease = Erasure.objects.lease(erasure.pk, seconds + LEASE_MARGIN)
    if lease:
        try:
            _work(actor, _current(erasure), seconds, lease)
        except LeaseLost:
            logger.warning("The work on erasure %s was taken over while it was slow.", erasure.pk)
        finally:
            _leave(erasure, lease)
    return _current(erasure)


def resume_erasure(*, erasure: Erasure) -> Erasure:
    """Let a stopped erasure run again, at once, items that OpenAI refused included. `work_on()` then goes on."""
    with transaction.atomic():
        row = _locked(erasure)
        if row.is_stopped:
            row.items.offer_again()
            row.note(stage=Stage.RUNNING, failure={}, failures_in_a_row=0, after="", has_deleted=False)
        row.note(not_before=None)
    return _current(erasure)


def stop_erasure(*, actor: User, erasure: Erasure) -> Erasure:
    """Stop a running erasure: whoever works on it ends before the next deletion, and lets the conversation go then."""
    with transaction.atomic():
        row = _locked(erasure)
        if row.is_running:
            words = f"Stopped by {actor.get_username()}."
            row.note(stage=Stage.STOPPED, failure={"message": words, "is_asked_for": True, "at": moment()})
        if not row.is_leased:
            row.close_runs(Outcome.STOPPED)
    return _current(erasure)


def close_erasure(*, actor: User, erasure: Erasure) -> Erasure:
    """Give up a stopped erasure: it cannot go on any more, and what the index holds of the content is forgotten all
    the same. Its receipt stays, and says what was not deleted. Raises ServiceError where it is at work."""
    with transaction.atomic():
        conversation = erasure.locked_row()
        row = _locked(erasure)
        if row.is_leased:
            raise ServiceError("A step of it is just ending. Try again in a few seconds.")
        if not row.is_stopped:
            raise ServiceError("Only a stopped erasure can be given up. Stop it first.")
        row.give_up(f"Given up by {actor.get_username()}. Before: {row.failure.get('message', '')}")
        if conversation is not None:
            conversation.forget_values()
        Event.objects.at_address(row.base_url, row.openai_id).forget_details()
    return _current(erasure)


def erase(*, actor: User, erasure: Erasure, seconds: float) -> Erasure:
    """Work on it until it is finished or stopped, or the seconds are over, waiting where OpenAI asks to: for a worker,
    or for all conversations of a search, one after the other. Raises what `work_on()` raises."""
    until = time.monotonic() + seconds
    while erasure.is_running and (left := until - time.monotonic()) > LEAST_SECONDS:
        erasure = work_on(actor=actor, erasure=erasure, seconds=min(SECONDS_A_STEP, left))
        if erasure.is_running:
            time.sleep(min(wait_before_next(erasure), max(0.0, until - time.monotonic())))
    return erasure


def waits(erasure: Erasure) -> bool:
    """Whether OpenAI asked to wait, and that is not over."""
    return erasure.not_before is not None and erasure.not_before > timezone.now()


def wait_before_next(erasure: Erasure) -> float:
    """Seconds to wait before it is worked on again: what OpenAI asked for, or longer after each failure; a moment where
    another process is at work on it."""
    if erasure.is_leased:
        return WAIT_FOR_OTHERS
    if erasure.not_before is not None:
        return max(0.0, (erasure.not_before - timezone.now()).total_seconds())
    return min(0.5 * 2**erasure.failures_in_a_row, LONGEST_WAIT) if erasure.failure else 0.0


def _current(erasure: Erasure) -> Erasure:
    return Erasure.objects.for_list().get(pk=erasure.pk)


def _locked(erasure: Erasure) -> Erasure:
    return Erasure.objects.select_for_update().get(pk=erasure.pk)


def _work(actor: User, erasure: Erasure, seconds: float, lease: str) -> None:
    if erasure.credential is None:
        _stop(erasure, {"message": "Its credential was deleted: nothing can be sent any more."}, lease)
        return
    try:
        client = client_for(erasure.credential)
    except CredentialUnusable as error:
        _stop(erasure, {"message": str(error)}, lease)
        return
    event = _event_of_run(actor, erasure, erasure.credential)
    run = Run(erasure, event, erasure.credential, client.with_budget(seconds, patience=WEB_PATIENCE), lease)
    try:
        run.go_on()
    except OpenAIError as error:
        with erasure.held(lease):
            run.note_attempts()
        _note_failure(erasure, error, lease, made_headway=run.made_headway)
    else:
        _note_failure(erasure, None if run.made_headway else TOO_SLOW, lease, made_headway=run.made_headway)


def _leave(erasure: Erasure, lease: str) -> None:
    """Let another go on; where somebody stopped it meanwhile, or it could not go on, the run ends here."""
    with transaction.atomic():
        row = _locked(erasure)
        if row.lease == lease and not row.is_running:
            row.close_runs(Outcome.STOPPED)
        Erasure.objects.release(lease)


def _event_of_run(actor: User, erasure: Erasure, credential: Credential) -> Event:
    """The open event of this actor's run, or that of a new one: who ran it before is gone."""
    event = erasure.events.pending().first()
    if event is not None and event.actor_id == actor.pk:
        event.touch()
        return event
    erasure.close_runs(Outcome.STOPPED)
    event = begin(
        actor=actor,
        action=Action.ERASE,
        credential=credential,
        openai_id=erasure.openai_id,
        conversation=erasure.row,
        erasure=erasure,
    )
    erasure.events.unresolved().exclude(pk=event.pk).update(outcome=Outcome.STOPPED, settled_by=event)
    return event


def _note_failure(erasure: Erasure, error: OpenAIError | None, lease: str, *, made_headway: bool) -> None:
    """Keep what went wrong, if anything; what waiting does not mend stops it, and so does failing for long."""
    running = Erasure.objects.running(erasure.pk, lease)
    if error is None:
        running.update(failures_in_a_row=0, failure={}, not_before=None)
        return
    is_asked_to_wait = isinstance(error, Locked) or error.retry_after is not None
    in_a_row = 1 if made_headway else erasure.failures_in_a_row + 1
    if is_final(error) or in_a_row > (MOST_WAITS if is_asked_to_wait else MOST_FAILURES):
        _stop(erasure, _failure(error), lease)
        return
    not_before = timezone.now() + timedelta(seconds=error.retry_after) if error.retry_after is not None else None
    running.update(failures_in_a_row=in_a_row, failure=_failure(error), not_before=not_before)


def _failure(error: OpenAIError) -> dict[str, Any]:
    return {
        "message": error.message,
        "advice": error.what_to_do,
        "status": error.status,
        "code": error.code[:200],
        "request_id": error.request_id[:200],
    }


def _stop(erasure: Erasure, failure: Mapping[str, Any], lease: str) -> None:
    """It cannot go on until somebody has looked at why; what somebody's own stop said stays."""
    with transaction.atomic():
        facts = {"failure": {**failure, "at": moment()}, "not_before": None}
        if Erasure.objects.running(erasure.pk, lease).update(stage=Stage.STOPPED, **facts):
            for event in erasure.events.pending():
                write_detail(event, message=failure["message"])
            known = {name: failure[name] for name in ("status", "code", "request_id") if failure.get(name)}
            erasure.close_runs(Outcome.STOPPED, **known)
