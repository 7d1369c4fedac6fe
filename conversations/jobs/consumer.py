"""What workers do when the queue wakes them, and every minute by themselves."""

import logging
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import DatabaseError, close_old_connections
from huey import crontab
from huey.consumer import Consumer

from ..models import Job, JobBatch
from . import schedule
from .queue import huey
from .runner import Runner

THREADS = 2  # one runs jobs, the other one does what is due every minute
DATABASE_DELAY = 5  # seconds before another attempt when the database has failed
SHUTDOWN = 8.0  # seconds that a worker has to end its calls

logger = logging.getLogger(__name__)
stopping = threading.Event()
_is_running = threading.Lock()


def _with_database(function: Callable[[], None]) -> Callable[[], None]:
    """Close connections to the database that have died, before and afterwards."""

    @wraps(function)
    def wrapped() -> None:
        close_old_connections()
        try:
            function()
        finally:
            close_old_connections()

    return wrapped


@huey.task()
@_with_database
def work() -> None:
    """Do the jobs that there are. In one process, one runner does all of them."""
    if not _is_running.acquire(blocking=False):
        return
    try:
        Runner(stopping).run()
    except DatabaseError:
        logger.exception("The database failed. What this worker held is handed on once its lease has run out.")
        work.schedule(delay=DATABASE_DELAY)
        return
    finally:
        _is_running.release()
    due_at = min(filter(None, (JobBatch.objects.next_due(), Job.objects.next_due())), default=None)
    if due_at is not None and not stopping.is_set():
        work.schedule(eta=due_at)


@huey.periodic_task(crontab(minute="*"))
@_with_database
def every_minute() -> None:
    """Make the jobs that are due by themselves, and look for jobs whose wake was lost or whose worker died."""
    schedule.make_due_jobs()
    work()


class Worker(Consumer):
    """A consumer whose runner gives its batches back when it ends."""

    def __init__(self, **options: Any) -> None:
        stopping.clear()
        super().__init__(
            huey,
            workers=THREADS,
            max_delay=1.0,
            shutdown_timeout=SHUTDOWN,
            graceful_signal="TERM",
            **options,
        )

    def stop(self, graceful: bool = False) -> None:
        stopping.set()
        super().stop(graceful)
