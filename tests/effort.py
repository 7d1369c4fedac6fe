"""How much work something takes, told by counting, or by so much time that only what hardly ends takes it."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

CPU_SECONDS = 20.0  # a hundred times what the inputs of the tests take, if each part of them is looked at once


def calls_made(function: Callable[[], Any]) -> int:
    """How many functions are called, of Python and of C: the same number on any machine."""
    count = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@contextmanager
def limited_computing(seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Fail once this process has computed for so many seconds. Other processes and waiting don't count."""

    def stop(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"It is still computing after {seconds:.0f} seconds.")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
