"""The page that a form with many messages leads to when not all of them could be added."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse

from ..forms.base import TokenForm
from ..forms.items import AddItemsForm
from ..forms.messages import MessageRows
from ..openai.errors import OpenAIError
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.additions import Addition, recorded_addition
from ..services.conversations import MAX_ITEMS
from ..services.errors import AlreadySubmitted
from .outcomes import status_of

UNDER_WAY = "Some of its messages may still be on their way: look at the end of the transcript."


def send_or_resume(request: SignedInRequest, send: Callable[[], Addition], *, token: str, total: int) -> Addition:
    """What `send` added or, if the form was sent before, what it added then. Raises AlreadySubmitted where nothing is
    left, or it isn't known yet what."""
    try:
        return send()
    except AlreadySubmitted:
        addition = recorded_addition(token, total, is_all=total <= MAX_ITEMS)
        if addition is None and total > MAX_ITEMS:
            messages.warning(request, UNDER_WAY)
        if addition is None or addition.is_complete or not addition.conversation.is_visible_to(request.user):
            raise
        return addition


def show_rest(form: TokenForm, addition: Addition) -> tuple[int, str]:
    """Make the form one for what is left; gives the status of its page, and what is to be said if OpenAI didn't."""
    form.next_token = addition.next_token
    failure = addition.failure
    if isinstance(failure, OpenAIError):
        form.show_failure(failure, addition.event)
        return responses.FAILED_AT_OPENAI, ""
    if failure is not None:
        return status_of(failure), str(failure)
    if addition.event is not None:
        form.ask_again(addition.event)
    return 200, ""


def rest_page(
    request: SignedInRequest, typed: MessageRows, addition: Addition, *, is_new: bool = False
) -> HttpResponse:
    """What was added, why no more, and a form with the messages that are left. They aren't stored anywhere."""
    form = AddItemsForm.of_rest(typed.filled()[addition.added :], user=request.user)
    status, problem = show_rest(form, addition)
    conversation = addition.conversation
    context = {"conversation": conversation, "form": form, "addition": addition, "is_new": is_new, "problem": problem}
    url = reverse("item_create", args=[conversation.pk])
    return responses.other_page(request, "conversations/item_create.html", context, url=url, status=status)
