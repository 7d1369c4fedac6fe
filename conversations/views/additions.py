"""The page that a form with many messages leads to when not all of them could be added."""

from django.http import HttpResponse
from django.urls import reverse

from ..forms.items import AddItemsForm
from ..forms.messages import MessageRows
from ..openai.errors import OpenAIError
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.additions import Addition
from .outcomes import status_of


def rest_page(
    request: SignedInRequest, typed: MessageRows, addition: Addition, *, is_new: bool = False
) -> HttpResponse:
    """What was added, why no more, and a form with the messages that are left. They aren't stored anywhere."""
    form = AddItemsForm.of_rest(typed.filled()[addition.added :], user=request.user)
    status, failure, problem = 200, addition.failure, ""
    if isinstance(failure, OpenAIError):
        form.show_failure(failure, addition.event)
        status = responses.FAILED_AT_OPENAI
    elif failure is not None:
        status, problem = status_of(failure), str(failure)
    conversation = addition.conversation
    context = {"conversation": conversation, "form": form, "addition": addition, "is_new": is_new, "problem": problem}
    url = reverse("item_create", args=[conversation.pk])
    return responses.other_page(request, "conversations/item_create.html", context, url=url, status=status)
