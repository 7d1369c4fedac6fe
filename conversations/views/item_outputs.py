"""Adding the output that a call waits for."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from ..forms.tool_outputs import OutputForm
from ..items import displayed
from ..models import Conversation
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.items import add_items, find_partner
from ..services.unanswered_calls import retrieve_call
from .access import requested_transcript, visible_conversation
from .outcomes import attempted, read_or_failure, to_conversation


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.change_conversation", raise_exception=True)
def item_output_create(request: SignedInRequest, pk: int, item_id: str) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    is_sent = request.method == "POST"
    found, status = read_or_failure(lambda: _call(conversation, item_id, is_sent))
    context = {
        "conversation": conversation,
        "transcript": requested_transcript(request, conversation),
        "item_id": item_id,
        **found,
    }
    if status != 200 or not is_sent:
        form = OutputForm(user=request.user, draft=request.POST if is_sent else None, call=found.get("call"))
        return _output_page(request, context, form, status)
    form = OutputForm(request.POST, user=request.user, call=found["call"])
    return attempted(
        request,
        form,
        lambda: _add(request, conversation, form),
        lambda status: _output_page(request, context, form, status),
    )


def _call(conversation: Conversation, item_id: str, is_sent: bool) -> dict[str, Any]:
    """The call; before anything was sent also its output, in case it has one."""
    call = retrieve_call(conversation=conversation, item_id=item_id)
    output = None if is_sent else find_partner(conversation=conversation, item=call)
    return {"call": call, "item": displayed(call), "partner": displayed(output) if output else None}


def _add(request: SignedInRequest, conversation: Conversation, form: OutputForm) -> HttpResponse:
    token, items = form.cleaned_data["token"], [form.cleaned_data["item"]]
    event = add_items(actor=request.user, conversation=conversation, items=items, token=token)
    if event.kept_count:
        messages.success(request, "Output added at OpenAI.")
    else:
        messages.warning(request, "Sent, but the server’s response has no output.")
    return to_conversation(request, conversation.pk, items="newest")


def _output_page(request: SignedInRequest, context: dict[str, Any], form: OutputForm, status: int) -> HttpResponse:
    return responses.page(request, "conversations/item_output_create.html", {**context, "form": form}, status=status)
