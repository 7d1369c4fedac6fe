"""The admin pages: credentials, teams, roles and users are managed here; the index and the events are read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from .encryption import SealError
from .forms.credentials import CredentialForm, HeaderForm, HeaderFormSet
from .models import Conversation, Credential, CredentialHeader, Event, Team
from .services.credentials import check_credential

admin.site.unregister(Group)
admin.site.unregister(get_user_model())


class SuperusersOnly(admin.ModelAdmin):
    """Pages that decide what others may do."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is_superuser(request)

    @staticmethod
    def _is_superuser(request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


class ReadOnly(admin.ModelAdmin):
    """Records that only Convadmin writes."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]


class HeaderInline(admin.TabularInline):
    """Further headers; who may change the credential may change them."""

    model = CredentialHeader
    form = HeaderForm
    formset = HeaderFormSet
    extra = 0
    verbose_name = "further header"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.view_credential")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.change_credential")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.change_credential")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.change_credential")


@admin.register(Credential)
class CredentialAdmin(admin.ModelAdmin):
    """Keys and where they go."""

    form = CredentialForm
    inlines = [HeaderInline]
    list_display = ["name", "host", "is_active", "tested_at", "test_passed"]
    list_filter = ["is_active", "test_passed"]
    search_fields = ["name", "notes", "base_url"]
    filter_horizontal = ["teams"]
    readonly_fields = ["stored_key", "last_test"]
    fieldsets = [
        (None, {"fields": ["name", "base_url", "api_key", "stored_key", "is_active", "last_test"]}),
        ("Sent along", {"fields": ["organization", "project"]}),
        ("Who may use it", {"fields": ["teams", "notes"]}),
    ]
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        """Others than superusers give a credential to teams of their own, and see no other team."""
        if not request.user.is_superuser:
            kwargs["queryset"] = Team.objects.filter(user=request.user.pk)
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None:
            field.required = not request.user.is_superuser
        return field

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Teams that the editor cannot see are kept as they were."""
        hidden = list(form.instance.teams.exclude(user=request.user.pk)) if not request.user.is_superuser else []
        super().save_related(request, form, formsets, change)
        form.instance.teams.add(*hidden)

    @admin.display(description="stored key")
    def stored_key(self, credential: Credential) -> str:
        if not credential.pk:
            return "none yet"
        try:
            return credential.key_ending()
        except SealError as error:
            return str(error)

    @admin.display(description="last test")
    def last_test(self, credential: Credential) -> str:
        if credential.tested_at is None:
            return "never tested"
        return f"{credential.tested_at:%Y-%m-%d %H:%M} UTC: {credential.test_answer}"

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(require_POST(self.test_view))
        return [path("<int:pk>/test/", test, name="conversations_credential_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Test the credential; a page of its own, so that no transaction is open while OpenAI answers."""
        credential = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, credential):
            messages.error(request, "You may not test this credential.")
        else:
            passed = check_credential(credential=credential)
            messages.add_message(request, messages.SUCCESS if passed else messages.WARNING, credential.test_answer)
        return redirect("admin:conversations_credential_change", pk)


@admin.register(Conversation)
class ConversationAdmin(ReadOnly):
    """The index. Purging a row is an administrator's act of its own; nothing is sent to OpenAI."""

    list_display = ["openai_id", "credential", "state", "created_at", "read_at", "dashboard"]
    list_filter = ["state", "origin", ("credential", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["credential"]
    search_fields = ["openai_id"]
    ordering = ["-ord"]
    fields = [
        "openai_id",
        "dashboard",
        "credential",
        "base_url",
        "state",
        "metadata",
        "our_metadata",
        "is_altered",
        "created_at",
        "read_at",
        "origin",
        "added_by",
        "added_at",
    ]
    readonly_fields = ["dashboard"]

    @admin.display(description="dashboard")
    def dashboard(self, conversation: Conversation) -> SafeString:
        return format_html('<a href="{}">Open</a>', conversation.get_absolute_url())

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.purge_conversation")

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        obj.purge()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        for conversation in queryset:
            conversation.purge()


@admin.register(Event)
class EventAdmin(ReadOnly):
    """What was asked for, and what became of it."""

    list_display = ["created_at", "actor_name", "action", "outcome", "openai_id", "credential_name", "request_id"]
    list_filter = ["outcome", "action"]
    search_fields = ["openai_id", "actor_name", "request_id", "uuid"]
    ordering = ["-pk"]


class TeamForm(forms.ModelForm):
    """A team and its members."""

    members = forms.ModelMultipleChoiceField(
        get_user_model().objects.all(), required=False, widget=FilteredSelectMultiple("members", is_stacked=False)
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
    """Who shares which credentials."""

    form = TeamForm
    list_display = ["name"]
    search_fields = ["name"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.user_set.set(form.cleaned_data["members"])


@admin.register(Group)
class RoleAdmin(SuperusersOnly, DjangoGroupAdmin):
    """What one may do: the roles, and groups of one's own. Teams have a page of their own."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).filter(team=None)


@admin.register(get_user_model())
class UserAdmin(DjangoUserAdmin):
    """Accounts. Only superusers edit superuser status, groups and permissions, and accounts of the staff."""

    rights = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_list_filter(self, request: HttpRequest) -> Any:
        """The filter by group would list every team."""
        filters = super().get_list_filter(request)
        return filters if request.user.is_superuser else [name for name in filters if name != "groups"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        own = super().get_readonly_fields(request, obj)
        return own if request.user.is_superuser else (*own, *self.rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever can set a password can sign in with it, and then sees what that account sees."""
        allowed = super().has_change_permission(request, obj)
        if obj is None or request.user.is_superuser or obj.pk == request.user.pk:
            return allowed
        teams = set(Team.objects.filter(user=obj).values_list("pk", flat=True))
        own = set(Team.objects.filter(user=request.user.pk).values_list("pk", flat=True))
        return allowed and not obj.is_staff and not obj.is_superuser and teams <= own

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return request.user.is_superuser and super().has_delete_permission(request, obj)
