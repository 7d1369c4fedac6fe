"""The pages of legal holds, retention rules and erasure requests."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.test import override_settings

from conversations.jobs import control
from conversations.models import Conversation, Credential, ErasureRequest, Hold, Job, RetentionRule, Team
from conversations.services.holds import place_search_hold
from tests.factories import make_conversation, make_credential, make_user, make_view
from tests.html import signed_in, words_of
from tests.jobs.bulk import done_here

pytestmark = pytest.mark.django_db

RULE = {
    "name": "Old", "query": "tenant:test", "age_days": "30", "action": "erase", "reason": "Policy", "every_hours": "24"
}  # fmt: skip


# Holds


def test_a_hold_on_a_conversation_is_shown_on_its_page(as_operator: Browser, conversation: Conversation) -> None:
    page = as_operator.get(conversation.get_absolute_url())
    assert f"/holds/new/?pick={conversation.pk}" in page.content.decode()
    response = as_operator.post(f"/holds/new/?pick={conversation.pk}", {"reason": "Case 7", "token": "t1"})
    hold = Hold.objects.get()
    assert response["Location"] == hold.get_absolute_url()
    text = words_of(as_operator.get(conversation.get_absolute_url()))
    assert "by operator: Case 7" in text


def test_a_hold_by_a_search_says_what_it_finds_now(as_operator: Browser, conversation: Conversation) -> None:
    text = words_of(as_operator.get("/holds/new/?q=tenant:acme"))
    assert "1 conversation now" in text
    assert "Of these credentials: Sandbox." in text


@pytest.mark.parametrize("url", ["/holds/new/?q=state:absurd", "/holds/new/?pick=999999"])
def test_what_can_not_be_held_is_told_r24(as_operator: Browser, credential: Credential, url: str) -> None:
    for response in (as_operator.get(url), as_operator.post(url, {"reason": "Case", "token": "t1"})):
        assert response.status_code == 422
    assert not Hold.objects.exists()


def test_a_reason_is_needed(as_operator: Browser, conversation: Conversation) -> None:
    response = as_operator.post(f"/holds/new/?pick={conversation.pk}", {"reason": " ", "token": "t1"})
    assert response.status_code == 422
    assert "Enter the reason." in words_of(response)


def test_a_second_click_finds_the_first_hold(as_operator: Browser, conversation: Conversation) -> None:
    for _ in range(2):
        as_operator.post(f"/holds/new/?pick={conversation.pk}", {"reason": "Case 7", "token": "t1"})
    assert Hold.objects.count() == 1


def test_only_an_administrator_lifts_it(client: Browser, hold: Hold, operator: User, administrator: User) -> None:
    assert "Only an administrator who may use all of its credentials can lift it" in words_of(
        signed_in(client, operator).get(hold.get_absolute_url())
    )
    browser = signed_in(client, administrator)
    assert browser.post(f"/holds/{hold.pk}/lift/", {"token": "t"}).status_code == 422
    browser.post(f"/holds/{hold.pk}/lift/", {"reason": "Closed", "token": "t"})
    text = words_of(browser.get(hold.get_absolute_url()))
    assert "Lifted" in text
    assert "Closed" in text
    assert "lifted before" in words_of(
        browser.post(f"/holds/{hold.pk}/lift/", {"reason": "Again", "token": "t2"}, follow=True)
    )


def test_the_list_of_holds(as_operator: Browser, hold: Hold) -> None:
    text = words_of(as_operator.get("/holds/"))
    assert "Case 7" in text
    assert "In force" in text


# Retention rules


def save_rule(browser: Browser, credential: Credential, **data: Any) -> Any:
    return browser.post("/retention/new/", {**RULE, "credentials": [credential.pk], **data})


def test_a_rule_is_written_approved_by_another_and_runs(
    client: Browser, administrator: User, team: Team, credential: Credential
) -> None:
    browser = signed_in(client, administrator)
    save_rule(browser, credential)
    rule = RetentionRule.objects.get()
    text = words_of(browser.get(rule.get_absolute_url()))
    assert "Somebody other than administrator has to approve it." in text
    assert "Now it would erase 0 conversations" in text
    seen = {"seen": rule.changed_at.isoformat()}
    browser.post(f"/retention/{rule.pk}/approve/", seen)
    rule.refresh_from_db()
    assert not rule.is_approved
    other = signed_in(client, make_user("second", role="Administrator", teams=[team]))
    other.post(f"/retention/{rule.pk}/approve/", seen)
    rule.refresh_from_db()
    assert (rule.is_active, rule.approved_by_name) == (True, "second")


def test_an_author_may_approve_where_the_setting_says_so(
    client: Browser, administrator: User, credential: Credential
) -> None:
    browser = signed_in(client, administrator)
    save_rule(browser, credential)
    rule = RetentionRule.objects.get()
    with override_settings(RETENTION_NEEDS_APPROVAL=False):
        browser.post(f"/retention/{rule.pk}/approve/", {"seen": rule.changed_at.isoformat()})
    rule.refresh_from_db()
    assert rule.is_approved


def test_the_form_shows_what_a_rule_would_do_before_it_is_saved(
    client: Browser, administrator: User, credential: Credential
) -> None:
    make_conversation(credential, {"tenant": "test"})
    response = save_rule(signed_in(client, administrator), credential, do="preview")
    assert "Now it would erase 1 conversation" in words_of(response)
    assert not RetentionRule.objects.exists()


def test_an_approval_is_of_what_was_seen(client: Browser, superuser: User, rule: RetentionRule) -> None:
    browser = signed_in(client, superuser)
    seen = rule.changed_at.isoformat()
    assert rule.author is not None
    rule.change(author=rule.author, age_days=1)
    text = words_of(browser.post(f"/retention/{rule.pk}/approve/", {"seen": seen}, follow=True))
    assert "The rule has changed since you looked at it" in text


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"name": ""}, "Enter a name."),
        ({"query": "state:absurd"}, "isn’t understood"),
        ({"query": "credential:Sandbox"}, "Leave credential: out"),
        ({"age_days": "0"}, "greater than or equal to 1"),
        ({"reason": ""}, "Enter a reason."),
        ({"credentials": []}, "Tick at least one credential."),
        ({"action": "edit"}, "valid choice"),
    ],
)
def test_what_is_typed_wrongly_is_told_and_kept(
    client: Browser, administrator: User, credential: Credential, data: dict[str, Any], problem: str
) -> None:
    response = save_rule(signed_in(client, administrator), credential, **data)
    assert response.status_code == 422
    assert problem in words_of(response)
    assert ("Policy" in response.content.decode()) is ("reason" not in data)
    assert not RetentionRule.objects.exists()


def test_a_credential_of_another_team_can_not_be_chosen(client: Browser, administrator: User) -> None:
    foreign = make_credential(name="Foreign")
    assert save_rule(signed_in(client, administrator), foreign).status_code == 422


def test_a_saved_view_can_be_taken(client: Browser, administrator: User, credential: Credential) -> None:
    make_view(administrator, "tenant:acme")
    browser = signed_in(client, administrator)
    assert "/retention/new/?q=tenant%3Aacme" in browser.get("/retention/new/").content.decode()
    assert 'value="tenant:acme"' in browser.get("/retention/new/?q=tenant%3Aacme").content.decode()


def test_it_is_edited_paused_and_deleted(client: Browser, administrator: User, rule: RetentionRule) -> None:
    browser = signed_in(client, administrator)
    data = {**RULE, "name": "Newer", "credentials": list(rule.credentials.values_list("pk", flat=True))}
    browser.post(f"/retention/{rule.pk}/edit/", data)
    rule.refresh_from_db()
    assert (rule.name, rule.author_name, rule.is_approved) == ("Newer", "administrator", False)
    browser.post(f"/retention/{rule.pk}/pause/", {"paused": "1"})
    rule.refresh_from_db()
    assert rule.is_paused
    browser.post(f"/retention/{rule.pk}/delete/")
    assert not RetentionRule.objects.exists()


# Erasure requests


def test_a_request_finds_what_the_index_holds(as_operator: Browser, conversation: Conversation) -> None:
    data = {"key": ["tenant", "user_id"], "value": ["acme", "48213"], "stored": ["", ""], "reference": "Ticket 9"}
    response = as_operator.post("/erasure-requests/new/", {**data, "do": "open", "token": "t1"})
    request = ErasureRequest.objects.get()
    assert response["Location"] == request.get_absolute_url()
    text = words_of(as_operator.get(response["Location"]))
    assert "1 of Sandbox" in text
    assert "Erase 1…" in text
    as_operator.post("/erasure-requests/new/", {**data, "do": "open", "token": "t1"})
    assert ErasureRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"key": "", "value": ""}, "Enter at least one pair"),
        ({"key": "", "value": "48213"}, "Enter a key"),
        ({"reference": ""}, "Enter a reference"),
    ],
)
def test_a_request_needs_a_pair_and_a_reference(
    as_operator: Browser, credential: Credential, data: dict[str, str], problem: str
) -> None:
    known = {"key": "user_id", "value": "48213", "stored": "", "reference": "Ticket 9", "token": "t1", "do": "open"}
    response = as_operator.post("/erasure-requests/new/", {**known, **data})
    assert response.status_code == 422
    assert problem in words_of(response)


@pytest.mark.long
def test_it_is_exported_erased_and_signed_off(
    as_operator: Browser, erasure_request: ErasureRequest, conversation: Conversation
) -> None:
    page = erasure_request.get_absolute_url()
    as_operator.post(f"{page}export/")
    export = Job.objects.get()
    assert (export.kind, export.request, export.reason) == ("export", erasure_request, "Ticket 9")
    response = as_operator.post(f"{page}erase/")
    job = Job.objects.latest("pk")
    assert response["Location"] == f"/jobs/{job.pk}/start/"
    assert 'value="Ticket 9"' in as_operator.get(response["Location"]).content.decode()
    done_here(job)
    assert "Nothing in the index has one of these pairs." in words_of(as_operator.get(page))
    text = words_of(as_operator.post(f"{page}sign/", follow=True))
    assert "Signed off by operator" in text
    assert conversation.openai_id in text
    assert "fingerprint" in text
    assert as_operator.get(f"{page}document.json").json()["jobs"][0]["outcomes"] == {"erased": 1}
    assert "It was signed off" in words_of(as_operator.post(f"{page}erase/", follow=True))


def test_it_is_not_signed_off_while_a_job_is_under_way(as_operator: Browser, erasure_request: ErasureRequest) -> None:
    page = erasure_request.get_absolute_url()
    as_operator.post(f"{page}erase/")
    Job.objects.update(state="running")
    assert "hasn’t ended" in words_of(as_operator.post(f"{page}sign/", follow=True))
    erasure_request.refresh_from_db()
    assert not erasure_request.is_signed


def test_there_is_no_document_before(as_operator: Browser, erasure_request: ErasureRequest) -> None:
    assert as_operator.get(f"{erasure_request.get_absolute_url()}document.json").status_code == 404


def test_nothing_to_erase_is_told(as_operator: Browser, erasure_request: ErasureRequest) -> None:
    Conversation.objects.get().purge()
    text = words_of(as_operator.post(f"{erasure_request.get_absolute_url()}erase/", follow=True))
    assert "No conversation was chosen" in text


def test_the_number_of_queries_does_not_grow_with_what_is_found(
    as_operator: Browser, erasure_request: ErasureRequest, credential: Credential, django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        make_conversation(credential, {"tenant": "acme"})
    with django_assert_max_num_queries(35):
        as_operator.get(erasure_request.get_absolute_url())


def test_a_hold_names_no_credential_of_others_r23(as_operator: Browser, operator: User, credential: Credential) -> None:
    foreign = make_credential(name="Foreign")
    hold = place_search_hold(actor=operator, query="tenant:acme", credentials=[credential, foreign], reason="Case 7")
    text = words_of(as_operator.get(hold.get_absolute_url()))
    assert "Sandbox" in text
    assert "Foreign" not in text


def test_pausing_a_rule_pauses_its_run(client: Browser, administrator: User, rule: RetentionRule) -> None:
    job = control.create(kind="erase", credentials=rule.credentials.all(), actor=administrator, rule=rule)
    signed_in(client, administrator).post(f"/retention/{rule.pk}/pause/", {"paused": "1"})
    job.refresh_from_db()
    assert job.state == "paused"


def test_a_hold_can_not_depend_on_when_something_was_read(as_operator: Browser, credential: Credential) -> None:
    response = as_operator.get("/holds/new/?q=read:7d")
    assert response.status_code == 422
    assert "when something was read" in words_of(response)


def test_a_search_that_finds_few_is_noted_at_once(as_operator: Browser, conversation: Conversation) -> None:
    as_operator.post("/holds/new/?q=tenant:acme", {"reason": "Case 7", "token": "t1"})
    assert Hold.objects.get().held.count() == 1
