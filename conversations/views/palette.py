"""The command palette, which is a page too."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ..metadata import replace_unstorable
from ..pages import responses
from ..pages.navigation import destinations
from ..pages.responses import SignedInRequest

MAX_LENGTH = 500  # characters that are looked for


@require_safe
def palette(request: SignedInRequest) -> HttpResponse:
    text = replace_unstorable(request.GET.get("q", "")).strip()[:MAX_LENGTH]
    context = {"text": text, "found": destinations(request.user, text)}
    return responses.page(request, "conversations/palette.html", context, fragments=["destinations"])
