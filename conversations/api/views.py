"""The routes of the API."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from ..models import Conversation
from ..openai.ids import is_legal_id
from ..search import Search
from ..services.registrations import register
from .authentication import REGISTER, SEARCH, ApiRequest, api_view
from .openapi import document
from .requests import read_limit, read_query, read_registrations, refuse_problems
from .responses import ApiError, conversation_object, list_object

SEARCH_SECONDS = 5.0  # that a page may take to be found


@api_view(POST=REGISTER, GET=SEARCH)
def api_conversations(request: ApiRequest) -> JsonResponse:
    """POST registers conversations, GET searches them."""
    return _register(request) if request.method == "POST" else _search(request)


@api_view(GET=SEARCH)
def api_conversation(request: ApiRequest, openai_id: str) -> JsonResponse:
    """One conversation by its id at OpenAI."""
    return JsonResponse(conversation_object(_row(request, openai_id, "id")))


@require_safe
@login_not_required
def api_document(request: HttpRequest) -> JsonResponse:
    """The OpenAPI document; no token is needed."""
    return JsonResponse(document(request.build_absolute_uri("/").rstrip("/")), json_dumps_params={"indent": 2})


@csrf_exempt
@login_not_required
def api_not_found(request: HttpRequest, path: str) -> JsonResponse:
    """Any other path below /api/v1/."""
    return ApiError(404, f"Invalid URL ({request.method} /api/v1/{path[:200]})").response()


def _register(request: ApiRequest) -> JsonResponse:
    registrations = read_registrations(request)
    added = register(request.token.credential, registrations)
    data = [
        {
            "id": each.openai_id,
            "object": "conversation.registration",
            "status": "registered" if each.openai_id in added else "known",
        }
        for each in registrations
    ]
    return JsonResponse({"object": "list", "data": data}, status=202)


def _search(request: ApiRequest) -> JsonResponse:
    search = Search(read_query(request), [request.token.credential], timezone.now())
    refuse_problems(search.query)  # it may name a credential that isn't the token's
    after, limit = request.GET.get("after", ""), read_limit(request)
    before = _row(request, after, "after").sort_key if after else None
    page = search.page(size=limit, before=before, seconds=SEARCH_SECONDS)
    if page.resumes:
        message = "This search takes too long. Make it narrower, for example by a key and its exact value."
        raise ApiError(503, message, code="search_timeout", param="q")
    return JsonResponse(list_object([conversation_object(row) for row in page.rows], has_more=page.older is not None))


def _row(request: ApiRequest, openai_id: str, param: str) -> Conversation:
    try:
        if is_legal_id(openai_id):
            return Conversation.objects.of(request.token.credential).get_by_remote_id(openai_id)
    except Conversation.DoesNotExist:
        pass
    message = f"Conversation with id '{openai_id[:255]}' not found in the index of this token's credential."
    raise ApiError(404 if param == "id" else 400, message, param=param)
