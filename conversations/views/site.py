"""What belongs to the site and to no resource."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..forms.accounts import SignInForm
from ..models import Worker

sign_in = LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True)


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
