"""What is inside a conversation, read from OpenAI when it is looked at."""

from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ..items import turns
from ..metadata import shown
from ..models import Conversation
from ..pages import responses
from ..pages.reading import Reading
from ..pages.responses import SignedInRequest
from ..pages.transcript_state import BROKEN, FOUND, TranscriptState
from ..services.clients import calls_for
from ..services.holds import holds_on
from ..services.item_search import cursor_before, find_items
from ..services.unanswered_calls import find_unanswered, list_with_unanswered
from .access import requested_transcript, visible_conversation
from .outcomes import read_or_failure

FRAGMENTS = ["items", "more-items"]


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_list(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    state = requested_transcript(request, conversation)
    read = {BROKEN: _broken, FOUND: _found}.get(state.show, _listed)
    found, status = read_or_failure(lambda: read(conversation, state))
    context = {
        "conversation": conversation,
        "metadata": shown(conversation.metadata),
        "holds": holds_on(conversation),
        "transcript": state,
        **found,
    }
    return responses.page(request, "conversations/item_list.html", context, fragments=FRAGMENTS, status=status)


def _listed(conversation: Conversation, state: TranscriptState) -> dict[str, Any]:
    calls = calls_for(conversation.credential)
    if state.at:
        after = cursor_before(conversation=conversation, item_id=state.at, newest_first=state.newest_first, calls=calls)
        state = replace(state, after=after, before="")
    found, broken = list_with_unanswered(
        conversation=conversation,
        newest_first=state.newest_first,
        after=state.after,
        before=state.before,
        include=state.include,
        calls=calls,
    )
    listed = turns(found.items)
    return {
        "transcript": state,
        "turns": listed,
        "reading": Reading.of_turns(state, listed),
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
        "reading": Reading.of_turns(state, found),
        "broken": frozenset(turn.item.id for turn in found if turn.item.id and not look.rest and not look.is_cut),
        "further_url": state.after_item(look.rest) if look.rest else "",
    }


def _found(conversation: Conversation, state: TranscriptState) -> dict[str, Any]:
    """The items that contain the text, as far as they were looked through."""
    found = find_items(
        conversation=conversation,
        wanted=state.find,
        newest_first=state.newest_first,
        after=state.after,
        include=state.include,
    )
    listed = turns(found.items)
    return {
        "found": found,
        "turns": listed,
        "reading": Reading.of_turns(state, listed),
        "further_url": state.after_item(found.rest) if found.rest else "",
    }
