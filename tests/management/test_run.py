"""`./dev run` in a new checkout: sign in, end, start again."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.management.commands.run import GUNICORN, checked_password, find_sandbox_port, first_problem
from conversations.models import Conversation, Credential, Event
from conversations.models.choices import Origin
from conversations.sandbox import Sandbox
from tests.checkouts import ROOT, clean_environment, copy_checkout, free_port
from tests.waiting import PATIENCE


class Run:
    """A running `./dev run` with free ports and its output in a file."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.output = folder / "output.txt"
        self.ports = {name: free_port() for name in ("PORT", "SANDBOX_PORT")}
        given = {name: str(port) for name, port in self.ports.items()} | environment
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                ["./dev", "run"],
                cwd=folder,
                env=clean_environment(folder, **given),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['PORT']}"

    def text(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while "Convadmin: http" not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal to the whole process group, as a terminal does."""
        os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Run]:
    run = Run(folder, **environment)
    try:
        run.wait_until_ready()
        yield run
    finally:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def sign_in(session: requests.Session, url: str, password: str) -> requests.Response:
    session.trust_env = False
    session.get(f"{url}/sign-in/", timeout=PATIENCE)
    fields = {"username": "admin", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    return session.post(f"{url}/sign-in/", fields, timeout=PATIENCE)


@pytest.mark.slow
def test_a_first_run_and_a_second_one(tmp_path: Path) -> None:
    folder = copy_checkout(tmp_path)
    with running(folder) as first, requests.Session() as session:
        (password,) = re.findall(r"user name admin, password (\S+) \(shown only once\)", first.text())
        listed = sign_in(session, first.url, password)
        assert listed.status_code == 200
        assert "Sign out" in listed.text
        assert "conv_" in session.get(f"{first.url}/conversations/", timeout=PATIENCE).text
        assert session.get(f"{first.url}/static/js/app.js", timeout=PATIENCE).status_code == 200
        assert first.end(signal.SIGINT) == 0
    assert "Traceback" not in first.text()
    assert not any(is_open(port) for port in first.ports.values())
    with running(folder, SANDBOX_PORT="") as second, requests.Session() as session:
        assert "shown only once" not in second.text()
        assert "example conversations" not in second.text()
        assert f"Sandbox at http://127.0.0.1:{first.ports['SANDBOX_PORT']}/v1" in second.text()
        assert sign_in(session, second.url, password).status_code == 200
        assert second.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_a_child_that_is_killed_ends_everything(tmp_path: Path) -> None:
    with running(copy_checkout(tmp_path), ADMIN_PASSWORD="given-by-me-17") as run:
        assert "given-by-me-17" not in run.text()
        (sandbox,) = (pid for pid in children_of(run.process.pid) if "sandbox" in command_line(pid))
        os.kill(sandbox, signal.SIGKILL)
        assert run.process.wait(PATIENCE) == 1
    assert "CommandError: The sandbox stopped by itself (exit code -9). Everything else was stopped, too." in run.text()
    assert not any(is_open(port) for port in run.ports.values())


def children_of(pid: int) -> list[int]:
    stats = {int(path.parent.name): path.read_text() for path in Path("/proc").glob("[0-9]*/stat")}
    return [child for child, stat in stats.items() if int(stat.rpartition(")")[2].split()[1]) == pid]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


# The sandbox's port


def sandbox_credential(port: int) -> Credential:
    credential = Credential(name="Sandbox", base_url=f"http://127.0.0.1:{port}/v1")
    credential.set_key("sk-sandbox")
    credential.save()
    return credential


def add_conversation(credential: Credential) -> Conversation:
    return Conversation.objects.add(
        credential=credential, openai_id="conv_1", created_at=None, metadata={}, added_by=None, origin=Origin.IMPORTED
    )


@pytest.mark.django_db
def test_r1_the_sandbox_stays_where_its_conversations_are() -> None:
    at, other = free_port(), free_port()
    add_conversation(sandbox_credential(at))
    assert find_sandbox_port(None, 1) == at
    with pytest.raises(CommandError, match=f"has to stay on port {at}"):
        find_sandbox_port(str(other), 1)


@pytest.mark.django_db
def test_r1_a_taken_port_that_holds_conversations_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        add_conversation(sandbox_credential(taken.getsockname()[1]))
        with pytest.raises(CommandError, match="--no-sandbox"):
            find_sandbox_port(None, 1)


@pytest.mark.django_db
def test_a_sandbox_without_conversations_uses_the_given_port() -> None:
    sandbox_credential(free_port())
    port = free_port()
    assert find_sandbox_port(str(port), 1) == port
    with pytest.raises(CommandError, match="can't share"):
        find_sandbox_port(str(port), port)


def test_r14_the_sandbox_host_has_to_be_listed(settings, db) -> None:  # type: ignore[no-untyped-def]
    settings.CREDENTIAL_HOSTS = ["api.openai.com"]
    with pytest.raises(CommandError, match=r"Add 127\.0\.0\.1 to CREDENTIAL_HOSTS"):
        find_sandbox_port(str(free_port()), 1)


def test_the_first_problem_of_a_report_is_one_line_with_its_hint() -> None:
    report = "Some issues:\n\nERRORS:\n?: (conversations.E002) It is so.\n\tHINT: Do this.\n\nSystem check: 1 issue"
    assert first_problem(report) == "It is so. Do this."


@pytest.mark.parametrize("password", ["Summer2024", "123456789012", "administrator"])
def test_the_first_password_has_to_be_a_good_one(password: str) -> None:
    with pytest.raises(CommandError, match="ADMIN_PASSWORD can't be used: "):
        checked_password(password)


def test_the_documented_server_is_the_one_that_runs() -> None:
    (line,) = re.findall(r"^gunicorn (.*?)\n```", (ROOT / "docs/operating.md").read_text(), re.MULTILINE | re.DOTALL)
    own_ways = {"-m", "gunicorn", "--graceful-timeout", "8", "--log-level", "warning"}  # of ending and saying so
    assert {*GUNICORN} - own_ways <= {*line.split()}


# Examples


@pytest.mark.long
@pytest.mark.django_db
def test_the_examples_stand_in_the_index_in_every_state(tmp_path: Path, admin_user: object) -> None:
    with Sandbox(path=tmp_path / "sandbox.sqlite3") as sandbox:
        call_command("seed", port=sandbox.port, file=str(sandbox.path), verbosity=0)
        remote = {one["id"]: one["metadata"] for one in sandbox.store.list_conversations()}
    states = {state: Conversation.objects.filter(state=state).count() for state in ("differs", "missing", "removed")}
    assert Conversation.objects.count() == 200
    assert states == {"differs": 6, "missing": 4, "removed": 8}
    assert Event.objects.count() == 18
    assert all(remote[row.openai_id] == row.metadata for row in Conversation.objects.filter(state="active"))


@pytest.mark.django_db
def test_the_examples_are_for_an_empty_index_only(tmp_path: Path) -> None:
    add_conversation(sandbox_credential(8001))
    with pytest.raises(CommandError, match="isn't empty"):
        call_command("seed", port=8001, file=str(tmp_path / "sandbox.sqlite3"))


@pytest.mark.django_db
def test_a_credential_of_that_name_that_points_elsewhere_is_left_alone(tmp_path: Path) -> None:
    Credential.objects.create(name="Sandbox", base_url="https://api.openai.com/v1")
    with pytest.raises(CommandError, match=r"points to api\.openai\.com"):
        call_command("seed", port=8001, file=str(tmp_path / "sandbox.sqlite3"))
    assert Credential.objects.get().base_url == "https://api.openai.com/v1"
