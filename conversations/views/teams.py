"""Teams and roles. Only superusers create, change and delete teams; everyone else sees their own."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from ..forms.people import MembersForm, SearchForm, TeamForm, in_order
from ..models import Credential, Team
from ..models.person import all_roles, people, teams_to_give, with_numbers
from ..pages import responses
from ..pages.people import compared
from ..pages.responses import SignedInRequest
from ..roles import RIGHTS
from ..services.history import history_of
from ..services.teams import create_team, delete_team, update_team
from .access import requested_page
from .people import LOOK, SHOWN

FEW = 20  # people that a page shows without being asked for a search


@require_safe
@permission_required(LOOK, raise_exception=True)
def team_list(request: SignedInRequest) -> HttpResponse:
    context = requested_page(request, with_numbers(teams_to_give(request.user)))
    return responses.page(request, "conversations/team_list.html", context, fragments=["teams"])


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def team_create(request: SignedInRequest) -> HttpResponse:
    _refuse_unless_superuser(request)
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        team = create_team(actor=request.user, name=form.cleaned_data["name"])
        messages.success(request, f"The team {team} was created. Tick its members below.")
        return redirect("team_detail", team.pk)
    status = responses.REJECTED if form.errors else 200
    return responses.page(request, "conversations/team_create.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def team_detail(request: SignedInRequest, pk: int) -> HttpResponse:
    team = _visible(request, pk)
    if request.method != "POST":
        return _page(request, team, TeamForm(instance=team))
    _refuse_unless_superuser(request)
    form, members = TeamForm(request.POST, instance=_visible(request, pk)), MembersForm(request.POST)
    if not form.is_valid():
        return _page(request, team, form, members=members, status=responses.REJECTED)
    name = form.cleaned_data["name"]
    said = update_team(actor=request.user, team=team, name=name, ticked=members.ticked(), unticked=members.unticked())
    messages.success(request, f"Saved. {' '.join(said)}" if said else "Nothing was changed.")
    return redirect(f"{request.path}?{request.GET.urlencode()}" if request.GET else request.path)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(LOOK, raise_exception=True)
def team_delete(request: SignedInRequest, pk: int) -> HttpResponse:
    team = _visible(request, pk)
    _refuse_unless_superuser(request)
    if request.method == "POST":
        delete_team(actor=request.user, team=team)
        messages.success(request, f"The team {team} was deleted.")
        return redirect("team_list")
    credentials = Credential.objects.all()
    context = {
        "team": team,
        "credentials": credentials.of_team(team),
        "orphans": credentials.of_no_other_team(team),
        "view_count": team.saved_views.count(),
    }
    return responses.page(request, "conversations/team_delete.html", context)


@require_safe
@permission_required(LOOK, raise_exception=True)
def role_list(request: SignedInRequest) -> HttpResponse:
    roles = in_order(all_roles().prefetch_related("permissions__content_type"))
    counts = people().visible_to(request.user).number_with_role()
    context = {
        "roles": [(role, counts[role.pk]) for role in roles],
        "rights": compared(roles, RIGHTS),
        "superusers": people().visible_to(request.user).active_superusers().count(),
    }
    return responses.page(request, "conversations/role_list.html", context)


def _page(
    request: SignedInRequest, team: Team, form: TeamForm, *, members: MembersForm | None = None, status: int = 200
) -> HttpResponse:
    search = SearchForm(request.GET)
    everybody = people().visible_to(request.user)
    may_change = request.user.is_superuser
    is_searched = may_change and (bool(search.text) or not everybody.has_more_than(FEW))
    rows = everybody.matching(search.text) if is_searched else everybody.members_of(team).matching(search.text)
    context: dict[str, Any] = requested_page(request, rows, {"q": search.text} if search.text else {})
    shown = context["page"].rows
    context |= {
        "team": team,
        "form": form,
        "search": search,
        "is_searched": is_searched,
        "may_change": may_change,
        "members": members.keys("member")
        if members
        else people().members_of(team).with_keys(row.pk for row in shown).keys(),
        "has_search": bool(search.text) or everybody.has_more_than(FEW),
        "credentials": Credential.objects.visible_to(request.user).of_team(team),
        "history": history_of(team)[:SHOWN] if may_change else [],
    }
    return responses.page(request, "conversations/team_detail.html", context, fragments=["members"], status=status)


def _visible(request: SignedInRequest, pk: int) -> Team:
    # By `id`: a key that is too large for the database is an error where it’s a foreign key, as `pk` is.
    return get_object_or_404(with_numbers(teams_to_give(request.user)), id=pk)


def _refuse_unless_superuser(request: SignedInRequest) -> None:
    if not request.user.is_superuser:
        raise PermissionDenied
