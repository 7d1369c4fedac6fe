"""Credentials in the admin."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import ManyToManyField, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from ..encryption import SealError
from ..forms.credentials import CredentialForm, HeaderForm, HeaderFormSet, questions_about
from ..models import Credential, CredentialHeader
from ..models.person import teams_to_give
from ..services.clients import check_credential
from .base import Checkboxes, Page


class HeaderInline(admin.TabularInline):
    """Further headers. Whoever may change the credential may change them."""

    model = CredentialHeader
    form = HeaderForm
    formset = HeaderFormSet
    extra = 0
    template = "admin/conversations/credential/headers.html"
    verbose_name = "header"

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.view_credential")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.change_credential")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.change_credential")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.change_credential")


@admin.register(Credential)
class CredentialAdmin(Page, Checkboxes):
    """API keys, and the servers that they're sent to."""

    form = CredentialForm
    inlines = [HeaderInline]
    list_display = ["name", "host", "is_active", "tested_at", "test_passed"]
    list_filter = ["is_active", "test_passed"]
    search_fields = ["name", "notes", "base_url"]
    readonly_fields = ["stored_key", "last_test"]
    fieldsets = [
        (None, {"fields": ["name", "base_url", "api_key", "stored_key", "is_active", "last_test"]}),
        ("Sent with each request", {"fields": ["organization", "project"]}),
        ("Jobs", {"fields": ["concurrency", "refresh_after_days", "refreshes_per_hour"]}),
        ("Private certificate authority", {"fields": ["ca_certificates", "ca_file"], "classes": ["collapse"]}),
        ("Access", {"fields": ["teams", "notes"]}),
    ]
    actions = None

    def view_on_site(self, credential: Credential) -> str:
        return credential.get_absolute_url()

    def get_fieldsets(self, request: HttpRequest, obj: Credential | None = None) -> Any:
        """Adds a question below a URL or a key that looks like a mistake."""
        sets = super().get_fieldsets(request, obj)
        (name, options), *others = sets
        fields = list(options["fields"])
        for field, question in questions_about(request.POST).items():
            fields.insert(fields.index(field) + 1, question)
        return [(name, {**options, "fields": fields}), *others]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credential]:
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: Any = None, **kwargs: Any) -> Any:
        """Only superusers see all teams. Everyone else chooses among their own, at least one."""
        kwargs["queryset"] = teams_to_give(request.user)
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None:
            field.required = not request.user.is_superuser
        return field

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        # Teams that the user can't see aren't in the form: keep them.
        hidden = list(form.instance.teams.exclude(user=request.user.pk)) if not request.user.is_superuser else []
        super().save_related(request, form, formsets, change)
        form.instance.teams.add(*hidden)

    def get_inline_formsets(self, *args: Any, **kwargs: Any) -> Any:
        """Labels the button below the headers "Add header", where Django says "Add another Header"."""
        shown = super().get_inline_formsets(*args, **kwargs)
        for formset in shown:
            data = json.loads(formset.inline_formset_data())
            data["options"]["addText"] = f"Add {formset.opts.verbose_name}"
            formset.inline_formset_data = json.dumps(data)
        return shown

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
        return f"{credential.tested_at:%Y-%m-%d %H:%M} UTC: {credential.test_message}"

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(require_POST(self.test_view))
        return [path("<int:pk>/test/", test, name="conversations_credential_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Test the credential. Saving the form runs in a transaction, which must not stay open during the test."""
        credential = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, credential):
            messages.error(request, "You don’t have permission to test this credential.")
        else:
            passed = check_credential(credential=credential)
            messages.add_message(request, messages.SUCCESS if passed else messages.WARNING, credential.test_message)
        return redirect("admin:conversations_credential_change", pk)
