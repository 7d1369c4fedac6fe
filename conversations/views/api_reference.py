"""The reference of the API for applications."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ..pages import responses
from ..pages.documentation import documentation
from ..pages.responses import SignedInRequest


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def api_reference(request: SignedInRequest) -> HttpResponse:
    return responses.page(request, "conversations/api_reference.html", {"reference": documentation("registering.md")})
