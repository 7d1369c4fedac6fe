"""Content security policy, compression, caching, HEAD, and limits of request bodies."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.urls import ResolverMatch
from django.utils.datastructures import MultiValueDict

from convadmin.large_forms import fields_of

GetResponse = Callable[[HttpRequest], Any]

FORM = "application/x-www-form-urlencoded"
KIB = 1024
DEFAULT_LIMIT = 64 * KIB  # bytes of a request's body
ADMIN_LIMIT = 1024 * KIB
API = "/api/"
API_LIMIT = 16 * KIB * KIB  # 1,000 conversations with all the metadata that OpenAI allows
IMPORT_LIMIT = 201 * KIB * KIB  # a file of 200 MB, and the form around it
MESSAGES_LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
MESSAGES_VIEWS = {
    "conversation_create",
    "conversation_preview",
    "conversation_from_file",
    "conversation_edit",
    "item_create",
}


class ContentSecurityPolicyMiddleware:
    """Sends the content security policy in the setting `SECURE_CSP`. Django 6 has its own middleware for that."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response


class CompressionMiddleware(GZipMiddleware):
    """Compresses pages. WhiteNoise has compressed static files already, and downloads keep their size."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html") and not response.streaming
        return super().process_response(request, response) if is_page else response


class HeadMiddleware:
    """Removes the body from responses to HEAD; gunicorn would log a warning for each."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        response = self.get_response(request)
        if request.method == "HEAD" and isinstance(response, StreamingHttpResponse):
            response.streaming_content = iter(())
        elif request.method == "HEAD":
            response.content = b""  # Content-Length is already set
        return response


class NoStoreMiddleware:
    """Keeps pages out of all caches, unless a view says otherwise. WhiteNoise serves static files before."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class RequestBodyMiddleware:
    """Refuses a body that is too large or invalid, before anything reads it.

    It comes before CsrfViewMiddleware, which reads the form. Django's own limit is the same for all views, and ignores
    multipart bodies.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Responds with 413, or raises BadRequest."""
        size = _size(request)
        if size is None or (size > DEFAULT_LIMIT and size > _limit(request)):
            return _too_large(request)
        parameters = request.content_params or {}
        if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            raise BadRequest("The body isn't in UTF-8.")
        if request.content_type == "multipart/form-data" and not parameters.get("boundary"):
            raise BadRequest("The body has no boundary.")
        if size > DEFAULT_LIMIT and request.method == "POST" and request.content_type == FORM:
            request._post, request._files = fields_of(request.body), MultiValueDict()  # type: ignore[attr-defined]
        return None


def _too_large(request: HttpRequest) -> HttpResponse:
    if not request.path.startswith(API):
        return render(request, "413.html", status=413)
    message = f"The body is too large, or its size is unknown. Send at most {API_LIMIT // KIB // KIB} MB at once."
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": "body_too_large"}
    return JsonResponse({"error": error}, status=413)


def _size(request: HttpRequest) -> int | None:
    """The size of the body in bytes; None if it's unknown."""
    if request.headers.get("Transfer-Encoding"):
        return None
    length = request.headers.get("Content-Length") or "0"
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None


def _limit(request: HttpRequest) -> int:
    """The allowed size of the body: more than the default only for signed-in users, in views that need it."""
    match: ResolverMatch | None = request.resolver_match
    if match is not None and match.view_name == "api_conversations":  # which looks at the token before it reads
        return API_LIMIT
    if match is None or not request.user.is_authenticated:
        return DEFAULT_LIMIT
    if match.view_name in MESSAGES_VIEWS:
        return MESSAGES_LIMIT
    if match.view_name == "import_create":
        return IMPORT_LIMIT
    return ADMIN_LIMIT if match.app_name == "admin" else DEFAULT_LIMIT
