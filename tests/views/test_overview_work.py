"""What the overview says is under way, or waits for somebody."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.jobs import control
from conversations.models import (
    Credential,
    Erasure,
    ErasureRequest,
    Event,
    Hold,
    Job,
    JobState,
    RetentionRule,
    Worker,
)
from tests.factories import make_conversation, make_credential, make_team
from tests.html import signed_in, text_of, words_of

pytestmark = pytest.mark.django_db

URL = "/"
ALL = ["draft", "running", "paused", "unknown", "erasure", "erasure_request", "hold", "rule"]


def words(browser: Browser) -> str:
    return words_of(browser.get(URL))


def job_in(state: str, credential: Credential, actor: User, **fields: Any) -> Job:
    job = control.create(kind="refresh", credentials=[credential], actor=actor)
    Job.objects.filter(pk=job.pk).update(state=state, **fields)
    job.refresh_from_db()
    return job


@pytest.fixture
def running(credential: Credential, operator: User) -> Job:
    """A job of four conversations, one of which is done and one failed, in ten seconds."""
    since = timezone.now() - timedelta(seconds=10)
    job = job_in(JobState.RUNNING, credential, operator, total=4, running_since=since)
    for number, outcome in enumerate(["unchanged", "failed", "", ""]):
        job.items.create(openai_id=f"conv_{number}", credential=credential, outcome=outcome)
    return job


@pytest.fixture
def paused(credential: Credential, operator: User) -> Job:
    return job_in(JobState.PAUSED, credential, operator, message="The key is refused.")


def test_a_job_under_way_says_how_far_it_is(as_operator: Browser, running: Job) -> None:
    Worker.objects.create(host="here", process_id=1)
    said = words(as_operator)
    assert re.search(r"2 of 4, 1 failed, 0\.\d per second, about \d+ seconds to go", said)
    assert "No worker runs" not in said
    assert f'href="/jobs/{running.pk}/"' in text_of(as_operator.get(URL))


def test_if_no_worker_runs_it_says_so(as_operator: Browser, running: Job) -> None:
    assert "No worker runs" in words(as_operator)


@pytest.mark.parametrize(
    ("state", "fields", "is_shown"),
    [
        (JobState.PAUSED, {}, True),
        (JobState.FAILED, {"ago": 6}, True),
        (JobState.FAILED, {"ago": 8}, False),
        (JobState.STOPPED, {"ago": 1, "message": "Too many failures."}, True),
        (JobState.STOPPED, {"ago": 1}, False),  # by somebody
        (JobState.FINISHED, {"ago": 1}, False),
    ],
)
def test_which_jobs_need_attention(
    as_operator: Browser, credential: Credential, operator: User, state: str, fields: dict[str, Any], is_shown: bool
) -> None:
    ended = {"finished_at": timezone.now() - timedelta(days=fields["ago"])} if "ago" in fields else {}
    job = job_in(state, credential, operator, message=fields.get("message", ""), **ended)
    page = as_operator.get(URL)
    assert ("Jobs that are paused or failed" in words_of(page)) is is_shown
    assert (f'href="/jobs/{job.pk}/"' in text_of(page)) is is_shown
    assert fields.get("message", "") in words_of(page)


def test_drafts_are_ones_own(client: Browser, draft: Job, operator: User, colleague: User) -> None:
    assert f"Import {draft.pk} prepared" in words(signed_in(client, operator))
    assert "Your drafts" not in words(signed_in(client, colleague))


def test_unresolved_outcomes_lead_to_them(as_operator: Browser, unknown: Event) -> None:
    text = text_of(as_operator.get(URL))
    assert '<a href="/activity/?show=unresolved">1 unresolved outcome</a>' in text


def test_an_erasure_that_runs_and_one_that_stopped(as_operator: Browser, stopped: Erasure) -> None:
    assert "Erasure stopped" in words(as_operator)
    Erasure.objects.update(stage="running")
    assert "Being erased" in words(as_operator)
    Erasure.objects.update(stage="finished")
    assert stopped.get_absolute_url() not in text_of(as_operator.get(URL))


def test_an_open_request_until_it_is_signed_off(as_operator: Browser, erasure_request: ErasureRequest) -> None:
    assert "Ticket 9" in words(as_operator)
    ErasureRequest.objects.update(signed_at=timezone.now())
    assert "Ticket 9" not in words(as_operator)


def test_holds_in_force(as_operator: Browser, hold: Hold) -> None:
    assert "1 hold in force" in words(as_operator)
    Hold.objects.update(lifted_at=timezone.now())
    assert "in force" not in words(as_operator)


def test_a_rule_waits_for_approval_and_then_for_its_time(as_operator: Browser, rule: RetentionRule) -> None:
    assert "Old tests Waits for approval Retention: erase after 30 days" in words(as_operator)
    RetentionRule.objects.update(is_approved=True, next_run_at="2026-12-01T10:00Z")
    assert "Next retention runs 1 Old tests erase, 2026-12-01 10:00 UTC" in words(as_operator)
    RetentionRule.objects.update(is_paused=True)
    assert "Old tests" not in words(as_operator)


def test_where_nothing_waits_it_says_so(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential)
    credential.record_test(passed=True, message="It works.")
    assert "Nothing waits" in words(as_operator)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, None),
        ({"passed": False}, "Test failed just now"),
        ({"passed": True, "wait": 60}, "Paused Its server asked to wait until"),
        ({"passed": True}, None),
        ({"is_active": False}, None),
    ],
)
def test_which_credentials_need_attention(
    as_operator: Browser, credential: Credential, fields: dict[str, Any], said: str | None
) -> None:
    if "passed" in fields:
        credential.record_test(passed=fields["passed"], message="The key is refused.")
    if "wait" in fields:
        credential.pause(fields["wait"])
    Credential.objects.update(is_active=fields.get("is_active", True))
    page = words(as_operator)
    assert ("Credentials that need attention" in page) is (said is not None)
    assert (said or "") in page
    assert "The key is refused." not in page  # for whoever may see the credential's own page


def test_an_administrator_reads_what_the_test_said_and_is_led_to_it(
    client: Browser, administrator: User, credential: Credential
) -> None:
    credential.record_test(passed=False, message="The key is refused.")
    untested = make_credential(teams=credential.teams.all())
    page = signed_in(client, administrator).get(URL)
    assert f"{untested.name} Not tested" in words_of(page)
    assert "The key is refused." in words_of(page)
    assert f'href="/credentials/{credential.pk}/"' in text_of(page)


# Rights


@pytest.fixture
def everything_at_once(request: pytest.FixtureRequest) -> None:
    for name in ALL:
        request.getfixturevalue(name)


def test_nobody_sees_the_work_of_another_team_r23(client: Browser, stranger: User, everything_at_once: None) -> None:
    Group.objects.get(name="Administrator").user_set.add(stranger)
    page = words(signed_in(client, stranger)).replace("Legal holds Retention", "")
    for word in ("Refresh", "Import", "unresolved", "Ticket", "in force", "Old tests", "erased", "Sandbox"):
        assert word not in page


@pytest.mark.parametrize(
    ("permission", "word"),
    [
        ("view_job", "Jobs under way"),
        ("view_job", "Your drafts"),
        ("view_event", "unresolved outcome"),
        ("view_erasure", "Erasure stopped"),
        ("view_erasurerequest", "Ticket 9"),
        ("view_hold", "in force"),
        ("view_retentionrule", "Old tests"),
        ("view_conversation", "Credentials that need attention"),
    ],
)
def test_each_part_needs_its_permission(
    client: Browser, operator: User, everything_at_once: None, permission: str, word: str
) -> None:
    Credential.objects.update(test_passed=False, tested_at=timezone.now())
    assert word in words(signed_in(client, operator))
    Group.objects.get(name="Operator").permissions.remove(Permission.objects.get(codename=permission))
    assert word not in words(client)


# Cost


def test_long_parts_are_cut_and_counted(as_operator: Browser, credential: Credential, operator: User) -> None:
    for _ in range(9):
        job_in(JobState.RUNNING, credential, operator, total=0)
    text = text_of(as_operator.get(URL))
    assert text.count("badge-info") == 5
    assert '<a href="/jobs/?show=all">and 4 more</a>' in text


@pytest.mark.long
def test_asks_as_many_queries_for_much_work_as_for_little(
    as_operator: Browser, credential: Credential, operator: User, everything_at_once: None
) -> None:
    with CaptureQueriesContext(connection) as before:
        as_operator.get(URL)
    for number in range(12):
        owner = make_credential(name=f"Number {number}", teams=[make_team(), *credential.teams.all()])
        for state in (JobState.RUNNING, JobState.PAUSED, JobState.DRAFT, JobState.QUEUED):
            job_in(state, owner, operator).items.create(openai_id="conv_1", credential=owner)
        RetentionRule.objects.create(name=f"Rule {number}", age_days=1, author=operator, is_approved=number % 2 == 0)
        ErasureRequest.objects.create(reference="x").credentials.add(credential)
    with CaptureQueriesContext(connection) as after:
        as_operator.get(URL)
    assert len(after) == len(before) <= 30
