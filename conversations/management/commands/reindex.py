"""`manage.py reindex`: repairs the search index."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...models.index.rebuild import rebuild


class Command(BaseCommand):
    """Works while the site is in use, and resumes after an interruption."""

    help = "Repairs the search index from the conversations. If interrupted, it resumes where it stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--restart", action="store_true", help="start over, even after an interruption")

    def handle(self, *args: Any, **options: Any) -> None:
        self._last = ""
        repaired = rebuild(restart=options["restart"], report=self._report)
        if self._last and self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")
        self.stdout.write(f"The index matches the conversations. Differences repaired: {repaired:,}.")

    def _report(self, text: str) -> None:
        if text != self._last and self.stdout.isatty():  # one line that changes, only on a terminal
            self.stdout.write(f"\r{text}\033[K", ending="")
            self.stdout.flush()
        self._last = text
