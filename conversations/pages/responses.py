"""A page, a fragment of it or a JSON file: the only module that knows htmx.

A fragment is a template partial inside its page. Its name is the id of its element, which htmx sends as HX-Target. It
is only served if the view lists it.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)


class SignedInRequest(HttpRequest):
    """A request after the middleware for sign-in and htmx. For type checkers only."""

    user: User
    htmx: HtmxDetails


SIGNED_OUT = 401
REJECTED = 422  # the form is not valid
LOCKED = 409  # someone else is changing it, or it moved
FAILED_AT_OPENAI = 502
NOT_STORED = 507  # OpenAI did it, and the database refused to keep it


def page(
    request: SignedInRequest,
    template: str,
    context: dict[str, Any],
    *,
    fragments: Collection[str] = (),
    status: int = 200,
) -> TemplateResponse:
    """The page, or the one of `fragments` that htmx asks for."""
    return TemplateResponse(request, f"{template}{_requested_partial(request, fragments)}", context, status=status)


def other_page(
    request: SignedInRequest, template: str, context: dict[str, Any], *, url: str, status: int = 200
) -> TemplateResponse:
    """A whole page in response to a form of another one; htmx puts it in place of that, under this URL."""
    response = TemplateResponse(request, template, context, status=status)
    if request.htmx:
        response["HX-Retarget"] = response["HX-Reselect"] = "#main"
        response["HX-Reswap"] = "outerHTML show:window:top"
        response["HX-Push-Url"] = url
    return response


def json_file(content: dict[str, Any], name: str) -> JsonResponse:
    """Indented JSON, as a download with this file name."""
    return as_file(JsonResponse(content, json_dumps_params={"indent": 2, "ensure_ascii": False}), name)


def as_file(response: AnyResponse, name: str) -> AnyResponse:
    """The response as a download with this file name."""
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def is_requested(request: SignedInRequest, fragment: str) -> bool:
    """Whether the request asks for this fragment only."""
    return _requested_partial(request, [fragment]) != ""


def _requested_partial(request: SignedInRequest, fragments: Collection[str]) -> str:
    htmx = request.htmx
    # Going back in history needs the whole page, even though htmx asks.
    is_fragment = bool(htmx) and not htmx.history_restore_request and htmx.target in fragments
    return f"#{htmx.target}" if is_fragment else ""


class FragmentMiddleware:
    """Makes htmx follow a redirect as the browser would, and caches keep page and fragment apart.

    htmx follows a 302 inside its own request, and would paste the next page into the fragment.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code in {301, 302}:
            response = _redirected(cast(SignedInRequest, request), response)
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response


def _redirected(request: SignedInRequest, response: HttpResponse) -> HttpResponse:
    """The redirect in the form that the browser, or htmx, needs. Signing in leads back to the page, not to its fragment
    or to the URL of a button; a form sent by htmx stays as it is, with what was typed."""
    location = urlsplit(response["Location"])
    if location.path == resolve_url(settings.LOGIN_URL) and REDIRECT_FIELD_NAME in location.query:
        if request.htmx and request.method == "POST":
            return HttpResponse("You’re signed out.", status=SIGNED_OUT, content_type="text/plain")
        if request.htmx or request.method == "POST":
            response["Location"] = redirect_to_login(_page_of(request)).url
    if not request.htmx:
        return response
    redirect = HttpResponseClientRedirect(response["Location"])
    redirect.cookies = response.cookies
    return redirect


def _page_of(request: SignedInRequest) -> str:
    """The page that sent the request, if it is one of ours; otherwise the start page, or the requested URL."""
    if request.htmx:
        return _current_path(request.htmx) or resolve_url(settings.LOGIN_REDIRECT_URL)
    here = request.headers.get("Referer", "").removeprefix(f"{request.scheme}://{request.get_host()}")
    return here if here.startswith("/") else request.get_full_path()


def _current_path(htmx: HtmxDetails) -> str | None:
    try:
        return htmx.current_url_abs_path
    except ValueError:  # such as http://[
        return None
