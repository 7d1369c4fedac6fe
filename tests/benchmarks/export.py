"""How fast all conversations of a database are exported, and how much memory that takes. Run by hand:

    DATABASE_URL_TEST=sqlite:////tmp/seeded.sqlite3 DJANGO_SETTINGS_MODULE=tests.settings \
        .venv/bin/python -m tests.benchmarks.export ["a query"]

The database has to be seeded before: `conversations.examples.bulk.add_conversations(1_000_000, added_by=None)`.
Each format is written by a process of its own, because a process never shows less than its peak.
"""

import resource
import subprocess
import sys
import time

import django

KINDS = ["csv columns", "csv json", "json columns", "jsonl columns"]
MOST_GROWTH = 60  # MB


def peak() -> float:
    """The most memory that this process ever held, in MB; Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind: str, text: str) -> None:
    """Export once, to nowhere; the search for ten rows before it loads what every search loads."""
    django.setup()
    from django.contrib.auth.models import User

    from conversations.exports.search_results import Export
    from conversations.query import parse
    from conversations.search import Search

    superuser = User(is_superuser=True)
    Search.for_user(parse(""), superuser).page(size=10)
    before, start = peak(), time.perf_counter()
    size, first, rows = 0, 0.0, sum(1 for _ in Search.for_user(parse(text), superuser).sort_keys())
    counted = time.perf_counter() - start
    start = time.perf_counter()
    for chunk in Export(Search.for_user(parse(text), superuser), *kind.split()).chunks():
        first = first or time.perf_counter() - start
        size += len(chunk.encode())
    seconds, growth = time.perf_counter() - start, peak() - before
    print(f"{kind:14} {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} rows/s", end="; ")  # noqa: T201
    print(f"finding them alone {counted:.1f} s; {size / 1e6:,.0f} MB; first text after {first:.2f} s", end="; ")  # noqa: T201
    print(f"memory {before:.0f} MB + {growth:.0f} MB")  # noqa: T201
    if growth > MOST_GROWTH:
        sys.exit(f"{growth:.0f} MB are more than {MOST_GROWTH} MB.")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(*sys.argv[1:])
    else:
        query = sys.argv[1] if len(sys.argv) > 1 else ""
        for each in KINDS:
            subprocess.run([sys.executable, "-m", "tests.benchmarks.export", each, query], check=True)
