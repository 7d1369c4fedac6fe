"""Each component of the pages in all its states, for whoever works on them."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from ..models import State
from ..pages import responses
from ..pages.responses import SignedInRequest

METADATA = {"tenant": "acme", "env": "prod", "topic": "billing dispute", "empty": "", "مفتاح": "قيمة"}


@require_safe
def style(request: SignedInRequest) -> HttpResponse:
    """Only with DEBUG."""
    if not settings.DEBUG:
        raise Http404
    context = {
        "states": ["enabled", "disabled"],
        "buttons": ["", "button-primary", "button-danger", "button-quiet"],
        "notices": ["success", "info", "warning", "error"],
        "tones": ["good", "info", "warn", "bad", "off"],
        "rows": [{"state": state, "metadata": METADATA} for state in State.values],
        "now": timezone.now(),
        "long": "v" * 512,
    }
    return responses.page(request, "conversations/style.html", context)
