"""Child processes that start and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conversations.management import supervisor as processes
from conversations.management.supervisor import ChildFailed, EndRequested, Supervisor
from tests.checkouts import ROOT
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow

STUBBORN = "trap '' TERM; sleep 60 & echo $! >>pids; echo $$ >>pids; wait; wait"


def forever() -> list[str]:
    """A child that writes its process id, and that of its own child, to a file."""
    return ["sh", "-c", "sleep 60 & echo $! >>pids; echo $$ >>pids; wait"]


def written(folder: Path, count: int) -> Callable[[], bool]:
    """Whether this many process ids have been written."""
    return lambda: len(pids(folder)) >= count


def pids(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def are_gone(numbers: list[int]) -> bool:
    """Whether all have ended, after waiting for the system to reap them."""
    deadline = time.monotonic() + PATIENCE
    while any(map(is_alive, numbers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(numbers) and not any(map(is_alive, numbers))


def is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie doesn't."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def test_leaving_the_block_ends_children_and_their_children(tmp_path: Path) -> None:
    with Supervisor(folder=tmp_path) as supervisor:
        supervisor.start("One", forever(), ready=written(tmp_path, 2))
        supervisor.start("Two", forever(), ready=written(tmp_path, 4))
        assert all(is_alive(pid) for pid in pids(tmp_path))
    assert are_gone(pids(tmp_path))


def test_a_child_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.2)
    with Supervisor(folder=tmp_path) as supervisor:
        supervisor.start("It", ["sh", "-c", STUBBORN], ready=written(tmp_path, 2))
    assert are_gone(pids(tmp_path))


@pytest.mark.parametrize("number", processes.END_SIGNALS)
def test_a_signal_ends_the_waiting(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Supervisor(folder=tmp_path) as supervisor:
        supervisor.start("It", forever(), ready=written(tmp_path, 2))
        os.kill(os.getpid(), number)
        supervisor.wait()
    assert signal.getsignal(number) == before
    assert are_gone(pids(tmp_path))


def test_a_signal_ends_what_runs_to_its_end_and_what_is_not_ready_yet(tmp_path: Path) -> None:
    with Supervisor(folder=tmp_path) as supervisor:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(EndRequested):
            supervisor.run("It", forever())
        with pytest.raises(EndRequested):
            supervisor.start("It", forever(), ready=written(tmp_path, 99))
    assert are_gone(pids(tmp_path))


@pytest.mark.parametrize("code", [0, 3])
def test_a_child_that_ends_by_itself_is_named(tmp_path: Path, code: int) -> None:
    with Supervisor(folder=tmp_path) as supervisor:
        supervisor.start("The child", ["sh", "-c", f"sleep 0.2; exit {code}"], ready=lambda: True)
        with pytest.raises(ChildFailed, match=rf"The child stopped by itself \(exit code {code}\)"):
            supervisor.wait()


def test_what_runs_to_its_end_may_fail(tmp_path: Path) -> None:
    with Supervisor(folder=tmp_path) as supervisor:
        supervisor.run("Well done", ["true"])
        with pytest.raises(ChildFailed, match="Not done failed"):
            supervisor.run("Not done", ["false"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    program = f"""
from conversations.management.supervisor import Supervisor
with Supervisor(folder={str(tmp_path)!r}) as supervisor:
    supervisor.start("It", ["sh", "-c", "echo $$ >>pids; exec sleep 60"], ready=lambda: True)
    supervisor.wait()
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as parent:
        while not pids(tmp_path):
            time.sleep(0.02)
        parent.kill()
    assert are_gone(pids(tmp_path))
