"""Creating, changing and deleting teams. Each change is an entry in the log that the admin writes, too."""

from collections.abc import Iterable

from django.contrib.admin.models import ADDITION, DELETION
from django.contrib.auth.models import User
from django.db import transaction

from ..models import Team
from ..models.person import people
from .history import record_change
from .people import change_membership


@transaction.atomic
def create_team(*, actor: User, name: str) -> Team:
    """A new team without members."""
    team = Team(name=name)
    team.save()
    record_change(actor, team, "Created.", flag=ADDITION)
    return team


@transaction.atomic
def update_team(
    *, actor: User, team: Team, name: str, ticked: Iterable[int] = (), unticked: Iterable[int] = ()
) -> list[str]:
    """Rename the team, add those with the keys `ticked`, and remove those with `unticked`; everyone else stays as they
    are. Returns what changed, as sentences."""
    said = []
    if name != team.name:
        said.append(f"Renamed from {team.name} to {name}.")
        team.name = name
        team.save()
        record_change(actor, team, said[0])
    members = people().members_of(team).keys()
    added, removed = {*ticked} - members, members & {*unticked}
    for person in people().with_keys(added | removed).visible_to(actor):
        change_membership(actor=actor, team=team, person=person, is_member=person.pk in added)
        record_change(actor, person, "Teams changed.")
        said.append(f"{'Added' if person.pk in added else 'Removed'} {person}.")
    return said


@transaction.atomic
def delete_team(*, actor: User, team: Team) -> None:
    """Delete the team. Its members keep their accounts, its credentials their conversations."""
    for person in people().members_of(team):
        record_change(actor, person, "Teams changed.")
    record_change(actor, team, "Deleted.", flag=DELETION)
    team.delete()
