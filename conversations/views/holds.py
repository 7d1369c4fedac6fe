"""Legal holds: the list, placing one, the page of one, lifting it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..forms.holds import HoldForm
from ..models import Conversation, Credential, Hold
from ..models.keys import as_keys
from ..models.shared_queryset import sees_all_credentials
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..query import Query
from ..search import Search
from ..services.holds import lift_hold, place_hold, place_search_hold, sweep
from .access import requested_page, requested_search

LOOK = "conversations.view_hold"
MAX_PICKS = 1_000
SHOWN = 50
SWEPT_AT_ONCE = 10_000


@require_safe
@permission_required(LOOK, raise_exception=True)
def hold_list(request: SignedInRequest) -> HttpResponse:
    context = requested_page(request, Hold.objects.visible_to(request.user))
    return responses.page(request, "conversations/hold_list.html", context, fragments=["holds"])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("conversations.add_hold", raise_exception=True)
def hold_create(request: SignedInRequest) -> HttpResponse:
    """On the picked conversations, or on whatever the search finds, now and later."""
    context = _subject(request)
    form = HoldForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or context["problem"] or not form.is_valid():
        status = responses.REJECTED if request.method == "POST" or context["problem"] else 200
        return responses.page(request, "conversations/hold_create.html", {**context, "form": form}, status=status)
    hold = Hold.objects.with_token(form.cleaned_data["token"]) or _place(request, context, form)
    messages.success(request, "The hold is in force.")
    return redirect(hold)


@require_safe
@permission_required(LOOK, raise_exception=True)
def hold_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    return _page(request, _visible(request, pk), HoldForm())


@require_POST
@permission_required("conversations.change_hold", raise_exception=True)
def hold_lift(request: SignedInRequest, pk: int) -> HttpResponse:
    hold = _visible(request, pk)
    if not sees_all_credentials(request.user, hold):
        raise PermissionDenied  # others rely on it
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _page(request, hold, form, status=responses.REJECTED)
    if lift_hold(actor=request.user, hold=hold, reason=form.cleaned_data["reason"]):
        messages.success(request, "The hold was lifted.")
    else:
        messages.info(request, "The hold had been lifted before.")
    return redirect(hold)


def _subject(request: SignedInRequest) -> dict[str, Any]:
    """What the URL says is to be held, and where the page leads back to."""
    picks = as_keys(request.GET.getlist("pick")[:MAX_PICKS])
    return _picked(request, picks) if picks else _search(request)


def _picked(request: SignedInRequest, picks: list[int]) -> dict[str, Any]:
    rows = list(Conversation.objects.visible_to(request.user).select_related("credential").in_bulk(picks).values())
    back_url = rows[0].get_absolute_url() if len(rows) == 1 else reverse("conversation_list")
    problem = "" if rows else "These conversations aren’t in the index."
    return {"rows": rows, "problem": problem, "back_url": back_url}


def _search(request: SignedInRequest) -> dict[str, Any]:
    state, search = requested_search(request)
    problem = search.query.problems[0].message if search.query.problems else ""
    if state.query.clauses_on_dates("read"):
        problem = "What a hold applies to can’t depend on when something was read."
    # The credentials are kept by themselves: a name may change, and a hold has to stay.
    query = Query(tuple(clause for clause in state.query.clauses if clause not in state.query.clauses_on("credential")))
    number = None if problem else search.number()
    chosen = [] if problem else Credential.objects.with_keys(_searched(search))
    if not problem and not chosen:
        problem = "No credential is left to look through."
    back_url = reverse("conversation_list") + state.url
    found = {"state": state, "query": str(query), "number": number, "credentials": chosen}
    return {**found, "problem": problem, "back_url": back_url}


def _searched(search: Search) -> list[int]:
    """The credentials that the search may find something of, now or later."""
    named = search.query.clauses_on("credential")
    return [
        pk for pk, name in search.names.items() if all((name in clause.texts) is not clause.negated for clause in named)
    ]


def _place(request: SignedInRequest, context: dict[str, Any], form: HoldForm) -> Hold:
    reason, token = form.cleaned_data["reason"], form.cleaned_data["token"]
    if "rows" in context:
        return place_hold(actor=request.user, conversations=context["rows"], reason=reason, token=token)
    credentials, number = list(context["credentials"]), context["number"]
    hold = place_search_hold(
        actor=request.user, query=context["query"], credentials=credentials, reason=reason, token=token
    )
    if number.is_exact and number.at_least <= SWEPT_AT_ONCE:  # otherwise a worker does it
        sweep(hold)
    return hold


def _visible(request: SignedInRequest, pk: int) -> Hold:
    return get_object_or_404(Hold.objects.visible_to(request.user), pk=pk)


def _page(request: SignedInRequest, hold: Hold, form: HoldForm, *, status: int = 200) -> HttpResponse:
    visible = Conversation.objects.visible_to(request.user).held_by(hold)
    context = {"hold": hold, "form": form, "rows": visible[:SHOWN], "number": visible.count()}
    context["may_lift"] = request.user.has_perm("conversations.change_hold") and sees_all_credentials(
        request.user, hold
    )
    context["credentials"] = Credential.objects.usable_of(hold, request.user)
    return responses.page(request, "conversations/hold_detail.html", context, status=status)
