"""How every URL of the dashboard responds to whoever may not have it, as one table.

A new URL needs an entry in TABLE, and all questions below are asked of it. What a page shows to whoever may have it is
tested in the file of its view. The URLs of the admin and those for tokens of applications are no part of this:
`tests/admin` and `tests/api` are about who may do what there.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver, reverse

from conversations.examples.media_items import from_other_servers
from conversations.models import Conversation, Team
from conversations.roles import OPERATOR, VIEWER
from conversations.sandbox import Sandbox
from tests.factories import make_user
from tests.html import asks_to_sign_in, everything, signed_in, text_of

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

OPERATORS_OWN = {"view", "bulk_draft", "export_job"}
FOR_TOKENS = {"api_conversations", "api_conversation", "api_not_found"}
ONLY_WITH_DEBUG = {"style"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
WRITING = re.compile("INSERT|UPDATE|DELETE")
UNKNOWN = (999_999, 10**30)  # keys of nothing; the database can't hold the second


@dataclass(frozen=True)
class Entry:
    """What is known of a URL, for the questions below."""

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
    "conversation_values": Entry(LOOK),
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


@dataclass(frozen=True)
class Target:
    """A URL with its entry, as one is asked for."""

    name: str
    entry: Entry
    arguments: dict[str, Any]

    @property
    def url(self) -> str:
        return reverse(self.name, kwargs=self.arguments) + self.entry.query

    def url_of(self, key: int) -> str:
        """The same of another row."""
        return reverse(self.name, kwargs={**self.arguments, "pk": key}) + self.entry.query

    def statuses(self, browser: Browser, url: str = "") -> dict[str, int]:
        """The status of the response to each method that is allowed."""
        return {method: ask(browser, method, url or self.url).status_code for method in self.entry.permissions}

    def each(self, status: int) -> dict[str, int]:
        """What `statuses` gives where each method gets the same."""
        return dict.fromkeys(self.entry.permissions, status)


def ask(browser: Browser, method: str, url: str, **options: Any) -> HttpResponse:
    """The response to an empty request, read to its end."""
    response = getattr(browser, method.lower())(url, **options)
    if response.streaming:
        b"".join(response.streaming_content)
    return response


def for_each(condition: Callable[[Entry], object], *, is_there: bool = True) -> pytest.MarkDecorator:
    """Ask the question of each URL whose entry meets the condition. `is_there`: what it's about exists; whoever is
    refused in any case must not even learn that."""
    asked = [pytest.param((name, is_there), id=name) for name, entry in TABLE.items() if condition(entry)]
    return pytest.mark.parametrize("target", asked, indirect=True)


@pytest.fixture
def items(sandbox: Sandbox, conversation: Conversation) -> dict[str, str]:
    """The ids of three items of the conversation."""
    message = {"type": "message", "role": "user", "content": "Hello"}
    call = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
    added = sandbox.store.add_items(conversation.openai_id, [message, call, from_other_servers()[0]])
    return dict(zip(["message", "call", "picture"], [item["id"] for item in added], strict=True))


@pytest.fixture
def target(request: pytest.FixtureRequest, sandbox: Sandbox, credential: object) -> Target:
    """The URL of this name, with what it is about."""
    name, is_there = request.param
    entry = TABLE[name]
    arguments: dict[str, Any] = dict(entry.more)
    if entry.about:
        arguments["pk"] = request.getfixturevalue(entry.about).pk if is_there else 1
    if entry.given:
        arguments |= request.getfixturevalue(entry.given)
    if entry.item:
        arguments["item_id"] = request.getfixturevalue("items")[entry.item] if is_there else "item_1"
    sandbox.log.clear()
    return Target(name, entry, arguments)


@pytest.fixture
def insider(client: Browser, target: Target, operator: User, request: pytest.FixtureRequest) -> Browser:
    """A browser of somebody of the team who may have it."""
    entry = target.entry
    if SUPERUSER in entry.permissions.values():
        return signed_in(client, request.getfixturevalue("superuser"))
    return signed_in(client, request.getfixturevalue("administrator") if entry.is_for_administrators else operator)


@contextmanager
def nothing_happens(sandbox: Sandbox) -> Iterator[None]:
    """Nothing is written meanwhile, and nothing sent."""
    with CaptureQueriesContext(connection) as queries:
        yield
    assert [query["sql"] for query in queries if WRITING.match(query["sql"])] == []
    assert len(sandbox.log) == 0


@pytest.mark.parametrize("name", sorted(names()))
def test_each_url_has_an_entry(name: str) -> None:
    assert name in TABLE, (
        f"The URL {name!r} has no entry in TABLE. Add one with the permissions that GET and POST of it need (leave out "
        "a method that isn't allowed), `about` (the fixture whose key stands in it), and is_public=True if nobody has "
        "to sign in."
    )


def test_each_entry_is_of_a_url() -> None:
    assert TABLE.keys() - set(names()) == set()


@for_each(lambda entry: not entry.is_public, is_there=False)
def test_whoever_is_signed_out_is_led_to_the_sign_in_page_and_back(
    client: Browser, target: Target, sandbox: Sandbox
) -> None:
    url = target.url if target.entry.query else f"{target.url}?q=a"
    with nothing_happens(sandbox):
        for method in target.entry.permissions:
            assert asks_to_sign_in(ask(client, method, url), url)


@for_each(lambda entry: not entry.is_public, is_there=False)
def test_htmx_is_told_when_someone_is_signed_out(client: Browser, target: Target) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/conversations/?q=acme"}
    for method in target.entry.permissions:
        response = ask(client, method, target.url, headers=headers)
        if method == "POST":
            assert (response.status_code, text_of(response)) == (401, "You’re signed out.")
        else:
            assert response["HX-Redirect"] == "/sign-in/?next=/conversations/%3Fq%3Dacme"


@for_each(lambda entry: entry.is_public)
def test_nobody_has_to_sign_in_for_a_public_url(client: Browser, target: Target) -> None:
    assert set(target.statuses(client).values()) <= {200, 422}


@for_each(lambda entry: any(entry.permissions.values()), is_there=False)
def test_a_colleague_without_permissions_is_refused(
    client: Browser, team: Team, target: Target, sandbox: Sandbox
) -> None:
    browser = signed_in(client, make_user(role=None, teams=[team]))
    with nothing_happens(sandbox):
        assert target.statuses(browser) == target.each(403)


@for_each(lambda entry: not any(entry.permissions.values()))
def test_whoever_is_signed_in_needs_no_permission_for_it(client: Browser, target: Target) -> None:
    assert set(target.statuses(signed_in(client, make_user(role=None))).values()) <= {200, 302, 422}


@for_each(lambda entry: {*entry.permissions.values()} & {*VIEWER} and entry.about not in OPERATORS_OWN)
def test_a_viewer_may_open_what_is_for_looking_r22(client: Browser, viewer: User, target: Target) -> None:
    browser = signed_in(client, viewer)
    allowed = [method for method, needed in target.entry.permissions.items() if needed in VIEWER]
    assert {ask(browser, method, target.url).status_code for method in allowed} <= {200, 302, 422}


@for_each(lambda entry: {*entry.permissions.values()} - {SIGNED_IN, *VIEWER})
def test_a_viewer_is_refused_what_changes_something_r22(
    client: Browser, viewer: User, target: Target, sandbox: Sandbox
) -> None:
    browser = signed_in(client, viewer)
    refused = [method for method, needed in target.entry.permissions.items() if needed not in VIEWER]
    with nothing_happens(sandbox):
        assert {ask(browser, method, target.url).status_code for method in refused} == {403}


@for_each(lambda entry: True)
def test_whoever_may_have_it_is_let_in(insider: Browser, target: Target) -> None:
    assert set(target.statuses(insider).values()) <= {200, 302, 409, 422}


@pytest.mark.long
@for_each(lambda entry: entry.about)
def test_for_someone_of_another_team_it_does_not_exist_r23(
    client: Browser, stranger: User, target: Target, sandbox: Sandbox
) -> None:
    if target.entry.is_for_administrators:
        stranger.groups.add(Group.objects.get(name="Administrator"))
    browser = signed_in(client, stranger)
    with nothing_happens(sandbox):
        assert target.statuses(browser) == target.each(404)


@pytest.mark.long
@for_each(lambda entry: entry.about, is_there=False)
def test_an_unknown_key_is_not_found(insider: Browser, target: Target) -> None:
    for key in UNKNOWN:
        assert target.statuses(insider, target.url_of(key)) == target.each(404)


@pytest.mark.long
@for_each(lambda entry: True, is_there=False)
def test_no_other_method_is_allowed(insider: Browser, target: Target, sandbox: Sandbox) -> None:
    browser = Browser() if target.entry.is_public else insider
    allowed = target.entry.permissions.keys() | ({"HEAD"} if "GET" in target.entry.permissions else set())
    others = [method for method in METHODS if method not in allowed]
    with nothing_happens(sandbox):
        assert {ask(browser, method, target.url).status_code for method in others} == {405}


@for_each(lambda entry: entry.changing is not None, is_there=False)
def test_a_form_of_another_site_is_refused(operator: User, target: Target, sandbox: Sandbox) -> None:
    browser = signed_in(Browser(enforce_csrf_checks=True), operator)
    with nothing_happens(sandbox):
        assert browser.post(target.url).status_code == 403


@pytest.mark.long
@for_each(lambda entry: entry.reading is not None and not entry.is_recorded)
def test_opening_it_changes_nothing_r3(insider: Browser, target: Target, sandbox: Sandbox) -> None:
    before = everything()
    statuses = [ask(insider, method, target.url).status_code for method in ("GET", "HEAD")]
    assert everything() == before
    assert statuses[0] == statuses[1]
    assert {entry.method for entry in sandbox.log} == ({"GET"} if target.entry.asks_openai else set())
