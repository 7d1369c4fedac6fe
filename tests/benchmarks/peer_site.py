"""Convadmin with other URLs: Django's admin pages alone, which search all metadata as text.

    gunicorn tests.benchmarks.peer_site

It shows what the admin pages of the same rows take at best: no filters beside the list, no count of everything.
"""

from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.ROOT_URLCONF = __name__
application = get_wsgi_application()

from django.contrib import admin  # noqa: E402
from django.urls import include, path  # noqa: E402

from conversations.models import Conversation  # noqa: E402


class ByMetadata(admin.ModelAdmin):
    """The list of conversations, searched by metadata."""

    list_display = ["openai_id", "credential", "state", "created_at", "metadata"]
    list_select_related = ["credential"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["metadata"]
    ordering = ["-sort_key"]


site = admin.AdminSite(name="admin")
site.register(Conversation, ByMetadata)
# The frame of each page links to those of ours.
urlpatterns = [path("admin/", site.urls), path("", include("conversations.urls"))]
