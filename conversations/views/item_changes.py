"""Adding messages to a conversation, and deleting items of it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from ..forms.items import AddItemsForm, DeleteItemForm
from ..items import displayed, partner_of
from ..models import Conversation
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.additions import add_all_items
from ..services.items import delete_items, find_partner, retrieve_item
from .access import requested_transcript, visible_conversation
from .additions import rest_page, send_or_resume
from .outcomes import attempted, read_or_failure, to_conversation


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.change_conversation", raise_exception=True)
def item_create(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    if request.method != "POST":
        return _create_page(request, conversation, AddItemsForm())
    draft = AddItemsForm(None, request.FILES, user=request.user, draft=request.POST)
    if draft.act(request.POST.get("do", "")):
        return _create_page(request, conversation, draft)
    form = AddItemsForm(request.POST, request.FILES, user=request.user)
    return attempted(
        request,
        form,
        lambda: _create(request, conversation, form),
        lambda status: _create_page(request, conversation, form, status=status),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.delete_conversation", raise_exception=True)
def item_delete(request: SignedInRequest, pk: int, item_id: str) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    if request.method != "POST":
        return _delete_page(request, conversation, item_id, DeleteItemForm())
    form = DeleteItemForm(request.POST, user=request.user)
    return attempted(
        request,
        form,
        lambda: _delete(request, conversation, item_id, form),
        lambda status: _delete_page(request, conversation, item_id, form, status=status),
    )


def _create(request: SignedInRequest, conversation: Conversation, form: AddItemsForm) -> HttpResponse:
    items, token = form.cleaned_data["items"], form.cleaned_data["token"]
    addition = send_or_resume(
        request,
        lambda: add_all_items(actor=request.user, conversation=conversation, items=items, token=token),
        token=token,
        total=len(items),
    )
    if not addition.is_complete:
        return rest_page(request, form.messages, addition)
    number, sent = addition.kept or 0, addition.total
    if number < sent:
        messages.warning(request, f"Sent, but the server’s response has only {number} of {sent} messages.")
    else:
        messages.success(request, f"{number} message{'' if number == 1 else 's'} added at OpenAI.")
    return to_conversation(request, conversation.pk, items="newest")


def _delete(request: SignedInRequest, conversation: Conversation, item_id: str, form: DeleteItemForm) -> HttpResponse:
    partner = form.cleaned_data["partner"]
    item_ids = [item_id, partner] if partner and partner != item_id else [item_id]
    token = form.cleaned_data["token"]
    delete_items(actor=request.user, conversation=conversation, item_ids=item_ids, token=token)
    messages.success(request, "Both items deleted at OpenAI." if len(item_ids) > 1 else "Item deleted at OpenAI.")
    return to_conversation(request, conversation.pk)


def _create_page(
    request: SignedInRequest, conversation: Conversation, form: AddItemsForm, *, status: int = 200
) -> HttpResponse:
    context = {"conversation": conversation, "form": form}
    return responses.page(request, "conversations/item_create.html", context, fragments=["new-items"], status=status)


def _delete_page(
    request: SignedInRequest, conversation: Conversation, item_id: str, form: DeleteItemForm, *, status: int = 200
) -> HttpResponse:
    """With the item as it is now, and its other half; what cannot be read can be deleted all the same."""
    found, _ = read_or_failure(lambda: _halves(conversation, item_id))
    transcript = requested_transcript(request, conversation)
    context = {"conversation": conversation, "transcript": transcript, "item_id": item_id, "form": form, **found}
    return responses.page(request, "conversations/item_delete.html", context, status=status)


def _halves(conversation: Conversation, item_id: str) -> dict[str, Any]:
    item = retrieve_item(conversation=conversation, item_id=item_id)
    partner = find_partner(conversation=conversation, item=item)
    return {
        "item": displayed(item),
        "is_half": partner_of(item) is not None,
        "partner": displayed(partner) if partner else None,
    }
