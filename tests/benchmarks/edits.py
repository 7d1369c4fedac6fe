"""How fast a job edits 100,000 conversations, and what others notice of it. Run by hand; takes about an hour:

    python -m tests.benchmarks.edits --engines sqlite,postgresql --write docs/benchmarks.md

A sandbox without delay stands in for the server; one worker does the job. PostgreSQL: the server in DATABASE_URL_TEST,
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
from pathlib import Path
from typing import Any

from tests.benchmarks.report import table
from tests.benchmarks.search import ENGINES, databases, environment, listed, make_database, put_into
from tests.postgres import Unavailable


def options(words: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.edits", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--engines", type=listed, default=list(ENGINES), help="default: sqlite,postgresql")
    parser.add_argument("--count", type=int, default=100_000, help="conversations that are edited")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    return parser.parse_args(words)


def results(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What was found on each engine."""
    for engine in asked.engines:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="convadmin-edits-")))
            url = stack.enter_context(databases(engine, folder)).format("edits")
            make_database(url)
            settings = environment(url) | {
                "CREDENTIAL_HOSTS": "127.0.0.1",
                "QUEUE_URL": f"sqlite:///{folder}/queue",
                "BULK_LIMIT": "200000",
                "EXPORT_FOLDER": str(folder / "exports"),
            }
            found: dict[str, Any] = {"engine": engine}
            for part in ("prepare", "edit"):
                command = [sys.executable, "-m", "tests.benchmarks.edits_measure", part, str(asked.count), str(folder)]
                subprocess.run(command, env=settings, check=True)
                found |= json.loads((folder / "found.json").read_text())
            yield found


def told(found: list[dict[str, Any]], command: str) -> str:
    """The table."""
    count = f"{found[0]['count']:,}"
    rows = [
        [f"resolving a search into a list of {count}", "", *(f"{each['draft']:.1f} s" for each in found)],
        ["its page with a preview of the edit", "", *(f"{each['preview']:.1f} s" for each in found)],
        [f"{count} edited: read, sent and stored", "", *(f"{each['rate']:.0f} a second" for each in found)],
        ["memory of the worker", "< 150 MB", *(f"{each['memory']:.0f} MB" for each in found)],
        ["list page of others before, median", "", *(f"{each['idle']:.0f} ms" for each in found)],
        ["list page of others meanwhile, median", "< 50 ms", *(f"{each['page']:.0f} ms" for each in found)],
        ["the slowest in 20 of them", "", *(f"{each['page95']:.0f} ms" for each in found)],
    ]
    head = ["", "goal", *(each["engine"] for each in found)]
    return f"Measured on {date.today():%Y-%m-%d} with `{command}`.\n\n{table(head, rows)}\n"


def main(words: list[str]) -> None:
    """Measure, and say or write it."""
    asked = options(words)
    try:
        found = list(results(asked))
    except Unavailable as reason:
        sys.exit(str(reason))
    text = told(found, " ".join(["python -m tests.benchmarks.edits", *words]))
    if asked.write:
        put_into(asked.write, "edits", text)
    print(text)  # noqa: T201


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "convadmin.settings")
    main(sys.argv[1:])
