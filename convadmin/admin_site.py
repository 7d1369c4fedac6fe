"""The admin site: it shares the sign-in of all other pages, and doesn't reveal rows that a user may not see."""

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
    """Django's admin without its own sign-in form, which would need its own limit of attempts."""

    site_header = site_title = "Convadmin"
    index_title = "Administration"
    site_url = "/conversations/"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # Django's view redirects to any object by type and key, which reveals whether it exists.
        hidden = path("r/<path:content_type_id>/<path:object_id>/", _not_found, name="view_on_site")
        return [hidden, *super().get_urls()]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Refuse requests that would be a server error in Django's admin."""

        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if _is_malformed(request):
                raise BadRequest("The admin can't respond to this.")
            return view(request, *args, **kwargs)

        return super().admin_view(update_wrapper(checked, view), cacheable)

    @method_decorator([login_not_required, never_cache, require_safe])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the sign-in of all pages. Signed-in users without access to the admin get a 403."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index", current_app=self.name)
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        return redirect_to_login(wanted, settings.LOGIN_URL)


def _not_found(request: HttpRequest, **parts: str) -> HttpResponse:
    raise Http404


def _is_malformed(request: HttpRequest) -> bool:
    parameters = [text for name, values in request.GET.lists() for text in (name, *values)]
    selected = request.POST.getlist("_selected_action")
    return (
        any("\0" in text for text in parameters)  # PostgreSQL refuses NUL, and no form checks query strings
        or not all(key.isascii() and key.isdecimal() and len(key) < 19 for key in selected)  # not a primary key
        or "_saveasnew" in request.POST  # no page offers to save a copy
    )
