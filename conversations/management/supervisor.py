"""Child processes that start and end together. Without Django.

    with Supervisor() as supervisor:
        supervisor.start("The web server", ["gunicorn", …], ready=responds(8000, "/healthz"))
        supervisor.wait()

Leaving the block ends every child. Each child has its own session, so that Ctrl-C only reaches the supervisor, and so
that a child's own children can be ended with it.
"""

import ctypes
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Self

GRACE = 10.0  # seconds between SIGTERM and SIGKILL
START_LIMIT = 30.0  # seconds that a child has to become ready
PAUSE = 0.05  # seconds between two checks
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndRequested(Exception):
    """This process got a signal to end."""


class ChildFailed(Exception):
    """A child ended by itself or didn't become ready. The text says which, for people."""


@dataclass(frozen=True)
class Child:
    """A running child process. name: for messages; is_lasting: it should run until the end."""

    name: str
    process: subprocess.Popen[bytes]
    is_lasting: bool


class Supervisor:
    """Starts child processes, watches them, and ends all of them when the block is left."""

    def __init__(self, environment: dict[str, str] | None = None, folder: str | os.PathLike[str] | None = None) -> None:
        self._environment = environment
        self._folder = folder
        self._children: list[Child] = []
        self._end_requested = False
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in END_SIGNALS:
            self._handlers[number] = signal.signal(number, self._note_end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_children()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(self, name: str, command: Sequence[str], *, ready: Callable[[], bool]) -> None:
        """Start a child that should keep running, and wait until it's ready. Raises EndRequested or ChildFailed."""
        self._spawn(name, command, is_lasting=True)
        deadline = time.monotonic() + START_LIMIT
        while not ready():
            self._look()
            if time.monotonic() > deadline:
                raise ChildFailed(f"{name} wasn't ready within {START_LIMIT:.0f} seconds.")

    def run(self, name: str, command: Sequence[str]) -> None:
        """Run a child to its end. Raises EndRequested, or ChildFailed if it fails."""
        child = self._spawn(name, command, is_lasting=False)
        while child.process.poll() is None:
            self._look()
        self._children.remove(child)
        if child.process.returncode:
            raise ChildFailed(f"{name} failed (exit code {child.process.returncode}).")

    def wait(self) -> None:
        """Wait for a signal to end. Raises ChildFailed if a child ends before."""
        with suppress(EndRequested):
            while True:
                self._look()

    def _spawn(self, name: str, command: Sequence[str], *, is_lasting: bool) -> Child:
        process = subprocess.Popen(  # noqa: S603  the command isn't user input
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        self._children.append(Child(name, process, is_lasting))
        return self._children[-1]

    def _look(self) -> None:
        time.sleep(PAUSE)
        if self._end_requested:
            raise EndRequested
        for child in self._children:
            if child.is_lasting and child.process.poll() is not None:
                raise ChildFailed(f"{child.name} stopped by itself (exit code {child.process.returncode}).")

    def _note_end(self, number: int, frame: FrameType | None) -> None:
        self._end_requested = True

    def _end_children(self) -> None:
        # In reverse order: what was started later may need what was started before.
        while self._children:
            process = self._children.pop().process
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            with suppress(ProcessLookupError, PermissionError):  # usually, its children have ended too
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def responds(port: int, path: str) -> Callable[[], bool]:
    """A function that tells whether a local HTTP server responds with a status below 500."""

    def check() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


def _end_with_parent() -> None:
    # Linux sends SIGTERM to this process when its parent ends, even after SIGKILL. PR_SET_PDEATHSIG is 1.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
