"""Importing ids in the dashboard: the form, the preview, and what is said of a file that can't be imported."""

import gzip
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client as Browser

from conversations.models import Credential, ImportPart, Job, JobState
from tests.factories import make_credential
from tests.html import text_of

pytestmark = pytest.mark.django_db

A, B = "conv_" + "a1" * 24, "conv_" + "b2" * 24
TABLE = f"name,first,second\nx,{A},{B}\ny,{A},{B}\n"


def send(browser: Browser, chosen: Credential, *, file: bytes | None = None, **fields: Any) -> HttpResponse:
    data = {"token": "t1", "credential": chosen.pk, "read": "now", "do": "import", **fields}
    if file is not None:
        data["file"] = SimpleUploadedFile("ids.csv", file)
    return browser.post("/conversations/import/", data)


def test_pasted_ids_become_a_draft(as_operator: Browser, credential: Credential, operator: User) -> None:
    response = send(as_operator, credential, text=f"{A}\n{B}", reason="From the old logs")
    job = Job.objects.get()
    assert response.url == f"/conversations/import/{job.pk}/"
    assert (job.state, job.actor, job.reason) == (JobState.DRAFT, operator, "From the old logs")


def test_a_file_becomes_a_draft(as_operator: Browser, credential: Credential) -> None:
    send(as_operator, credential, file=gzip.compress(f"{A}\n".encode()))
    page = text_of(as_operator.get(f"/conversations/import/{Job.objects.get().pk}/"))
    assert "ids.csv" in page
    assert A[-6:] in page


def test_a_form_that_is_sent_twice_makes_one_import(as_operator: Browser, credential: Credential) -> None:
    send(as_operator, credential, text=A)
    again = send(as_operator, credential, text=A)
    assert again.url == f"/jobs/{Job.objects.get().pk}/"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Paste some ids, or choose a file."),
        ({"text": A, "file": A.encode()}, "Paste ids, or choose a file, but not both."),
        ({"text": A, "credential": ""}, "Choose a credential."),
        ({"file": b""}, "It’s empty."),
        ({"file": b"PK\x03\x04 zipped"}, "This is a zip archive"),
        ({"text": A, "read": "later", "key": "a", "value": "b", "stored": ""}, "Metadata can only be set"),
        ({"text": A, "key": "k" * 65, "value": "b", "stored": ""}, "Shorten it to 64"),
    ],
)
def test_what_can_not_be_imported_says_what_to_do_and_keeps_what_was_typed(
    as_operator: Browser, credential: Credential, fields: dict[str, Any], says: str
) -> None:
    response = send(as_operator, credential, **{"reason": "kept reason", **fields})
    assert response.status_code == 422
    assert says in text_of(response)
    assert "kept reason" in text_of(response)
    assert not Job.objects.exists()
    assert not ImportPart.objects.exists()


def test_a_credential_of_another_team_can_not_be_chosen(as_operator: Browser, credential: Credential) -> None:
    foreign = make_credential()
    response = send(as_operator, credential, text=A, others=[foreign.pk])
    assert response.status_code == 422


def test_a_row_is_added_without_losing_what_was_typed(as_operator: Browser, credential: Credential) -> None:
    page = text_of(send(as_operator, credential, text=A, do="add-pair"))
    assert A in page
    assert 'name="key"' in page


def test_the_preview_of_a_table_asks_for_the_column(as_operator: Browser, credential: Credential) -> None:
    send(as_operator, credential, file=TABLE.encode())
    job = Job.objects.get()
    page = text_of(as_operator.post(f"/conversations/import/{job.pk}/", {"column": "2", "do": "preview"}))
    assert "A table separated by commas" in page
    assert "second" in page
    job.refresh_from_db()
    assert job.parameters["shape"]["column"] == 2


def test_starting_queues_the_job(as_operator: Browser, credential: Credential) -> None:
    send(as_operator, credential, file=TABLE.encode())
    job = Job.objects.get()
    response = as_operator.post(f"/conversations/import/{job.pk}/", {"column": "1", "do": "start"})
    job.refresh_from_db()
    assert (response.url, job.state) == (f"/jobs/{job.pk}/", JobState.QUEUED)


def test_starting_without_a_column_asks_for_it(as_operator: Browser, credential: Credential) -> None:
    send(as_operator, credential, file=b"name,city\nalice,berlin\nbob,paris\n")
    job = Job.objects.get()
    response = as_operator.post(f"/conversations/import/{job.pk}/", {"column": "", "do": "start"})
    job.refresh_from_db()
    assert (response.status_code, job.state) == (422, JobState.DRAFT)
    assert "Choose the column that has the ids." in text_of(response)


def test_a_draft_can_be_discarded(as_operator: Browser, draft: Job) -> None:
    as_operator.post(f"/conversations/import/{draft.pk}/", {"do": "discard"})
    assert not Job.objects.exists()


def test_a_job_that_has_begun_is_no_draft_any_more(as_operator: Browser, job: Job) -> None:
    assert as_operator.get(f"/conversations/import/{job.pk}/").url == f"/jobs/{job.pk}/"


def test_a_large_file_is_taken(as_operator: Browser, credential: Credential) -> None:
    lines = "".join(f"conv_{number:048x}\n" for number in range(60_000)).encode()
    assert send(as_operator, credential, file=lines).status_code == 302
    assert ImportPart.objects.count() == 4


def test_credentials_are_kept_in_the_order_in_which_they_are_tried(
    as_operator: Browser, credential: Credential, operator: User
) -> None:
    other = make_credential(teams=[credential.teams.get()])
    send(as_operator, credential, text=A, others=[other.pk, credential.pk])
    assert Job.objects.get().parameters["credentials"] == [credential.pk, other.pk]
