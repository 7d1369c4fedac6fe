"""Teams: Django groups that share credentials. Other groups are roles."""

from typing import ClassVar

from django.contrib.auth.models import Group, GroupManager


class Team(Group):
    """A group whose members may use its credentials and see their conversations."""

    objects: ClassVar[GroupManager] = GroupManager()

    class Meta:
        ordering = ["name"]
