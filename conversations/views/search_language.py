"""The reference of the search language."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ..pages import responses
from ..pages.documentation import documentation
from ..pages.responses import SignedInRequest


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def search_language(request: SignedInRequest) -> HttpResponse:
    context = {"reference": documentation("search-language.md")}
    return responses.page(request, "conversations/search_language.html", context)
