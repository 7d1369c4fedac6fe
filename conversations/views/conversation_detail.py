"""The page of a conversation, and its JSON."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ..forms.base import fresh_token
from ..metadata import Change, ChangeKind, difference, shown
from ..models import Conversation, Credential, Erasure, Event
from ..models.event import EventQuerySet
from ..openai.request_preview import as_json
from ..pages import responses
from ..pages.list_state import kept_result
from ..pages.paging import cursor
from ..pages.responses import SignedInRequest
from ..pages.transcript_state import TranscriptState
from ..services.holds import holds_on
from .access import requested_search, visible_conversation

EVENTS_SHOWN = 20


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    context = {**_context(request, conversation), "holds": holds_on(conversation)}
    return responses.page(request, "conversations/conversation_detail.html", context, fragments=["metadata"])


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_json(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    return responses.json_file(_raw(conversation), f"{conversation.openai_id[:80]}.json")


def _context(request: SignedInRequest, conversation: Conversation) -> dict[str, Any]:
    """Everything that the page of a conversation shows."""
    may_see_events = request.user.has_perm("conversations.view_event")
    seen = Event.objects.visible_to(request.user) if may_see_events else Event.objects.none()
    events = seen.for_timeline().about(conversation)
    # One more than is shown, to know whether there are more.
    recent = list(events[: EVENTS_SHOWN + 1])
    done = _edit_event(request, events)
    others = Credential.objects.visible_to(request.user).active().at(conversation.base_url)
    return {
        "conversation": conversation,
        "events": recent[:EVENTS_SHOWN],
        "has_more_events": len(recent) > EVENTS_SHOWN,
        "open_event": next((event for event in recent if event.is_pending), None),
        "unresolved": list(events.unresolved()[:EVENTS_SHOWN]),
        "done": done,
        **_edit_result(request, done),
        **_metadata(conversation),
        "others": others.exclude(pk=conversation.credential_id),
        "differences": _differences(conversation),
        "token": fresh_token(),
        "transcript": TranscriptState.from_query(dict(request.GET.lists())),
        "erasure": _erasure(request, conversation),
        **_result(request, conversation),
    }


def _edit_result(request: SignedInRequest, edit: Event | None) -> dict[str, Any]:
    """What an edit did to each key, and the keys that the server would not delete."""
    compared = edit.compared if edit else []
    undeleted = edit.undeleted_keys(compared) if edit else []
    kept = kept_result(dict(request.GET.lists())) if undeleted else ""
    blank_url = f"{kept}{'&' if kept else '?'}{urlencode([('blank', key) for key in undeleted])}"
    is_refused = any(change.kind is ChangeKind.REFUSED for change in compared)
    compared.sort(key=lambda change: change.kind is ChangeKind.KEPT)  # changed keys come first
    return {"compared": compared, "is_refused": is_refused, "undeleted": undeleted, "blank_url": blank_url}


def _metadata(conversation: Conversation) -> dict[str, Any]:
    metadata = shown(conversation.metadata)
    return {"metadata": metadata, "raw": as_json(_raw(conversation)) if metadata.is_whole else ""}


def _differences(conversation: Conversation) -> list[Change]:
    """How OpenAI's version differs from ours."""
    ours = conversation.our_metadata
    return [] if ours is None else difference(ours, conversation.metadata)


def _erasure(request: SignedInRequest, conversation: Conversation) -> Erasure | None:
    """Its last erasure, if the user may see it."""
    if not request.user.has_perm("conversations.view_erasure"):
        return None
    return Erasure.objects.visible_to(request.user).about(conversation).for_list().first()


def _edit_event(request: SignedInRequest, events: EventQuerySet) -> Event | None:
    """The edit that the URL names, to show its result."""
    pk = cursor(request.GET.get("done", ""))
    return events.succeeded(pk) if pk is not None else None


def _raw(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.openai_id,
        "object": "conversation",
        "created_at": int(conversation.created_at.timestamp()),
        "metadata": conversation.metadata,
    }


def _result(request: SignedInRequest, conversation: Conversation) -> dict[str, Any]:
    """The search result that the page was opened from: the link back, and the neighbours in it."""
    if "q" not in request.GET:
        return {"back": ""}
    state, search = requested_search(request)
    newer, older = search.neighbours(conversation.sort_key)
    before, after = (older, newer) if state.oldest_first else (newer, older)
    beside = {"previous": before, "next": after}
    return {
        "back": f"{state.url}#c{conversation.pk}",
        "state": state,
        **{
            f"{name}_url": row.get_absolute_url() + state.from_row(row.sort_key) if row else ""
            for name, row in beside.items()
        },
    }
