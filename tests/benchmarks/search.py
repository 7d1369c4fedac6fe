"""How fast the search is, beside two simpler ways on the same rows. Run by hand; the first run fills the databases.

    python -m tests.benchmarks.search --sizes 100k,1M --engines sqlite,postgresql --write docs/benchmarks.md

PostgreSQL: the server in DATABASE_URL_TEST, whose databases `convadmin_search_…` are kept, or else one that is started
and thrown away. `--again` tells once more what the last run in the folder found. All else should leave the machine
alone meanwhile; ratios within one run are worth more than milliseconds.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from tests.benchmarks.report import plot, told
from tests.postgres import Unavailable, own_server

UNITS = {"k": 1_000, "M": 1_000_000}
ENGINES = ("sqlite", "postgresql")


def size(text: str) -> int:
    """A number such as 300k or 1M."""
    unit = UNITS.get(text[-1:], 1)
    return int(text.rstrip("kM")) * unit


def listed(text: str) -> list[str]:
    """Words between commas."""
    return [word for word in text.split(",") if word]


def options(words: list[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sizes", type=listed, default=["100k", "1M"], help="conversations (default: 100k,1M)")
    parser.add_argument("--engines", type=listed, default=list(ENGINES), help="default: sqlite,postgresql")
    folder = Path(tempfile.gettempdir()) / "convadmin-search"
    parser.add_argument("--folder", type=Path, default=folder, help="for databases and results (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="tell what was found before, and measure nothing")
    parser.add_argument("--write", type=Path, help="put the tables into this page, docs/benchmarks.md")
    parser.add_argument("--plot", type=Path, help="draw the comparison as SVG into this file")
    return parser.parse_args(words)


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[str]:
    """The URL of a database of the engine, but for the size, which belongs into its name."""
    if engine == "sqlite":
        yield f"sqlite:///{folder.resolve()}/{{}}.sqlite3"
    elif given := os.environ.get("DATABASE_URL_TEST", ""):
        yield f"{given.rpartition('/')[0]}/convadmin_search_{{}}"
    else:
        with own_server() as url:
            yield f"{url.rpartition('/')[0]}/convadmin_search_{{}}"


def make_database(url: str) -> None:
    """PostgreSQL has to be told; SQLite makes a file by itself."""
    if url.startswith("postgres"):
        import psycopg

        server, _, name = url.rpartition("/")
        with psycopg.connect(libpq(f"{server}/postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(f'CREATE DATABASE "{name}"')


def libpq(url: str) -> str:
    """The URL in a form that libpq reads too: the folder of a socket is no host name to it."""
    head, at, rest = url.partition("@/")
    folder, _, name = rest.rpartition("/")
    return f"{head}@/{name}?host=/{folder.lstrip('/')}" if at and folder else url


def environment(url: str) -> dict[str, str]:
    """The settings of the measured site."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "convadmin.settings",
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_hex(32),
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "127.0.0.1",
        "DEBUG": "off",
        "HTTPS": "off",
        "LOG_LEVEL": "WARNING",
        "TIME_ZONE": "UTC",
        "PAGE_SIZE": "50",
    }


def results(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What was found for each engine and size, measured now or read from the folder."""
    for engine in asked.engines:
        files = {text: asked.folder / f"{engine}-{text}.json" for text in asked.sizes}
        if not asked.again:
            with databases(engine, asked.folder) as url:
                for text, file in files.items():
                    measure(url.format(text.lower()), size(text), file)
        yield from (json.loads(file.read_text()) for file in files.values() if file.exists())


def measure(url: str, count: int, file: Path) -> None:
    """In a process of its own, because Django takes its settings once."""
    make_database(url)
    command = [sys.executable, "-m", "tests.benchmarks.measure", str(count), str(file)]
    subprocess.run(command, env=environment(url), check=True)


def put_into(page: Path, name: str, text: str) -> None:
    """Put the text between the marks of this name, in place of what stands there."""
    before, begin, rest = page.read_text().partition(f"<!-- measured: {name} -->")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not begin or not end:
        raise SystemExit(f"{page} has no place for {name}.")
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")


def main(words: list[str]) -> None:
    """Measure, then tell."""
    asked = options(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    try:
        found = list(results(asked))
    except Unavailable as reason:
        sys.exit(str(reason))
    told_now = told(found, " ".join(word for word in words if word != "--again"))
    sys.stdout.write(told_now)
    if asked.plot:
        asked.plot.write_text(plot(found))
    if asked.write:
        put_into(asked.write, "search", told_now)


if __name__ == "__main__":
    main(sys.argv[1:])
