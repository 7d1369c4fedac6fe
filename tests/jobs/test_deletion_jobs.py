"""Removing, erasing and transferring many conversations."""

import hashlib
import json
from collections import Counter

import pytest
from django.contrib.auth.models import User
from django.db import connection

from conversations.exports.job_receipt import job_receipt, receipts
from conversations.exports.receipt import digest_of
from conversations.models import Conversation, Credential, Erasure, Event, JobItem, State, Team
from conversations.pages.job_progress import JobProgress
from conversations.sandbox import Fault, Sandbox
from conversations.services.erasures import start_erasure
from conversations.services.holds import lift_hold, place_hold
from tests.factories import (
    add_messages,
    bring_into_state,
    calls_in,
    make_conversation,
    make_credential,
    make_known,
)
from tests.jobs.bulk import done, draft
from tests.jobs.steps import make_many_known, outcomes, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]


def deletions(sandbox: Sandbox) -> Counter[str]:
    """How often each conversation was deleted with success."""
    found = (entry for entry in calls_in(sandbox) if entry.method == "DELETE" and "/items/" not in entry.path)
    return Counter(entry.path.rpartition("/")[2] for entry in found if entry.status == 200)


def do_again(item: JobItem) -> None:
    """As after a worker that died before it could store the item's outcome."""
    JobItem.objects.filter(pk=item.pk).update(outcome="", finished_at=None)
    item.job.batches.update(is_done=False, fence=3, leased_until=None)
    type(item.job).objects.filter(pk=item.job_id).update(state="running")


def test_each_conversation_is_removed_once(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rows = make_many_known(sandbox, credential, 12)
    job = done(draft(actor, "remove", "tenant:acme"))
    assert outcomes(job) == {"removed": 12}
    assert deletions(sandbox) == Counter(row.openai_id for row in rows)
    assert set(Conversation.objects.values_list("state", flat=True)) == {State.REMOVED}


def test_what_was_removed_before_and_what_is_missing_is_told(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    bring_into_state(make_known(sandbox, credential), State.REMOVED)
    make_conversation(credential)
    assert outcomes(done(draft(actor, "remove"))) == {"unchanged": 1, "missing": 1}
    assert not deletions(sandbox)


def test_what_matches_later_is_not_touched_and_what_is_purged_is_told(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    rows = make_many_known(sandbox, credential, 3)
    job = draft(actor, "remove", "tenant:acme")
    later = make_known(sandbox, credential, {"tenant": "acme"})
    rows[0].purge()
    assert outcomes(done(job)) == {"gone": 1, "removed": 2}
    assert later.openai_id not in deletions(sandbox)


def test_r30_a_worker_that_died_after_the_deletion_leads_to_no_second_one(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 2)
    job = done(draft(actor, "remove"))
    for item in job.items.all():
        do_again(item)
    assert outcomes(run(job)) == {"removed": 2}
    assert set(deletions(sandbox).values()) == {1}


def test_a_hold_that_is_placed_while_the_job_runs_counts_from_the_next_item_on(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    credential.concurrency = 1
    credential.save()
    rows = make_many_known(sandbox, credential, 6)
    held: list[Conversation] = []

    def place(openai_id: str) -> None:
        """As the first one is deleted, in a thread of the sandbox."""
        if not held:
            held.extend(row for row in rows if row.openai_id != openai_id)
            place_hold(actor=actor, conversations=held, reason="Case 7")
            connection.close()

    job = draft(actor, "remove")
    original = sandbox.store.delete_conversation
    sandbox.store.delete_conversation = lambda key: (place(key), original(key))[1]  # type: ignore[method-assign]
    assert outcomes(done(job)) == {"removed": 1, "held": 5}
    assert sum(deletions(sandbox).values()) == 1


def test_r28_each_conversation_is_erased_with_a_receipt(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rows = make_many_known(sandbox, credential, 3)
    for row in rows:
        add_messages(sandbox, row, 4)
    job = done(draft(actor, "erase", "tenant:acme"))
    assert outcomes(job) == {"erased": 3}
    assert all(sandbox.store.get_conversation(row.openai_id) is None for row in rows)
    assert not Conversation.objects.exclude(metadata={}).exists()
    assert {erasure.reason for erasure in job.erasures.all()} == {"Ticket 1234"}
    assert (job.query, job.parameters) == ("", {"searched": ["tenant"]})
    assert JobProgress(job).subject == "a search by tenant"


def test_the_receipt_of_the_job_covers_each_receipt(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_many_known(sandbox, credential, 3)
    job = done(draft(actor, "erase"))
    whole = job_receipt(job)
    lines = [line.rstrip("\n") for line in receipts(job)]
    digests = [hashlib.sha256(line.encode()).hexdigest() for line in lines]
    assert [each["sha256"] for each in whole["receipts"]] == digests
    listing = "".join(
        f"{digest}  {json.loads(line)['conversation']}\n" for digest, line in zip(digests, lines, strict=True)
    )
    assert whole["receipts_sha256"] == hashlib.sha256(listing.encode()).hexdigest()
    assert whole["outcomes"] == {"erased": 3}
    assert [digest_of(erasure) for erasure in job.erasures.order_by("pk")] == digests


def test_a_worker_that_died_after_an_erasure_leads_to_no_second_one(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_many_known(sandbox, credential, 2)
    job = done(draft(actor, "erase"))
    for item in job.items.all():
        do_again(item)
    assert outcomes(run(job)) == {"erased": 2}
    assert Erasure.objects.count() == 2
    assert set(deletions(sandbox).values()) == {1}


def test_an_erasure_that_stopped_goes_on_when_the_job_is_retried(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    from conversations.jobs import control

    row = make_known(sandbox, credential, {"tenant": "acme"})
    add_messages(sandbox, row, 3)
    sandbox.faults.add(
        Fault(method="DELETE", path="/conversations/[^/]+/items", times=3, status=403, message="Not now.")
    )
    job = done(draft(actor, "erase"))
    assert outcomes(job) == {"failed": 1}
    assert job.items.get().message == "Not now."
    sandbox.faults.clear()
    assert control.retry(job)
    assert outcomes(run(job)) == {"erased": 1}
    assert Erasure.objects.count() == 1


def test_somebody_elses_erasure_is_left_to_them(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_known(sandbox, credential, {"tenant": "acme"})
    start_erasure(actor=actor, conversation=row, reason="Mine")
    Event.objects.update(outcome="succeeded")
    job = done(draft(actor, "erase"))
    assert outcomes(job) == {"failed": 1}
    assert "Another erasure" in job.items.get().message


def test_values_of_removed_conversations_are_forgotten_in_the_index(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential, {"tenant": "acme"})
    done(draft(actor, "remove"))
    assert outcomes(done(draft(actor, "erase"))) == {"forgotten": 1}
    row.refresh_from_db()
    assert row.metadata == {}
    assert outcomes(done(draft(actor, "erase"))) == {"unchanged": 1}


def test_what_is_held_is_not_erased_until_the_hold_is_lifted(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential, {"tenant": "acme"})
    hold = place_hold(actor=actor, conversations=[row], reason="Case 7")
    assert outcomes(done(draft(actor, "erase"))) == {"held": 1}
    assert lift_hold(actor=actor, hold=hold, reason="Closed")
    assert outcomes(done(draft(actor, "erase"))) == {"erased": 1}


def test_conversations_are_transferred_once_a_read_proves_it(
    sandbox: Sandbox, credential: Credential, actor: User, team: Team
) -> None:
    rows = make_many_known(sandbox, credential, 3)
    other = make_credential(sandbox, teams=[team])
    wrong = make_credential(sandbox, key="sk-wrong-key-0123456789abcdefgh", teams=[team])
    job = done(draft(actor, "transfer", to=wrong.pk))
    assert outcomes(job) == {"refused": 3}
    assert outcomes(done(draft(actor, "transfer", to=other.pk))) == {"moved": 3}
    assert set(Conversation.objects.values_list("credential", flat=True)) == {other.pk}
    for item in job.items.all():
        assert item.request_id
    assert len(rows) == 3


def test_a_credential_of_another_server_takes_nothing_over(
    sandbox: Sandbox, credential: Credential, actor: User, other_credential: Credential
) -> None:
    make_known(sandbox, credential)
    job = done(draft(actor, "transfer", to=other_credential.pk))
    assert outcomes(job) == {"impossible": 1}
    assert not sandbox.log
