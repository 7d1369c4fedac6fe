"""Where a user may go: the main navigation, and what the command palette finds."""

from dataclasses import dataclass
from itertools import chain, islice

from django.contrib.auth.models import User
from django.urls import reverse

from ..models import Credential, SavedView
from ..query import parse_bounded
from ..search import Search

SHOWN = 8  # of each kind of destination
LOOK = "conversations.view_conversation"

# Label, name of the URL, the permission that it needs, and the paths that belong to it.
PAGES = [
    ("Conversations", "conversation_list", LOOK, ("/conversations/",)),
    ("Views", "saved_view_list", LOOK, ("/views/",)),
    ("Jobs", "job_list", "conversations.view_job", ("/jobs/",)),
    (
        "Erasures",
        "erasure_list",
        "conversations.view_erasure",
        ("/erasures/", "/erasure-requests/", "/holds/", "/retention/"),
    ),
    ("Activity", "event_list", "conversations.view_event", ("/activity/",)),
    ("Credentials", "credential_list", "conversations.view_credential", ("/credentials/",)),
    ("People", "person_list", "auth.view_user", ("/people/",)),
]
MORE = [
    ("New conversation", "conversation_create", "conversations.add_conversation"),
    ("Get a conversation by id", "conversation_get", "conversations.add_conversation"),
    ("Import ids", "import_create", "conversations.add_conversation"),
    ("List from a server", "listing_create", "conversations.add_conversation"),
    ("Erasure requests", "erasure_request_list", "conversations.view_erasurerequest"),
    ("New erasure request", "erasure_request_create", "conversations.add_erasurerequest"),
    ("Legal holds", "hold_list", "conversations.view_hold"),
    ("Retention", "retention_rule_list", "conversations.view_retentionrule"),
    ("New retention rule", "retention_rule_create", "conversations.add_retentionrule"),
    ("Add credential", "credential_create", "conversations.add_credential"),
    ("Invite somebody", "person_invite", "auth.add_user"),
    ("Teams", "team_list", "auth.view_user"),
    ("Roles", "role_list", "auth.view_user"),
    ("Search language", "search_language", LOOK),
    ("API for applications", "api_reference", LOOK),
]
OF_EVERYONE = [("Change password", "password_change")]
ADMIN = ("Admin", "admin:index", ("/admin/",))


@dataclass(frozen=True)
class Entry:
    """A page of the navigation."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class Destination:
    """Something that can be opened; `kind` says what it is."""

    label: str
    kind: str
    url: str


def navigation(user: User, path: str) -> list[Entry]:
    """The main pages that the user may open, in their order."""
    entries = [
        Entry(label, reverse(name), path.startswith(paths))
        for label, name, permission, paths in PAGES
        if user.has_perm(permission)
    ]
    if user.is_staff:
        label, name, paths = ADMIN
        entries.append(Entry(label, reverse(name), path.startswith(paths)))
    return entries


def destinations(user: User, text: str) -> list[Destination]:
    """What the words find: pages, saved views, credentials and conversations; without words, all pages."""
    words = text.casefold().split()
    found = [_matching(places, words) for places in (_pages(user), _views(user), _credentials(user))]
    return [*chain.from_iterable(found), *(_conversations(user, text) if words else [])]


def _matching(places: list[Destination], words: list[str]) -> list[Destination]:
    found = (place for place in places if all(word in place.label.casefold() for word in words))
    return list(islice(found, SHOWN if words else None))


def _pages(user: User) -> list[Destination]:
    main = [Destination(entry.label, "page", entry.url) for entry in navigation(user, "")]
    more = [Destination(label, "page", reverse(name)) for label, name, needed in MORE if user.has_perm(needed)]
    return [*main, *more, *(Destination(label, "page", reverse(name)) for label, name in OF_EVERYONE)]


def _views(user: User) -> list[Destination]:
    if not user.has_perm(LOOK):
        return []
    return [Destination(view.name, "view", view.list_url) for view in SavedView.objects.visible_to(user)]


def _credentials(user: User) -> list[Destination]:
    if not user.has_perm("conversations.view_credential"):
        return []
    rows = Credential.objects.visible_to(user).only("pk", "name")
    return [Destination(row.name, "credential", row.get_absolute_url()) for row in rows]


def _conversations(user: User, text: str) -> list[Destination]:
    """A search for the text, and the newest conversations that it finds."""
    if not user.has_perm(LOOK):
        return []
    query = parse_bounded(text)
    state = reverse("conversation_list", query={"q": text})
    found = Search.for_user(query, user).page(size=SHOWN).rows if not query.problems else []
    rows = [Destination(row.openai_id, "conversation", row.get_absolute_url()) for row in found]
    return [Destination(f"Search conversations for “{text}”", "search", state), *rows]
