"""Getting a conversation by its id."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from ..forms.conversations import GetForm
from ..models import Conversation
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.conversations import get_conversation
from ..services.errors import BelongsToAnother
from .outcomes import attempted


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def conversation_get(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _get_page(request, GetForm(user=request.user, openai_id=request.GET.get("id", "").strip()[:255]))
    form = GetForm(request.POST, user=request.user)
    return attempted(request, form, lambda: _get(request, form), lambda status: _get_page(request, form, status=status))


def _get(request: SignedInRequest, form: GetForm) -> HttpResponse:
    try:
        conversation = get_conversation(
            actor=request.user,
            credential=form.cleaned_data["credential"],
            openai_id=form.cleaned_data["openai_id"],
            token=form.cleaned_data["token"],
        )
    except BelongsToAnother as error:
        return _get_page(request, form, owned=error.conversation, status=responses.LOCKED)
    messages.success(request, "Fetched from OpenAI just now.")
    return redirect("conversation_detail", conversation.pk)


def _get_page(
    request: SignedInRequest, form: GetForm, *, owned: Conversation | None = None, status: int = 200
) -> HttpResponse:
    """`owned`: the row that another credential brought; it is named only to those who may see it."""
    may_see = owned is not None and owned.is_visible_to(request.user)
    context = {"form": form, "is_owned": owned is not None, "owned": owned if may_see else None}
    return responses.page(
        request, "conversations/conversation_get.html", context, fragments=["get-form"], status=status
    )
