"""The activity: events, failed sign-ins, and resolving an event whose outcome is unknown."""

from axes.models import AccessFailureLog
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from ..forms.conversations import ResolveForm
from ..models import Credential, Event
from ..openai.errors import OpenAIError
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.errors import ServiceError
from ..services.unresolved_events import resolve_by_id, resolve_by_note
from .access import requested_page
from .outcomes import status_of


@require_safe
@permission_required("conversations.view_event", raise_exception=True)
def event_list(request: SignedInRequest) -> HttpResponse:
    show = request.GET.get("show", "")
    if show == "sign-ins":
        return _sign_ins(request)
    only_unresolved = show == "unresolved"
    events = (Event.objects.unresolved() if only_unresolved else Event.objects.all()).for_list()
    context = {
        **requested_page(request, events, {"show": show} if only_unresolved else {}, visible_to=request.user),
        "show": "unresolved" if only_unresolved else "all",
        "credentials": Credential.objects.visible_to(request.user).keys(),
        "only_unresolved": only_unresolved,
        "unresolved_count": Event.objects.visible_to(request.user).unresolved().count(),
    }
    return responses.page(request, "conversations/event_list.html", context, fragments=["events"])


def _sign_ins(request: SignedInRequest) -> HttpResponse:
    if not request.user.is_superuser:
        raise PermissionDenied
    context = {
        **requested_page(request, AccessFailureLog.objects.all(), {"show": "sign-ins"}),
        "show": "sign-ins",
        "unresolved_count": Event.objects.visible_to(request.user).unresolved().count(),
    }
    return responses.page(request, "conversations/sign_in_list.html", context, fragments=["sign-ins"])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.view_event", raise_exception=True)
def event_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    event = get_object_or_404(Event.objects.visible_to(request.user).for_page(), pk=pk)
    if request.method != "POST":
        return _page(request, event, ResolveForm(event=event, user=request.user))
    return _resolve(request, event)


@permission_required("conversations.change_conversation", raise_exception=True)
def _resolve(request: SignedInRequest, event: Event) -> HttpResponse:
    form = ResolveForm(request.POST, event=event, user=request.user)
    if not event.is_unresolved:
        form.add_error(None, "This is already resolved.")
    if not form.is_valid():
        return _page(request, event, form, status=responses.REJECTED)
    openai_id, note = form.cleaned_data.get("openai_id"), form.cleaned_data["note"]
    try:
        if openai_id:
            conversation = resolve_by_id(actor=request.user, event=event, openai_id=openai_id)
            messages.success(request, "Resolved. This is the conversation that was created.")
            return redirect("conversation_detail", conversation.pk)
        resolve_by_note(actor=request.user, event=event, note=note)
    except OpenAIError as error:
        form.add_error(None, error.full_message)
        return _page(request, event, form, status=responses.FAILED_AT_OPENAI)
    except ServiceError as error:
        form.add_error(None, str(error))
        return _page(request, event, form, status=status_of(error))
    messages.success(request, "Resolved with your note.")
    return redirect("event_detail", event.pk)


def _page(request: SignedInRequest, event: Event, form: ResolveForm, *, status: int = 200) -> HttpResponse:
    context = {"event": event, "form": form, "credentials": Credential.objects.visible_to(request.user).keys()}
    return responses.page(request, "conversations/event_detail.html", context, status=status)
