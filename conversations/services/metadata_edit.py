"""Editing the metadata of a conversation, on servers that replace the map and on servers that merge it.

The API's reference allows only text as values, and does not say whether an update replaces the map or merges it. So the
wanted map is sent as it is. Where the answer still holds keys that were to go, the server merges, and takes null for
"remove this key"; a server that refuses that as well keeps them, which is told (R12).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from ..metadata import MAX_PAIRS, Change, as_text, difference, storable, told_by_answer
from ..models import Action, Conversation, Event, Outcome
from ..openai.client import Calls, RemoteConversation
from ..openai.errors import InvalidRequest, Locked, OpenAIError
from ..openai.scrubbing import SCRUBBED
from .errors import MetadataMoved, ServiceError
from .recording import recorded, settle, write_detail
from .rows import begin_on, is_ours, locked, read_metadata, required_metadata, store


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
    remote, current = read_metadata(event, calls, conversation.openai_id, conversation)
    if storable(current) != opened_with:
        _store_conflict(event, conversation, remote)
        raise MetadataMoved(opened_with, storable(current))
    exact = _exact(current, opened_with, wanted)
    _refuse_scrubbed(event, current, exact)
    write_detail(event, before=opened_with, wanted=storable(exact))
    answers = [remote]
    try:
        with recorded(event, changes=True):
            for answer in _updates(calls, conversation.openai_id, current, exact):
                answers.append(answer)  # an answer counts even where the next call fails
    except OpenAIError as error:
        _keep_partial(event, conversation, answers, error)
        raise
    store(event, conversation, answers[-1], by_us=True, wanted=storable(exact))
    return told_by_answer(storable(current), storable(exact), storable(answers[-1].metadata))


def _exact(current: Mapping[str, Any], opened_with: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`wanted`, with each key and each untouched value as OpenAI holds it, not as it can be stored."""
    theirs = {storable(key): (key, value) for key, value in current.items()}
    exact = {}
    for key, value in wanted.items():
        their_key, their_value = theirs.get(key, (key, value))
        exact[their_key] = their_value if opened_with.get(key) == value else value
    return exact


def _refuse_scrubbed(event: Event, current: Mapping[str, Any], exact: Mapping[str, Any]) -> None:
    """What was taken out of an answer, because it is one of the credential's secrets, must not be written back so."""
    for key, value in exact.items():
        if key in current and current[key] == value and SCRUBBED in f"{key}{as_text(value)}":
            event.finish(Outcome.FAILED, code="holds_secret")
            raise ServiceError(
                f"Nothing was sent: the pair “{storable(key)[:80]}” holds one of the credential's own secrets, which "
                f"shows as {SCRUBBED} and would be overwritten so. Give it another value, or remove it."
            )


def _updates(
    calls: Calls, openai_id: str, current: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Iterator[RemoteConversation]:
    """Send what makes `wanted` of `current`, whatever the server makes of an update; gives each answer."""
    removed = [key for key in current if key not in wanted]
    try:
        answer = _update(calls, openai_id, wanted)
    except InvalidRequest as error:
        # A server that merges counts the keys that are to go among the 16.
        if isinstance(error, Locked) or not removed or len({*current, *wanted}) <= MAX_PAIRS:
            raise
        yield _make_room(calls, openai_id, current, removed, error)
        answer = _update(calls, openai_id, wanted)
    yield answer
    left = [key for key in removed if key in required_metadata(answer)]
    if left:
        yield from _remove_from_merged(calls, openai_id, wanted, left)


def _make_room(
    calls: Calls, openai_id: str, current: Mapping[str, Any], removed: Iterable[str], refusal: InvalidRequest
) -> RemoteConversation:
    """Remove the keys first, with all others as they are; where that is refused too, the first refusal is told."""
    try:
        return _update(calls, openai_id, {**current, **dict.fromkeys(removed)})
    except InvalidRequest:
        raise refusal from None


def _remove_from_merged(
    calls: Calls, openai_id: str, wanted: Mapping[str, Any], left: Iterable[str]
) -> Iterator[RemoteConversation]:
    """Ask a server that merges to remove the keys that are left. If it refuses, they stay, which is told."""
    try:
        answer = _update(calls, openai_id, dict.fromkeys(left))
    except InvalidRequest as error:
        if isinstance(error, Locked):
            raise
        return
    yield answer
    if any(key not in required_metadata(answer) for key in wanted):  # it replaces after all
        yield _update(calls, openai_id, wanted)


def _update(calls: Calls, openai_id: str, metadata: Mapping[str, Any]) -> RemoteConversation:
    """The answer to one update, or to a read where it holds no metadata; raises BadAnswer where both hold none."""
    answer = calls.update_conversation(openai_id, metadata)
    if answer.metadata is not None:
        return answer
    try:
        answer = calls.retrieve_conversation(openai_id)
        required_metadata(answer)
    except OpenAIError as error:
        error.may_have_happened = True  # the update was answered
        raise
    return answer


def _store_conflict(event: Event, conversation: Conversation, remote: RemoteConversation) -> None:
    """What was read in place of what the form showed is OpenAI's last answer all the same."""
    with transaction.atomic():
        row = locked(conversation)
        metadata = required_metadata(remote)
        row.store_answer(metadata, by_us=is_ours(row, metadata), created_at=remote.created_at)
        event.finish(Outcome.FAILED, code="conflict")
        write_detail(event, message="The metadata at OpenAI had changed since the form was opened.")
        settle(event)


def _keep_partial(
    event: Event, conversation: Conversation, answers: Sequence[RemoteConversation], error: OpenAIError
) -> None:
    """An update was answered and the one after it was not: the index holds the answer there is, and
    the event tells what was changed; that the second was not sent does not make it "not sent"."""
    if len(answers) < 2:
        return
    with transaction.atomic():
        row = locked(conversation)
        before = row.metadata
        row.store_answer(required_metadata(answers[-1]), by_us=True)
        changes = difference(before, row.metadata)
        error.message = f"{_told(changes)} was done before OpenAI said: {error.message}"
        event.note_keys(changes)
        event.finish(Outcome.UNKNOWN if event.outcome == Outcome.FAILED else event.outcome)
        write_detail(event, before=before, after=row.metadata, message=error.message)


def _told(changes: Sequence[Change]) -> str:
    """Changes in a few words."""
    words = [f"{change.fate.value} {change.key}" for change in changes[:MAX_PAIRS]]
    return f"A part of it ({', '.join(words)})" if words else "A part of it"
