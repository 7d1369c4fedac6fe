"""`manage.py worker`: does the jobs, until a signal ends it. Any number of workers can run, on several machines too."""

import os
import socket
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from ...jobs.consumer import Worker as Consumer
from ...jobs.queue import create_tables, wake
from ...models import Worker
from ...models.worker import SEEN_EVERY


class Command(BaseCommand):
    """Takes what the queue says, and shows a sign of life every few seconds."""

    help = "Does the jobs: imports, refreshes and listings. Runs until it's interrupted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verbose", action="store_true", help="say what the queue does")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGINT or SIGTERM; what is being called is finished within a few seconds."""
        create_tables()
        wake()  # what was to be done before it started
        ended = threading.Event()
        signs = threading.Thread(target=show_signs_of_life, args=(ended,), daemon=True)
        signs.start()
        self.stdout.write("The worker runs. Press Ctrl-C to stop it.")
        self.stdout.flush()
        try:
            Consumer().run()
        finally:
            ended.set()
            signs.join()


def show_signs_of_life(ended: threading.Event) -> None:
    """Tell the pages that this worker runs, until `ended` is set, even if the database is away for a while."""
    worker = Worker(host=socket.gethostname()[:255], process_id=os.getpid())
    while True:
        try:
            worker.show_sign_of_life()
        except DatabaseError:
            connections.close_all()
        if ended.wait(SEEN_EVERY):
            break
    try:
        worker.delete()
    finally:
        connections.close_all()
