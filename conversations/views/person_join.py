"""Choosing a password with the link of an invitation. Nobody has to sign in for it."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ..forms.accounts import ChoosePasswordForm
from ..models.join_link import accept_link, days_of_link, person_of_link
from ..pages import responses
from ..pages.responses import SignedInRequest
from ..services.history import record_change

GONE = 410


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def person_join(request: SignedInRequest, uidb64: str, token: str) -> HttpResponse:
    person = person_of_link(uidb64, token)
    if person is None:
        return _page(request, None, None, status=GONE)
    form = ChoosePasswordForm(person, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, person, form, status=responses.REJECTED if form.errors else 200)
    if not accept_link(person, make_password(form.cleaned_data["new_password1"])):
        return _page(request, None, None, status=GONE)
    record_change(person, person, "Chose a password with the link.")
    if request.user.is_authenticated:
        logout(request)  # whoever else used this browser
    messages.success(request, f"Your password is set. Sign in as {person}.")
    return redirect("login")


def _page(
    request: SignedInRequest, person: User | None, form: ChoosePasswordForm | None, *, status: int
) -> HttpResponse:
    context = {"person": person, "form": form, "days": days_of_link()}
    response = responses.page(request, "conversations/person_join.html", context, status=status)
    response["Referrer-Policy"] = "strict-origin"  # the URL is a secret; its origin is needed against forgery
    return response
