"""`manage.py import`."""

import io
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.models import Conversation, Credential, Job, JobState
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_remote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _superuser(db: None) -> None:
    User.objects.create_superuser("admin")


def run(file: Path | str, *options: str) -> str:
    out = io.StringIO()
    call_command("import", str(file), "--credential", "Sandbox", *options, stdout=out)
    return out.getvalue()


def test_a_file_is_imported_and_told(sandbox: Sandbox, credential: Credential, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(f"{make_remote(sandbox)}\n{make_remote(sandbox)}\nconv_{'f' * 47}0\n")
    said = run(tmp_path / "ids.txt")
    assert "A list with one id per line." in said
    assert "Added: 2" in said
    assert "Unknown to the server: 1" in said
    assert Job.objects.get().actor.username == "admin"


def test_standard_input(sandbox: Sandbox, credential: Credential, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{make_remote(sandbox)}\n".encode())))
    run("-", "--unread")
    assert Conversation.objects.get().state == "unread"


@pytest.mark.long
def test_metadata_is_set(sandbox: Sandbox, credential: Credential, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(make_remote(sandbox))
    run(tmp_path / "ids.txt", "--set", "batch=a=b")
    assert Conversation.objects.get().metadata == {"batch": "a=b"}


def test_the_work_can_be_left_to_workers(sandbox: Sandbox, credential: Credential, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(make_remote(sandbox))
    run(tmp_path / "ids.txt", "--queue")
    assert Job.objects.get().state == JobState.QUEUED


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--credential", "Nobody"], "There’s no credential “Nobody”. There are: Sandbox."),
        (["--user", "nobody"], "There’s no user nobody."),
        (["--set", "novalue"], "KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_said(credential: Credential, tmp_path: Path, options: list[str], says: str) -> None:
    (tmp_path / "ids.txt").write_text("conv_1234567890")
    with pytest.raises(CommandError, match=says):
        run(tmp_path / "ids.txt", *options)
    assert not Job.objects.exists()


def test_a_file_that_is_not_there(credential: Credential, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "absent.csv")


def test_what_failed_ends_the_command_with_an_error(sandbox: Sandbox, credential: Credential, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text(make_remote(sandbox))
    sandbox.faults.add(Fault(status=400, message="No."))
    with pytest.raises(CommandError, match="1 failed"):
        run(tmp_path / "ids.txt")
