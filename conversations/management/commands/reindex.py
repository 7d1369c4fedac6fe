"""`manage.py reindex`: makes the search index what the conversations say."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ...models.index import rebuild as reindex


class Command(BaseCommand):
    """Mends what differs, while the site may be in use; goes on where it was interrupted."""

    help = "Makes the search index what the conversations say. Interrupted, it goes on where it was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare how to begin anew."""
        parser.add_argument("--restart", action="store_true", help="begin anew, also after an interruption")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tells how far it is, on a terminal in one line."""
        self._last = ""
        mended = reindex.rebuild(restart=options["restart"], tell=self._tell)
        if self._last and self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")
        self.stdout.write(f"The index is what the conversations say. {mended:,} differences were mended.")

    def _tell(self, text: str) -> None:
        if text != self._last and self.stdout.isatty():
            self.stdout.write(f"\r{text}\033[K", ending="")
            self.stdout.flush()
        self._last = text
