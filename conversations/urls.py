"""The addresses of the dashboard: resource, then verb; a view, its name and its template bear one name."""

from django.contrib.auth import views as auth_views
from django.urls import path, register_converter

from .pages.converters import ItemIdConverter
from .views import (
    conversation_actions,
    conversation_create,
    conversation_edit,
    erasures,
    item_changes,
    item_outputs,
    items,
    media,
    saved_views,
    site,
)
from .views import conversation_detail as conversations
from .views import conversation_list as listing
from .views import events as activity
from .views import search_export as exports
from .views import transcript_export as transcripts

register_converter(ItemIdConverter, "item_id")

urlpatterns = [
    path("", saved_views.home, name="home"),
    path("healthz", site.healthz, name="healthz"),
    path("sign-in/", site.sign_in, name="login"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", auth_views.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("conversations/", listing.conversation_list, name="conversation_list"),
    path("conversations/overview/", listing.conversation_overview, name="conversation_overview"),
    path("conversations/values/", listing.conversation_values, name="conversation_values"),
    path("conversations/completion/", listing.conversation_completion, name="conversation_completion"),
    path("conversations/new/", conversation_create.conversation_create, name="conversation_create"),
    path("conversations/new/preview/", conversation_create.conversation_preview, name="conversation_preview"),
    path("conversations/get/", conversations.conversation_get, name="conversation_get"),
    path("conversations/export/", exports.conversation_export, name="conversation_export"),
    path("conversations/export/file/", exports.conversation_export_file, name="conversation_export_file"),
    path("conversations/<int:pk>/", conversations.conversation_detail, name="conversation_detail"),
    path("conversations/<int:pk>/conversation.json", conversations.conversation_json, name="conversation_json"),
    path("conversations/<int:pk>/metadata/", conversation_edit.conversation_edit, name="conversation_edit"),
    path("conversations/<int:pk>/items/", items.item_list, name="item_list"),
    path("conversations/<int:pk>/items/new/", item_changes.item_create, name="item_create"),
    path("conversations/<int:pk>/items/export/", transcripts.transcript_export, name="transcript_export"),
    path(
        "conversations/<int:pk>/items/export/file/", transcripts.transcript_export_file, name="transcript_export_file"
    ),
    path("conversations/<int:pk>/item/<item_id:item_id>/", items.item_detail, name="item_detail"),
    path("conversations/<int:pk>/item/<item_id:item_id>/media/<int:number>/", media.item_media, name="item_media"),
    path(
        "conversations/<int:pk>/item/<item_id:item_id>/output/",
        item_outputs.item_output_create,
        name="item_output_create",
    ),
    path("conversations/<int:pk>/item/<item_id:item_id>/item.json", items.item_json, name="item_json"),
    path("conversations/<int:pk>/item/<item_id:item_id>/delete/", item_changes.item_delete, name="item_delete"),
    path("conversations/<int:pk>/erase/", erasures.erasure_create, name="erasure_create"),
    path("conversations/<int:pk>/refresh/", conversation_actions.conversation_refresh, name="conversation_refresh"),
    path("conversations/<int:pk>/keep/", conversation_actions.conversation_keep, name="conversation_keep"),
    path("conversations/<int:pk>/remove/", conversation_actions.conversation_remove, name="conversation_remove"),
    path(
        "conversations/<int:pk>/hand-over/", conversation_actions.conversation_hand_over, name="conversation_hand_over"
    ),
    path("views/", saved_views.saved_view_list, name="saved_view_list"),
    path("views/new/", saved_views.saved_view_create, name="saved_view_create"),
    path("views/<int:pk>/", saved_views.saved_view_open, name="saved_view_open"),
    path("views/<int:pk>/edit/", saved_views.saved_view_edit, name="saved_view_edit"),
    path("views/<int:pk>/delete/", saved_views.saved_view_delete, name="saved_view_delete"),
    path("views/<int:pk>/start/", saved_views.saved_view_start, name="saved_view_start"),
    path("erasures/", erasures.erasure_list, name="erasure_list"),
    path("erasures/<int:pk>/", erasures.erasure_detail, name="erasure_detail"),
    path("erasures/<int:pk>/receipt.json", erasures.erasure_receipt, name="erasure_receipt"),
    path("erasures/<int:pk>/step/", erasures.erasure_step, name="erasure_step"),
    path("erasures/<int:pk>/resume/", erasures.erasure_resume, name="erasure_resume"),
    path("erasures/<int:pk>/stop/", erasures.erasure_stop, name="erasure_stop"),
    path("erasures/<int:pk>/close/", erasures.erasure_close, name="erasure_close"),
    path("activity/", activity.event_list, name="event_list"),
    path("activity/<int:pk>/", activity.event_detail, name="event_detail"),
]
