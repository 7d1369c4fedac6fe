"""How fast the activity, the erasures and the page of a conversation are. Run by hand; the first run fills databases.

    python -m tests.benchmarks.activity --engines sqlite,postgresql --write docs/benchmarks.md

100,000 events over a dozen credentials, 1,000 erasures of 500 items. PostgreSQL: the server in DATABASE_URL_TEST, or
else one that is started and thrown away. All else should leave the machine alone meanwhile.
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
from tests.benchmarks.search import ENGINES, databases, environment, listed, make_database, put_into
from tests.postgres import Unavailable

GOAL = 50  # milliseconds, for each page and person
PEOPLE = {
    "all": "all credentials",
    "some": "six, with 1 in 8 events",
    "few": "one, with 1 in 2,000",
    "none": "one, with none",
    "superuser": "a superuser",
}


def options(words: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.activity", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--engines", type=listed, default=list(ENGINES), help="default: sqlite,postgresql")
    folder = Path(tempfile.gettempdir()) / "convadmin-activity"
    parser.add_argument("--folder", type=Path, default=folder, help="for databases and results (default: %(default)s)")
    parser.add_argument("--write", type=Path, help="put the tables into this page, docs/benchmarks.md")
    return parser.parse_args(words)


def results(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What was found on each engine."""
    for engine in asked.engines:
        file = asked.folder / f"{engine}.json"
        with databases(engine, asked.folder) as url:
            make_database(url.format("activity"))
            command = [sys.executable, "-m", "tests.benchmarks.activity_pages", str(file)]
            subprocess.run(command, env=environment(url.format("activity")), check=True)
        yield json.loads(file.read_text())


def told(found: list[dict[str, Any]], command: str) -> str:
    """A table an engine, with the machine and the command."""
    load = "; ".join(f"{each['engine']} {each['load'][0]:.1f}–{each['load'][1]:.1f}" for each in found)
    head = (
        f"Measured on {date.today():%Y-%m-%d}: {os.cpu_count()} cores, Python {platform.python_version()}; load of the "
        f"machine before and after: {load}. `python -m tests.benchmarks.activity {command}`.\n"
        "Milliseconds of the server for the whole page, in one process, by who opens it: the median, the slowest in "
        f"brackets, and the number of queries. {MISSED}: the median misses the goal of {GOAL} ms."
    )
    return "\n\n".join([head, *(f"### {each['engine']}\n\n{by_person(each)}" for each in found)]) + "\n"


def by_person(each: dict[str, Any]) -> str:
    """The pages of one engine, a column a person."""
    rows = [[name, *(cell(taken.get(person)) for person in PEOPLE)] for name, taken in each["results"].items()]
    return table(["", *PEOPLE.values()], rows)


def cell(taken: dict[str, Any] | None) -> str:
    """What one page took for one person; nothing, where that person may not see it."""
    if taken is None:
        return "–"
    missed = f"{MISSED} " if taken["median"] > GOAL else ""
    return f"{missed}{number(taken['median'])} ({number(taken['maximum'])}), {taken['queries']}"


def main(words: list[str]) -> None:
    """Measure, then tell."""
    asked = options(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    try:
        told_now = told(list(results(asked)), " ".join(words))
    except Unavailable as reason:
        sys.exit(str(reason))
    sys.stdout.write(told_now)
    if asked.write:
        put_into(asked.write, "activity", told_now)


if __name__ == "__main__":
    main(sys.argv[1:])
