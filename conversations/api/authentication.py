"""Who sends a request of the API, what they may do, and how often."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ..models import ApiToken
from .responses import ApiError

REGISTER, SEARCH = "register", "search"
BEARER = "Bearer "


class ApiRequest(HttpRequest):
    """A request with its token. For type checkers only."""

    token: ApiToken


def api_view(**rights: str) -> Callable[[Callable[..., JsonResponse]], Callable[..., HttpResponse]]:
    """Make a function a view of the API: `rights` names the right that each method needs; others aren't allowed."""

    def decorate(view: Callable[..., JsonResponse]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @login_not_required
        @wraps(view)
        def wrapped(request: HttpRequest, **arguments: Any) -> HttpResponse:
            try:
                request.token = _token_of(request)  # type: ignore[attr-defined]
                _check(request, rights)
                return view(request, **arguments)
            except ApiError as error:
                return error.response()

        return wrapped

    return decorate


def _token_of(request: HttpRequest) -> ApiToken:
    """The token that the request is signed with, counted against its limit."""
    header = request.headers.get("Authorization", "")
    if not header.startswith(BEARER):
        message = "You didn't provide an API token. Send it in the header: Authorization: Bearer YOUR_TOKEN."
        raise ApiError(401, message, WWW_Authenticate="Bearer")
    token = ApiToken.objects.usable(header.removeprefix(BEARER).strip())
    if token is None:
        message = "This API token is unknown or was revoked. An administrator of Convadmin can make another one."
        raise ApiError(401, message, code="invalid_api_key", WWW_Authenticate="Bearer")
    seconds = token.count_request()
    if seconds is not None:
        message = f"This token may send {token.requests_per_minute} requests a minute. Try again in {seconds} seconds."
        raise ApiError(429, message, code="rate_limit_exceeded", Retry_After=str(seconds))
    return token


def _check(request: HttpRequest, rights: dict[str, str]) -> None:
    """Raise a 405 or a 403."""
    method = "GET" if request.method == "HEAD" else str(request.method)
    if method not in rights:
        allowed = ", ".join(rights)
        raise ApiError(405, f"{method} isn't allowed here. Allowed: {allowed}.", Allow=allowed)
    if not getattr(request, "token").allows(rights[method]):  # noqa: B009  known by the caller only
        raise ApiError(403, f"This token may not {rights[method]} conversations.", code="insufficient_permissions")
