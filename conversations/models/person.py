"""People: who may see and change whom, and which roles and teams somebody may give. The admin and the pages under
`/people/` both ask here (R22).
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Self

from django.contrib.auth.models import Group, Permission, User
from django.db import models
from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.db.models.functions import Coalesce

from .credential import Credential
from .team import Team


class PersonQuerySet(models.QuerySet[User]):
    """Users, by who may see them."""

    def visible_to(self, user: User) -> Self:
        """Those who share a team with the user, and new ones: in no team, without access to the admin. A superuser sees
        everybody. Their groups are the ones that the user may see."""
        found = self.prefetch_related(Prefetch("groups", visible_groups(user)))
        if user.is_superuser:
            return found
        # Correlated: PostgreSQL reads a long list of NOT IN from its start for each row.
        memberships = User.groups.through.objects.filter(user=OuterRef("pk"))
        is_in_own_team = Exists(memberships.filter(group__in=teams_to_give(user).order_by().values("pk")))
        is_in_a_team = Exists(memberships.filter(group__in=Team.objects.order_by().values("pk")))
        is_new = ~is_in_a_team & Q(is_staff=False, is_superuser=False)  # so that whoever created them finds them
        return found.filter(is_in_own_team | Q(pk=user.pk) | is_new)

    def matching(self, text: str) -> Self:
        """Those whose user name, name or e-mail address contain each word of the text, in upper or lower case."""
        found = self
        for word in text.split():
            condition = Q()
            for spelling in {word, word.lower(), word.capitalize()}:  # SQLite knows upper and lower case of ASCII only
                for field in ("username", "first_name", "last_name", "email"):
                    condition |= Q(**{f"{field}__icontains": spelling})
            found = found.filter(condition)
        return found

    def members_of(self, group: Group) -> Self:
        """Those in a team, or with a role."""
        return self.filter(pk__in=User.groups.through.objects.filter(group=group.pk).values("user"))

    def named(self, name: str) -> Self:
        """Those with a user name, in upper or lower case."""
        return self.filter(username__iexact=name)

    def active_superusers(self) -> Self:
        return self.filter(is_active=True, is_superuser=True)

    def with_keys(self, keys: Iterable[int]) -> Self:
        """Those with these primary keys."""
        return self.filter(pk__in=list(keys))

    def keys(self) -> set[int]:
        return set(self.values_list("pk", flat=True))

    def has_more_than(self, count: int) -> bool:
        return self[count : count + 1].exists()

    def number_with_role(self) -> Counter[int]:
        """How many have each role or team, by its key."""
        rows = User.groups.through.objects.filter(user__in=self.order_by().values("pk")).values_list("group")
        return Counter(dict(rows.annotate(count=Count("pk")).order_by()))


def people() -> PersonQuerySet:
    """All users."""
    return PersonQuerySet(User)


def rights_of(user: User) -> models.QuerySet[Permission]:
    """What the user may do by their groups, and by themselves. A superuser may do everything besides."""
    return Permission.objects.filter(Q(user=user.pk) | Q(group__user=user.pk))


def may_change(user: User, person: User) -> bool:
    """Whether the user may change a person whom they see, if they may change people at all.

    Whoever can set a password can sign in as that person, and must not gain any rights by that.
    """
    if user.is_superuser or person.pk == user.pk:
        return True
    if person.is_staff or person.is_superuser:
        return False
    has_other_teams = Team.objects.filter(user=person.pk).exclude(pk__in=teams_to_give(user).values("pk")).exists()
    return not has_other_teams and not rights_of(person).exclude(pk__in=rights_of(user).values("pk")).exists()


def problem_with_ending(user: User, person: User) -> str:
    """Why the user may neither deactivate the person nor take rights from them; "" if they may."""
    if person.pk != user.pk:
        return ""
    if user.is_superuser and not people().active_superusers().exclude(pk=user.pk).exists():
        return "You’re the last active superuser, so you stay one: nobody else could manage teams and superusers."
    return "You can’t deactivate yourself, nor change your own role. Ask another administrator."


def all_roles() -> models.QuerySet[Group]:
    """Groups that are no teams."""
    return Group.objects.filter(team=None).order_by("name")


def roles_to_give(user: User) -> models.QuerySet[Group]:
    """Roles whose every right the user has; all for a superuser."""
    if user.is_superuser:
        return all_roles()
    beyond = Group.permissions.through.objects.exclude(permission__in=rights_of(user).values("pk"))
    return all_roles().exclude(pk__in=beyond.values("group"))


def teams_to_give(user: User) -> models.QuerySet[Team]:
    """The user's own teams; all for a superuser."""
    teams: models.QuerySet[Team] = models.QuerySet(Team).order_by("name")  # Team.objects is typed as one of groups
    return teams if user.is_superuser else teams.filter(user=user.pk)


def with_numbers(teams: models.QuerySet[Team]) -> models.QuerySet[Team]:
    """Each team with its `member_count` and `credential_count`."""
    return teams.annotate(
        member_count=_number(User.groups.through.objects.filter(group=OuterRef("pk")), "group"),
        credential_count=_number(Credential.teams.through.objects.filter(team=OuterRef("pk")), "team"),
    )


def _number(rows: models.QuerySet[Any], group: str) -> Coalesce:
    return Coalesce(rows.values(group).annotate(number=Count("pk")).values("number"), 0)


def visible_groups(user: User) -> models.QuerySet[Group]:
    """Roles, and the teams that the user may see; `team` tells which is which."""
    groups = Group.objects.select_related("team").order_by("name")
    return groups if user.is_superuser else groups.filter(Q(team=None) | Q(pk__in=teams_to_give(user).values("pk")))


def is_role(group: Group) -> bool:
    """Whether a group is a role; otherwise it's a team."""
    return not hasattr(group, "team")
