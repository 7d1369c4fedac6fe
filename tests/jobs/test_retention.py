"""Retention rules: the dry run, approval, runs on a schedule."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from conversations.jobs.retention import dry_run
from conversations.jobs.schedule import make_due_jobs, run_rule
from conversations.models import Conversation, Credential, Job, RetentionRule, State
from conversations.sandbox import Sandbox
from conversations.services.holds import place_hold
from tests.factories import bring_into_state, make_conversation, make_remote
from tests.jobs.steps import outcomes, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


def make_rule(author: User, credential: Credential, **fields: object) -> RetentionRule:
    known = {"name": "Old tests", "query": "tenant:test", "age_days": 30, "action": "remove", "reason": "Policy 3"}
    rule = RetentionRule(**{**known, **fields})
    rule.change(author=author)
    rule.credentials.set([credential])
    return rule


def aged(sandbox: Sandbox, credential: Credential, days: float, tenant: str = "test") -> Conversation:
    created_at = timezone.now() - timedelta(days=days)
    openai_id = make_remote(sandbox, {"tenant": tenant}, created_at=int(created_at.timestamp()))
    return make_conversation(credential, {"tenant": tenant}, openai_id=openai_id, created_at=created_at)


def test_the_dry_run_tells_today_and_each_of_the_next_30_days(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    for days in (40, 31, 29.5, 28.5, 28.4, 5, 0.5):
        aged(sandbox, credential, days)
    aged(sandbox, credential, 40, tenant="acme")
    found = dry_run(make_rule(actor, credential))
    assert found.today == 2
    assert [count for _, count in found.days if count] == [1, 2, 1, 1]
    assert [number for number, (_, count) in enumerate(found.days, start=1) if count] == [1, 2, 25, 30]
    assert found.days[0][0] == timezone.localdate() + timedelta(days=1)
    assert not sandbox.log


def test_the_dry_run_says_how_many_are_held(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = aged(sandbox, credential, 40)
    aged(sandbox, credential, 41)
    place_hold(actor=actor, conversations=[row], reason="Case 7")
    found = dry_run(make_rule(actor, credential))
    assert (found.today, found.held) == (2, 1)


def test_what_is_removed_or_missing_is_no_part_of_it(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    bring_into_state(aged(sandbox, credential, 40), State.REMOVED)
    bring_into_state(aged(sandbox, credential, 40), State.MISSING)
    assert dry_run(make_rule(actor, credential)).today == 0
    assert dry_run(make_rule(actor, credential, name="2", query="tenant:test state:removed")).today == 1


def test_r31_it_runs_only_once_somebody_approved_it(
    sandbox: Sandbox, credential: Credential, actor: User, administrator: User
) -> None:
    old, young = aged(sandbox, credential, 31), aged(sandbox, credential, 29)
    rule = make_rule(actor, credential)
    make_due_jobs()
    assert not rule.jobs.exists()
    assert rule.approve(by=administrator)
    make_due_jobs()
    job = rule.jobs.get()
    assert (job.actor, job.reason) == (actor, "Policy 3")
    assert outcomes(run(job)) == {"removed": 1}
    assert sandbox.store.get_conversation(old.openai_id) is None
    assert sandbox.store.get_conversation(young.openai_id)


def test_it_runs_again_when_its_hours_are_over(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rule = make_rule(actor, credential)
    rule.approve(by=actor)
    make_due_jobs()
    run(rule.jobs.get())
    make_due_jobs()
    assert rule.jobs.count() == 1
    RetentionRule.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    aged(sandbox, credential, 40)
    make_due_jobs()
    assert outcomes(run(rule.jobs.latest("pk"))) == {"removed": 1}


def test_a_run_that_is_under_way_is_not_joined_by_another(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    rule = make_rule(actor, credential)
    rule.approve(by=actor)
    make_due_jobs()
    RetentionRule.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    make_due_jobs()
    assert rule.jobs.count() == 1


def test_of_two_workers_one_makes_the_run(credential: Credential, actor: User) -> None:
    rule = make_rule(actor, credential)
    rule.approve(by=actor)
    first, second = RetentionRule.objects.get(), RetentionRule.objects.get()
    assert run_rule(first) is not None
    Job.objects.update(state="finished")
    assert run_rule(second) is None


def test_a_run_does_as_many_as_the_limit_allows_the_oldest_first(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    rows = [aged(sandbox, credential, days) for days in (40, 50, 60)]
    rule = make_rule(actor, credential)
    rule.approve(by=actor)
    with override_settings(BULK_LIMIT=2):
        make_due_jobs()
        assert outcomes(run(rule.jobs.get())) == {"removed": 2}
        assert sandbox.store.get_conversation(rows[0].openai_id)
        make_due_jobs()
        rule.refresh_from_db()
        assert rule.next_run_at is not None
        assert rule.next_run_at < timezone.now() + timedelta(hours=2)  # as the run had reached the limit
        RetentionRule.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
        make_due_jobs()
        assert outcomes(run(rule.jobs.latest("pk"))) == {"removed": 1}
        make_due_jobs()
        rule.refresh_from_db()
        assert rule.next_run_at > timezone.now() + timedelta(hours=20)


def test_what_is_held_takes_no_place(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    oldest = aged(sandbox, credential, 60)
    aged(sandbox, credential, 50)
    place_hold(actor=actor, conversations=[oldest], reason="Case 7")
    rule = make_rule(actor, credential)
    rule.approve(by=actor)
    with override_settings(BULK_LIMIT=1):
        make_due_jobs()
        assert outcomes(run(rule.jobs.get())) == {"removed": 1}


def test_r31_a_change_takes_the_approval_back(credential: Credential, actor: User, administrator: User) -> None:
    rule = make_rule(actor, credential)
    assert rule.approve(by=administrator)
    rule.refresh_from_db()
    rule.change(author=actor, age_days=1)
    rule.refresh_from_db()
    assert not rule.is_active
    assert not RetentionRule.objects.due().exists()


def test_an_approval_of_what_has_changed_meanwhile_counts_for_nothing(
    credential: Credential, actor: User, administrator: User
) -> None:
    rule = make_rule(actor, credential)
    seen = RetentionRule.objects.get()
    rule.change(author=actor, age_days=1)
    assert not seen.approve(by=administrator)


def test_an_author_who_may_no_longer_use_the_credential_stops_it(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = aged(sandbox, credential, 40)
    rule = make_rule(actor, credential)
    rule.approve(by=actor)
    credential.teams.clear()
    make_due_jobs()
    run(rule.jobs.get())
    assert sandbox.store.get_conversation(row.openai_id)
    actor.is_active = False
    actor.save()
    assert "no longer has an active account" in dry_run(RetentionRule.objects.get()).problem


def test_a_paused_rule_does_not_run(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rule = make_rule(actor, credential)
    rule.approve(by=actor)
    RetentionRule.objects.update(is_paused=True)
    make_due_jobs()
    assert not rule.jobs.exists()
