"""How fast the overview is, whatever the number of conversations. Run by hand; the first run fills databases.

    python -m tests.benchmarks.overview --sizes 1k,100k,1M --engines sqlite,postgresql --write docs/benchmarks.md

PostgreSQL: the server in DATABASE_URL_TEST, whose databases `convadmin_search_overview_…` are kept, or else one that is
started and thrown away. All else should leave the machine alone meanwhile.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks.report import MISSED, number, table
from tests.benchmarks.search import ENGINES, databases, environment, listed, make_database, put_into, size
from tests.postgres import Unavailable

GOAL = 100  # milliseconds, unless the median is at most TIMES that of the smallest size
TIMES = 2


def options(words: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.overview", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sizes", type=listed, default=["1k", "100k", "1M"], help="default: 1k,100k,1M")
    parser.add_argument("--engines", type=listed, default=list(ENGINES), help="default: sqlite,postgresql")
    folder = Path(tempfile.gettempdir()) / "convadmin-overview"
    parser.add_argument("--folder", type=Path, default=folder, help="for databases and results (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="tell what was found before, and measure nothing")
    parser.add_argument("--write", type=Path, help="put the table into this page, docs/benchmarks.md")
    return parser.parse_args(words)


def results(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What was found for each engine: its sizes, measured now or read from the folder."""
    for engine in asked.engines:
        files = {text: asked.folder / f"{engine}-{text}.json" for text in asked.sizes}
        if not asked.again:
            with databases(engine, asked.folder) as url:
                for text, file in files.items():
                    measure(url.format(f"overview_{text.lower()}"), size(text), file)
        found = [json.loads(file.read_text()) for file in files.values() if file.exists()]
        if found:
            yield {"engine": found[0]["engine"], "sizes": found}


def measure(url: str, count: int, file: Path) -> None:
    """In a process of its own, because Django takes its settings once."""
    make_database(url)
    command = [sys.executable, "-m", "tests.benchmarks.overview_page", str(count), str(file)]
    subprocess.run(command, env=environment(url), check=True)


def told(found: list[dict[str, Any]], command: str) -> str:
    """A row for each engine, with the machine and the command."""
    names = list(dict.fromkeys(f"{each['count']:,}" for of in found for each in of["sizes"]))
    rows = [[of["engine"], *(cell(each, of["sizes"][0]) for each in of["sizes"])] for of in found]
    return (
        f"Measured on {date.today():%Y-%m-%d}: {os.cpu_count()} cores, Python {platform.python_version()}; load of the "
        f"machine {lowest_and_highest(found)}. `python -m tests.benchmarks.overview {command}`.\n"
        "Milliseconds of the server for the whole page, in one process: the median, the fastest and the slowest in "
        f"brackets, and the number of queries. {MISSED}: the median misses the goal.\n\n"
        f"{table(['', *names], rows)}\n"
    )


def lowest_and_highest(found: list[dict[str, Any]]) -> str:
    """How much else the machine had to do."""
    loads = [load for of in found for each in of["sizes"] for load in each["load"]]
    return f"{min(loads):.1f}–{max(loads):.1f}"


def cell(each: dict[str, Any], smallest: dict[str, Any]) -> str:
    """What the page took for one size."""
    taken, goal = each["page"], max(GOAL, TIMES * smallest["page"]["median"])
    missed = f"{MISSED} " if taken["median"] > goal else ""
    extremes = f"{number(taken['minimum'])}–{number(taken['maximum'])}"
    return f"{missed}{number(taken['median'])} ({extremes}), {each['queries']}"


def main(words: list[str]) -> None:
    """Measure, then tell."""
    asked = options(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    try:
        told_now = told(list(results(asked)), " ".join(word for word in words if word != "--again"))
    except Unavailable as reason:
        sys.exit(str(reason))
    sys.stdout.write(told_now)
    if asked.write:
        put_into(asked.write, "overview", told_now)


if __name__ == "__main__":
    main(sys.argv[1:])
