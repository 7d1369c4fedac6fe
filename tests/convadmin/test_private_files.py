"""Only the server's user can read the files of an SQLite database."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from convadmin.environment import keep_private
from tests.checkouts import ROOT, clean_environment


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_that_is_made_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keep_private(tmp_path / "new.sqlite3")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "new.sqlite3") == 0o600


def test_files_that_are_there_become_private_and_keep_their_content(tmp_path: Path) -> None:
    files = [tmp_path / f"old.sqlite3{end}" for end in ("", "-wal", "-shm")]
    for file in files:
        file.write_text("content")
        file.chmod(0o644)
    keep_private(files[0])
    assert [(mode_of(file), file.read_text()) for file in files] == [(0o600, "content")] * 3


@pytest.mark.slow
def test_a_server_makes_no_file_that_others_can_read(tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, SECRET_KEY="x" * 60, DATABASE_URL=f"sqlite:///{tmp_path}/here.sqlite3")
    script = "from django.contrib.auth.models import User; User.objects.create(username='a'); import os; os._exit(0)"
    for arguments in (["migrate", "-v0", "--skip-checks"], ["shell", "-c", script]):
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    files = sorted(tmp_path.glob("here.sqlite3*"))
    assert len(files) == 3
    assert {mode_of(file) for file in files} == {0o600}
