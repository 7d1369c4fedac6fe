"""Editing the metadata of a conversation, in place or as a page."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from ..forms.conversations import MetadataForm
from ..models import Conversation
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.errors import MetadataMoved
from ..services.metadata_edit import update_metadata
from .access import visible_conversation
from .outcomes import attempted, event_of, to_conversation


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.change_conversation", raise_exception=True)
def conversation_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    if request.method != "POST":
        return _page(request, conversation, _opened_form(request, conversation))
    draft = MetadataForm(user=request.user, draft=request.POST, opened_with=conversation.metadata)
    if draft.act(request.POST.get("do", "")):
        return _page(request, conversation, draft)
    form = MetadataForm(request.POST, user=request.user, opened_with=conversation.metadata)
    return attempted(
        request,
        form,
        lambda: _save(request, conversation, form),
        lambda status: _page(request, conversation, form, status=status),
    )


def _opened_form(request: SignedInRequest, conversation: Conversation) -> MetadataForm:
    form = MetadataForm(opened_with=conversation.metadata)
    if request.GET.get("fill") == "ours" and conversation.our_metadata is not None:
        form.fill(conversation.our_metadata)
    elif request.GET.getlist("blank"):
        form.blank(request.GET.getlist("blank"))
    return form


def _save(request: SignedInRequest, conversation: Conversation, form: MetadataForm) -> HttpResponse:
    try:
        update_metadata(
            actor=request.user,
            conversation=conversation,
            opened_with=form.cleaned_data["opened_with"],
            requested=form.cleaned_data["metadata"],
            token=form.cleaned_data["token"],
        )
    except MetadataMoved as error:
        conversation.refresh_from_db()  # the index holds by now what was read
        form.show_conflict(error.theirs, error.changes)
        raise
    event = event_of(form)
    done = {"done": str(event.pk)} if event is not None else {}
    return to_conversation(request, conversation.pk, **done)


def _page(
    request: SignedInRequest, conversation: Conversation, form: MetadataForm, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"conversation": conversation, "form": form}
    return responses.page(
        request, "conversations/conversation_edit.html", context, fragments=["metadata"], status=status
    )
