"""The index and the events in the admin. They're read-only, except that rows of the index can be purged."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..models import Conversation, Event
from ..services.errors import Held
from ..services.holds import holds_on, purge_conversation
from .base import ReadOnly


@admin.register(Conversation)
class ConversationAdmin(ReadOnly):
    """The index. Purging a row needs its own permission, and sends nothing to OpenAI."""

    list_display = ["openai_id", "credential", "state", "created_at", "read_at", "dashboard"]
    list_filter = ["state", "origin", ("credential", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["credential"]
    search_fields = ["openai_id"]
    ordering = ["-sort_key"]
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        return super().get_queryset(request).defer("metadata", "our_metadata")  # the list doesn't show them

    def view_on_site(self, conversation: Conversation) -> str:
        return conversation.get_absolute_url()

    @admin.display(description="dashboard")
    def dashboard(self, conversation: Conversation) -> SafeString:
        return format_html('<a href="{}">Open</a>', conversation.get_absolute_url())

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("conversations.purge_conversation")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        to_delete, counts, needed, protected = super().get_deleted_objects(objs, request)
        held = [(row, holds) for row in objs if (holds := holds_on(row))]
        return (
            to_delete,
            counts,
            needed,
            [*(f"{row}: {Held(holds)}" for row, holds in held), *(protected if not held else [])],
        )

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        purge_conversation(conversation=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        for conversation in queryset:
            purge_conversation(conversation=conversation)


@admin.register(Event)
class EventAdmin(ReadOnly):
    """Recorded calls and their outcomes."""

    list_display = ["created_at", "actor_name", "action", "outcome", "openai_id", "credential_name", "request_id"]
    list_filter = ["outcome", "action"]
    search_fields = ["openai_id", "actor_name", "request_id", "uuid"]
    ordering = ["-pk"]
