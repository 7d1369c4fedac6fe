"""Editing many conversations, and undoing that."""

import pytest
from django.contrib.auth.models import User

from conversations.jobs import control
from conversations.jobs.drafts import draft_of_undo
from conversations.jobs.previews import preview_of
from conversations.models import Credential, Event, State, Team
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.holds import place_hold
from conversations.services.metadata_edit import update_metadata
from tests.factories import (
    KEY,
    bring_into_state,
    make_conversation,
    make_credential,
    make_known,
    make_remote,
    metadata_at,
)
from tests.jobs.bulk import done, draft, step
from tests.jobs.steps import outcomes, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

RENAME = [step("rename", "cust", to="tenant")]


def test_each_conversation_is_edited_at_openai_and_in_the_index(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    rows = [make_known(sandbox, credential, {"cust": f"{n}", "note": "x"}) for n in range(5)]
    job = done(draft(actor, "edit", "has:cust", steps=[*RENAME, step("set", "seen", "yes"), step("remove", "note")]))
    assert outcomes(job) == {"edited": 5}
    for n, row in enumerate(rows):
        row.refresh_from_db()
        assert row.metadata == metadata_at(sandbox, row.openai_id) == {"tenant": f"{n}", "seen": "yes"}


def test_what_is_already_as_it_should_be_is_not_sent(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_known(sandbox, credential, {"tenant": "acme"})
    job = done(draft(actor, "edit", steps=[step("set", "tenant", "acme")]))
    assert outcomes(job) == {"unchanged": 1}
    assert not sandbox.log


def test_what_changed_elsewhere_is_left_as_it_is(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_known(sandbox, credential, {"cust": "acme"})
    sandbox.store.set_metadata(row.openai_id, {"cust": "other"})
    job = done(draft(actor, "edit", steps=RENAME))
    assert outcomes(job) == {"conflict": 1}
    assert job.items.get().message == "Changed elsewhere: cust."
    assert metadata_at(sandbox, row.openai_id) == {"cust": "other"}


def test_changes_made_elsewhere_are_edited_over_if_that_was_asked_for(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential, {"cust": "acme"})
    sandbox.store.set_metadata(row.openai_id, {"cust": "other"})
    job = done(draft(actor, "edit", steps=RENAME, over_changes=True))
    assert outcomes(job) == {"edited": 1}
    assert metadata_at(sandbox, row.openai_id) == {"tenant": "other"}


def test_a_difference_that_nobody_decided_is_left_alone(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    bring_into_state(make_known(sandbox, credential, {"cust": "acme"}), State.DIFFERS)
    assert outcomes(done(draft(actor, "edit", steps=RENAME))) == {"conflict": 1}


def test_what_was_not_read_yet_is_read_first(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_conversation(credential, {}, openai_id=make_remote(sandbox, {"cust": "acme"}))
    type(row).objects.filter(pk=row.pk).update(state="unread")
    assert outcomes(done(draft(actor, "edit", steps=RENAME))) == {"edited": 1}
    assert metadata_at(sandbox, row.openai_id) == {"tenant": "acme"}


def test_limits_held_removed_and_missing_ones_are_told(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    full = make_known(sandbox, credential, {f"k{n}": "" for n in range(16)})
    held = make_known(sandbox, credential, {"a": "held"})
    removed = make_known(sandbox, credential, {"a": "removed"})
    bring_into_state(removed, State.REMOVED)
    make_conversation(credential, {"a": "missing"})
    place_hold(actor=actor, conversations=[held], reason="Case 7")
    job = done(draft(actor, "edit", steps=[step("set", "new", "1")]))
    assert outcomes(job) == {"impossible": 1, "held": 1, "missing": 2}
    assert job.items.get(conversation=full).message == "It would have 17 pairs. OpenAI keeps only 16."
    assert "Case 7" in job.items.get(conversation=held).message


def test_a_server_that_keeps_a_key_is_told(team: Team, actor: User) -> None:
    with Sandbox(key=KEY, dialect=Dialect(null="openai")) as stubborn:
        credential = make_credential(stubborn, teams=[team])
        make_known(stubborn, credential, {"cust": "acme", "b": "1"})
        job = done(draft(actor, "edit", steps=[step("remove", "cust")]))
    assert outcomes(job) == {"failed": 1}
    assert job.items.get().message == "The server kept its own version of: cust."


def test_an_answer_that_got_lost_is_found_out_by_the_next_attempt(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential, {"cust": "acme"})
    sandbox.faults.add(Fault(method="POST", times=3, drop="after"))
    job = done(draft(actor, "edit", steps=RENAME))
    assert metadata_at(sandbox, row.openai_id) == {"tenant": "acme"}
    assert outcomes(job) == {"edited": 1}
    assert job.items.get().attempts == 1
    assert not Event.objects.unresolved().exists()
    assert outcomes(done(draft_of_undo(actor=actor, job=job))) == {"edited": 1}
    assert metadata_at(sandbox, row.openai_id) == {"cust": "acme"}


def test_an_edit_is_undone_from_what_its_events_keep(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rows = [make_known(sandbox, credential, {"cust": f"{n}", "note": "x"}) for n in range(3)]
    job = done(draft(actor, "edit", steps=[*RENAME, step("set", "note", "y")]))
    undo = done(draft_of_undo(actor=actor, job=job))
    assert outcomes(undo) == {"edited": 3}
    for n, row in enumerate(rows):
        assert metadata_at(sandbox, row.openai_id) == {"cust": f"{n}", "note": "x"}


def test_what_changed_since_the_edit_is_not_undone(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_known(sandbox, credential, {"cust": "acme"})
    job = done(draft(actor, "edit", steps=RENAME))
    done(draft(actor, "edit", steps=[step("set", "tenant", "new")]))
    undo = done(draft_of_undo(actor=actor, job=job))
    assert outcomes(undo) == {"conflict": 1}
    assert metadata_at(sandbox, row.openai_id) == {"tenant": "new"}


def test_what_was_transferred_to_others_since_is_neither_undone_nor_shown_r23(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential, {"cust": "acme"})
    stays = make_known(sandbox, credential, {"cust": "globex"})
    job = done(draft(actor, "edit", steps=RENAME))
    row.refresh_from_db()
    row.transfer(make_credential(sandbox))
    undo = draft_of_undo(actor=actor, job=job)
    assert [item.conversation for item in undo.items.all()] == [stays]
    later = draft(actor, "edit", steps=RENAME)
    stays.refresh_from_db()
    stays.transfer(make_credential(sandbox))
    assert preview_of(later).samples == []
    assert outcomes(done(later)) == {"conflict": 1}


def test_an_attempt_that_was_refused_is_not_undone(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_known(sandbox, credential, {"a": "1"})
    sandbox.faults.add(Fault(method="POST", status=400, message="Not now."))
    job = done(draft(actor, "edit", steps=[step("set", "seen", "yes")]))
    assert outcomes(job) == {"failed": 1}
    row.refresh_from_db()
    update_metadata(actor=actor, conversation=row, opened_with={"a": "1"}, requested={"a": "2"})
    assert control.retry(job)
    assert outcomes(run(job)) == {"edited": 1}
    assert outcomes(done(draft_of_undo(actor=actor, job=job))) == {"edited": 1}
    assert metadata_at(sandbox, row.openai_id) == {"a": "2"}


def test_what_was_changed_in_part_is_undone_too(team: Team, actor: User) -> None:
    with Sandbox(key=KEY, dialect=Dialect(null="openai")) as stubborn:
        credential = make_credential(stubborn, teams=[team])
        row = make_known(stubborn, credential, {"cust": "acme", "b": "1"})
        job = done(draft(actor, "edit", steps=[step("remove", "cust"), step("set", "b", "2")]))
        assert outcomes(job) == {"failed": 1}
        done(draft_of_undo(actor=actor, job=job))
        assert metadata_at(stubborn, row.openai_id) == {"cust": "acme", "b": "1"}


def test_without_the_details_nothing_can_be_undone(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_known(sandbox, credential, {"cust": "acme"})
    job = done(draft(actor, "edit", steps=RENAME))
    Event.objects.all().forget_details()
    undo = done(draft_of_undo(actor=actor, job=job))
    assert outcomes(undo) == {"impossible": 1}
    assert "no longer kept" in undo.items.get().message
