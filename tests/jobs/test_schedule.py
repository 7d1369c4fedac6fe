"""The jobs that Convadmin makes by itself."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from conversations.jobs import schedule
from conversations.jobs.imports import create_import
from conversations.models import Conversation, Credential, ImportPart, Job, JobKind, JobState, State
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_known, make_remote
from tests.jobs.steps import make_refresh, outcomes, run

pytestmark = pytest.mark.django_db(transaction=True)


def register(sandbox: Sandbox, credential: Credential) -> Conversation:
    """A conversation as an application registers it."""
    row = Conversation.unread(credential, make_remote(sandbox, {"tenant": "acme"}), origin="registered")
    [added] = Conversation.objects.add_many([row])
    return added


def test_what_was_registered_is_read(sandbox: Sandbox, credential: Credential) -> None:
    row = register(sandbox, credential)
    schedule.make_due_jobs()
    job = run(Job.objects.get())
    row.refresh_from_db()
    assert (outcomes(job), job.actor, row.state, row.metadata) == (
        {"changed": 1},
        None,
        State.ACTIVE,
        {"tenant": "acme"},
    )


def test_nothing_registered_makes_no_job(credential: Credential) -> None:
    schedule.make_due_jobs()
    assert not Job.objects.exists()


def test_registrations_wait_for_the_job_that_reads_others(sandbox: Sandbox, credential: Credential) -> None:
    register(sandbox, credential)
    schedule.make_due_jobs()
    register(sandbox, credential)
    schedule.make_due_jobs()
    assert Job.objects.count() == 1


@pytest.mark.long
def test_what_could_not_be_read_is_tried_again_an_hour_later(sandbox: Sandbox, credential: Credential) -> None:
    register(sandbox, credential)
    sandbox.faults.add(Fault(status=400))
    schedule.make_due_jobs()
    assert outcomes(run(Job.objects.get())) == {"failed": 1}
    schedule.make_due_jobs()
    assert Job.objects.count() == 1
    Job.objects.get().items.update(finished_at=timezone.now() - timedelta(hours=2))
    schedule.make_due_jobs()
    assert outcomes(run(Job.objects.latest("pk"))) == {"changed": 1}


def test_a_schedule_is_off_by_default(sandbox: Sandbox, credential: Credential) -> None:
    make_known(sandbox, credential)
    Conversation.objects.update(checked_at=timezone.now() - timedelta(days=900))
    schedule.make_due_jobs()
    assert not Job.objects.exists()


def test_what_was_not_read_for_days_is_read_the_oldest_first_and_within_bounds(
    sandbox: Sandbox, credential: Credential
) -> None:
    rows = [make_known(sandbox, credential) for _ in range(4)]
    for days, row in enumerate(rows):
        Conversation.objects.filter(pk=row.pk).update(checked_at=timezone.now() - timedelta(days=10 * days))
    Credential.objects.update(refresh_after_days=5, refreshes_per_hour=2)
    schedule.make_due_jobs()
    job = run(Job.objects.get())
    assert set(job.items.values_list("conversation", flat=True)) == {rows[3].pk, rows[2].pk}


def test_what_was_never_read_comes_first(sandbox: Sandbox, credential: Credential) -> None:
    old = make_known(sandbox, credential)
    Conversation.objects.filter(pk=old.pk).update(checked_at=timezone.now() - timedelta(days=90))
    [unread] = Conversation.objects.add_many([Conversation.unread(credential, make_remote(sandbox), origin="imported")])
    Credential.objects.update(refresh_after_days=5, refreshes_per_hour=1)
    schedule.make_due_jobs()
    assert run(Job.objects.get()).items.get().conversation == unread


def test_a_schedule_makes_one_job_an_hour(sandbox: Sandbox, credential: Credential) -> None:
    rows = [make_known(sandbox, credential) for _ in range(2)]
    Conversation.objects.update(checked_at=timezone.now() - timedelta(days=90))
    Credential.objects.update(refresh_after_days=5, refreshes_per_hour=1)
    for _ in range(3):
        schedule.make_due_jobs()
        run(Job.objects.latest("pk"))
    assert (Job.objects.count(), len(rows)) == (1, 2)


def test_a_missing_conversation_does_not_come_first_for_ever(sandbox: Sandbox, credential: Credential) -> None:
    row = make_known(sandbox, credential)
    Conversation.objects.update(checked_at=timezone.now() - timedelta(days=90))
    sandbox.store.delete_conversation(row.openai_id)
    Credential.objects.update(refresh_after_days=5)
    schedule.make_due_jobs()
    run(Job.objects.get())
    row.refresh_from_db()
    assert (row.state, row.checked_at > timezone.now() - timedelta(minutes=1)) == (State.MISSING, True)


def test_an_inactive_credential_has_no_schedule(sandbox: Sandbox, credential: Credential) -> None:
    register(sandbox, credential)
    Credential.objects.update(is_active=False)
    schedule.make_due_jobs()
    assert not Job.objects.exists()


def test_drafts_that_nobody_started_are_forgotten(credential: Credential, actor: User) -> None:
    old = create_import(actor=actor, credentials=[credential], chunks=[b"conv_1234567890"])
    Job.objects.update(created_at=timezone.now() - timedelta(days=2))
    new = create_import(actor=actor, credentials=[credential], chunks=[b"conv_1234567890"])
    schedule.make_due_jobs()
    assert [job.pk for job in Job.objects.all()] == [new.pk]
    assert not ImportPart.objects.filter(job=old.pk).exists()


def test_the_file_of_a_failed_import_is_kept_for_a_week(credential: Credential, actor: User) -> None:
    create_import(actor=actor, credentials=[credential], chunks=[b"conv_1234567890"])
    for days, is_there in ((6, True), (8, False)):
        Job.objects.update(state=JobState.FAILED, finished_at=timezone.now() - timedelta(days=days))
        schedule.make_due_jobs()
        assert ImportPart.objects.exists() is is_there


@pytest.mark.long
def test_finished_automatic_jobs_are_forgotten_and_others_stay(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    register(sandbox, credential)
    schedule.make_due_jobs()
    run(Job.objects.get())
    run(make_refresh(actor, credential))
    Job.objects.update(finished_at=timezone.now() - timedelta(days=8))
    schedule.make_due_jobs()
    assert [(job.kind, job.actor, job.state) for job in Job.objects.all()] == [
        (JobKind.REFRESH, actor, JobState.FINISHED)
    ]
