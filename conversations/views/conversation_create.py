"""A new conversation: the form with its rows, the preview of its request, and sending it."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from ..forms.conversations import ConversationForm
from ..openai.client import DEFAULT_BASE_URL
from ..openai.request_preview import MAX_LENGTH, as_curl, as_json, shortened, size_of
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.additions import Addition, create_with_items
from ..services.conversations import MAX_ITEMS
from .additions import rest_page, send_or_resume
from .outcomes import attempted

TEMPLATE = "conversations/conversation_create.html"


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def conversation_create(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, ConversationForm(user=request.user))
    draft = ConversationForm(None, request.FILES, user=request.user, draft=request.POST)
    if draft.act(request.POST.get("do", "")):
        return _page(request, draft)
    form = ConversationForm(request.POST, request.FILES, user=request.user)
    return attempted(request, form, lambda: _create(request, form), lambda status: _page(request, form, status=status))


@require_POST
@permission_required("conversations.add_conversation", raise_exception=True)
def conversation_preview(request: SignedInRequest) -> HttpResponse:
    form = ConversationForm(user=request.user, draft=request.POST)
    return responses.page(request, TEMPLATE, create_context(form), fragments=["preview"])


def _create(request: SignedInRequest, form: ConversationForm) -> HttpResponse:
    names = ("credential", "items", "metadata", "token")
    sent = {name: form.cleaned_data[name] for name in names}
    addition = send_or_resume(
        request,
        lambda: create_with_items(actor=request.user, **sent),
        token=sent["token"],
        total=len(sent["items"]),
    )
    if not addition.is_complete:
        return rest_page(request, form.messages, addition, is_new=True)
    _report_created(request, addition)
    return redirect("conversation_detail", addition.conversation.pk)


def _report_created(request: SignedInRequest, addition: Addition) -> None:
    sent, kept = addition.total, addition.kept
    if kept is not None and kept < sent:
        messages.warning(request, f"Created, but the server kept only {kept} of {sent} messages.")
    else:
        count = f" All {sent} messages were added." if sent > MAX_ITEMS else ""
        messages.success(request, f"Created at OpenAI.{count}")


def _page(request: SignedInRequest, form: ConversationForm, *, status: int = 200) -> HttpResponse:
    return responses.page(request, TEMPLATE, create_context(form), fragments=["new-conversation"], status=status)


def create_context(form: ConversationForm) -> dict[str, Any]:
    """What the page of the form shows."""
    credential = form.chosen_credential()
    items = form.messages.draft()
    exact = {"items": items[:MAX_ITEMS], "metadata": form.metadata.draft()}
    body = shortened(exact)
    # A page with a body of megabytes, shown twice, would be slower than sending it.
    is_long = size_of(body) > MAX_LENGTH
    url = f"{credential.base_url if credential else DEFAULT_BASE_URL}/conversations"
    curl = as_curl(
        url,
        {} if is_long else body,
        organization=credential.organization if credential else "",
        project=credential.project if credential else "",
        secret_headers=[header.name for header in credential.headers.all()] if credential else [],
    )
    shown = {"is_long": True} if is_long else {"json": as_json(body), "curl": curl}
    return {
        "form": form,
        "credential": credential,
        "path": urlsplit(url).path,
        "more": items[MAX_ITEMS:],
        "is_shortened": body != exact,
        **shown,
    }
