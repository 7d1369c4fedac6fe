"""R22: the three roles, which are groups but not teams."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from conversations.models import Team
from conversations.roles import ROLES, make_roles
from tests.factories import make_team, make_user

pytestmark = pytest.mark.django_db

WHAT = {
    "look": "conversations.view_conversation",
    "look at events": "conversations.view_event",
    "look at erasures": "conversations.view_erasure",
    "create and get": "conversations.add_conversation",
    "edit and refresh": "conversations.change_conversation",
    "remove and erase": "conversations.delete_conversation",
    "purge": "conversations.purge_conversation",
    "add credentials": "conversations.add_credential",
    "add users": "auth.add_user",
}


def may(user: User) -> list[str]:
    return [name for name, permission in WHAT.items() if user.has_perm(permission)]


def test_r22_the_roles_are_there_after_a_migration() -> None:
    assert set(ROLES) <= set(Group.objects.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("role", "expected"), [("Viewer", list(WHAT)[:3]), ("Operator", list(WHAT)[:6]), ("Administrator", list(WHAT))]
)
def test_r22_each_role_may_what_it_is_for(role: str, expected: list[str]) -> None:
    assert may(make_user(role=role)) == expected


def test_r22_whoever_has_no_role_may_nothing() -> None:
    assert may(make_user(role=None, teams=[make_team()])) == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("permission", ["auth.change_group", "auth.add_group", "auth.change_permission"])
def test_r22_no_role_edits_groups_or_permissions(role: str, permission: str) -> None:
    assert not make_user(role=role).has_perm(permission)


def test_every_permission_of_a_role_exists() -> None:
    for name, permissions in ROLES.items():
        assert Group.objects.get(name=name).permissions.count() >= len(permissions)


def test_making_them_again_gives_back_what_was_taken_and_keeps_what_was_added() -> None:
    viewer = Group.objects.get(name="Viewer")
    added = Permission.objects.get(codename="delete_user")
    viewer.permissions.set([added])
    make_roles()
    assert viewer.permissions.count() == len(ROLES["Viewer"]) + 1


def test_r22_a_team_is_not_a_role() -> None:
    make_team("Support")
    assert list(Team.objects.values_list("name", flat=True)) == ["Support"]
