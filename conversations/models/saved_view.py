"""Saved views: a search on the list kept under a name, one's own or shared with a team; and where one starts.

The text of a view may name credentials. Their names stand beside it, so that whoever cannot use one of them
never gets to see the view: neither its text nor that it is there (R23).
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse

from ..query import CredentialTerm, Query
from .credential import Credential
from .team import Team

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


def teams_of(user: User | AnonymousUser) -> models.QuerySet[Team]:
    """The teams that the user is in."""
    return models.QuerySet(Team).filter(user=user.pk)  # Team.objects is typed as one of groups


def credentials_named(query: Query) -> set[str]:
    """The names of credentials that a search holds, also those that it leaves out (`-credential:name`)."""
    return {name for term in query.terms if isinstance(term, CredentialTerm) for name in term.texts}


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Searches kept under a name, and who may see which."""

    def owned_by(self, user: User | AnonymousUser) -> "SavedViewQuerySet":
        """Those that the user saved."""
        return self.filter(owner=user.pk)

    def shared_with(self, user: User | AnonymousUser) -> "SavedViewQuerySet":
        """Those shared with a team of the user's, with any team for an active superuser; without those that name
        a credential which the user cannot use."""
        sees_all = getattr(user, "is_superuser", False) and user.is_active
        shared = self.exclude(team=None) if sees_all else self.filter(team__in=teams_of(user))
        usable = Credential.objects.visible_to(user).values("name")
        return shared.exclude(pk__in=NamedCredential.objects.exclude(name__in=usable).values("view"))

    def visible_to(self, user: User | AnonymousUser) -> "SavedViewQuerySet":
        """One's own, and those shared with one."""
        shared = SavedView.objects.shared_with(user)
        return self.filter(Q(owner=user.pk) | Q(pk__in=shared.values("pk")))

    def for_list(self, user: User) -> "SavedViewQuerySet":
        """By name, with what a row shows; `is_start` tells whether the user starts with it."""
        start = StartPage.objects.filter(user=user, view=OuterRef("pk"))
        return self.select_related("owner", "team").annotate(is_start=Exists(start)).order_by("name", "pk")

    def start_of(self, user: User) -> "SavedView | None":
        """The view that the user starts with, if it may still be seen."""
        return self.visible_to(user).filter(starts__user=user).first()

    def called(self, name: str) -> "SavedView | None":
        """The one of this name, among those of one owner."""
        return self.filter(name=name).first()


class SavedView(models.Model):
    """A search on the list, with its order and columns, under a name; without a team it is its owner's alone."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=100)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="saved_views")
    address = models.TextField(editable=False, help_text="The query string of the list: q, order, col.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once_an_owner")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its permanent link."""
        return reverse("saved_view_open", args=[self.pk])

    @property
    def list_address(self) -> str:
        """The list with its search, and word of the view."""
        return f"{reverse('conversation_list')}?{self.address}&view={self.pk}"

    @property
    def credential_names(self) -> set[str]:
        """The names of credentials that its search holds."""
        return set(self.named.values_list("name", flat=True))

    def store(self, *, address: str, query: Query) -> None:
        """Save it with this search, given as the list's query string and as what that asks for."""
        with transaction.atomic():
            self.address = address
            self.save()
            self.named.all().delete()
            names = sorted(credentials_named(query))
            NamedCredential.objects.bulk_create(NamedCredential(view=self, name=name) for name in names)

    if TYPE_CHECKING:
        named: RelatedManager["NamedCredential"]


class NamedCredential(models.Model):
    """The name of a credential in the search of a view; there may be none of that name any more."""

    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="named")
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["view", "name"], name="named_credential_once")]

    def __str__(self) -> str:
        return self.name


class StartPageQuerySet(models.QuerySet["StartPage"]):
    """Who starts with which view."""

    def begin(self, user: User, view: SavedView) -> None:
        """Let the user start with the view."""
        self.update_or_create(user=user, defaults={"view": view})

    def end(self, user: User, view: SavedView) -> None:
        """Let the user start with the list again, if it was with this view."""
        self.filter(user=user, view=view).delete()


class StartPage(models.Model):
    """The view that someone starts with."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="start_page"
    )
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="starts")

    objects = StartPageQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} starts with {self.view_id}"
