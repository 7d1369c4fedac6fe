"""The three roles: Django groups with permissions. Which credentials a user may use depends on their teams instead.

Roles are created after each migration, since permissions don't exist during one. Missing permissions are added to an
existing role; additional ones are kept. A different set of permissions needs a group with another name.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

VIEWER = [
    "conversations.view_conversation",
    "conversations.view_event",
    "conversations.view_erasure",
    "conversations.view_job",
    "conversations.view_hold",
    "conversations.view_retentionrule",
]
OPERATOR = [
    *VIEWER,
    "conversations.add_conversation",
    "conversations.change_conversation",
    "conversations.delete_conversation",
    "conversations.add_hold",
    "conversations.view_erasurerequest",
    "conversations.add_erasurerequest",
]
ADMINISTRATOR = [
    *OPERATOR,
    "conversations.purge_conversation",
    "conversations.change_hold",
    "conversations.add_retentionrule",
    "conversations.change_retentionrule",
    "conversations.delete_retentionrule",
    "conversations.view_credential",
    "conversations.add_credential",
    "conversations.change_credential",
    "conversations.delete_credential",
    "conversations.view_apitoken",
    "conversations.add_apitoken",
    "conversations.change_apitoken",
    "auth.view_user",
    "auth.add_user",
    "auth.change_user",
]
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Administrator": ADMINISTRATOR}


def make_roles(using: str = "default", **_: Any) -> None:
    """Create the roles, or add missing permissions to them."""
    for name, permissions in ROLES.items():
        role, _created = Group.objects.using(using).get_or_create(name=name)
        role.permissions.add(*_permissions(permissions, using))


def _permissions(names: list[str], using: str) -> list[Permission]:
    wanted = Q()
    for name in names:
        app_label, codename = name.split(".")
        wanted |= Q(content_type__app_label=app_label, codename=codename)
    return list(Permission.objects.using(using).filter(wanted))
