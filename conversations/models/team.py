"""Teams: Django groups that share credentials. A role is a group that is no team."""

from typing import ClassVar

from django.contrib.auth.models import Group, GroupManager


class Team(Group):
    """A group whose members may use, and see the conversations of, the credentials that belong to it."""

    objects: ClassVar[GroupManager] = GroupManager()

    class Meta:
        ordering = ["name"]
