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

SUMMARIES = {
    "Viewer": "Sees conversations, transcripts, jobs, the activity and receipts, and downloads them. Changes nothing.",
    "Operator": "Also creates, edits, removes and erases conversations, one by one or by jobs, and places legal holds.",
    "Administrator": "Also manages people, credentials, API tokens and retention rules, and lifts legal holds.",
}
# What each permission allows, in the order of the page that compares roles.
RIGHTS = {
    "conversations.view_conversation": "See conversations, read and download transcripts, export lists",
    "conversations.view_event": "See the activity",
    "conversations.view_job": "See jobs and their results",
    "conversations.view_erasure": "See erasures and their receipts",
    "conversations.view_hold": "See legal holds",
    "conversations.view_retentionrule": "See retention rules",
    "conversations.add_conversation": "Create, get, list and import conversations",
    "conversations.change_conversation": "Edit metadata, add messages, refresh, transfer, settle unknown outcomes",
    "conversations.delete_conversation": "Delete items, remove and erase conversations",
    "conversations.add_hold": "Place legal holds",
    "conversations.view_erasurerequest": "See erasure requests",
    "conversations.add_erasurerequest": "Answer erasure requests",
    "conversations.change_hold": "Lift legal holds",
    "conversations.purge_conversation": "Purge conversations from the index",
    "conversations.add_retentionrule": "Write retention rules",
    "conversations.change_retentionrule": "Edit, approve and pause retention rules",
    "conversations.delete_retentionrule": "Delete retention rules",
    "conversations.view_credential": "See the settings of credentials",
    "conversations.add_credential": "Add credentials",
    "conversations.change_credential": "Edit and test credentials",
    "conversations.delete_credential": "Delete credentials",
    "conversations.view_apitoken": "See API tokens",
    "conversations.add_apitoken": "Make API tokens",
    "conversations.change_apitoken": "Limit and revoke API tokens",
    "auth.view_user": "See people, teams and roles",
    "auth.add_user": "Invite people",
    "auth.change_user": "Edit, sign out and deactivate people, make links for choosing a password",
}


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
