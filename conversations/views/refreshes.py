"""Refreshing everything that a search finds."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from ..forms.jobs import JobForm
from ..jobs import control
from ..models import Credential, Job, JobKind
from ..pages import responses
from ..pages.job_progress import in_words
from ..pages.list_state import ListState
from ..pages.responses import SignedInRequest
from ..search import Search
from .access import requested_search

USUAL_SECONDS = 0.4  # that a server takes for a read, for the estimate


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.change_conversation", raise_exception=True)
def refresh_create(request: SignedInRequest) -> HttpResponse:
    state, search = requested_search(request)
    if request.method != "POST" or state.query.problems:
        status = responses.REJECTED if state.query.problems else 200
        return _page(request, state, search, JobForm(), status=status)
    form = JobForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, state, search, form, status=responses.REJECTED)
    earlier = Job.objects.with_token(form.cleaned_data["token"])
    return redirect(earlier or _make(request, state, search, form))


def _make(request: SignedInRequest, state: ListState, search: Search, form: JobForm) -> Job:
    return control.create(
        kind=JobKind.REFRESH,
        credentials=list(Credential.objects.with_keys(search.chosen_credentials())),
        actor=request.user,
        query=str(state.query),
        reason=form.cleaned_data["reason"],
        token=form.cleaned_data["token"],
    )


def _page(request: SignedInRequest, state: ListState, search: Search, form: JobForm, *, status: int) -> HttpResponse:
    number = None if state.query.problems else search.number()
    context = {"state": state, "number": number, "form": form, "estimate": ""}
    if number is not None and number.at_least:
        context["estimate"] = in_words(number.at_least * USUAL_SECONDS / _width(search))
    return responses.page(request, "conversations/refresh_create.html", context, status=status)


def _width(search: Search) -> int:
    """How many calls at once the credentials of the search allow."""
    rows = Credential.objects.with_keys(search.chosen_credentials())
    return sum(rows.values_list("concurrency", flat=True)) or 1
