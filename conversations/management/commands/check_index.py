"""`manage.py check_index`: tells every difference between the search index and the conversations."""

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...models.index import rebuild as reindex

SHOWN = 50


class Command(BaseCommand):
    """Compares, while the site may be in use, and changes nothing."""

    help = "Compares the search index with the conversations and tells every difference; changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError, after telling the first differences, where there are any."""
        found = reindex.differences()
        shown = list(islice(found, SHOWN))
        for difference in shown:
            self.stdout.write(difference)
        more = sum(1 for _ in found)
        if shown:
            raise CommandError(f"{len(shown) + more:,} differences. Mend them with: manage.py reindex")
        self.stdout.write("The index is what the conversations say.")
