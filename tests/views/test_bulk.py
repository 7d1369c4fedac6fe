"""Selecting, looking at what a job would do, starting it, undoing it, and what it leaves to download."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import override_settings

from conversations.models import Conversation, Credential, Event, Job
from conversations.sandbox import Sandbox
from tests.factories import make_conversation
from tests.html import signed_in, words_of
from tests.jobs.bulk import done_here

pytestmark = pytest.mark.django_db

STEP = {"verb": "set", "key": "seen", "value": "yes", "to": ""}


@pytest.fixture
def rows(credential: Credential) -> list[Conversation]:
    return [make_conversation(credential, {"tenant": tenant}) for tenant in ("acme", "acme", "globex")]


def choose(browser: Browser, do: str, q: str = "", **data: Any) -> HttpResponse:
    return browser.post(f"/jobs/new/?q={q}", {"do": do, **data})


def start(browser: Browser, job: Job, do: str = "start", **data: Any) -> HttpResponse:
    return browser.post(f"/jobs/{job.pk}/start/", {"do": do, "token": "t1", **data})


def test_the_ticked_rows_become_the_list_of_a_draft(as_operator: Browser, rows: list[Conversation]) -> None:
    response = choose(as_operator, "edit", pick=[rows[0].pk, rows[2].pk, "x", "9" * 30])
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/start/"
    assert set(job.items.values_list("conversation", flat=True)) == {rows[0].pk, rows[2].pk}
    assert job.state == "draft"


def test_all_that_match_become_it_whatever_is_ticked(as_operator: Browser, rows: list[Conversation]) -> None:
    choose(as_operator, "remove", "tenant:acme", pick=[rows[2].pk], all="1")
    job = Job.objects.get()
    assert set(job.items.values_list("conversation", flat=True)) == {rows[0].pk, rows[1].pk}
    assert job.query == "tenant:acme"


@pytest.mark.parametrize(
    ("q", "data", "problem"),
    [
        ("", {}, "No conversation was chosen."),
        ("state:absurd", {"all": "1"}, "correct the search first"),
        ("tenant:nobody", {"all": "1"}, "No conversation was chosen."),
    ],
)
def test_what_can_not_be_chosen_is_told_on_the_list_r24(
    as_operator: Browser, rows: list[Conversation], q: str, data: dict[str, str], problem: str
) -> None:
    response = as_operator.post(f"/jobs/new/?q={q}", {"do": "remove", **data}, follow=True)
    assert response.redirect_chain[0][0].startswith("/conversations/?q=")
    assert problem in words_of(response)
    assert not Job.objects.exists()


def test_more_than_the_limit_is_told(as_operator: Browser, rows: list[Conversation]) -> None:
    with override_settings(BULK_LIMIT=2):
        response = as_operator.post("/jobs/new/?q=", {"do": "remove", "all": "1"}, follow=True)
    assert "More than 2 conversations match" in words_of(response)


@pytest.mark.parametrize("kind", ["edit", "transfer", "remove", "erase"])
def test_a_viewer_may_only_export(client: Browser, viewer: User, rows: list[Conversation], kind: str) -> None:
    browser = signed_in(client, viewer)
    assert choose(browser, kind, all="1").status_code == 403
    assert choose(browser, "export", all="1").status_code == 302


def test_holds_have_a_page_of_their_own(as_operator: Browser, rows: list[Conversation]) -> None:
    assert choose(as_operator, "hold", pick=[rows[0].pk])["Location"] == f"/holds/new/?pick={rows[0].pk}"
    assert choose(as_operator, "hold", "tenant:acme", all="1")["Location"] == "/holds/new/?q=tenant%3Aacme&all=1"


def test_the_page_tells_the_number_and_what_the_server_keeps(as_operator: Browser, rows: list[Conversation]) -> None:
    choose(as_operator, "remove", all="1")
    text = words_of(as_operator.get(f"/jobs/{Job.objects.get().pk}/start/"))
    assert "3 conversations, listed just now." in text
    assert "3 of Sandbox" in text
    assert "Their messages stay there" in text
    assert "This can’t be undone." in text


def test_nobody_else_starts_a_draft(client: Browser, bulk_draft: Job, colleague: User) -> None:
    browser = signed_in(client, colleague)
    assert browser.get(f"/jobs/{bulk_draft.pk}/start/").status_code == 404
    assert start(browser, bulk_draft).status_code == 404


def test_cancelling_leaves_nothing(as_operator: Browser, bulk_draft: Job) -> None:
    assert start(as_operator, bulk_draft, "discard")["Location"] == "/conversations/"
    assert not Job.objects.exists()


# Editing


def test_steps_are_added_and_taken_away_and_nothing_typed_is_lost(as_operator: Browser, bulk_draft: Job) -> None:
    page = words_of(start(as_operator, bulk_draft, "add-rename", **STEP))
    assert 'value="seen"' in start(as_operator, bulk_draft, "add-rename", **STEP).content.decode()
    assert "Rename a key" in page
    content = start(as_operator, bulk_draft, "remove-step-0", **STEP).content.decode()
    assert 'value="seen"' not in content


def test_a_preview_shows_what_would_change_and_starts_nothing(as_operator: Browser, bulk_draft: Job) -> None:
    response = start(as_operator, bulk_draft, "preview", **STEP)
    assert response.status_code == 200
    assert "1 would change" in words_of(response)
    assert "seen: yes" in words_of(response)
    bulk_draft.refresh_from_db()
    assert bulk_draft.state == "draft"


def test_it_starts_only_as_it_was_previewed(as_operator: Browser, bulk_draft: Job) -> None:
    response = start(as_operator, bulk_draft, **STEP)
    assert "What you chose has changed since the preview" in words_of(response)
    previewed = json.dumps([True, ["set", "seen", "yes", ""]])
    assert "changed since" in words_of(start(as_operator, bulk_draft, **{**STEP, "value": "no"}, previewed=previewed))
    response = start(as_operator, bulk_draft, **STEP, previewed=previewed, reason="Ticket 7", over_changes="1")
    assert response["Location"] == f"/jobs/{bulk_draft.pk}/"
    bulk_draft.refresh_from_db()
    assert (bulk_draft.state, bulk_draft.reason) == ("running", "Ticket 7")
    assert bulk_draft.parameters == {"over_changes": True, "steps": [STEP]}


def test_a_second_click_leads_to_the_job(as_operator: Browser, bulk_draft: Job) -> None:
    data = {**STEP, "previewed": json.dumps([False, ["set", "seen", "yes", ""]])}
    start(as_operator, bulk_draft, **data)
    assert start(as_operator, bulk_draft, **data)["Location"] == f"/jobs/{bulk_draft.pk}/"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "Add a step"),
        ({**STEP, "key": ""}, "Enter a key"),
        ({**STEP, "value": "v" * 513}, "Shorten it to 512"),
        ({**STEP, "reason": "r" * 501}, "at most 500"),
    ],
)
def test_what_is_typed_wrongly_is_marked(
    as_operator: Browser, bulk_draft: Job, data: dict[str, str], problem: str
) -> None:
    response = start(as_operator, bulk_draft, "preview", **data)
    assert response.status_code == 422
    assert problem in words_of(response)


def test_htmx_gets_the_form_alone(as_operator: Browser, bulk_draft: Job) -> None:
    headers = {"HX-Request": "true", "HX-Target": "start"}
    response = as_operator.post(f"/jobs/{bulk_draft.pk}/start/", {"do": "add-set", "token": "t1"}, headers=headers)
    assert response.template_name == "conversations/job_start.html#start"


# Removing and erasing


@pytest.mark.parametrize(
    ("kind", "data", "problem"),
    [
        ("remove", {}, "Type the number of conversations."),
        ("remove", {"count": "2"}, "This isn’t the number of conversations, 3."),
        ("erase", {"count": "3"}, "Enter a reason for the receipts."),
        ("erase", {"reason": "Ticket", "count": "30"}, "This isn’t the number of conversations, 3."),
    ],
)
def test_the_number_and_a_reason_have_to_be_typed(
    as_operator: Browser, rows: list[Conversation], kind: str, data: dict[str, str], problem: str
) -> None:
    choose(as_operator, kind, all="1")
    job = Job.objects.get()
    response = start(as_operator, job, **data)
    assert response.status_code == 422
    assert problem in words_of(response)
    job.refresh_from_db()
    assert job.state == "draft"


@pytest.mark.parametrize("kind", ["remove", "erase"])
def test_with_both_it_starts(as_operator: Browser, rows: list[Conversation], kind: str) -> None:
    choose(as_operator, kind, all="1")
    job = Job.objects.get()
    start(as_operator, job, count=" 3 ", reason="Ticket 7")
    job.refresh_from_db()
    assert (job.state, job.reason) == ("running", "Ticket 7")


def test_the_receipts_of_a_job_can_be_downloaded(as_operator: Browser, erase_job: Job) -> None:
    whole = json.loads(as_operator.get(f"/jobs/{erase_job.pk}/receipt.json").content)
    assert whole["outcomes"] == {"erased": 1}
    response = as_operator.get(f"/jobs/{erase_job.pk}/receipts.jsonl")
    (line,) = b"".join(response.streaming_content).splitlines()
    assert json.loads(line)["object"] == "convadmin.erasure"


def test_only_a_job_that_erases_has_receipts(as_operator: Browser, edit_job: Job) -> None:
    assert as_operator.get(f"/jobs/{edit_job.pk}/receipt.json").status_code == 404


# Transferring and exporting


def test_only_credentials_of_the_same_server_are_offered(
    as_operator: Browser, rows: list[Conversation], other_server: Credential
) -> None:
    choose(as_operator, "transfer", all="1")
    job = Job.objects.get()
    assert "Elsewhere" not in words_of(as_operator.get(f"/jobs/{job.pk}/start/"))
    assert start(as_operator, job, credential=other_server.pk).status_code == 422
    start(as_operator, job, credential=rows[0].credential_id)
    job.refresh_from_db()
    assert job.parameters == {"to": rows[0].credential_id}


@pytest.mark.parametrize(
    ("content", "package", "problem"),
    [("metadata", "zip", "A ZIP has one file a transcript."), ("transcripts", "csv", "CSV has no place")],
)
def test_what_does_not_go_together_is_told(
    as_operator: Browser, rows: list[Conversation], content: str, package: str, problem: str
) -> None:
    choose(as_operator, "export", all="1")
    response = start(as_operator, Job.objects.get(), content=content, package=package, format="md")
    assert (response.status_code, problem in words_of(response)) == (422, True)


def test_who_asked_for_an_export_downloads_it_and_that_is_recorded(as_operator: Browser, export_job: Job) -> None:
    assert "Download the export" in words_of(as_operator.get(export_job.get_absolute_url()))
    response = as_operator.get(f"/jobs/{export_job.pk}/export/")
    assert b"".join(response.streaming_content).startswith(b'{"id": "conv_')
    assert "export" in response["Content-Disposition"]
    event = Event.objects.get(action="download")
    assert (event.job, event.item_count, event.actor_name) == (export_job, 1, "operator")


@pytest.mark.parametrize("who", ["colleague", "superuser"])
def test_nobody_else_downloads_it(client: Browser, export_job: Job, who: str, request: pytest.FixtureRequest) -> None:
    browser = signed_in(client, request.getfixturevalue(who))
    assert "Download the export" not in words_of(browser.get(export_job.get_absolute_url()))
    assert browser.get(f"/jobs/{export_job.pk}/export/").status_code == 404
    assert not Event.objects.filter(action="download").exists()


# Undoing


def test_an_edit_offers_to_be_undone(as_operator: Browser, edit_job: Job, sandbox: Sandbox) -> None:
    assert "Undo…" in words_of(as_operator.get(edit_job.get_absolute_url()))
    response = as_operator.post(f"/jobs/{edit_job.pk}/undo/")
    undo = Job.objects.exclude(pk=edit_job.pk).get()
    assert response["Location"] == f"/jobs/{undo.pk}/start/"
    text = words_of(as_operator.get(response["Location"]))
    assert "1 would change" in text
    assert "seen: yes" in text
    undo.parameters = {"over_changes": False}
    assert done_here(undo).items.get().outcome == "edited"
    assert "undone by" in words_of(as_operator.get(edit_job.get_absolute_url()))


@pytest.mark.parametrize("name", ["erase_job", "export_job"])
def test_what_can_not_be_undone_offers_nothing(as_operator: Browser, name: str, request: pytest.FixtureRequest) -> None:
    job = request.getfixturevalue(name)
    assert "Undo…" not in words_of(as_operator.get(job.get_absolute_url()))
    assert as_operator.post(f"/jobs/{job.pk}/undo/").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_rows(
    as_operator: Browser, credential: Credential, django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        make_conversation(credential, {"tenant": "acme"})
    choose(as_operator, "edit", all="1")
    with django_assert_max_num_queries(30):
        start(as_operator, Job.objects.get(), "preview", **STEP)


def test_a_colleague_sees_the_job_and_a_stranger_does_not(client: Browser, edit_job: Job, stranger: User) -> None:
    assert signed_in(client, stranger).get(edit_job.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("name", ["export_job", "erase_job"])
def test_who_may_no_longer_use_the_credential_downloads_nothing_of_it_r23(
    as_operator: Browser, credential: Credential, name: str, request: pytest.FixtureRequest
) -> None:
    job = request.getfixturevalue(name)
    file = "export/" if name == "export_job" else "receipts.jsonl"
    assert as_operator.get(f"/jobs/{job.pk}/{file}").status_code == 200
    credential.teams.clear()
    assert as_operator.get(f"/jobs/{job.pk}/{file}").status_code == 404
    assert as_operator.get(job.get_absolute_url()).status_code == 200  # their own job, without its conversations


def test_only_its_actor_retries_what_changes_something(
    client: Browser, edit_job: Job, colleague: User, operator: User
) -> None:
    Job.objects.update(state="stopped")
    edit_job.items.update(outcome="skipped")
    browser = signed_in(client, colleague)
    assert "Retry the" not in words_of(browser.get(edit_job.get_absolute_url()))
    assert browser.post(f"/jobs/{edit_job.pk}/retry/").status_code == 403
    browser = signed_in(client, operator)
    assert browser.post(f"/jobs/{edit_job.pk}/retry/").status_code == 302
    assert signed_in(client, colleague).post(f"/jobs/{edit_job.pk}/stop/").status_code == 302  # anyone may stop it


def test_a_viewer_controls_their_own_export(client: Browser, viewer: User, rows: list[Conversation]) -> None:
    browser = signed_in(client, viewer)
    choose(browser, "export", all="1")
    job = Job.objects.get()
    start(browser, job, content="metadata", package="jsonl", format="json")
    assert browser.post(f"/jobs/{job.pk}/pause/").status_code == 302
    job.refresh_from_db()
    assert job.state == "paused"


def test_a_list_that_is_not_whole_can_not_be_started(as_operator: Browser, bulk_draft: Job) -> None:
    Job.objects.update(total=None)
    assert as_operator.get(f"/jobs/{bulk_draft.pk}/start/").status_code == 404


def test_overwriting_has_to_be_previewed_too(as_operator: Browser, bulk_draft: Job) -> None:
    previewed = json.dumps([False, ["set", "seen", "yes", ""]])
    response = start(as_operator, bulk_draft, **STEP, previewed=previewed, over_changes="1")
    assert "What you chose has changed since the preview" in words_of(response)


def test_deleting_asks_for_the_way_first(as_operator: Browser, rows: list[Conversation]) -> None:
    picks = [str(row.pk) for row in rows[:2]]
    response = as_operator.post("/jobs/new/", {"do": "delete", "pick": picks})
    assert response["Location"] == f"/jobs/new/?pick={picks[0]}&pick={picks[1]}"
    page = words_of(as_operator.get(response["Location"]))
    assert "Delete 2 conversations" in page
    assert not Job.objects.exists()
    response = as_operator.post("/jobs/new/?q=tenant:acme", {"do": "delete", "all": "1"})
    assert "Delete all that match" in words_of(as_operator.get(response["Location"]))


def test_deleting_nothing_is_refused(as_operator: Browser) -> None:
    assert "Select at least one" in words_of(as_operator.get("/jobs/new/", follow=True))
