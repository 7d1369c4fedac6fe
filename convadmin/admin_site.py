"""The admin pages as a site: one sign-in for all pages, and nothing that tells of rows which one may not see."""

from functools import update_wrapper
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


class AdminSite(admin.AdminSite):
    """Django's admin without a sign-in form of its own, which would have to be throttled apart."""

    site_header = site_title = "Convadmin"
    index_title = "Administration"
    site_url = "/conversations/"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django leads from type and key to the page of any row, and so tells which there are: here it does not."""
        hidden = path("r/<path:content_type_id>/<path:object_id>/", _not_found, name="view_on_site")
        return [hidden, *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """The view, which gets only what Django's admin can answer."""

        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if _is_odd(request):
                raise BadRequest("The admin has no answer to this.")
            return view(request, *args, **kwargs)

        return super().admin_view(update_wrapper(checked, view), cacheable)

    @method_decorator([login_not_required, never_cache, require_safe])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """To the sign-in of all pages; who is signed in and comes here is no staff, or is done."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index", current_app=self.name)
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        return redirect_to_login(wanted, settings.LOGIN_URL)


def _not_found(request: HttpRequest, **parts: str) -> HttpResponse:
    raise Http404


def _is_odd(request: HttpRequest) -> bool:
    """Whether it holds NUL, which PostgreSQL refuses, where no form looks for it; ticks what is no key of a row;
    or asks for a copy, which no page of ours offers."""
    asked = [text for name, values in request.GET.lists() for text in (name, *values)]
    ticked = request.POST.getlist("_selected_action")
    return (
        any("\0" in text for text in asked)
        or not all(key.isascii() and key.isdecimal() and len(key) < 19 for key in ticked)
        or "_saveasnew" in request.POST
    )
