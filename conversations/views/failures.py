"""What the views do alike when a service does not do what was asked."""

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from .. import responses
from ..forms.conversations import TokenForm
from ..models import Event, Outcome
from ..openai_errors import OpenAIError
from ..services.errors import AlreadySubmitted, BeingChanged, MetadataMoved, NotRecorded, ServiceError


def attempted(form: TokenForm, send: Callable[[], HttpResponse], show: Callable[[int], HttpResponse]) -> HttpResponse:
    """What `send` answers; where it does not do what was asked, the form with what went wrong, by `show(status)`."""
    try:
        return send()
    except AlreadySubmitted as error:
        return redirect(result_of(error.event))
    except OpenAIError as error:
        form.show_failure(error, event_of(form))
        return show(responses.FAILED_AT_OPENAI)
    except ServiceError as error:
        form.add_error(None, str(error))
        return show(status_of(error))


def status_of(error: ServiceError) -> int:
    """The HTTP status of a page that tells of the error."""
    if isinstance(error, BeingChanged | MetadataMoved):
        return responses.LOCKED
    return responses.NOT_STORED if isinstance(error, NotRecorded) else responses.REJECTED


def event_of(form: TokenForm) -> Event | None:
    """The event that this form began, if it came so far."""
    return Event.objects.with_token(form.cleaned_data.get("token", ""))


def result_of(event: Event) -> str:
    """Where one sees what became of an event."""
    if event.outcome == Outcome.SUCCEEDED and event.conversation_id:
        return reverse("conversation_detail", args=[event.conversation_id])
    return reverse("event_detail", args=[event.pk])
