"""Whatever is asked, by whomever: no response is a failure of ours.

RANDOM_REQUESTS says how many requests are drawn for each role, and RANDOM_SEED draws others than usual.
"""

import os
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client as Browser

from convadmin.wsgi import Request
from conversations.models import Conversation, Credential, Erasure, Event, SavedView, Team
from conversations.sandbox import Sandbox
from tests.factories import add_messages, make_credential, make_known, make_team
from tests.random_requests import Drawn, Requests

COUNT = int(os.environ.get("RANDOM_REQUESTS", "50"))
SEED = os.environ.get("RANDOM_SEED", "1")
MEANT = {502, 507}  # OpenAI failed, or the index did not take what it did
ROLES = ["nobody", "viewer", "operator", "administrator", "superuser"]


def sign_in(browser: Browser, role: str) -> None:
    """Sign the one of this role in anew: the request before may have signed out, or changed the account."""
    if role == "nobody":
        return
    facts = {"is_staff": role in {"administrator", "superuser"}, "is_superuser": role == "superuser"}
    user, _ = User.objects.update_or_create(username=role, defaults={"is_active": True, **facts})
    user.groups.set(Group.objects.filter(name__in=[role.capitalize(), "Support"]))
    browser.force_login(user)


def failure(browser: Browser, drawn: Drawn) -> str:
    """What is wrong with the response, or nothing."""
    try:
        response: Any = drawn.send(browser)
        if response.streaming:
            b"".join(response.streaming_content)
    except Exception as error:
        return f"{error!r:.200} for {drawn!r:.600}"
    if response.status_code < 500 or response.status_code in MEANT:
        return ""
    error = getattr(response, "exc_info", [None, None])[1]
    return f"{response.status_code} {error!r:.200} for {drawn!r:.600}"


@pytest.fixture(autouse=True)
def _requests_as_the_server_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.test.client.WSGIRequest", Request)


@pytest.fixture
def requests(credential: Credential, sandbox: Sandbox, viewer: User, operator: User) -> Requests:
    """Draws requests about a small site, where some of the rows belong to another team."""
    known = [make_known(sandbox, credential, {"tenant": "acme"}) for _ in range(3)]
    items = add_messages(sandbox, known[0], 3)
    other = make_credential(sandbox, name="Other", teams=[make_team("Elsewhere")])
    make_known(sandbox, other, {"tenant": "acme"})
    Event.objects.create(credential=credential, base_url=sandbox.url, action="create", outcome="unknown")
    SavedView.objects.create(owner=viewer, name="Mine", query_string="q=tenant%3Aacme")
    ids = [conversation.openai_id for conversation in known]
    names = ["viewer", "operator", "tenant", "acme", "Sandbox", sandbox.url, "0" * 32, *items, *ids]
    return Requests(SEED, keys(), names)


def keys() -> dict[str, list[int]]:
    """Keys of a few rows of each kind, by the words for them in URLs."""
    rows = {
        "conversation": Conversation,
        "credential": Credential,
        "view": SavedView,
        "activity": Event,
        "event": Event,
        "erasure": Erasure,
        "user": User,
        "people": User,
        "group": Group,
        "team": Team,
        "teams": Team,
        "/r/": ContentType,
    }
    return {word: [*model.objects.values_list("pk", flat=True)[:4], 10**9] for word, model in rows.items()}  # type: ignore[attr-defined]


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ROLES)
def test_no_request_makes_the_server_fail(requests: Requests, role: str) -> None:
    browser = Browser(raise_request_exception=False)
    failures = []
    for _ in range(COUNT):
        sign_in(browser, role)
        failures.append(failure(browser, requests.draw(browser)))
    assert [*filter(None, failures)] == []
