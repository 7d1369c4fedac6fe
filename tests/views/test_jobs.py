"""The pages of jobs: the list, one job with its buttons, and its results."""

import csv
import io

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone

from conversations.jobs import control
from conversations.jobs.preparation import prepare
from conversations.models import Conversation, Credential, Job, JobState, Team, Worker
from conversations.sandbox import Sandbox
from tests.factories import make_conversation, make_credential, make_user
from tests.html import fragment, signed_in, text_of

pytestmark = pytest.mark.django_db


def prepared(job: Job) -> Job:
    assert job.take_preparation()
    for _ in prepare(job):
        pass
    job.refresh_from_db()
    return job


def end_all(job: Job, outcome: str, message: str = "") -> None:
    job.items.update(outcome=outcome, message=message, request_id="req_1", finished_at=timezone.now())


def test_the_list_shows_a_job(as_operator: Browser, job: Job) -> None:
    page = text_of(as_operator.get("/jobs/"))
    assert f"Refresh {job.pk}" in page
    assert "Queued" in page


def test_an_empty_list_says_what_to_do(as_operator: Browser) -> None:
    assert "No jobs yet" in text_of(as_operator.get("/jobs/"))


def test_a_fragment_of_the_list(as_operator: Browser, job: Job) -> None:
    page = text_of(as_operator.get("/jobs/", headers=fragment("jobs")))
    assert page.lstrip().startswith('<div id="jobs">')


def test_automatic_jobs_that_finished_are_shown_on_request(as_operator: Browser, credential: Credential) -> None:
    job = control.create(kind="refresh", credentials=[credential], actor=None, actor_name="Schedule")
    Job.objects.update(state=JobState.FINISHED, total=0)
    assert f"Refresh {job.pk}" not in text_of(as_operator.get("/jobs/"))
    assert f"Refresh {job.pk}" in text_of(as_operator.get("/jobs/?show=all"))


def test_nobody_sees_a_job_of_another_team(client: Browser, job: Job, stranger: User) -> None:
    assert f"Refresh {job.pk}" not in text_of(signed_in(client, stranger).get("/jobs/"))


def test_a_colleague_who_may_use_one_of_two_credentials_sees_nothing_of_the_job(
    client: Browser, credential: Credential, operator: User, team: Team
) -> None:
    other = make_credential()
    job = control.create(kind="refresh", credentials=[credential, other], actor=operator)
    colleague = signed_in(client, make_user(teams=[team]))
    assert colleague.get(f"/jobs/{job.pk}/").status_code == 404


def test_whose_job_it_is_sees_only_items_of_credentials_that_they_still_may_use(
    as_operator: Browser, job: Job, credential: Credential, conversation: Conversation
) -> None:
    prepared(job)
    assert conversation.openai_id[-6:] in text_of(as_operator.get(f"/jobs/{job.pk}/"))
    credential.teams.clear()
    page = as_operator.get(f"/jobs/{job.pk}/")
    assert page.status_code == 200
    assert conversation.openai_id[-6:] not in text_of(page)


def test_the_page_says_that_no_worker_runs(as_operator: Browser, job: Job) -> None:
    assert "No worker runs" in text_of(as_operator.get(f"/jobs/{job.pk}/"))
    Worker.objects.create(host="a", process_id=1)
    assert "No worker runs" not in text_of(as_operator.get(f"/jobs/{job.pk}/"))


def test_an_ended_job_waits_for_no_worker(as_operator: Browser, job: Job) -> None:
    control.stop(job)
    assert "No worker runs" not in text_of(as_operator.get(f"/jobs/{job.pk}/"))


def test_a_job_under_way_is_looked_at_again_and_an_ended_one_is_not(as_operator: Browser, job: Job) -> None:
    assert 'hx-trigger="every 2s"' in text_of(as_operator.get(f"/jobs/{job.pk}/"))
    control.stop(job)
    assert 'hx-trigger="every' not in text_of(as_operator.get(f"/jobs/{job.pk}/"))


def test_the_title_tells_the_progress(as_operator: Browser, job: Job, credential: Credential) -> None:
    make_conversation(credential)
    prepared(job)
    first = job.items.first()
    job.items.filter(pk=first.pk).update(outcome="unchanged")
    assert f"<title>50 % Refresh {job.pk} · Convadmin</title>" in text_of(as_operator.get(f"/jobs/{job.pk}/"))
    assert f"<title>50 % Refresh {job.pk}" in text_of(as_operator.get(f"/jobs/{job.pk}/", headers=fragment("job")))


def test_numbers_rate_and_time_left(as_operator: Browser, job: Job, credential: Credential) -> None:
    for _ in range(3):
        make_conversation(credential)
    prepared(job)
    Job.objects.update(running_since=timezone.now() - timezone.timedelta(seconds=10))
    job.items.filter(pk__in=[item.pk for item in job.items.all()[:2]]).update(outcome="unchanged")
    page = " ".join(text_of(as_operator.get(f"/jobs/{job.pk}/")).split())
    assert "2 of 4 done, 2 left, 0.2 per second, about 10 seconds to go." in page


def test_failed_items_show_the_words_of_the_server(as_operator: Browser, job: Job) -> None:
    prepared(job)
    end_all(job, "failed", "No such project.")
    page = text_of(as_operator.get(f"/jobs/{job.pk}/?outcome=failed"))
    assert "No such project." in page
    assert "req_1" in page
    assert "Waiting" not in page


def test_items_are_filtered_by_outcome(as_operator: Browser, job: Job, conversation: Conversation) -> None:
    prepared(job)
    end_all(job, "unchanged")
    assert conversation.openai_id[-6:] not in text_of(as_operator.get(f"/jobs/{job.pk}/?outcome=failed"))
    assert conversation.openai_id[-6:] in text_of(as_operator.get(f"/jobs/{job.pk}/?outcome=unchanged"))


def test_an_absurd_outcome_filters_nothing(as_operator: Browser, job: Job, conversation: Conversation) -> None:
    prepared(job)
    assert conversation.openai_id[-6:] in text_of(as_operator.get(f"/jobs/{job.pk}/?outcome=absurd"))


@pytest.mark.parametrize(
    ("before", "press", "after"),
    [
        ("queued", "pause", "paused"),
        ("running", "pause", "paused"),
        ("paused", "resume", "queued"),
        ("queued", "stop", "stopped"),
        ("stopped", "retry", "queued"),
    ],
)
def test_the_buttons(as_operator: Browser, job: Job, before: str, press: str, after: str) -> None:
    Job.objects.update(state=before)
    assert as_operator.post(f"/jobs/{job.pk}/{press}/").url == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.state == after


def test_a_button_in_the_page_answers_with_the_job(as_operator: Browser, job: Job) -> None:
    response = as_operator.post(f"/jobs/{job.pk}/pause/", headers=fragment("job"))
    assert "Paused" in text_of(response)
    assert "Resume" in text_of(response)


def test_a_button_that_came_too_late_says_so(as_operator: Browser, job: Job) -> None:
    as_operator.post(f"/jobs/{job.pk}/stop/")
    response = as_operator.post(f"/jobs/{job.pk}/stop/", headers=fragment("job"))
    assert "The job had changed before." in text_of(response)


def test_a_viewer_sees_no_buttons(client: Browser, job: Job, viewer: User) -> None:
    page = text_of(signed_in(client, viewer).get(f"/jobs/{job.pk}/"))
    assert "Queued" in page
    assert 'id="pause"' not in page


def test_the_results_are_csv(as_operator: Browser, job: Job, conversation: Conversation) -> None:
    prepared(job)
    end_all(job, "failed", "=1+1")
    response = as_operator.get(f"/jobs/{job.pk}/results.csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    header, row = csv.reader(io.StringIO(text))
    assert header[:4] == ["id", "credential", "outcome", "message"]
    assert row[:4] == [conversation.openai_id, "Sandbox", "Failed", "'=1+1"]


def test_a_draft_leads_to_its_preview(as_operator: Browser, draft: Job) -> None:
    assert as_operator.get(f"/jobs/{draft.pk}/").url == f"/conversations/import/{draft.pk}/"


def test_the_health_check_tells_whether_a_worker_runs(client: Browser) -> None:
    assert client.get("/healthz?worker=1").status_code == 503
    Worker.objects.create(host="a", process_id=1)
    assert client.get("/healthz?worker=1").status_code == 200


def test_the_number_of_queries_does_not_grow_with_items(
    as_operator: Browser, job: Job, credential: Credential, sandbox: Sandbox, django_assert_max_num_queries
) -> None:
    for _ in range(20):
        make_conversation(credential)
    prepared(job)
    with django_assert_max_num_queries(16):
        as_operator.get(f"/jobs/{job.pk}/")
