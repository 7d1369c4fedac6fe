"""Saved views: a search of the list under a name, private or shared with a team; and the view that a user starts with.

The search may name credentials. Their names are stored beside it, so that whoever can't use one of them never sees the
view, nor that it exists (R23).
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from ..query import Query
from .credential import Credential
from .team import Team

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


def teams_of(user: User | AnonymousUser) -> models.QuerySet[Team]:
    """The teams that the user is in."""
    return models.QuerySet(Team).filter(user=user.pk)  # Team.objects is typed as one of groups


def credentials_named(query: Query) -> set[str]:
    """The names of credentials in a search, including excluded ones (`-credential:name`)."""
    return {name for clause in query.clauses_on("credential") for name in clause.texts}


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Saved views, by who may see them."""

    def owned_by(self, user: User | AnonymousUser) -> "SavedViewQuerySet":
        """Those that the user saved."""
        return self.filter(owner=user.pk)

    def shared_with(self, user: User | AnonymousUser) -> "SavedViewQuerySet":
        """Those shared with one of the user's teams, or with any team for an active superuser, except those that name a
        credential which the user can't use."""
        sees_all = getattr(user, "is_superuser", False) and user.is_active
        shared = self.exclude(team=None) if sees_all else self.filter(team__in=teams_of(user))
        # By name, since a view may name a credential that no longer exists: then only its owner sees it.
        usable = Credential.objects.visible_to(user).values("name")
        return shared.exclude(pk__in=NamedCredential.objects.exclude(name__in=usable).values("view"))

    def visible_to(self, user: User | AnonymousUser) -> "SavedViewQuerySet":
        """The user's own, and those shared with the user."""
        shared = SavedView.objects.shared_with(user)
        return self.filter(Q(owner=user.pk) | Q(pk__in=shared.values("pk")))

    def for_list(self, user: User) -> "SavedViewQuerySet":
        """By name, with what a row shows; `is_start`: whether the user starts with it."""
        start = StartPage.objects.filter(user=user, view=OuterRef("pk"))
        return self.select_related("owner", "team").annotate(is_start=Exists(start)).order_by("name", "pk")

    def start_of(self, user: User) -> "SavedView | None":
        """The view that the user starts with, if they may still see it."""
        return self.visible_to(user).filter(starts__user=user).first()

    def called(self, name: str) -> "SavedView | None":
        """The one with this name, among those of one owner."""
        return self.filter(name=name).first()


class SavedView(models.Model):
    """A search of the list, with its order and columns, under a name. Without a team it is private."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=100)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="saved_views")
    query_string = models.TextField(editable=False, help_text="The query string of the list: q, order, col.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once_an_owner")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("saved_view_open", args=[self.pk])

    @property
    def list_url(self) -> str:
        """The list with its search; names the view, so that the page can show it."""
        return f"{reverse('conversation_list')}?{self.query_string}&view={self.pk}"

    @property
    def credential_names(self) -> set[str]:
        """The names of credentials in its search."""
        return set(self.named.values_list("name", flat=True))

    def store(self, *, query_string: str, query: Query) -> None:
        """Save it with this search, given both as the list's query string and as the query in it."""
        with transaction.atomic():
            self.query_string = query_string
            self.save()
            self.named.all().delete()
            names = sorted(credentials_named(query))
            NamedCredential.objects.bulk_create(NamedCredential(view=self, name=name) for name in names)

    if TYPE_CHECKING:
        named: RelatedManager["NamedCredential"]


class NamedCredential(models.Model):
    """The name of a credential in the search of a view; the credential may no longer exist."""

    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="named")
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["view", "name"], name="named_credential_once")]

    def __str__(self) -> str:
        return self.name


class StartPageQuerySet(models.QuerySet["StartPage"]):
    """Which user starts with which view."""

    def set_for(self, user: User, view: SavedView) -> None:
        """Let the user start with the view."""
        self.update_or_create(user=user, defaults={"view": view})

    def unset_for(self, user: User, view: SavedView) -> None:
        """Let the user start with the list again, if they started with this view."""
        self.filter(user=user, view=view).delete()


class StartPage(models.Model):
    """The view that a user starts with."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="start_page"
    )
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="starts")

    objects = StartPageQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} starts with {self.view_id}"
