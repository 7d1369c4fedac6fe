"""`manage.py sandbox` as a separate process, with minimal settings."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conversations.sandbox import Sandbox
from tests.sandbox_fixtures import Http
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from django.conf import settings
settings.configure()
from conversations.management.commands.sandbox import Command
Command().run_from_argv(["manage.py", "sandbox", *sys.argv[1:]])
"""


def start(*options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_serves_and_ends_cleanly(number: signal.Signals) -> None:
    with start("--port", "0", "--key", "sk-option") as process:
        line = line_of(process)
        reached = Sandbox(key="sk-option", port=int(line.split(":")[-1].removesuffix("/v1\n")))
        with Http(reached) as http:
            assert http.call("POST", "/v1/conversations").status == 200
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE) == ("", "")
    assert (line, process.returncode) == (f"Sandbox at {reached.url}\n", 0)


def test_it_keeps_a_file_and_takes_its_options(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite3"
    with start("--port", "0", "--key", "sk-option", "--file", str(path), "--replaces-metadata") as process:
        port = int(line_of(process).split(":")[-1].removesuffix("/v1\n"))
        with Http(Sandbox(key="sk-option", port=port)) as http:
            created = http.create(metadata={"old": "1"})
            http.call("POST", f"/v1/conversations/{created['id']}", {"metadata": {"new": "2"}})
        process.terminate()
    with Sandbox(path=path) as sandbox:
        (kept,) = sandbox.store.list_conversations()
    assert kept["metadata"] == {"new": "2"}


def test_a_port_that_is_taken_is_one_clear_sentence() -> None:
    with Sandbox() as sandbox, start("--port", str(sandbox.port)) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert (output, process.returncode) == ("", 1)
    assert errors.startswith(f"CommandError: Port {sandbox.port} can't be used")
    assert errors.count("\n") == 1


def test_a_file_that_cannot_be_opened_is_one_clear_sentence(tmp_path: Path) -> None:
    with start("--port", "0", "--file", str(tmp_path / "none" / "x.sqlite3")) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert errors.startswith("CommandError: The file ")
