"""`manage.py sandbox`: the stand-in for OpenAI's Conversations API, in the foreground."""

import signal
import sqlite3
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...sandbox import DEFAULT_KEY, Dialect, Sandbox

DEFAULT_PORT = 8001


class Command(BaseCommand):
    """Runs the sandbox on 127.0.0.1 until a signal ends it."""

    help = "Runs a sandbox of OpenAI's Conversations API on 127.0.0.1 until it's interrupted."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port (default: %(default)s)")
        parser.add_argument("--key", help=f"bearer key (default: {DEFAULT_KEY})")
        parser.add_argument("--file", help="SQLite file for all data (default: in memory)")
        parser.add_argument(
            "--replaces-metadata", action="store_true", help="make updates replace the metadata instead of merging it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGINT or SIGTERM. Raises CommandError if the port or the file can't be used."""
        sandbox = Sandbox(
            key=options["key"] or DEFAULT_KEY,
            path=options["file"],
            dialect=Dialect(replaces_metadata=options["replaces_metadata"]),
            port=options["port"],
        )
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        start(sandbox)
        self.stdout.write(f"Sandbox at {sandbox.url}")
        self.stdout.flush()
        ended.wait()
        sandbox.stop()


def start(sandbox: Sandbox) -> None:
    """Start the sandbox. Raises CommandError with a sentence that says what to do."""
    try:
        sandbox.start()
    except (OSError, OverflowError) as error:
        message = f"Port {sandbox.port} can't be used ({error}). Stop what's using it, or choose another with --port."
        raise CommandError(message) from error
    except sqlite3.Error as error:
        raise CommandError(f"The file {sandbox.path} can't be used: {error}.") from error
