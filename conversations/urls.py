"""The addresses of the dashboard: resource, then verb; a view, its name and its template bear one name."""

from django.contrib.auth import views as auth_views
from django.urls import path
from django.views.generic import RedirectView

from .views import activity, conversation_actions, conversation_create, conversation_edit, conversations, items, site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="conversation_list"), name="home"),
    path("healthz", site.healthz, name="healthz"),
    path("sign-in/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", auth_views.PasswordChangeView.as_view(), name="password_change"),
    path("password/done/", auth_views.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("conversations/", conversations.conversation_list, name="conversation_list"),
    path("conversations/new/", conversation_create.conversation_create, name="conversation_create"),
    path("conversations/new/preview/", conversation_create.conversation_preview, name="conversation_preview"),
    path("conversations/get/", conversations.conversation_get, name="conversation_get"),
    path("conversations/<int:pk>/", conversations.conversation_detail, name="conversation_detail"),
    path("conversations/<int:pk>/metadata/", conversation_edit.conversation_edit, name="conversation_edit"),
    path("conversations/<int:pk>/items/", items.item_list, name="item_list"),
    path("conversations/<int:pk>/refresh/", conversation_actions.conversation_refresh, name="conversation_refresh"),
    path("conversations/<int:pk>/keep/", conversation_actions.conversation_keep, name="conversation_keep"),
    path("conversations/<int:pk>/remove/", conversation_actions.conversation_remove, name="conversation_remove"),
    path(
        "conversations/<int:pk>/hand-over/", conversation_actions.conversation_hand_over, name="conversation_hand_over"
    ),
    path("activity/", activity.event_list, name="event_list"),
    path("activity/<int:pk>/", activity.event_detail, name="event_detail"),
]
