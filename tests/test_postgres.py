"""The server for tests on PostgreSQL: it lives as long as the command it was started for."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkouts import ROOT, clean_environment
from tests.postgres import ENDED_BY, OLDEST, Unavailable, first_usable, is_usable, program_folders

pytestmark = pytest.mark.slow

CONNECTING = """
import environ, psycopg, sys, os
to = environ.Env.db_url_config(os.environ["DATABASE_URL_TEST"])
with psycopg.connect(host=to["HOST"], user=to["USER"], dbname=to["NAME"]) as connection:
    for name in ("server_version_num", "listen_addresses", "fsync", "server_encoding"):
        print(connection.execute(f"SHOW {name}").fetchone()[0])
sys.exit(7)
"""


def started(folder: Path, *command: str, ignoring: int = 0, **environment: str) -> subprocess.Popen[str]:
    """As from a terminal: the tests may run where signals are ignored, in the background or under nohup."""

    def set_signals() -> None:
        for number in ENDED_BY:
            signal.signal(number, signal.SIG_IGN if number == ignoring else signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, "-m", "tests.postgres", *command],
        cwd=ROOT,
        env=clean_environment(folder, **environment),
        start_new_session=True,
        preexec_fn=set_signals,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def folder_in(url: str) -> Path:
    return Path(url.strip().removeprefix("postgres://convadmin@/")).parent


def is_alive(process_id: int) -> bool:
    """Whether it is there after a while: who has ended is there until its new parent takes notice."""
    for _ in range(100):
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


# With a server of this machine

on_this_machine = pytest.mark.skipif(not any(map(is_usable, program_folders())), reason="PostgreSQL is not installed.")


@on_this_machine
def test_the_command_has_a_server_without_a_network_and_its_exit_code_is_passed_on(tmp_path: Path) -> None:
    elsewhere = {"PGHOST": "127.0.0.1", "PGPORT": "9", "PGDATA": "/nowhere", "PGUSER": "nobody"}
    process = started(tmp_path, sys.executable, "-c", CONNECTING, **elsewhere)
    said, errors = process.communicate(timeout=30)
    assert process.returncode == 7, errors
    version, *settings = said.split("\n")
    assert int(version) >= OLDEST * 10000
    assert settings == ["", "off", "UTF8", ""]


@on_this_machine
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_command_and_server_and_nothing_stays(tmp_path: Path, number: int) -> None:
    process = started(tmp_path, "sh", "-c", "echo $DATABASE_URL_TEST; echo $$; exec sleep 60")
    assert process.stdout is not None
    folder, command = folder_in(process.stdout.readline()), int(process.stdout.readline())
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.killpg(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert (is_alive(command), is_alive(server), folder.exists()) == (False, False, False)


@on_this_machine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_is_ignored_where_it_was_started_ends_nothing(tmp_path: Path, number: int) -> None:
    process = started(tmp_path, "sh", "-c", "echo $$; sleep 0.5; exit 5", ignoring=number)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode == 5


@on_this_machine
def test_a_signal_for_us_alone_is_handed_on(tmp_path: Path) -> None:
    process = started(tmp_path, "sh", "-c", "trap 'echo told; exit 3' TERM; echo $$; while :; do sleep 0.05; done")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    assert process.communicate(timeout=30)[0] == "told\n"
    assert process.returncode == 143


# Without one


def test_a_given_server_is_used_as_it_is(tmp_path: Path) -> None:
    process = started(tmp_path, "sh", "-c", "echo $DATABASE_URL_TEST $PGPORT", DATABASE_URL_TEST="given", PGPORT="9")
    assert process.communicate(timeout=30) == ("given 9\n", "")


@pytest.fixture
def programs() -> Iterator[Path]:
    """A folder for programs that another user reaches, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def write_programs(folder: Path, version: str) -> Path:
    """Programs of a server that does not start."""
    folder.mkdir(exist_ok=True)
    (folder / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    (folder / "initdb").write_text("#!/bin/sh\necho 'initdb: the disk is full' >&2\nexit 1\n")
    for name in ("postgres", "initdb"):
        (folder / name).chmod(0o755)
    return folder


def test_a_server_that_is_too_old_or_no_server_is_passed_over(tmp_path: Path) -> None:
    old, broken = write_programs(tmp_path / "old", "13.20"), write_programs(tmp_path / "broken", "")
    good = write_programs(tmp_path / "good", "16.1 (Debian 16.1-1)")
    assert first_usable([tmp_path / "missing", old, broken, good]) == good


def test_that_there_is_none_is_told_with_what_to_do() -> None:
    with pytest.raises(Unavailable, match="none was found; install PostgreSQL 14 or newer"):
        first_usable([])


def test_a_server_that_does_not_start_is_told_and_the_command_not_run(programs: Path, tmp_path: Path) -> None:
    write_programs(programs, "16.1")
    process = started(tmp_path, "echo", "run", PATH=f"{programs}:{os.environ['PATH']}")
    said, errors = process.communicate(timeout=30)
    assert (process.returncode, said) == (1, "")
    assert errors == f"the server in {programs.resolve()} did not start: initdb: the disk is full\n"
