"""What is inside a conversation, read from OpenAI when it is looked at."""

import json
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from ..items import displayed, turns
from ..models import Conversation
from ..openai.client import is_legal_item_id
from ..openai.request_preview import as_json
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..pages.transcript_state import TranscriptState
from ..services.broken_calls import find_unanswered, list_with_unanswered
from ..services.items import retrieve_item
from .conversation_detail import visible_conversation
from .outcomes import read_or_failure

FRAGMENTS = ["items", "more-items"]
LONGEST_RAW = 1_000_000  # characters of JSON that the page of an item holds


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_list(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    state = transcript_state(request)
    read = _broken if state.show else _listed
    found, status = read_or_failure(lambda: read(conversation, state))
    context = {"conversation": conversation, "transcript": state, **found}
    return responses.page(request, "conversations/item_list.html", context, fragments=FRAGMENTS, status=status)


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_detail(request: SignedInRequest, pk: int, item_id: str) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    state = transcript_state(request)
    found, status = read_or_failure(lambda: _item(conversation, item_id, state))
    context = {"conversation": conversation, "transcript": state, "item_id": item_id, **found}
    return responses.page(request, "conversations/item_detail.html", context, status=status)


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_json(request: SignedInRequest, pk: int, item_id: str) -> HttpResponse:
    """The item as a file; where it cannot be read, its page, which says why."""
    conversation = visible_conversation(request, pk)
    include = transcript_state(request).include
    found, status = read_or_failure(
        lambda: {"item": retrieve_item(conversation=conversation, item_id=item_id, include=include)}
    )
    if status != 200:
        return item_detail(request, pk, item_id)
    response = HttpResponse(json.dumps(found["item"], ensure_ascii=False), content_type="application/json")
    name = f"{item_id[:80]}.json"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def transcript_state(request: SignedInRequest) -> TranscriptState:
    """What the address asks for; what can be no id is the beginning."""
    parameters = dict(request.GET.lists())
    for name in ("item_after", "item_before"):
        if not is_legal_item_id(request.GET.get(name, "")):
            parameters.pop(name, None)
    return TranscriptState.from_address(parameters)


def _listed(conversation: Conversation, state: TranscriptState) -> dict[str, Any]:
    found, broken = list_with_unanswered(
        conversation=conversation,
        newest_first=state.newest_first,
        after=state.after,
        before=state.before,
        include=state.include,
    )
    return {
        "turns": turns(found.items),
        "is_cut": found.is_cut,
        "broken": broken,
        "earlier_url": state.before_item(found.earlier) if found.earlier else "",
        "later_url": state.after_item(found.later) if found.later else "",
    }


def _broken(conversation: Conversation, state: TranscriptState) -> dict[str, Any]:
    """The calls without an output; that they have none is certain where all items were read."""
    look = find_unanswered(conversation=conversation, after=state.after, include=state.include)
    found = turns(look.calls[::-1] if state.newest_first else look.calls)
    return {
        "look": look,
        "turns": found,
        "broken": frozenset(turn.item.id for turn in found if turn.item.id and not look.rest and not look.is_cut),
        "further_url": state.after_item(look.rest) if look.rest else "",
    }


def _item(conversation: Conversation, item_id: str, state: TranscriptState) -> dict[str, Any]:
    item = retrieve_item(conversation=conversation, item_id=item_id, include=state.include)
    is_short = len(json.dumps(item)) <= LONGEST_RAW
    return {"item": displayed(item), "raw": as_json(item) if is_short else ""}
