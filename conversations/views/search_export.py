"""A search result as a file: the page that says what will be in it, and the file."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from ..exports.search_results import Export, file_name, problems_with
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..search import Overview
from .access import requested_search


@require_safe
@cache_control(no_store=True)
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_export(request: SignedInRequest) -> HttpResponse:
    state, search = requested_search(request)
    is_refused = bool(state.query.problems)
    context = {"state": state, "number": None if is_refused else Overview(search).number}
    status = responses.REJECTED if is_refused else 200
    return responses.page(request, "conversations/conversation_export.html", context, status=status)


@require_safe
@cache_control(no_store=True)
@permission_required("conversations.view_conversation", raise_exception=True)
def conversation_export_file(request: SignedInRequest) -> HttpResponseBase:
    state, search = requested_search(request)
    format_, metadata = request.GET.get("format", "csv"), request.GET.get("metadata", "columns")
    refused = [f"{problem.text} isn’t understood. {problem.message}" for problem in state.query.problems]
    refused += problems_with(format_, metadata)
    if refused:
        text = "\n".join(["Nothing was exported.", *refused, ""])
        return HttpResponse(text, status=responses.REJECTED, content_type="text/plain; charset=utf-8")
    site = request.build_absolute_uri("/").removesuffix("/")
    export = Export(search, format_, metadata, state.columns, state.oldest_first, site)
    name = file_name(state.query, format_, timezone.localdate())
    # HEAD gets the headers alone: it must not read the whole result.
    response = StreamingHttpResponse(
        [] if request.method == "HEAD" else export.chunks(), content_type=export.content_type
    )
    return responses.as_file(response, name)
