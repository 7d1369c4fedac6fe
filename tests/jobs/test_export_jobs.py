"""Exporting in the background: the files, resuming, limits, and what becomes of them."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from conversations.exports import job_export
from conversations.jobs import control
from conversations.jobs.kinds import export as export_kind
from conversations.jobs.schedule import make_due_jobs
from conversations.models import Credential, Event, Job, State, export_file
from conversations.sandbox import Fault, Sandbox
from conversations.services.erasures import erase, start_erasure
from conversations.services.holds import purge_conversation
from tests.factories import add_messages, bring_into_state, make_known
from tests.jobs.bulk import done, draft
from tests.jobs.steps import outcomes, run
from tests.jobs.test_deletion_jobs import do_again

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

METADATA = {"content": "metadata", "package": "jsonl", "format": "json"}
LINES = {**METADATA, "content": "transcripts"}
ZIP = {"content": "transcripts", "package": "zip", "format": "md"}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> Iterator[None]:
    with override_settings(EXPORT_FOLDER=str(tmp_path / "exports")):
        yield


def text_of(job: Job) -> str:
    return b"".join(job_export.chunks(job)).decode()


def lines_of(job: Job) -> list[dict[str, object]]:
    return [json.loads(line) for line in text_of(job).splitlines()]


def files_of(job: Job) -> list[Path]:
    return sorted(path for path in export_file.folder_of(job.pk).rglob("*") if path.is_file())


def test_metadata_as_json_lines(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rows = [make_known(sandbox, credential, {"tenant": "acme", "n": f"{n}"}) for n in range(3)]
    job = done(draft(actor, "export", **METADATA))
    assert outcomes(job) == {"exported": 3}
    assert not sandbox.log
    lines = lines_of(job)
    assert {line["id"] for line in lines} == {row.openai_id for row in rows}
    assert lines[0]["metadata"] in [row.metadata for row in rows]
    assert (lines[0]["credential"], lines[0]["state"]) == ("Sandbox", "active")


def test_metadata_as_csv(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_known(sandbox, credential, {"tenant": "=HYPERLINK()"})
    job = done(draft(actor, "export", **{**METADATA, "package": "csv"}))
    head, row = text_of(job).removeprefix("\ufeff").splitlines()
    assert head == "id,server,credential,state,created_at,last_read_at,metadata"
    assert '{""tenant"": ""=HYPERLINK()""}' in row


def test_transcripts_as_json_lines(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_known(sandbox, credential, {"tenant": "acme"})
    ids = add_messages(sandbox, row, 130)  # two pages
    job = done(draft(actor, "export", **LINES))
    (line,) = lines_of(job)
    assert [item["id"] for item in line["transcript"]["data"]] == ids  # type: ignore[index]
    assert line["metadata"] == {"tenant": "acme"}


def test_transcripts_as_a_zip(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rows = [make_known(sandbox, credential, {"n": f"{n}"}) for n in range(2)]
    for row in rows:
        add_messages(sandbox, row, 2)
    job = done(draft(actor, "export", **ZIP))
    with zipfile.ZipFile(io.BytesIO(b"".join(job_export.chunks(job)))) as archive:
        assert archive.testzip() is None
        *transcripts, index = archive.namelist()
        assert index == "conversations.jsonl"
        assert len(archive.read(index).splitlines()) == 2
        assert all("Message 1" in archive.read(name).decode() for name in transcripts)
        assert transcripts[0].endswith(".md")


def test_what_has_no_transcript_any_more_is_exported_with_its_metadata(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential, {"tenant": "acme"})
    sandbox.store.delete_conversation(row.openai_id)
    bring_into_state(row, State.REMOVED)
    job = done(draft(actor, "export", **LINES))
    assert outcomes(job) == {"exported": 1}
    assert job.items.get().message.startswith("Without a transcript:")
    assert lines_of(job)[0]["transcript"] is None


def test_each_transcript_that_was_read_is_an_event_of_the_job(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_known(sandbox, credential)
    job = done(draft(actor, "export", **LINES))
    assert Event.objects.exports().get().job == job


def test_a_worker_that_died_goes_on_with_what_is_left(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    rows = [make_known(sandbox, credential) for _ in range(3)]
    job = done(draft(actor, "export", **LINES))
    sandbox.log.clear()
    first = job.items.order_by("pk").first()
    assert first is not None
    do_again(first)
    assert outcomes(run(job)) == {"exported": 3}
    assert not sandbox.log  # its file was complete
    do_again(first)
    export_file.path_of(first).unlink()
    run(job)
    assert len(lines_of(job)) == len(rows)


def test_half_a_transcript_is_no_file(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    row = make_known(sandbox, credential)
    add_messages(sandbox, row, 130)
    sandbox.faults.add(Fault(method="GET", path="/conversations/[^/]+/items", skip=1, times=None, status=400))
    job = done(draft(actor, "export", **LINES))
    assert outcomes(job) == {"failed": 1}
    assert files_of(job) == []
    assert text_of(job) == ""


def test_files_are_private(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_known(sandbox, credential)
    job = done(draft(actor, "export", **METADATA))
    assert {path.stat().st_mode & 0o777 for path in files_of(job)} == {0o600}


def test_one_that_is_too_large_fails_alone(
    sandbox: Sandbox, credential: Credential, actor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_kind, "MEGABYTE", 2)
    large, _ = make_known(sandbox, credential, {"k": "v" * 300}), make_known(sandbox, credential)
    add_messages(sandbox, large, 5)
    job = done(draft(actor, "export", **LINES))
    assert job.items.get(conversation=large).outcome == "failed"
    assert "larger than 100 MB" in job.items.get(conversation=large).message


def test_a_job_that_has_reached_the_limit_stops_and_says_so(
    sandbox: Sandbox, credential: Credential, actor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_kind.Export, "batch_size", 2)
    for _ in range(8):
        make_known(sandbox, credential, {"k": "v" * 300})
    job = draft(actor, "export", **METADATA)
    monkeypatch.setattr(export_kind, "MEGABYTE", 10)  # 100 of them
    job.items.filter(batch__number=1).update(size=10_000)
    done(job)
    assert job.state == "stopped"
    assert "EXPORT_MAX_MB" in job.message


def test_an_erasure_deletes_its_files_too(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    kept, erased = make_known(sandbox, credential, {"n": "1"}), make_known(sandbox, credential, {"n": "2"})
    job = done(draft(actor, "export", **LINES))
    erase(actor=actor, erasure=start_erasure(actor=actor, conversation=erased, reason="Ticket"), seconds=20)
    assert [line["id"] for line in lines_of(job)] == [kept.openai_id]
    purge_conversation(conversation=kept)
    assert files_of(job) == []


def test_an_erasure_deletes_what_a_worker_that_died_had_written(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    row = make_known(sandbox, credential)
    job = done(draft(actor, "export", **LINES))
    do_again(job.items.get())
    path = export_file.path_of(job.items.get())
    path.with_name(f".{path.name}.1.2").write_text("half")
    erase(actor=actor, erasure=start_erasure(actor=actor, conversation=row, reason="Ticket"), seconds=20)
    assert files_of(job) == []
    assert outcomes(run(job)) == {"exported": 1}  # what the index has: nothing but its id
    assert lines_of(job)[0]["metadata"] == {}


def test_a_retry_after_the_files_are_gone_does_all_of_it(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_known(sandbox, credential)
    job = done(draft(actor, "export", **METADATA))
    export_file.delete_files(job.pk)
    assert control.retry(job)
    assert outcomes(run(job)) == {"exported": 1}
    assert files_of(job)


def test_an_export_that_is_paused_for_too_long_is_stopped(
    sandbox: Sandbox, credential: Credential, actor: User
) -> None:
    make_known(sandbox, credential)
    job = draft(actor, "export", **METADATA)
    control.start(job)
    control.pause(job)
    Job.objects.update(running_since=timezone.now() - timedelta(hours=73))
    make_due_jobs()
    job.refresh_from_db()
    assert job.state == "stopped"


def test_files_are_deleted_after_a_time(sandbox: Sandbox, credential: Credential, actor: User) -> None:
    make_known(sandbox, credential)
    job = done(draft(actor, "export", **METADATA))
    assert export_file.is_available(job)
    make_due_jobs()
    assert files_of(job)
    Job.objects.update(finished_at=timezone.now() - timedelta(hours=73))
    make_due_jobs()
    job.refresh_from_db()
    assert not export_file.is_available(job)
    assert not export_file.folder_of(job.pk).exists()
