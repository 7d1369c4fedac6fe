"""The list of conversations, one of them, and getting one by its id."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from .. import responses
from ..forms.conversations import GetForm, fresh_token
from ..list_state import ListState
from ..metadata import difference
from ..models import Conversation, Credential, Event
from ..models.event import EventQuerySet
from ..openai_client import is_legal_id
from ..paging import keyset_page
from ..query import CredentialTerm, IdTerm, Query, TextTerm
from ..request_preview import as_json
from ..responses import SignedInRequest
from ..services.conversations import get_conversation
from ..services.errors import BelongsToAnother
from .failures import attempted

COUNTED_UP_TO = 10_000
EVENTS_SHOWN = 20


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_list(request: SignedInRequest) -> HttpResponse:
    state = _with_known_credentials(ListState.from_address(request.GET.dict()), request)
    found = Conversation.objects.visible_to(request.user).matching(state.query)
    page = keyset_page(found.for_list(), "ord", before=state.before, after=state.after, size=settings.PAGE_SIZE)
    total = found.order_by()[: COUNTED_UP_TO + 1].count()
    pasted_id = _pasted_id(state.query) if not page.rows else ""
    context = {
        "state": state,
        "page": page,
        "newer_url": state.newer_than(page.newer) if page.newer else "",
        "older_url": state.older_than(page.older) if page.older else "",
        "total": f"{COUNTED_UP_TO:,}+" if total > COUNTED_UP_TO else f"{total:,}",
        "pasted_id": pasted_id,
        "hidden": Conversation.objects.visible_to(request.user).known_as(pasted_id),
        "is_empty": not page.rows and not Conversation.objects.visible_to(request.user).exists(),
        "time_zone": settings.TIME_ZONE,
    }
    return responses.page(request, "conversations/conversation_list.html", context, fragments=["results"])


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    return responses.page(
        request, "conversations/conversation_detail.html", detail_context(request, conversation), fragments=["metadata"]
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def conversation_get(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _get_page(request, GetForm(user=request.user, openai_id=request.GET.get("id", "").strip()[:255]))
    form = GetForm(request.POST, user=request.user)
    if not form.is_valid():
        return _get_page(request, form, status=responses.REJECTED)
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
    events = seen.for_list().about(conversation)
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
        "told": done.told if done else [],
        "others": others.exclude(pk=conversation.credential_id),
        "differences": difference(conversation.our_metadata or {}, conversation.metadata)
        if conversation.our_metadata is not None
        else [],
        "raw": as_json(_raw(conversation)),
        "token": fresh_token(),
        "back": ListState.from_address(request.GET.dict()).address if "q" in request.GET else "",
    }


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


def _pasted_id(query: Query) -> str:
    """The id that was searched for, if the search was for one: it can be got from OpenAI."""
    wanted = [term for term in query.terms if isinstance(term, TextTerm | IdTerm) and not term.negated]
    if len(wanted) != 1:
        return ""
    term = wanted[0]
    text = term.text if isinstance(term, TextTerm) else term.texts[0]
    return text if is_legal_id(text) and " " not in text else ""


def _with_known_credentials(state: ListState, request: SignedInRequest) -> ListState:
    """A credential that the user does not know by this name is a problem of the search (R24)."""
    for term in state.query.terms:
        if not isinstance(term, CredentialTerm):
            continue
        visible = Credential.objects.visible_to(request.user)
        known = set(visible.named(term.texts))
        unknown = [name for name in term.texts if name not in known]
        if unknown:
            names = ", ".join(visible.values_list("name", flat=True)[:10]) or "none yet"
            state = state.refused(term, f"There is no credential “{unknown[0]}”. Yours are: {names}.")
    return state
