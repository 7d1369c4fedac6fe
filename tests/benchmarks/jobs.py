"""How fast jobs are, and how much memory a worker takes. Run by hand; takes about ten minutes:

    python -m tests.benchmarks.jobs --engines sqlite,postgresql --write docs/benchmarks.md --plot docs/jobs.svg

A sandbox that waits 50 ms before each response stands in for the server. PostgreSQL: the server in DATABASE_URL_TEST,
or else one that is started and thrown away. All else should leave the machine alone meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from tests.benchmarks.report import table
from tests.benchmarks.search import ENGINES, databases, environment, listed, make_database, put_into
from tests.postgres import Unavailable

RATES = (
    "our worker",
    "bare pool",
    "official client, 32 threads",
    "official client, 50 tasks",
    "our worker, 64 at once",
)
WIDTH, ROW, LABEL = 640, 28, 210  # of the plot


def options(words: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.jobs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--engines", type=listed, default=list(ENGINES), help="default: sqlite,postgresql")
    parser.add_argument("--count", type=int, default=10_000, help="conversations that are refreshed")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    parser.add_argument("--plot", type=Path, help="the SVG to draw")
    return parser.parse_args(words)


def results(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What was found on each engine, each measurement in a process of its own, which never shows less than its peak."""
    for engine in asked.engines:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="convadmin-jobs-")))
            url = stack.enter_context(databases(engine, folder)).format("jobs")
            make_database(url)
            settings = environment(url) | {"CREDENTIAL_HOSTS": "127.0.0.1", "QUEUE_URL": f"sqlite:///{folder}/queue"}
            found: dict[str, Any] = {"engine": engine}
            for part in ("prepare", "rates", "small", "large", "search", "unread", "register", "slow"):
                file = folder / "found.json"
                command = [sys.executable, "-m", "tests.benchmarks.jobs_measure", part, str(asked.count), str(folder)]
                subprocess.run(command, env=settings, check=True)
                found |= json.loads(file.read_text())
            yield found


def told(found: list[dict[str, Any]], command: str) -> str:
    """The tables."""
    rows = [
        ["10,000 refreshes, 32 at once, 50 ms each", "≤ 1.25 × a bare pool", *(rates(each) for each in found)],
        ["the same by a bare pool of `requests` sessions", "", *(f"{each['bare pool']:.1f} s" for each in found)],
        ["by the official client, 32 threads", "slower", *(f"{each[RATES[2]]:.1f} s" for each in found)],
        ["by the official client, 50 asynchronous tasks", "slower", *(f"{each[RATES[3]]:.1f} s" for each in found)],
        ["by our worker, 64 at once", "", *(f"{each[RATES[4]]:.1f} s" for each in found)],
        ["memory of the worker, 1,000 conversations", "< 150 MB", *(f"{each['small']:.0f} MB" for each in found)],
        ["memory of the worker, 100,000 conversations", "< 150 MB", *(f"{each['large']:.0f} MB" for each in found)],
        ["a job of 100,000, made from a search", "< 10 s", *(f"{each['search']:.1f} s" for each in found)],
        ["its page", "< 200 ms", *(f"{each['page']:.0f} ms" for each in found)],
        ["100,000 ids imported without reading", "< 30 s, < 60 s", *(f"{each['unread']:.1f} s" for each in found)],
        ["1,000 registrations in one call", "< 1 s", *(f"{each['register']:.2f} s" for each in found)],
        ["list page while 16 servers take 20 s each", "< 100 ms", *(f"{each['slow']:.0f} ms" for each in found)],
    ]
    head = ["", "goal", *(each["engine"] for each in found)]
    return f"Measured on {date.today():%Y-%m-%d} with `{command}`.\n\n{table(head, rows)}\n"


def rates(each: dict[str, Any]) -> str:
    """Our time, and how it compares with the bare pool's in the same run."""
    return f"{each['our worker']:.1f} s ({each['our worker'] / each['bare pool']:.2f} ×)"


def plot(found: list[dict[str, Any]], count: int) -> str:
    """Refreshes a second, as bars."""
    bars = [(f"{name} ({each['engine']})", count / each[name]) for each in found for name in RATES]
    most = max(rate for _, rate in bars)
    lines = [
        f'<text x="{LABEL - 8}" y="{ROW * row + 19}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{LABEL}" y="{ROW * row + 5}" width="{(WIDTH - LABEL - 60) * rate / most:.0f}" height="18" '
        f'class="{"ours" if name.startswith("our") else "other"}"/>'
        f'<text x="{LABEL + 6 + (WIDTH - LABEL - 60) * rate / most:.0f}" y="{ROW * row + 19}">{rate:.0f}</text>'
        for row, (name, rate) in enumerate(bars)
    ]
    style = (
        "<style>text { font: 12px system-ui, sans-serif; fill: #1c2521 } "
        ".ours { fill: #0b6b58 } .other { fill: #b9cdc4 } .back { fill: #fff } "
        "@media (prefers-color-scheme: dark) { .back { fill: #14191c } text { fill: #e8eef0 } "
        ".ours { fill: #4fd1b0 } .other { fill: #3d5549 } }</style>"
    )
    size = f'viewBox="0 0 {WIDTH} {ROW * len(bars) + 8}"'
    back = f'<rect class="back" width="{WIDTH}" height="{ROW * len(bars) + 8}" rx="8"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>Refreshes a second</title>'
    return f"{head}{style}{back}{''.join(lines)}</svg>\n"


def main(words: list[str]) -> None:
    """Measure, and say or write it."""
    asked = options(words)
    try:
        found = list(results(asked))
    except Unavailable as reason:
        sys.exit(str(reason))
    text = told(found, " ".join(["python -m tests.benchmarks.jobs", *words]))
    if asked.plot:
        asked.plot.write_text(plot(found, asked.count))
    if asked.write:
        put_into(asked.write, "jobs", text)
    print(text)  # noqa: T201


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "convadmin.settings")
    main(sys.argv[1:])
