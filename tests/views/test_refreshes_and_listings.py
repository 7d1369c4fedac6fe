"""Starting a refresh of what a search finds, and a listing."""

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Job, JobKind
from tests.factories import make_conversation, make_credential
from tests.html import text_of

pytestmark = pytest.mark.django_db


def test_the_page_counts_what_matches(as_operator: Browser, credential: Credential) -> None:
    for _ in range(3):
        make_conversation(credential, {"tenant": "globex"})
    page = text_of(as_operator.get("/conversations/refresh/?q=tenant:globex"))
    assert "Refresh 3 conversations" in page


def test_a_refresh_keeps_the_search_and_the_reason(
    as_operator: Browser, conversation: Conversation, operator: User, credential: Credential
) -> None:
    response = as_operator.post("/conversations/refresh/?q=tenant:acme", {"token": "t1", "reason": "After the outage"})
    job = Job.objects.get()
    assert response.url == f"/jobs/{job.pk}/"
    assert (job.kind, job.query, job.reason, job.actor) == (
        JobKind.REFRESH,
        "tenant:acme",
        "After the outage",
        operator,
    )
    assert list(job.credentials.all()) == [credential]


def test_only_credentials_that_have_matches_belong_to_the_job(
    as_operator: Browser, conversation: Conversation, credential: Credential
) -> None:
    make_conversation(make_credential(teams=credential.teams.all()), {"tenant": "globex"})
    as_operator.post("/conversations/refresh/?q=tenant:acme", {"token": "t1"})
    assert list(Job.objects.get().credentials.all()) == [credential]


def test_a_form_that_is_sent_twice_makes_one_job(as_operator: Browser, conversation: Conversation) -> None:
    for _ in range(2):
        response = as_operator.post("/conversations/refresh/?q=", {"token": "t1"})
    assert response.url == f"/jobs/{Job.objects.get().pk}/"


def test_a_search_with_problems_is_refused_r24(as_operator: Browser, conversation: Conversation) -> None:
    response = as_operator.post("/conversations/refresh/?q=state:absurd", {"token": "t1"})
    assert response.status_code == 422
    assert "A search with problems can’t be refreshed." in text_of(response)
    assert not Job.objects.exists()


def test_without_matches_there_is_nothing_to_start(as_operator: Browser, conversation: Conversation) -> None:
    page = text_of(as_operator.get("/conversations/refresh/?q=tenant:nobody"))
    assert "No conversations match." in page
    assert 'class="button button-primary"' not in page


def test_a_listing_is_started(as_operator: Browser, credential: Credential) -> None:
    as_operator.post("/conversations/list-from-server/", {"token": "t1", "credential": credential.pk})
    assert Job.objects.get().kind == JobKind.LIST


def test_a_server_that_has_no_list_is_named(as_operator: Browser, credential: Credential) -> None:
    Credential.objects.update(can_list=False)
    assert "without a list: Sandbox." in text_of(as_operator.get("/conversations/list-from-server/"))


def test_a_listing_needs_a_credential(as_operator: Browser, credential: Credential) -> None:
    response = as_operator.post("/conversations/list-from-server/", {"token": "t1", "credential": ""})
    assert response.status_code == 422
    assert "Choose a credential." in text_of(response)
