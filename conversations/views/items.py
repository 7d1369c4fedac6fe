"""What is inside a conversation, read from OpenAI when it is looked at."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from .. import responses
from ..item_text import displayed
from ..models import Conversation
from ..openai_client import is_legal_id
from ..openai_errors import OpenAIError
from ..responses import SignedInRequest
from ..services.errors import ServiceError
from ..services.items import list_items
from .conversations import visible_conversation


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def item_list(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    after = request.GET.get("after", "")
    context, status = _read(conversation, after if is_legal_id(after) else "")
    return responses.page(
        request, "conversations/item_list.html", context, fragments=["items", "more-items"], status=status
    )


def _read(conversation: Conversation, after: str) -> tuple[dict[str, Any], int]:
    context: dict[str, Any] = {"conversation": conversation, "after": after}
    try:
        page = list_items(conversation=conversation, after=after)
    except OpenAIError as error:
        return context | {"failure": error}, responses.FAILED_AT_OPENAI
    except ServiceError as error:
        return context | {"problem": str(error)}, responses.REJECTED
    items = [displayed(item) for item in page.items]
    more = page.has_more and is_legal_id(page.last_id)
    return context | {"items": items, "next": page.last_id if more else ""}, 200
