"""The admin pages as a site: one sign-in for all pages, and nothing that tells of rows which one may not see."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


class AdminSite(admin.AdminSite):
    """Django's admin without a sign-in form of its own, which would have to be throttled apart."""

    site_header = site_title = "Convadmin"
    index_title = "Administration"
    site_url = "/conversations/"

    @method_decorator([login_not_required, never_cache, require_safe])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """To the sign-in of all pages; who is signed in and comes here is no staff, or is done."""
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index", current_app=self.name)
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        return redirect_to_login(wanted, settings.LOGIN_URL)
