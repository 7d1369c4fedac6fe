"""Teams, roles and users in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from ..models import Team
from ..models.open_sessions import delete_sessions
from ..models.person import all_roles, may_change, people, problem_with_ending
from .base import Checkboxes, Page, SuperusersOnly

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

    def view_on_site(self, team: Team) -> str:
        return reverse("team_detail", args=[team.pk])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.user_set.set(form.cleaned_data["members"])


@admin.register(Group)
class RoleAdmin(SuperusersOnly, Checkboxes, DjangoGroupAdmin):
    """Groups with permissions: the roles, and custom groups. Teams are groups too, and have their own page."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).filter(pk__in=all_roles())


@admin.register(get_user_model())
class UserAdmin(Page, Checkboxes, DjangoUserAdmin):
    """Users. Only superusers edit permissions, and users with access to the admin. Everyone else sees users who share
    a team with them, and new users (see `conversations.models.person`)."""

    times = ("last_login", "date_joined")
    rights = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The users for lists, pages, histories and completion."""
        return people().visible_to(request.user).order_by(*self.get_ordering(request))  # type: ignore[arg-type]

    def view_on_site(self, person: User) -> str:
        return reverse("person_detail", args=[person.pk])

    def get_list_filter(self, request: HttpRequest) -> Any:
        # The filter by group would list all teams.
        filters = super().get_list_filter(request)
        return filters if request.user.is_superuser else [name for name in filters if name != "groups"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        is_kept = obj is not None and problem_with_ending(request.user, obj)  # type: ignore[arg-type]
        kept = ("is_active", "is_superuser") if is_kept else ()
        fields = (*fields, *self.times)
        return (*fields, *kept) if request.user.is_superuser else (*fields, *{*kept, *self.rights})

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_change(request.user, obj))  # type: ignore[arg-type]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:
            delete_sessions(obj)  # which would work again for somebody who is reactivated
