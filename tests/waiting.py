"""Waiting for what happens instead of for seconds, so that a slow machine only makes a test slower."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conversations.sandbox import Fault, Faults

PATIENCE = 60.0  # seconds after which what should happen never will; nothing comes near it


def wait_until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fails if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "It never happened."
        time.sleep(0.002)


@dataclass(frozen=True)
class Meanwhile(Fault):
    """A fault that also calls `act`, in the sandbox's thread, when its request has arrived and nothing is done yet."""

    act: Callable[[], object] = field(default=lambda: None, compare=False)


class Gate:
    """Keeps requests at the sandbox until it's opened. `fault()` is what leads them here."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._opened = threading.Event()

    def fault(self, **which: Any) -> Meanwhile:
        """The fault that keeps the requests that it's for."""
        return Meanwhile(**which, act=self._keep)

    def _keep(self) -> None:
        self._arrived.set()
        self._opened.wait(PATIENCE)

    def wait(self) -> None:
        """Until a request is kept."""
        assert self._arrived.wait(PATIENCE), "No request came."

    def open(self) -> None:
        """Let the requests through, now and from now on."""
        self._opened.set()

    def opened_by_failing(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """The function, which opens the gate when it raises."""

        def run() -> Any:
            try:
                return function()
            except Exception:
                self.open()
                raise

        return run


class WatchedFaults(Faults):
    """The sandbox's faults, among them those that act."""

    def take(self, method: str, path: str) -> Fault:
        """The fault for a request, once it has acted."""
        fault = super().take(method, path)
        if isinstance(fault, Meanwhile):
            fault.act()
        return fault


class Clock:
    """The monotonic clock, which a test can put forward."""

    def __init__(self) -> None:
        self._monotonic = time.monotonic
        self._ahead = 0.0

    def monotonic(self) -> float:
        """The time, and what was added to it."""
        return self._monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._ahead += seconds
