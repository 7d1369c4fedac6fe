"""Asking a server for its own list of conversations."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from ..forms.jobs import ListingForm
from ..jobs import control
from ..models import Credential, Job, JobKind
from ..pages import responses
from ..pages.responses import SignedInRequest


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_conversation", raise_exception=True)
def listing_create(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, ListingForm(user=request.user))
    form = ListingForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, form, status=responses.REJECTED)
    cleaned = form.cleaned_data
    job = Job.objects.with_token(cleaned["token"]) or control.create(
        kind=JobKind.LIST,
        credentials=[cleaned["credential"]],
        actor=request.user,
        reason=cleaned["reason"],
        token=cleaned["token"],
    )
    return redirect(job)


def _page(request: SignedInRequest, form: ListingForm, *, status: int = 200) -> HttpResponse:
    without = Credential.objects.visible_to(request.user).active().without_list()
    context = {"form": form, "credential": None, "without": without}
    return responses.page(request, "conversations/listing_create.html", context, status=status)
