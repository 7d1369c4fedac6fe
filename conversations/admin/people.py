"""Teams, roles and users in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField, Prefetch, Q, QuerySet
from django.http import HttpRequest

from ..models import Team
from .base import Page, SuperusersOnly

admin.site.unregister(Group)
admin.site.unregister(get_user_model())


class TeamForm(forms.ModelForm):
    """Also edits the members, which Django has as a field of each user."""

    members = forms.ModelMultipleChoiceField(
        get_user_model().objects.all(), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Team
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["members"].initial = self.instance.user_set.all()


@admin.register(Team)
class TeamAdmin(SuperusersOnly):
    """Teams, which share credentials."""

    form = TeamForm
    list_display = ["name"]
    search_fields = ["name"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.user_set.set(form.cleaned_data["members"])


@admin.register(Group)
class RoleAdmin(SuperusersOnly, DjangoGroupAdmin):
    """Groups with permissions: the roles, and custom groups. Teams are groups too, and have their own page."""

    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: Any = None, **options: Any) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **{**options, "widget": forms.CheckboxSelectMultiple}
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).filter(team=None)


@admin.register(get_user_model())
class UserAdmin(Page, DjangoUserAdmin):
    """Users. Only superusers edit permissions, and users with access to the admin. Everyone else sees users who share
    a team with them, and new users."""

    filter_horizontal = ()
    times = ("last_login", "date_joined")
    rights = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The users for lists, pages, histories and completion.

        Users who aren't in a team yet and have no special rights are included, so that their creator can find them.
        """
        users = super().get_queryset(request)
        if request.user.is_superuser:
            return users
        own_teams = Team.objects.filter(user=request.user.pk)
        in_own_team = User.groups.through.objects.filter(group__in=own_teams.values("pk"))
        in_a_team = User.groups.through.objects.filter(group__in=Team.objects.values("pk"))
        is_new = ~Q(pk__in=in_a_team.values("user")) & Q(is_staff=False, is_superuser=False)
        visible = users.filter(Q(pk__in=in_own_team.values("user")) | Q(pk=request.user.pk) | is_new)
        visible_groups = Group.objects.filter(Q(team=None) | Q(pk__in=own_teams.values("pk")))  # not their other teams
        return visible.prefetch_related(Prefetch("groups", visible_groups))

    def get_list_filter(self, request: HttpRequest) -> Any:
        # The filter by group would list all teams.
        filters = super().get_list_filter(request)
        return filters if request.user.is_superuser else [name for name in filters if name != "groups"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, *self.times) if request.user.is_superuser else (*fields, *self.times, *self.rights)

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: Any = None, **options: Any) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **{**options, "widget": forms.CheckboxSelectMultiple}
        )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Whoever can set a user's password can sign in as that user, and must not gain any rights by that.
        allowed = super().has_change_permission(request, obj)
        if obj is None or request.user.is_superuser or obj.pk == request.user.pk:
            return allowed
        teams = set(Team.objects.filter(user=obj).values_list("pk", flat=True))
        own_teams = set(Team.objects.filter(user=request.user.pk).values_list("pk", flat=True))
        return allowed and not obj.is_staff and not obj.is_superuser and teams <= own_teams

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser and super().has_delete_permission(request, obj)
