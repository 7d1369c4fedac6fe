"""The main navigation: the pages that a user may open, and which of them this one belongs to."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import reverse

register = template.Library()

# Label, name of the URL, the permission that it needs, and the paths that belong to it.
PAGES = [
    ("Conversations", "conversation_list", "conversations.view_conversation", ("/conversations/",)),
    ("Views", "saved_view_list", "conversations.view_conversation", ("/views/",)),
    ("Jobs", "job_list", "conversations.view_job", ("/jobs/",)),
    (
        "Erasures",
        "erasure_list",
        "conversations.view_erasure",
        ("/erasures/", "/erasure-requests/", "/holds/", "/retention/"),
    ),
    ("Activity", "event_list", "conversations.view_event", ("/activity/",)),
    ("Credentials", "credential_list", "conversations.view_credential", ("/credentials/",)),
]
ADMIN = ("Admin", "admin:index", ("/admin/",))


@dataclass(frozen=True)
class Entry:
    """A page of the navigation."""

    label: str
    url: str
    is_current: bool


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[Entry]:
    """The pages that the user may open, in their order."""
    user, path = context["user"], context["request"].path
    entries = [
        Entry(label, reverse(name), path.startswith(paths))
        for label, name, permission, paths in PAGES
        if user.has_perm(permission)
    ]
    if user.is_staff:
        label, name, paths = ADMIN
        entries.append(Entry(label, reverse(name), path.startswith(paths)))
    return entries
