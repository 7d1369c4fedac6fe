"""Searches kept under a name, and the page that one starts with."""

from urllib.parse import parse_qs

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..forms.saved_views import Offer, SavedViewForm
from ..models import SavedView, StartPage
from ..pages import responses
from ..pages.list_state import ListState
from ..pages.responses import SignedInRequest
from .access import requested_search

LOOK = "conversations.view_conversation"
FORM = "conversations/saved_view_form.html"


@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    view = SavedView.objects.start_of(request.user) if request.user.has_perm(LOOK) else None
    return redirect(view.list_url if view else "overview")


@require_safe
@permission_required(LOOK, raise_exception=True)
def saved_view_list(request: SignedInRequest) -> HttpResponse:
    views = SavedView.objects.visible_to(request.user).for_list(request.user)
    rows = [(view, _state_of(view)) for view in views]
    context = {
        "own": [row for row in rows if row[0].owner_id == request.user.pk],
        "shared": [row for row in rows if row[0].owner_id != request.user.pk],
    }
    return responses.page(request, "conversations/saved_view_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def saved_view_create(request: SignedInRequest) -> HttpResponse:
    state, _ = requested_search(request)
    offer = Offer(state.query_string, state.query)
    if request.method != "POST":
        return _create_page(request, SavedViewForm(owner=request.user, offer=offer), state)
    form = SavedViewForm(request.POST, owner=request.user, offer=offer)
    view = form.saved()
    if view is None:
        return _create_page(request, form, state, status=responses.REJECTED)
    messages.success(request, "View saved. Find it under Views.")
    return redirect(view)


@require_safe
@permission_required(LOOK, raise_exception=True)
def saved_view_open(request: SignedInRequest, pk: int) -> HttpResponse:
    return redirect(_visible(request, pk).list_url)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def saved_view_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    view = _own(request, pk)
    kept, new = _state_of(view), requested_search(request)[0] if "q" in request.GET else None
    # The search is only offered if it isn't the one that the view has already.
    if new is not None and new.query_string == view.query_string:
        new = None
    offer = Offer(new.query_string, new.query) if new is not None else None
    form = SavedViewForm(request.POST if request.method == "POST" else None, owner=request.user, view=view, offer=offer)
    if form.saved():
        messages.success(request, "View updated.")
        return redirect("saved_view_list")
    context = {"view": view, "form": form, "state": kept, "asked": new}
    status = responses.REJECTED if form.is_bound else 200
    return responses.page(request, FORM, context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def saved_view_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    view = _own(request, pk)
    if request.method != "POST":
        context = {"view": view, "state": _state_of(view)}
        return responses.page(request, "conversations/saved_view_delete.html", context)
    view.delete()
    messages.success(request, "View deleted.")
    return redirect("saved_view_list")


@require_POST
@permission_required(LOOK, raise_exception=True)
def saved_view_start(request: SignedInRequest, pk: int) -> HttpResponse:
    view = _visible(request, pk)
    if request.POST.get("start") == "on":
        StartPage.objects.set_for(request.user, view)
        messages.success(request, "You now start with this view.")
    else:
        StartPage.objects.unset_for(request.user, view)
        messages.success(request, "You now start with the overview.")
    return redirect("saved_view_list")


def _visible(request: SignedInRequest, pk: int) -> SavedView:
    return get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk)


def _own(request: SignedInRequest, pk: int) -> SavedView:
    return get_object_or_404(SavedView.objects.owned_by(request.user), pk=pk)


def _state_of(view: SavedView) -> ListState:
    return ListState.from_query(parse_qs(view.query_string, keep_blank_values=True))


def _create_page(request: SignedInRequest, form: SavedViewForm, state: ListState, *, status: int = 200) -> HttpResponse:
    own = SavedView.objects.owned_by(request.user).for_list(request.user)
    context = {"form": form, "state": state, "own": own}
    return responses.page(request, FORM, context, status=status)
