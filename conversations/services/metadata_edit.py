"""Editing the metadata of a conversation, on servers that replace the map and on servers that merge it.

The API's reference allows only text as values, and doesn't say whether an update replaces the map or merges into it. So
the requested map is sent as it is. If the response still holds keys that were to be removed, the server merges, and is
asked to remove them by null; a server that refuses that too keeps them, which is reported (R12).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ..metadata import MAX_PAIRS, Change, as_text, compare_with_response, difference, replace_unstorable
from ..models import Action, Conversation, Event, Job, Outcome
from ..openai.client import Calls, RemoteConversation
from ..openai.errors import InvalidRequest, Locked, OpenAIError
from ..openai.scrubbing import SCRUBBED
from .errors import MetadataMoved, ServiceError
from .recording import (
    locked,
    read_metadata,
    recorded,
    refuse_newly_held,
    required_metadata,
    resolve_by_reading,
    start_on,
    store,
    store_in,
)


def update_metadata(
    *,
    actor: User,
    conversation: Conversation,
    opened_with: Mapping[str, Any],
    requested: Mapping[str, Any],
    token: str | None = None,
    job: Job | None = None,
) -> list[Change]:
    """Make `requested` the metadata at OpenAI; returns each key's change as the response shows it.

    `opened_with` is what the form showed: where OpenAI holds something else by now, MetadataMoved is raised and nothing
    was sent. Values that the form left alone are sent back exactly as OpenAI holds them.
    """
    event, calls = start_on(conversation, actor=actor, action=Action.UPDATE, token=token, job=job)
    remote, current = read_metadata(event, calls, conversation.openai_id, conversation)
    # Compared as stored: what can't be stored can't have been shown in the form either.
    if replace_unstorable(current) != opened_with:
        _store_conflict(event, conversation, remote)
        raise MetadataMoved(opened_with, replace_unstorable(current))
    exact = _exact(current, opened_with, requested)
    _refuse_scrubbed(event, current, exact)
    refuse_newly_held(event)
    event.keep_detail(before=opened_with, requested=replace_unstorable(exact))
    responses = [remote]
    try:
        with recorded(event, changes=True):
            for response in _updates(calls, conversation.openai_id, current, exact):
                responses.append(response)  # it counts even where the next call fails
    except OpenAIError as error:
        _store_partial(event, conversation, responses, error)
        raise
    store(event, conversation, responses[-1], is_own_change=True, requested=replace_unstorable(exact))
    return compare_with_response(*map(replace_unstorable, (current, exact, responses[-1].metadata)))


def _exact(current: Mapping[str, Any], opened_with: Mapping[str, Any], requested: Mapping[str, Any]) -> dict[str, Any]:
    """`requested`, with each key and each untouched value as OpenAI holds it, not as it can be stored."""
    theirs = {replace_unstorable(key): (key, value) for key, value in current.items()}
    exact = {}
    for key, value in requested.items():
        their_key, their_value = theirs.get(key, (key, value))
        exact[their_key] = their_value if opened_with.get(key) == value else value
    return exact


def _refuse_scrubbed(event: Event, current: Mapping[str, Any], exact: Mapping[str, Any]) -> None:
    """A secret of the credential that was scrubbed from the response must not be overwritten by its placeholder."""
    for key, value in exact.items():
        if key in current and current[key] == value and SCRUBBED in f"{key}{as_text(value)}":
            event.finish(Outcome.FAILED, code="holds_secret")
            raise ServiceError(
                f"Nothing was sent: the pair “{replace_unstorable(key)[:80]}” holds a secret of the credential. "
                f"It’s shown as {SCRUBBED}, which would overwrite it. Give the pair another value, or remove it."
            )


def _updates(
    calls: Calls, openai_id: str, current: Mapping[str, Any], requested: Mapping[str, Any]
) -> Iterator[RemoteConversation]:
    """Turn `current` into `requested`, whether the server replaces or merges; returns each response."""
    removed = [key for key in current if key not in requested]
    try:
        response = _update(calls, openai_id, requested)
    except InvalidRequest as error:
        # A server that merges counts the keys that are to be removed among the 16.
        if isinstance(error, Locked) or not removed or len({*current, *requested}) <= MAX_PAIRS:
            raise
        yield _make_room(calls, openai_id, current, removed, error)
        response = _update(calls, openai_id, requested)
    yield response
    left = [key for key in removed if key in required_metadata(response)]
    if left:
        yield from _remove_from_merged(calls, openai_id, requested, left)


def _make_room(
    calls: Calls, openai_id: str, current: Mapping[str, Any], removed: Iterable[str], refusal: InvalidRequest
) -> RemoteConversation:
    """Remove the keys first, leaving all others as they are; if that is refused too, raise the first refusal."""
    try:
        return _update(calls, openai_id, {**current, **dict.fromkeys(removed)})
    except InvalidRequest:
        raise refusal from None


def _remove_from_merged(
    calls: Calls, openai_id: str, requested: Mapping[str, Any], left: Iterable[str]
) -> Iterator[RemoteConversation]:
    """Ask a server that merges to remove the keys that are left. If it refuses, they stay."""
    try:
        response = _update(calls, openai_id, dict.fromkeys(left))
    except InvalidRequest as error:
        if isinstance(error, Locked):
            raise
        return
    yield response
    if any(key not in required_metadata(response) for key in requested):  # it replaces after all
        yield _update(calls, openai_id, requested)


def _update(calls: Calls, openai_id: str, metadata: Mapping[str, Any]) -> RemoteConversation:
    """The response to an update, or to a read where it holds no metadata; raises BadResponse where both hold none."""
    response = calls.update_conversation(openai_id, metadata)
    if response.metadata is not None:
        return response
    try:
        response = calls.retrieve_conversation(openai_id)
        required_metadata(response)
    except OpenAIError as error:
        error.may_have_happened = True  # the update succeeded
        raise
    return response


def _store_conflict(event: Event, conversation: Conversation, remote: RemoteConversation) -> None:
    """Store what was read in place of what the form showed: it is OpenAI's last response."""
    with transaction.atomic():
        store_in(locked(conversation), remote)
        event.finish(Outcome.FAILED, code="conflict")
        event.keep_detail(message="The metadata at OpenAI had changed since the form was opened.")
        resolve_by_reading(event)


def _store_partial(
    event: Event, conversation: Conversation, responses: Sequence[RemoteConversation], error: OpenAIError
) -> None:
    """One update succeeded and the next one failed: store the response to the first, and record what it changed. The
    event doesn't count as "not sent", even if the second one was not sent."""
    if len(responses) < 2:
        return
    with transaction.atomic():
        row = locked(conversation)
        before = row.metadata
        row.store_response(required_metadata(responses[-1]), is_own_change=True)
        changes = difference(before, row.metadata)
        error.message = f"{_summary(changes)} was done before the server said: {error.message}"
        event.record_changes(changes)
        event.finish(Outcome.UNKNOWN if event.outcome == Outcome.FAILED else Outcome(event.outcome))
        event.keep_detail(before=before, after=row.metadata, message=error.message)


def _summary(changes: Sequence[Change]) -> str:
    listed = ", ".join(f"{change.kind.value} {change.key}" for change in changes[:MAX_PAIRS])
    return f"Part of it ({listed})" if listed else "Part of it"
