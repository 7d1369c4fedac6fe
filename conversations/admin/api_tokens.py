"""API tokens in the admin: made, shown once, limited and revoked."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from ..models import ApiToken, Credential
from .base import Page


@admin.register(ApiToken)
class ApiTokenAdmin(Page):
    """Tokens of the credentials that the user may use."""

    list_display = ["name", "credential", "may_register", "may_search", "shown_ending", "last_used_at", "revoked_at"]
    list_filter = ["may_register", "may_search"]
    search_fields = ["name"]
    fields = ["name", "credential", "may_register", "may_search", "requests_per_minute"]
    actions = ["revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return ["credential"] if obj else []

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "credential":
            options["queryset"] = Credential.objects.visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a revoked token stays, with its last use

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]
            request.new_token = obj.draw_text()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        # No redirect: the token must not be kept anywhere in between, not even in a cookie.
        context = {
            **self.admin_site.each_context(request),
            "title": f"API token “{obj.name}”",
            "opts": self.opts,
            "token": request.new_token,  # type: ignore[attr-defined]
            "api_token": obj,
        }
        return TemplateResponse(request, "admin/conversations/apitoken/created.html", context)

    @admin.display(description="ends with")
    def shown_ending(self, token: ApiToken) -> str:
        return f"…{token.ending}"

    @admin.action(description="Revoke the selected tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset.filter(revoked_at=None):
            token.revoke()
        messages.success(request, "The selected tokens are revoked. Applications that use them get 401 from now on.")
