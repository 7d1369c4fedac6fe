"""What the pages show of a person, and a comparison of roles."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import Group, User

from ..models.person import is_role


@dataclass(frozen=True)
class PersonRow:
    """A person with those of their groups that the reader may see. `sessions` is None where they aren't counted."""

    person: User
    roles: list[Group]
    teams: list[Group]
    sessions: int | None

    @property
    def roles_in_words(self) -> str:
        """What the person may do, as names."""
        superuser = ["Superuser"] if self.person.is_superuser else []
        return ", ".join([*superuser, *(role.name for role in self.roles)]) or "No role"

    @property
    def state(self) -> str:
        """Whether the person can sign in, in a word or two; "" for the usual state."""
        if not self.person.is_active:
            return "Deactivated"
        if self.person.has_usable_password():
            return ""
        return "Invited" if self.person.last_login is None else "Has to choose a password"

    @property
    def tone(self) -> str:
        """The colour of the state."""
        return {"Deactivated": "off", "Invited": "info"}.get(self.state, "warn")


def rows_of(persons: Iterable[User], sessions: Counter[int] | None) -> list[PersonRow]:
    """A row for each person, whose groups were fetched before."""
    return [row_of(person, None if sessions is None else sessions[person.pk]) for person in persons]


def row_of(person: User, sessions: int | None) -> PersonRow:
    """One person, with their groups as they were fetched."""
    groups = list(person.groups.all())
    roles, teams = [each for each in groups if is_role(each)], [each for each in groups if not is_role(each)]
    return PersonRow(person, roles, teams, sessions)


@dataclass(frozen=True)
class RightRow:
    """A right, and for each role whether it has it."""

    words: str
    held: list[tuple[str, bool]]


def compared(roles: Sequence[Group], words: Mapping[str, str]) -> list[RightRow]:
    """The rights of `roles` in the order of `words`, then those that have none, in Django's."""
    rights = {role.name: _rights_of(role) for role in roles}
    every = {name: text for own in rights.values() for name, text in own.items()}
    names = [name for name in words if name in every] + sorted(every.keys() - words.keys())
    return [
        RightRow(words.get(name, every[name]), [(role, name in own) for role, own in rights.items()]) for name in names
    ]


def _rights_of(role: Group) -> dict[str, str]:
    """The permissions of a role, with what Django calls them."""
    return {
        f"{permission.content_type.app_label}.{permission.codename}": permission.name
        for permission in role.permissions.all()
    }
