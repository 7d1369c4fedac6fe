"""Importing ids: what each becomes, through one credential or several, with and without reading."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.importing import ImportProblem
from conversations.jobs import control
from conversations.jobs.imports import create_import
from conversations.models import Conversation, Credential, Event, ImportPart, Job, JobState, State, Team
from conversations.sandbox import Fault, Sandbox
from tests.factories import KEY, calls_in, make_conversation, make_credential, make_known, make_remote, metadata_at
from tests.jobs.steps import outcomes, run

pytestmark = pytest.mark.django_db(transaction=True)


def start_import(actor: User, credentials: Sequence[Credential], text: str, **options: Any) -> Job:
    job = create_import(actor=actor, credentials=credentials, chunks=[text.encode()], **options)
    assert control.start(job)
    return job


def outcome_of(job: Job, openai_id: str) -> str:
    return job.items.get(openai_id=openai_id).outcome


def test_ids_are_read_and_added(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    first, second = make_remote(sandbox, {"tenant": "acme"}), make_remote(sandbox)
    job = run(start_import(actor, [credential], f"{first}\n{second}\n"))
    row = Conversation.objects.get(openai_id=first)
    assert (job.state, outcomes(job)) == (JobState.FINISHED, {"added": 2})
    assert (row.metadata, row.state, row.origin, row.added_by) == ({"tenant": "acme"}, "active", "imported", actor)


def test_what_is_known_unknown_or_changed_is_told(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    known, changed = make_known(sandbox, credential, {"a": "1"}), make_known(sandbox, credential, {"a": "1"})
    sandbox.store.set_metadata(changed.openai_id, {"a": "2"})
    unknown = "conv_" + "f" * 48
    job = run(start_import(actor, [credential], f"{known.openai_id}\n{changed.openai_id}\n{unknown}\n"))
    found = [outcome_of(job, each) for each in (known.openai_id, changed.openai_id, unknown)]
    assert found == ["known", "changed", "unknown"]


def test_an_id_that_stands_there_twice_is_read_once(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    remote = make_remote(sandbox)
    job = run(start_import(actor, [credential], f"{remote}\n\n{remote}\nsome words of no use\n"))
    assert (job.total, len(calls_in(sandbox))) == (1, 1)
    assert job.parameters["tally"] == {"lines": 3, "found": 2, "duplicates": 1, "without_id": 1}


def test_credentials_are_tried_in_turn(sandbox: Sandbox, credential: Credential, actor: User, team: Team) -> None:
    with Sandbox(key=KEY) as elsewhere:
        other = make_credential(elsewhere, teams=[team])
        here, there = make_remote(sandbox), make_remote(elsewhere)
        job = run(start_import(actor, [credential, other], f"{here}\n{there}\n{'conv_' + 'f' * 48}\n"))
    assert outcomes(job) == {"added": 2, "unknown": 1}
    assert Conversation.objects.get(openai_id=there).credential == other
    assert job.items.get(openai_id=there).credential == other


def test_what_a_key_may_not_read_is_not_permitted(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    sandbox.faults.add(Fault(status=403, message="Not your project."))
    job = run(start_import(actor, [credential], make_remote(sandbox)))
    item = job.items.get()
    assert (item.outcome, item.message) == ("refused", "Not your project.")


def test_one_that_belongs_to_another_credential_stays_there(
    sandbox: Sandbox, credential: Credential, actor: User, team: Team
) -> None:
    owner = make_credential(sandbox, name="Owner", teams=[team])
    row = make_known(sandbox, owner)
    job = run(start_import(actor, [credential], row.openai_id))
    row.refresh_from_db()
    assert (outcome_of(job, row.openai_id), row.credential) == ("known", owner)
    assert "another credential" in job.items.get().message


def test_without_reading_ids_are_added_as_unread(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    known = make_known(sandbox, credential)
    job = run(start_import(actor, [credential], f"{known.openai_id}\nconv_{'a1' * 24}\n", read=False))
    row = Conversation.objects.get(openai_id=f"conv_{'a1' * 24}")
    assert (outcomes(job), row.state, row.read_at) == ({"known": 1, "added": 1}, State.UNREAD, None)
    assert not calls_in(sandbox)


@pytest.mark.long
def test_what_was_not_read_is_read_by_a_refresh(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    remote = make_remote(sandbox, {"tenant": "acme"})
    run(start_import(actor, [credential], remote, read=False))
    job = run(control.create(kind="refresh", credentials=[credential], actor=actor, query="state:unread"))
    row = Conversation.objects.get()
    assert (outcomes(job), row.state, row.metadata) == ({"changed": 1}, State.ACTIVE, {"tenant": "acme"})
    assert row.is_created_known


def test_tags_are_set_at_the_server_with_events(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    remote = make_remote(sandbox, {"tenant": "acme"})
    job = run(start_import(actor, [credential], remote, tags={"batch": "2026-11"}))
    assert outcomes(job) == {"added": 1}
    assert metadata_at(sandbox, remote) == {"tenant": "acme", "batch": "2026-11"}
    assert Conversation.objects.get().metadata == {"tenant": "acme", "batch": "2026-11"}
    assert [event.action for event in Event.objects.order_by("pk")] == ["get", "update"]


def test_tags_that_are_there_already_change_nothing(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    remote = make_remote(sandbox, {"batch": "2026-11"})
    run(start_import(actor, [credential], remote, tags={"batch": "2026-11"}))
    assert [event.action for event in Event.objects.all()] == ["get"]


def test_tags_that_do_not_fit_fail_with_the_words_of_the_server(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    remote = make_remote(sandbox, {f"key{n}": "x" for n in range(16)})
    item = run(start_import(actor, [credential], remote, tags={"batch": "1"})).items.get()
    assert (item.outcome, item.status) == ("failed", 400)
    assert "16" in item.message


def test_the_file_is_gone_once_its_ids_are_listed(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    job = start_import(actor, [credential], make_remote(sandbox))
    assert ImportPart.objects.filter(job=job).exists()
    run(job)
    assert not ImportPart.objects.exists()


@pytest.mark.long
def test_a_file_that_turns_out_unusable_leaves_nothing_half_done(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    good = "".join(f"conv_{number:048x}\n" for number in range(5_000)).encode()
    import gzip

    job = create_import(actor=actor, credentials=[credential], chunks=[gzip.compress(good)[:-30]])
    control.start(job)
    job = run(job)
    assert (job.state, job.items.count()) == (JobState.FAILED, 0)
    assert "incomplete" in job.message
    assert not Conversation.objects.exists()


def test_a_file_that_can_not_be_read_makes_no_job(credential: Credential, actor: User) -> None:
    with pytest.raises(ImportProblem, match="zip"):
        create_import(actor=actor, credentials=[credential], chunks=[b"PK\x03\x04" + b"x" * 99])
    assert not Job.objects.exists()
    assert not ImportPart.objects.exists()


def test_more_ids_than_allowed_fail_the_job(
    credential: Credential, actor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.jobs.kinds.imports.MAX_IDS", 3)
    job = run(start_import(actor, [credential], "".join(f"conv_{n:048x}\n" for n in range(4)), read=False))
    assert (job.state, Conversation.objects.count()) == (JobState.FAILED, 0)
    assert "more than 3 ids" in job.message


def test_an_import_reads_what_the_index_lost_as_missing(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_conversation(credential)
    job = run(start_import(actor, [credential], row.openai_id))
    row.refresh_from_db()
    assert (outcomes(job), row.state) == ({"unknown": 1}, State.MISSING)


@pytest.mark.long
def test_the_number_of_queries_does_not_grow_with_ids(
    credential: Credential, actor: User, django_assert_max_num_queries
) -> None:
    job = start_import(actor, [credential], "".join(f"conv_{n:048x}\n" for n in range(200)), read=False)
    with django_assert_max_num_queries(90):
        run(job)
    assert outcomes(job) == {"added": 200}
