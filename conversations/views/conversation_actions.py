"""The buttons on a conversation's page: refresh, accept OpenAI's version, remove, transfer."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..forms.conversations import RemoveForm, TransferForm
from ..models import Conversation, Credential, Erasure
from ..openai.errors import NotFound, OpenAIError
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.conversations import refresh_conversation, remove_conversation, transfer_conversation
from ..services.errors import ServiceError
from ..services.holds import holds_on
from ..services.unresolved_events import accept_remote_metadata
from .access import visible_conversation
from .outcomes import attempted, to_conversation

READ = {
    "active": "Refreshed. The metadata is as expected.",
    "differs": "Refreshed. The metadata at OpenAI has changed.",
}


@require_POST
@permission_required("conversations.change_conversation", raise_exception=True)
def conversation_refresh(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    return _told(request, conversation, lambda: _refresh(request, conversation))


@require_POST
@permission_required("conversations.change_conversation", raise_exception=True)
def conversation_accept_remote(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    return _told(request, conversation, lambda: _accept_remote(request, conversation))


@require_safe
@permission_required("conversations.delete_conversation", raise_exception=True)
def conversation_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    """The two ways to delete, to choose from."""
    conversation = visible_conversation(request, pk)
    erasure = Erasure.objects.about(conversation).first()
    context = {
        "conversation": conversation,
        "holds": holds_on(conversation),
        "may_remove": erasure is None or not (erasure.is_running or erasure.is_stopped),
    }
    return responses.page(request, "conversations/conversation_delete.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.delete_conversation", raise_exception=True)
def conversation_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    if request.method != "POST":
        return _remove_page(request, conversation, RemoveForm())
    form = RemoveForm(request.POST, user=request.user)
    return attempted(
        request,
        form,
        lambda: _remove(request, conversation, form),
        lambda status: _remove_page(request, conversation, form, status=status),
    )


@require_POST
@permission_required("conversations.change_conversation", raise_exception=True)
def conversation_transfer(request: SignedInRequest, pk: int) -> HttpResponse:
    conversation = visible_conversation(request, pk)
    usable = Credential.objects.visible_to(request.user).active().at(conversation.base_url)
    form = TransferForm(request.POST, usable=usable)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return to_conversation(request, pk)

    def transfer() -> None:
        transfer_conversation(
            actor=request.user,
            conversation=conversation,
            credential=form.cleaned_data["credential"],
            token=form.cleaned_data["token"],
        )
        messages.success(request, f"Transferred to {form.cleaned_data['credential'].name}.")

    return _told(request, conversation, transfer)


def _remove(request: SignedInRequest, conversation: Conversation, form: RemoveForm) -> HttpResponse:
    remove_conversation(actor=request.user, conversation=conversation, token=form.cleaned_data["token"])
    messages.success(request, "Removed at OpenAI.")
    return to_conversation(request, conversation.pk)


def _accept_remote(request: SignedInRequest, conversation: Conversation) -> None:
    if accept_remote_metadata(actor=request.user, conversation=conversation):
        messages.success(request, "Accepted OpenAI’s version. Nothing was sent.")
    else:
        messages.info(request, "The metadata no longer differs.")


def _refresh(request: SignedInRequest, conversation: Conversation) -> None:
    try:
        row = refresh_conversation(actor=request.user, conversation=conversation)
    except NotFound as error:
        messages.warning(request, f"The server says: {error.full_message}")
    else:
        tell = messages.warning if row.state == "differs" else messages.success
        tell(request, READ[row.state])


def _told(request: SignedInRequest, conversation: Conversation, act: Callable[[], None]) -> HttpResponse:
    """Act, and go back to the conversation, which says how it went."""
    try:
        act()
    except OpenAIError as error:
        messages.error(request, error.full_message)
    except ServiceError as error:
        messages.error(request, str(error))
    return to_conversation(request, conversation.pk)


def _remove_page(
    request: SignedInRequest, conversation: Conversation, form: RemoveForm, *, status: int = 200
) -> HttpResponse:
    context = {"conversation": conversation, "form": form}
    return responses.page(request, "conversations/conversation_remove.html", context, status=status)
