"""The three roles: Django groups that say what one may do; teams say with which credentials.

They are made after each migration, because in a migration the permissions do not exist yet. What a role lacks
is added, and what an administrator gave it besides is left: for other sets, make a group of your own.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

VIEWER = ["conversations.view_conversation", "conversations.view_event", "conversations.view_erasure"]
OPERATOR = [
    *VIEWER,
    "conversations.add_conversation",
    "conversations.change_conversation",
    "conversations.delete_conversation",
]
ADMINISTRATOR = [
    *OPERATOR,
    "conversations.purge_conversation",
    "conversations.view_credential",
    "conversations.add_credential",
    "conversations.change_credential",
    "conversations.delete_credential",
    "auth.view_user",
    "auth.add_user",
    "auth.change_user",
]
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Administrator": ADMINISTRATOR}


def make_roles(using: str = "default", **_: Any) -> None:
    """Make sure that the three roles are there, with at least their permissions."""
    for name, permissions in ROLES.items():
        role, _created = Group.objects.using(using).get_or_create(name=name)
        role.permissions.add(*_permissions(permissions, using))


def _permissions(names: list[str], using: str) -> list[Permission]:
    wanted = Q()
    for name in names:
        app_label, codename = name.split(".")
        wanted |= Q(content_type__app_label=app_label, codename=codename)
    return list(Permission.objects.using(using).filter(wanted))
