"""What views show when a service did, or didn't do, what was asked."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from ..forms.base import TokenForm
from ..models import Event, Outcome
from ..openai.errors import OpenAIError
from ..pages import responses
from ..pages.list_state import kept_result
from ..pages.responses import SignedInRequest
from ..services.errors import AlreadySubmitted, BeingChanged, MetadataMoved, NotRecorded, ServiceError


def attempted(
    request: SignedInRequest, form: TokenForm, send: Callable[[], HttpResponse], show: Callable[[int], HttpResponse]
) -> HttpResponse:
    """The response of `send` to a valid form. If the form is invalid or `send` fails, `show(status)` shows the form
    again with what went wrong."""
    if not form.is_valid():
        return show(responses.REJECTED)
    try:
        return send()
    except AlreadySubmitted as error:
        return _first_result(request, error)
    except OpenAIError as error:
        form.show_failure(error, event_of(form))
        return show(responses.FAILED_AT_OPENAI)
    except ServiceError as error:
        # OpenAI did it: sending the form again would do it twice.
        if isinstance(error, NotRecorded):
            form.ask_again(event_of(form))
        form.add_error(None, str(error))
        return show(status_of(error))


def read_or_failure(read: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """The context that `read` returns, or one that says why it failed; and the status of the page."""
    try:
        return read(), 200
    except OpenAIError as error:
        return {"failure": error}, responses.FAILED_AT_OPENAI
    except ServiceError as error:
        return {"problem": str(error)}, status_of(error)


def status_of(error: ServiceError) -> int:
    """The HTTP status of a page that shows the error."""
    if isinstance(error, BeingChanged | MetadataMoved):
        return responses.LOCKED
    return responses.NOT_STORED if isinstance(error, NotRecorded) else responses.REJECTED


def event_of(form: TokenForm) -> Event | None:
    """The event that this form started, if it got that far."""
    return Event.objects.with_token(form.cleaned_data.get("token", ""))


def _first_result(request: SignedInRequest, error: AlreadySubmitted) -> HttpResponse:
    """Redirect to the result of the form when it was first sent."""
    event, conversation = error.event, error.event.conversation
    messages.info(request, str(error))
    if event.erasure is not None:
        return redirect(event.erasure)
    if event.outcome == Outcome.SUCCEEDED and conversation and conversation.is_visible_to(request.user):
        return to_conversation(request, conversation.pk)
    return redirect("event_detail", event.pk)


def to_conversation(request: SignedInRequest, pk: int, **more: str) -> HttpResponse:
    """Redirect to the page of a conversation; keeps the search result that it was opened from."""
    return redirect(reverse("conversation_detail", args=[pk]) + kept_result(dict(request.GET.lists()), **more))
