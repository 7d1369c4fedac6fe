"""The comparison of roles."""

from django.contrib.auth.models import Group, Permission, User
from django.test import Client as Browser

from conversations.models import Team
from conversations.roles import ADMINISTRATOR, RIGHTS, ROLES, SUMMARIES
from tests.html import signed_in, text_of, words_of

URL = "/people/roles/"


def test_each_right_of_the_roles_has_words() -> None:
    assert {*RIGHTS} == {*ADMINISTRATOR}
    assert SUMMARIES.keys() == ROLES.keys()


def test_it_says_which_role_has_which_right(client: Browser, administrator: User) -> None:
    rights = {
        right.words: dict(right.held) for right in signed_in(client, administrator).get(URL).context_data["rights"]
    }
    assert rights["Place legal holds"] == {"Viewer": False, "Operator": True, "Administrator": True}
    assert "Place legal holds – Viewer no ✓ Operator yes ✓ Administrator yes" in words_of(client.get(URL))


def test_a_role_of_ones_own_is_a_column_and_a_right_without_words_a_row(client: Browser, superuser: User) -> None:
    Group.objects.create(name="Cleaner").permissions.set([Permission.objects.get(codename="delete_user")])
    page = signed_in(client, superuser).get(URL)
    assert "/admin/auth/group/" in text_of(page)
    last = page.context_data["rights"][-1]
    assert last.words == "Can delete user"
    assert dict(last.held) == {"Viewer": False, "Operator": False, "Administrator": False, "Cleaner": True}


def test_only_people_whom_one_sees_are_counted_r23(
    client: Browser, administrator: User, operator: User, stranger: User, superuser: User, team: Team
) -> None:
    def counts() -> dict[str, int]:
        return {role.name: count for role, count in client.get(URL).context_data["roles"]}

    signed_in(client, administrator)
    assert counts() == {"Viewer": 0, "Operator": 1, "Administrator": 1}
    signed_in(client, superuser)
    assert counts() == {"Viewer": 0, "Operator": 2, "Administrator": 1}
