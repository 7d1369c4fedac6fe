"""The list of conversations, its filters and numbers, and the completion of its search box."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from ..metadata import replace_unstorable
from ..models import Conversation, Erasure, SavedView
from ..openai.ids import is_legal_id
from ..pages import facets, responses
from ..pages.list_state import ListState
from ..pages.paging import cursor
from ..pages.responses import SignedInRequest
from ..query import Query, TextClause
from ..search import Number, Overview, ResultPage, Search, completion
from ..search.counts import top_values, values_containing
from ..services.holds import held_among
from .access import requested_search

VALUES_SHOWN = 100


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_list(request: SignedInRequest) -> HttpResponse:
    state, search = requested_search(request)
    page = _page(state, search)
    # An id without a match may exist at OpenAI: the page offers to get it.
    pasted_id = _pasted_id(state.query) if not page.rows else ""
    context = {
        "state": state,
        "page": page,
        "erased": Erasure.objects.erased_among(row.pk for row in page.rows if row.is_removed),
        "held": held_among({row.sort_key: row.pk for row in page.rows}, search.names),
        "newer_url": state.newer_than(str(page.newer)) if page.newer is not None else "",
        "older_url": state.older_than(str(page.older)) if page.older is not None else "",
        "number": _number(search, page),
        **_urls(state),
        "is_whole": page.newer is None and page.older is None,
        "day_problem": bool(state.on) and search.day(state.on) is None,
        "pasted_id": pasted_id,
        "hidden": Conversation.objects.visible_to(request.user).known_as(pasted_id),
        "is_empty": not page.rows and not search.visible.exists(),
        "view": _view(request),
        "time_zone": settings.TIME_ZONE,
    }
    return responses.page(request, "conversations/conversation_list.html", context, fragments=["results"])


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_overview(request: SignedInRequest) -> HttpResponse:
    state, search = requested_search(request)
    context: dict[str, Any] = {"state": state, "time_zone": settings.TIME_ZONE, **_urls(state)}
    context["is_swapped"] = responses.is_requested(request, "overview")
    if request.GET.get("count") == "all":
        context["number"] = search.number()
    if not responses.is_requested(request, "number"):
        overview = Overview(search)
        context = {"number": overview.number, **context, **_shown(state, overview)}
        context["reconciled_at"] = search.reconciled_at
    return responses.page(
        request, "conversations/conversation_overview.html", context, fragments=["overview", "number"]
    )


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_values(request: SignedInRequest) -> HttpResponse:
    state, search = requested_search(request)
    if "key" not in request.GET:
        return redirect(reverse("conversation_overview") + state.url)
    key, part = (replace_unstorable(request.GET.get(name, "")) for name in ("key", "find"))
    part = part.strip()
    pks = list(search.names)
    found = values_containing(pks, key, part) if part else top_values(pks, key, VALUES_SHOWN)
    options = facets.value_options(state, key, found, VALUES_SHOWN) if found is not None else []
    context = {"state": state, "key": key, "part": part, "options": options, "are_too_many": found is None}
    return responses.page(request, "conversations/conversation_values.html", context, fragments=["values"])


@require_safe
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_completion(request: SignedInRequest) -> HttpResponse:
    text, at = replace_unstorable(request.GET.get("q", "")), cursor(request.GET.get("at", ""))
    suggestions = completion.suggestions(text, len(text) if at is None else at, request.user)
    return responses.page(request, "conversations/conversation_completion.html", {"suggestions": suggestions})


def _page(state: ListState, search: Search) -> ResultPage:
    before, after = cursor(state.before), cursor(state.after)
    # A day is a cursor like any other: the page begins with its first conversation in the order of the list.
    day = search.day(state.on)
    if day is not None:
        before, after = (None, day[0] - 1) if state.oldest_first else (day[1], None)
    return search.page(size=settings.PAGE_SIZE, before=before, after=after, oldest_first=state.oldest_first)


def _number(search: Search, page: ResultPage) -> Number | None:
    """How many match, if that is known without counting; otherwise the overview counts."""
    known = search.known_number()
    if known is None and page.newer is None and page.older is None:
        known = len(page.rows)
    return None if known is None else Number(known, is_exact=True)


def _urls(state: ListState) -> dict[str, str]:
    overview = f"{reverse('conversation_overview')}?{state.query_string}"
    return {
        "list_url": reverse("conversation_list"),
        "overview_url": overview,
        "count_url": f"{overview}&count=all",
    }


def _shown(state: ListState, overview: Overview) -> dict[str, Any]:
    histogram = overview.histogram
    return {
        "facets": facets.facets(state, overview),
        "note": facets.note(overview),
        "histogram": histogram,
        "bars": facets.columns(state, histogram) if histogram else [],
    }


def _view(request: SignedInRequest) -> SavedView | None:
    """The saved view that the URL names, if the user may see it."""
    pk = cursor(request.GET.get("view", ""))
    return SavedView.objects.visible_to(request.user).in_bulk([pk]).get(pk) if pk is not None else None


def _pasted_id(query: Query) -> str:
    """The id that was searched for, if nothing else was: it can be fetched from OpenAI."""
    texts = [clause.text for clause in query.clauses if isinstance(clause, TextClause) and not clause.negated]
    texts += [clause.texts[0] for clause in query.clauses_on("id") if not clause.negated]
    return texts[0] if len(texts) == 1 and is_legal_id(texts[0]) and " " not in texts[0] else ""
