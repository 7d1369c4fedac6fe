"""Inviting, changing and deactivating people. Each change is an entry in the log that the admin writes, too."""

from collections.abc import Collection, Iterable

from django.contrib.auth.models import Group, User
from django.db import transaction

from ..models import Team
from ..models.join_link import link_parts
from ..models.open_sessions import delete_sessions
from ..models.person import is_role, people, problem_with_ending, teams_to_give
from .errors import ServiceError
from .history import ADDITION, record_change

FLAGS = {"is_superuser": "superuser status", "is_staff": "access to the admin pages"}


@transaction.atomic
def invite_person(
    *, actor: User, username: str, full_name: str, email: str, roles: Collection[Group], teams: Collection[Team]
) -> User:
    """A new user who can't sign in before they choose a password with a link; raises IntegrityError where the user name
    is taken meanwhile."""
    first, last = _parted(full_name)
    person = User.objects.create_user(username, email, first_name=first, last_name=last)
    person.groups.set([*roles, *teams])
    names = ", ".join(role.name for role in roles)
    record_change(actor, person, f"Invited as {names}." if names else "Invited.", flag=ADDITION)
    for team in teams:
        record_change(actor, team, f"Added {person}.")
    return person


@transaction.atomic
def change_person(
    *,
    actor: User,
    person: User,
    full_name: str,
    email: str,
    roles: Collection[Group] | None = None,
    teams: Collection[Team] | None = None,
    flags: dict[str, bool] | None = None,
) -> list[str]:
    """Store what changed, and return it as sentences. None leaves roles, teams or flags as they are. Teams that the
    actor can't give stay, too; raises ServiceError where the last superuser would be lost."""
    said = [*_change_facts(person, full_name, email)]
    if roles is not None:
        said += _change_roles(person, roles)
    if teams is not None:
        said += _change_teams(actor, person, teams)
    if flags is not None:
        said += _change_flags(actor, person, flags)
    if said:
        record_change(actor, person, " ".join(said))
    return said


@transaction.atomic
def deactivate_person(*, actor: User, person: User) -> int:
    """Keep the person from signing in, and end their sessions and their link; returns how many sessions. Raises
    ServiceError where it's the actor, or the last superuser."""
    _refuse_ending(actor, person)
    count = delete_sessions(person)
    if not person.has_usable_password():
        person.set_unusable_password()  # another one, which ends a link
    person.is_active = False
    person.save(update_fields=["is_active", "password"])
    record_change(actor, person, f"Deactivated. {_sessions_ended(count)}")
    return count


@transaction.atomic
def reactivate_person(*, actor: User, person: User) -> None:
    """Let the person sign in again."""
    delete_sessions(person)  # of someone who was deactivated in another way
    person.is_active = True
    person.save(update_fields=["is_active"])
    record_change(actor, person, "Reactivated.")


@transaction.atomic
def sign_out_person(*, actor: User, person: User, keep: str = "") -> int:
    """End all sessions of the person but the one with the key `keep`; returns how many."""
    count = delete_sessions(person, keep=keep)
    record_change(actor, person, _sessions_ended(count))
    return count


@transaction.atomic
def make_link(*, actor: User, person: User) -> dict[str, str]:
    """The parts of a new link, with which the person chooses a password. The old password, older links and all sessions
    end."""
    delete_sessions(person)
    person.set_unusable_password()
    person.save(update_fields=["password"])
    record_change(actor, person, "Link for choosing a password made.")
    return link_parts(person)


def _change_facts(person: User, full_name: str, email: str) -> Iterable[str]:
    facts = dict(zip(("first_name", "last_name"), _parted(full_name), strict=True)) | {"email": email}
    if full_name == person.get_full_name():
        facts = {"email": email}
    changed = [name for name, value in facts.items() if getattr(person, name) != value]
    for name in changed:
        setattr(person, name, facts[name])
    person.save(update_fields=changed)
    if {"first_name", "last_name"} & {*changed}:
        yield "Full name changed."
    if "email" in changed:
        yield "E-mail address changed."


def _change_roles(person: User, roles: Collection[Group]) -> list[str]:
    before = {group for group in Group.objects.filter(user=person).select_related("team") if is_role(group)}
    if before == {*roles}:
        return []
    person.groups.remove(*before - {*roles})
    person.groups.add(*roles)
    return [f"Role changed from {_names(before)} to {_names(roles)}."]


def _change_teams(actor: User, person: User, teams: Collection[Team]) -> list[str]:
    before = set(teams_to_give(actor).filter(user=person))
    for team in {*teams} ^ before:
        change_membership(actor=actor, team=team, person=person, is_member=team in teams)
    return ["Teams changed."] if before != {*teams} else []


def change_membership(*, actor: User, team: Team, person: User, is_member: bool) -> None:
    """Add the person to the team, or remove them. It's recorded with the team: not everybody who sees the person's
    history may know of it."""
    if is_member:
        person.groups.add(team)
    else:
        person.groups.remove(team)
    record_change(actor, team, f"{'Added' if is_member else 'Removed'} {person}.")


def _change_flags(actor: User, person: User, flags: dict[str, bool]) -> list[str]:
    changed = {name: value for name, value in flags.items() if getattr(person, name) != value}
    if not changed:
        return []
    if not all(changed.values()):
        _refuse_ending(actor, person)
    for name, value in changed.items():
        setattr(person, name, value)
    person.save(update_fields=[*changed])
    return [f"{FLAGS[name].capitalize()} {'given' if value else 'taken'}." for name, value in changed.items()]


def _refuse_ending(actor: User, person: User) -> None:
    # Locked in one order, so that two superusers who deactivate each other at once don't both succeed.
    left = {user.pk for user in people().active_superusers().select_for_update().order_by("pk")} - {person.pk}
    if problem := problem_with_ending(actor, person):
        raise ServiceError(problem)
    if person.is_superuser and not left:
        raise ServiceError(f"{person} is the last active superuser, so nothing was changed.")


def _parted(full_name: str) -> tuple[str, str]:
    """Django's first and last name, which make the full name again."""
    first, _, last = full_name.partition(" ")
    return first, last


def _names(roles: Iterable[Group]) -> str:
    return ", ".join(sorted(role.name for role in roles)) or "none"


def _sessions_ended(count: int) -> str:
    return f"{count} session{'s' * (count != 1)} ended."
