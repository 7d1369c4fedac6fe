"""Lanes: the threads that call the server of one credential, as many at once as the credential allows."""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from django.db import connections

from .tasks import Answer, Task

Call = Callable[[Task], Answer]

logger = logging.getLogger(__name__)


class Lane:
    """Calls tasks in threads, and puts the answers into `answers`."""

    def __init__(self, width: int, answers: "SimpleQueue[Answer]") -> None:
        self.width = width
        self.under_way = 0  # tasks that were put in and not taken out again; counted by the runner
        self._answers = answers
        self._tasks: SimpleQueue[tuple[Call, Task, threading.Event] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name="lane", daemon=True) for _ in range(width)]
        for thread in self._threads:
            thread.start()

    def put(self, call: Call, task: Task, cancelled: threading.Event) -> None:
        """Have a task called, unless `cancelled` is set before its turn comes."""
        self.under_way += 1
        self._tasks.put((call, task, cancelled))

    def close(self) -> None:
        """End the threads, each after the call that it is making."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        try:
            while (entry := self._tasks.get()) is not None:
                call, task, cancelled = entry
                self._answers.put(Answer(task, is_sent=False) if cancelled.is_set() else _answer(call, task))
        finally:
            connections.close_all()  # of this thread


def _answer(call: Call, task: Task) -> Answer:
    """What came of a task. An error of our own must not end the thread, nor leave the item without an outcome."""
    try:
        return call(task)
    except Exception as error:
        logger.exception("Item %s of job %s failed.", task.item.pk, task.item.job_id)
        return Answer(task, problem=f"Convadmin failed ({type(error).__name__}). The log of the worker says more.")
