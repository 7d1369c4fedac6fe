"""What belongs to the site and to no resource."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from ..forms.accounts import SignInForm
from ..models import Worker

sign_in = LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True)


@require_POST
def exact_times(request: HttpRequest) -> HttpResponse:
    """Show exact times in tables, or relative ones again, until this session ends."""
    request.session["exact_times"] = request.POST.get("on") == "yes"
    page = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(page if is_ours else resolve_url("home"))


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 “ok” while the database answers and, with `?worker=1`, a worker runs; 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        is_idle = "worker" in request.GET and not Worker.objects.running().exists()
    except DatabaseError:
        return HttpResponse("The database doesn’t respond.\n", status=503, content_type="text/plain")
    if is_idle:
        return HttpResponse("No worker runs.\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
