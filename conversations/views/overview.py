"""The overview: what there is, what is under way, and what waits for somebody."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from ..pages import responses
from ..pages.responses import SignedInRequest
from ..pages.totals import Checked, Totals
from ..pages.work import failing_credentials, work_of
from ..query import Query
from ..search import Search

LOOK = "conversations.view_conversation"


@require_safe
def overview(request: SignedInRequest) -> HttpResponse:
    work = work_of(request.user)
    context = {**work, "is_busy": bool(work)}
    if request.user.has_perm(LOOK):
        context |= _index(request)
    return responses.page(request, "conversations/overview.html", context)


def _index(request: SignedInRequest) -> dict[str, Any]:
    search = Search.for_user(Query(), request.user)
    return {
        "totals": Totals(search),
        "checked": Checked.of(search),
        "failing": failing_credentials(request.user),
        "has_credential": bool(search.credentials),
        "has_sandbox": any(credential.is_sandbox for credential in search.credentials),
        "time_zone": settings.TIME_ZONE,
    }
