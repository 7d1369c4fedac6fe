"""People: the list, inviting somebody, the page of a person, and what ends what they can do."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ..forms.people import InviteForm, PersonForm, SearchForm
from ..models import Job
from ..models.join_link import days_of_link
from ..models.open_sessions import open_sessions
from ..models.person import may_change, people, problem_with_ending
from ..pages import responses
from ..pages.people import row_of, rows_of
from ..pages.responses import SignedInRequest
from ..services.errors import ServiceError
from ..services.history import history_of
from ..services.people import (
    change_person,
    deactivate_person,
    invite_person,
    make_link,
    reactivate_person,
    sign_out_person,
)
from .access import requested_page

LOOK = "auth.view_user"
CHANGE = "auth.change_user"
SHOWN = 20  # entries of the history


@require_safe
@permission_required(LOOK, raise_exception=True)
def person_list(request: SignedInRequest) -> HttpResponse:
    search = SearchForm(request.GET)
    persons = people().visible_to(request.user).matching(search.text)
    context = requested_page(request, persons, {"q": search.text} if search.text else {})
    rows = context["page"].rows
    context |= {"rows": rows_of(rows, open_sessions(rows)), "search": search}
    return responses.page(request, "conversations/person_list.html", context, fragments=["people"])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("auth.add_user", raise_exception=True)
def person_invite(request: SignedInRequest) -> HttpResponse:
    form = InviteForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        changes = form.changes()
        changes.pop("flags")
        try:
            person = invite_person(actor=request.user, username=form.cleaned_data["username"], **changes)
        except IntegrityError:
            form.show_taken()
        else:
            return _link_page(request, person)
    status = responses.REJECTED if form.errors else 200
    context = {"form": form, "days": days_of_link()}
    return responses.page(request, "conversations/person_invite.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def person_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    person = _visible(request, pk)
    if request.method != "POST":
        return _page(request, person, PersonForm(user=request.user, person=person))
    _refuse_unless_changeable(request, person)
    form = PersonForm(request.POST, user=request.user, person=person)
    if not form.is_valid():
        return _page(request, _visible(request, pk), form, status=responses.REJECTED)
    try:
        said = change_person(actor=request.user, person=person, **form.changes())
    except ServiceError as error:
        form.add_error(None, str(error))
        return _page(request, _visible(request, pk), form, status=responses.REJECTED)
    messages.success(request, f"Saved. {' '.join(said)}" if said else "Nothing was changed.")
    return redirect("person_detail", pk)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def person_link(request: SignedInRequest, pk: int) -> HttpResponse:
    person = _visible(request, pk)
    _refuse_unless_changeable(request, person)
    if person == request.user:
        messages.error(request, "Change your own password under your name, at the top of each page.")
        return redirect("person_detail", pk)
    if not person.is_active:
        messages.error(request, "A link of somebody who is deactivated wouldn’t work. Reactivate them first.")
        return redirect("person_detail", pk)
    return _link_page(request, person)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def person_sign_out(request: SignedInRequest, pk: int) -> HttpResponse:
    def sign_out(person: User) -> str:
        own = (request.session.session_key or "") if person == request.user else ""
        count = sign_out_person(actor=request.user, person=person, keep=own)
        return f"{count} session{'s' * (count != 1)} ended."

    return _changed(request, pk, sign_out)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def person_deactivate(request: SignedInRequest, pk: int) -> HttpResponse:
    def deactivate(person: User) -> str:
        count = deactivate_person(actor=request.user, person=person)
        return f"{person} is deactivated. {count} session{'s' * (count != 1)} ended."

    return _changed(request, pk, deactivate)


@require_POST
@permission_required(CHANGE, raise_exception=True)
def person_reactivate(request: SignedInRequest, pk: int) -> HttpResponse:
    def reactivate(person: User) -> str:
        reactivate_person(actor=request.user, person=person)
        way = "with the same password as before" if person.has_usable_password() else "after a new link"
        return f"{person} can sign in again, {way}."

    return _changed(request, pk, reactivate)


def _changed(request: SignedInRequest, pk: int, change: Callable[[User], str]) -> HttpResponse:
    """Change the person, and lead back to their page, which says what was done or why not."""
    person = _visible(request, pk)
    _refuse_unless_changeable(request, person)
    try:
        messages.success(request, change(person))
    except ServiceError as error:
        messages.error(request, str(error))
    return redirect("person_detail", pk)


def _link_page(request: SignedInRequest, person: User) -> HttpResponse:
    # No redirect: the link must not be kept anywhere in between, not even in a cookie.
    path = reverse("person_join", kwargs=make_link(actor=request.user, person=person))
    scheme = "https" if settings.HTTPS else request.scheme
    context = {"person": person, "link": f"{scheme}://{request.get_host()}{path}", "days": days_of_link()}
    return responses.page(request, "conversations/person_link.html", context)


def _page(request: SignedInRequest, person: User, form: PersonForm, *, status: int = 200) -> HttpResponse:
    sessions = open_sessions([person])
    context: dict[str, Any] = {
        "row": row_of(person, None if sessions is None else sessions[person.pk]),
        "person": person,
        "form": form,
        "is_self": person == request.user,
        "may_change": _may_change(request, person),
        "problem_with_ending": problem_with_ending(request.user, person),
        "jobs": Job.objects.visible_to(request.user).under_way().of(person)[:SHOWN],
        "history": history_of(person)[:SHOWN],
        "days": days_of_link(),
    }
    return responses.page(request, "conversations/person_detail.html", context, status=status)


def _visible(request: SignedInRequest, pk: int) -> User:
    return get_object_or_404(people().visible_to(request.user), pk=pk)


def _may_change(request: SignedInRequest, person: User) -> bool:
    return request.user.has_perm(CHANGE) and may_change(request.user, person)


def _refuse_unless_changeable(request: SignedInRequest, person: User) -> None:
    if not _may_change(request, person):
        raise PermissionDenied
