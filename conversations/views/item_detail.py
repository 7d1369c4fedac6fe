"""One item, as a page and as a file."""

import json
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ..items import displayed
from ..models import Conversation
from ..openai.request_preview import as_json
from ..pages import responses
from ..pages.reading import Reading
from ..pages.responses import SignedInRequest
from ..pages.transcript_state import TranscriptState
from ..services.holds import holds_on
from ..services.items import retrieve_item
from .access import requested_transcript, visible_conversation
from .outcomes import read_or_failure

MAX_RAW_LENGTH = 1_000_000  # characters of JSON on the page of an item


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_detail(request: SignedInRequest, pk: int, item_id: str) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    state = requested_transcript(request, conversation)
    found, status = read_or_failure(lambda: _item(conversation, item_id, state))
    context = {
        "conversation": conversation,
        "holds": holds_on(conversation),
        "transcript": state,
        "reading": Reading(state),
        "item_id": item_id,
        "shown_url": state.at_item(item_id),
        "earlier_url": state.before_item(item_id),
        "later_url": state.after_item(item_id),
        **found,
    }
    return responses.page(request, "conversations/item_detail.html", context, status=status)


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_json(request: SignedInRequest, pk: int, item_id: str) -> HttpResponse:
    """The item as a file; where it cannot be read, its page, which says why."""
    conversation = visible_conversation(request, pk)
    include = requested_transcript(request, conversation).include
    found, status = read_or_failure(
        lambda: {"item": retrieve_item(conversation=conversation, item_id=item_id, include=include)}
    )
    if status != 200:
        return item_detail(request, pk, item_id)
    response = HttpResponse(json.dumps(found["item"], ensure_ascii=False), content_type="application/json")
    return responses.as_file(response, f"{item_id[:80]}.json")


def _item(conversation: Conversation, item_id: str, state: TranscriptState) -> dict[str, Any]:
    item = retrieve_item(conversation=conversation, item_id=item_id, include=state.include)
    is_short = len(json.dumps(item)) <= MAX_RAW_LENGTH
    return {"item": displayed(item), "raw": as_json(item) if is_short else ""}
