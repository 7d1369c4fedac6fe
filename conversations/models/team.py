"""Teams: Django groups that share credentials. Other groups are roles."""

from typing import ClassVar

from django.contrib.auth.models import Group, GroupManager, User
from django.db.models import QuerySet


class Team(Group):
    """A group whose members may use its credentials and see their conversations."""

    objects: ClassVar[GroupManager] = GroupManager()

    class Meta:
        ordering = ["name"]


def assignable_teams(user: User) -> QuerySet[Team]:
    """The teams that a user may give something to: a superuser all, everyone else their own."""
    teams: QuerySet[Team] = Team.objects.all()  # type: ignore[assignment]
    return teams if user.is_superuser else teams.filter(user=user.pk)
