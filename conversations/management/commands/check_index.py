"""`manage.py check_index`: reports every difference between the search index and the conversations."""

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...models.index.rebuild import differences

SHOWN = 50


class Command(BaseCommand):
    """Works while the site is in use, and changes nothing."""

    help = "Compares the search index with the conversations and reports every difference. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        found = differences()
        shown = list(islice(found, SHOWN))
        for difference in shown:
            self.stdout.write(difference)
        more = sum(1 for _ in found)
        if shown:
            raise CommandError(f"{len(shown) + more:,} differences. Repair them with manage.py reindex.")
        self.stdout.write("The index matches the conversations.")
