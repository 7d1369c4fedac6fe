"""What holds for every request and answer: the policy, no copies in caches, and how much may be sent."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import ResolverMatch
from django.utils.datastructures import MultiValueDict

from convadmin.large_forms import fields_of

GetResponse = Callable[[HttpRequest], Any]

FORM = "application/x-www-form-urlencoded"
KIB = 1024
EVERYWHERE = 64 * KIB  # bytes of a request's body
IN_THE_ADMIN = 1024 * KIB
OF_MESSAGES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
WITH_MESSAGES = {"conversation_create", "conversation_preview", "conversation_edit", "item_create"}


class ContentSecurityPolicyMiddleware:
    """Sends the policy of the setting `SECURE_CSP` with each answer; Django 6 has this of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response


class HeadMiddleware:
    """Answers HEAD without a body, of which gunicorn would warn each time."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        response = self.get_response(request)
        if request.method == "HEAD" and isinstance(response, StreamingHttpResponse):
            response.streaming_content = iter(())
        elif request.method == "HEAD":
            response.content = b""  # the header still tells the length
        return response


class NoStoreMiddleware:
    """Keeps pages out of the browser's and every other cache, unless a view says otherwise; static files are
    answered before."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class RequestBodyMiddleware:
    """Refuses a body that is too large or cannot be read, before anything reads it.

    It stands before the protection against forged forms, which reads the form. Django's own limit is one for all
    and leaves out multipart bodies.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Answers 413, or raises BadRequest, where the body must not be read."""
        size = _size(request)
        if size is None or (size > EVERYWHERE and size > _limit(request)):
            return render(request, "413.html", status=413)
        parameters = request.content_params or {}
        if parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            raise BadRequest("The body is not in UTF-8.")
        if request.content_type == "multipart/form-data" and not parameters.get("boundary"):
            raise BadRequest("The body has no boundary.")
        if size > EVERYWHERE and request.method == "POST" and request.content_type == FORM:
            request._post, request._files = fields_of(request.body), MultiValueDict()  # type: ignore[attr-defined]
        return None


def _size(request: HttpRequest) -> int | None:
    """The bytes that the request says it has; None where it does not say."""
    if request.headers.get("Transfer-Encoding"):
        return None
    length = request.headers.get("Content-Length") or "0"
    return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None


def _limit(request: HttpRequest) -> int:
    """The bytes that the request may have: more for those who are signed in, where they need it."""
    match: ResolverMatch | None = request.resolver_match
    if match is None or not request.user.is_authenticated:
        return EVERYWHERE
    if match.view_name in WITH_MESSAGES:
        return OF_MESSAGES
    return IN_THE_ADMIN if match.app_name == "admin" else EVERYWHERE
