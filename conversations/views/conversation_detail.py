"""One conversation, and getting one by its id."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from ..forms.conversations import GetForm, fresh_token
from ..metadata import Change, Fate, difference, shown
from ..models import Conversation, Credential, Erasure, Event
from ..models.event import EventQuerySet
from ..openai.request_preview import as_json
from ..pages import responses
from ..pages.list_state import kept
from ..pages.responses import SignedInRequest
from ..pages.transcript_state import TranscriptState
from ..services.conversations import get_conversation
from ..services.errors import BelongsToAnother
from .conversation_list import result_context
from .outcomes import attempted

EVENTS_SHOWN = 20


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    return responses.page(
        request, "conversations/conversation_detail.html", detail_context(request, conversation), fragments=["metadata"]
    )


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_json(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    return responses.json_file(_raw(conversation), f"{conversation.openai_id[:80]}.json")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def conversation_get(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _get_page(request, GetForm(user=request.user, openai_id=request.GET.get("id", "").strip()[:255]))
    form = GetForm(request.POST, user=request.user)
    return attempted(request, form, lambda: _get(request, form), lambda status: _get_page(request, form, status=status))


def _get(request: SignedInRequest, form: GetForm) -> HttpResponse:
    facts = {name: form.cleaned_data[name] for name in ("credential", "openai_id", "token")}
    try:
        conversation = get_conversation(actor=request.user, **facts)
    except BelongsToAnother as error:
        return _get_page(request, form, owned=error.conversation, status=responses.LOCKED)
    messages.success(request, "Read from OpenAI just now.")
    return redirect("conversation_detail", conversation.pk)


def visible_conversation(request: SignedInRequest, pk: int) -> Conversation:
    """The conversation, if the user may see it; answers 404 otherwise."""
    rows = Conversation.objects.visible_to(request.user).select_related("credential", "added_by")
    return get_object_or_404(rows, pk=pk)


def detail_context(request: SignedInRequest, conversation: Conversation) -> dict[str, Any]:
    """What the page of a conversation shows."""
    may_see_events = request.user.has_perm("conversations.view_event")
    seen = Event.objects.visible_to(request.user) if may_see_events else Event.objects.none()
    events = seen.for_timeline().about(conversation)
    recent = list(events[: EVENTS_SHOWN + 1])
    done = _done_event(request, events)
    others = Credential.objects.visible_to(request.user).active().at(conversation.base_url)
    return {
        "conversation": conversation,
        "events": recent[:EVENTS_SHOWN],
        "has_more_events": len(recent) > EVENTS_SHOWN,
        "open_event": next((event for event in recent if event.is_pending), None),
        "unresolved": list(events.unresolved()[:EVENTS_SHOWN]),
        "done": done,
        **_told(request, done),
        **_metadata(conversation),
        "others": others.exclude(pk=conversation.credential_id),
        "differences": _differences(conversation),
        "token": fresh_token(),
        "transcript": TranscriptState.from_address(dict(request.GET.lists())),
        "erasure": _erasure(request, conversation),
        **result_context(request, conversation),
    }


def _told(request: SignedInRequest, done: Event | None) -> dict[str, Any]:
    """What the answer to a change said key by key, and the keys that the server keeps though they were to go."""
    told = done.told if done else []
    clung_to = done.kept_keys(told) if done else []
    blank = kept(dict(request.GET.lists())) if clung_to else ""
    blank_address = f"{blank}{'&' if blank else '?'}{urlencode([('blank', key) for key in clung_to])}"
    is_refused = any(change.fate is Fate.REFUSED for change in told)
    told.sort(key=lambda change: change.fate is Fate.KEPT)  # what changed comes first
    return {"told": told, "is_refused": is_refused, "clung_to": clung_to, "blank_address": blank_address}


def _metadata(conversation: Conversation) -> dict[str, Any]:
    metadata = shown(conversation.metadata)
    return {"metadata": metadata, "raw": as_json(_raw(conversation)) if metadata.is_whole else ""}


def _differences(conversation: Conversation) -> list[Change]:
    """What OpenAI holds otherwise than we had it."""
    ours = conversation.our_metadata
    return [] if ours is None else difference(ours, conversation.metadata)


def _erasure(request: SignedInRequest, conversation: Conversation) -> Erasure | None:
    """The last erasure of it, if the user may see it."""
    if not request.user.has_perm("conversations.view_erasure"):
        return None
    return Erasure.objects.visible_to(request.user).about(conversation).for_list().first()


def _done_event(request: SignedInRequest, events: EventQuerySet) -> Event | None:
    """The change that the address says was done just now, to tell what OpenAI answered."""
    done = request.GET.get("done", "")
    return events.succeeded(int(done)) if done.isdecimal() and len(done) < 20 else None


def _raw(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": conversation.openai_id,
        "object": "conversation",
        "created_at": int(conversation.created_at.timestamp()),
        "metadata": conversation.metadata,
    }


def _get_page(
    request: SignedInRequest, form: GetForm, *, owned: Conversation | None = None, status: int = 200
) -> HttpResponse:
    """`owned`: the row that another credential brought; it is named only to those who may see it."""
    may_see = owned is not None and owned.is_visible_to(request.user)
    context = {"form": form, "is_owned": owned is not None, "owned": owned if may_see else None}
    return responses.page(
        request, "conversations/conversation_get.html", context, fragments=["get-form"], status=status
    )
