"""Every URL of the dashboard, with the permissions that it needs: what the tests of all URLs and all pages ask about.

The URLs of the admin and those for tokens of applications are no part of it: `tests/admin` and `tests/api` are about
who may do what there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLResolver, get_resolver

from conversations.roles import OPERATOR

SIGNED_IN = ""  # no permission is needed
LOOK = "conversations.view_conversation"
ADD = "conversations.add_conversation"
CHANGE = "conversations.change_conversation"
DELETE = "conversations.delete_conversation"
EVENTS = "conversations.view_event"
ERASURES = "conversations.view_erasure"
JOBS = "conversations.view_job"
HOLDS, ADD_HOLD = "conversations.view_hold", "conversations.add_hold"
RULES, CHANGE_RULE = "conversations.view_retentionrule", "conversations.change_retentionrule"
REQUESTS, ADD_REQUEST = "conversations.view_erasurerequest", "conversations.add_erasurerequest"
PEOPLE, CHANGE_PERSON = "auth.view_user", "auth.change_user"
SUPERUSER = "superuser"  # no permission is enough
CREDENTIALS, CHANGE_CREDENTIAL = "conversations.view_credential", "conversations.change_credential"
DELETE_CREDENTIAL = "conversations.delete_credential"

FOR_TOKENS = {"api_conversations", "api_conversation", "api_not_found"}
ONLY_WITH_DEBUG = {"style"}


@dataclass(frozen=True)
class Entry:
    """What is known of a URL."""

    reading: str | None = None  # the permission that GET needs, and HEAD with it; None where they aren't allowed
    changing: str | None = None  # the same for POST
    about: str = ""  # the fixture whose key stands in it
    item: str = ""  # which of the fixture `items` stands in it
    more: dict[str, int] = field(default_factory=dict)  # what else stands in it
    query: str = ""  # with which it's asked for
    given: str = ""  # the fixture that has all of its arguments
    is_public: bool = False  # nobody has to sign in
    is_recorded: bool = False  # a GET of it is an event
    asks_openai: bool = False  # a GET of it reads from there
    takes_put: bool = False  # as a POST, which Django's own views do

    @property
    def permissions(self) -> dict[str, str]:
        """The methods that are allowed, and the permission that each needs."""
        allowed = {"GET": self.reading, "POST": self.changing}
        allowed |= {"PUT": self.changing} if self.takes_put else {}
        return {method: needed for method, needed in allowed.items() if needed is not None}

    @property
    def is_for_administrators(self) -> bool:
        """Whether an operator may not have it."""
        return not {*self.permissions.values()} <= {SIGNED_IN, *OPERATOR}


def of_conversation(reading: str | None = None, changing: str | None = None, **more: Any) -> Entry:
    return Entry(reading, changing, about="conversation", **more)


TABLE = {
    "overview": Entry(SIGNED_IN),
    "home": Entry(SIGNED_IN),
    "healthz": Entry(SIGNED_IN, is_public=True),
    "login": Entry(SIGNED_IN, SIGNED_IN, is_public=True, takes_put=True),
    "logout": Entry(changing=SIGNED_IN),
    "password_change": Entry(SIGNED_IN, SIGNED_IN, takes_put=True),
    "password_change_done": Entry(SIGNED_IN),
    "palette": Entry(SIGNED_IN),
    "exact_times": Entry(changing=SIGNED_IN),
    "conversation_list": Entry(LOOK),
    "conversation_overview": Entry(LOOK),
    "conversation_values": Entry(LOOK, query="?key=tenant"),
    "conversation_completion": Entry(LOOK),
    "search_language": Entry(LOOK),
    "conversation_create": Entry(ADD, ADD),
    "conversation_preview": Entry(changing=ADD),
    "conversation_from_file": Entry(ADD, ADD),
    "conversation_get": Entry(ADD, ADD),
    "conversation_export": Entry(LOOK),
    "conversation_export_file": Entry(LOOK, query="?format=json"),
    "conversation_detail": of_conversation(LOOK),
    "conversation_json": of_conversation(LOOK),
    "conversation_edit": of_conversation(CHANGE, CHANGE),
    "conversation_refresh": of_conversation(changing=CHANGE),
    "conversation_accept_remote": of_conversation(changing=CHANGE),
    "conversation_delete": of_conversation(DELETE),
    "conversation_remove": of_conversation(DELETE, DELETE),
    "conversation_transfer": of_conversation(changing=CHANGE),
    "conversation_copy": of_conversation(ADD, ADD, asks_openai=True),
    "item_list": of_conversation(LOOK, asks_openai=True),
    "item_create": of_conversation(CHANGE, CHANGE),
    "transcript_export": of_conversation(LOOK),
    "transcript_export_file": of_conversation(LOOK, query="?format=json", is_recorded=True),
    "item_detail": of_conversation(LOOK, item="message", asks_openai=True),
    "item_media": of_conversation(LOOK, item="picture", more={"number": 0}, asks_openai=True),
    "item_output_create": of_conversation(CHANGE, CHANGE, item="call", asks_openai=True),
    "item_json": of_conversation(LOOK, item="message", asks_openai=True),
    "item_delete": of_conversation(DELETE, DELETE, item="message", asks_openai=True),
    "refresh_create": Entry(CHANGE, CHANGE),
    "import_create": Entry(ADD, ADD),
    "import_preview": Entry(ADD, ADD, about="draft"),
    "listing_create": Entry(ADD, ADD),
    "api_reference": Entry(LOOK),
    "api_document": Entry(SIGNED_IN, is_public=True),
    "job_list": Entry(JOBS),
    "job_detail": Entry(JOBS, about="job"),
    "job_results_file": Entry(JOBS, about="job"),
    "job_create": Entry(DELETE, LOOK, query="?all=1"),
    "job_start": Entry(LOOK, LOOK, about="bulk_draft"),
    "job_undo": Entry(changing=CHANGE, about="edit_job"),
    "job_receipt_file": Entry(ERASURES, about="erase_job"),
    "job_receipts_file": Entry(ERASURES, about="erase_job"),
    "job_export_file": Entry(LOOK, about="export_job", is_recorded=True),
    "job_pause": Entry(changing=CHANGE, about="job"),
    "job_resume": Entry(changing=CHANGE, about="job"),
    "job_stop": Entry(changing=CHANGE, about="job"),
    "job_retry": Entry(changing=CHANGE, about="job"),
    "erasure_create": of_conversation(DELETE, DELETE),
    "erasure_list": Entry(ERASURES),
    "erasure_detail": Entry(ERASURES, about="erasure"),
    "erasure_receipt": Entry(ERASURES, about="erasure"),
    "erasure_step": Entry(changing=DELETE, about="erasure"),
    "erasure_resume": Entry(changing=DELETE, about="erasure"),
    "erasure_stop": Entry(changing=DELETE, about="erasure"),
    "erasure_close": Entry(changing=DELETE, about="erasure"),
    "erasure_request_list": Entry(REQUESTS),
    "erasure_request_create": Entry(ADD_REQUEST, ADD_REQUEST),
    "erasure_request_detail": Entry(REQUESTS, about="erasure_request"),
    "erasure_request_export": Entry(changing=ADD_REQUEST, about="erasure_request"),
    "erasure_request_erase": Entry(changing=ADD_REQUEST, about="erasure_request"),
    "erasure_request_sign": Entry(changing=ADD_REQUEST, about="erasure_request"),
    "erasure_request_document": Entry(REQUESTS, about="signed_request"),
    "hold_list": Entry(HOLDS),
    "hold_create": Entry(ADD_HOLD, ADD_HOLD),
    "hold_detail": Entry(HOLDS, about="hold"),
    "hold_lift": Entry(changing="conversations.change_hold", about="hold"),
    "retention_rule_list": Entry(RULES),
    "retention_rule_create": Entry("conversations.add_retentionrule", "conversations.add_retentionrule"),
    "retention_rule_detail": Entry(RULES, about="rule"),
    "retention_rule_edit": Entry(CHANGE_RULE, CHANGE_RULE, about="rule"),
    "retention_rule_approve": Entry(changing=CHANGE_RULE, about="rule"),
    "retention_rule_pause": Entry(changing=CHANGE_RULE, about="rule"),
    "retention_rule_delete": Entry(changing="conversations.delete_retentionrule", about="rule"),
    "saved_view_list": Entry(LOOK),
    "saved_view_create": Entry(LOOK, LOOK),
    "saved_view_open": Entry(LOOK, about="view"),
    "saved_view_edit": Entry(LOOK, LOOK, about="view"),
    "saved_view_delete": Entry(LOOK, LOOK, about="view"),
    "saved_view_start": Entry(changing=LOOK, about="view"),
    "credential_list": Entry(CREDENTIALS),
    "credential_create": Entry("conversations.add_credential", "conversations.add_credential"),
    "credential_detail": Entry(CREDENTIALS, about="credential"),
    "credential_edit": Entry(CHANGE_CREDENTIAL, CHANGE_CREDENTIAL, about="credential"),
    "credential_test": Entry(changing=CHANGE_CREDENTIAL, about="credential"),
    "credential_activate": Entry(changing=CHANGE_CREDENTIAL, about="credential"),
    "credential_delete": Entry(DELETE_CREDENTIAL, DELETE_CREDENTIAL, about="credential"),
    "person_list": Entry(PEOPLE),
    "person_invite": Entry("auth.add_user", "auth.add_user"),
    "person_join": Entry(SIGNED_IN, SIGNED_IN, given="join_link", is_public=True),
    "person_detail": Entry(PEOPLE, CHANGE_PERSON, about="operator"),
    "person_link": Entry(changing=CHANGE_PERSON, about="operator"),
    "person_sign_out": Entry(changing=CHANGE_PERSON, about="operator"),
    "person_deactivate": Entry(changing=CHANGE_PERSON, about="operator"),
    "person_reactivate": Entry(changing=CHANGE_PERSON, about="operator"),
    "team_list": Entry(PEOPLE),
    "team_create": Entry(SUPERUSER, SUPERUSER),
    "team_detail": Entry(PEOPLE, SUPERUSER, about="team"),
    "team_delete": Entry(SUPERUSER, SUPERUSER, about="team"),
    "role_list": Entry(PEOPLE),
    "event_list": Entry(EVENTS),
    "event_detail": Entry(EVENTS, CHANGE, about="unknown"),
}


def names(patterns: list[Any] | None = None) -> Iterator[str]:
    """The name of each URL of the site, or the URL itself where it has none; without those of the admin."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if not isinstance(entry, URLResolver):
            yield from [] if entry.name in FOR_TOKENS | ONLY_WITH_DEBUG else [entry.name or str(entry.pattern)]
        elif entry.namespace != "admin":
            yield from names(entry.url_patterns)
