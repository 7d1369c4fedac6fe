"""Reads settings from the environment and `.env`, and reports anything wrong with them in one sentence.

The sentence names the setting or the line, and never shows the value, which may be a secret.
"""

import io
import logging
import os
import re
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

LINE = re.compile(r"\s*|#.*|(export )?[A-Za-z_0-9]+=.*")


class Env(environ.Env):
    """`environ.Env` with errors that say which setting is invalid, and what it has to be."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """The setting, converted. Raises ImproperlyConfigured with one sentence."""
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, LookupError, OSError, ImproperlyConfigured):
            cast = self.scheme.get(var, (str,))[0]
            problem = f"has to be {SHAPES.get(cast, SHAPES[str])}" if var in self.ENVIRON else "is not set"
        raise ImproperlyConfigured(f"{var} {problem}. Set it in the environment or in .env; see .env.example.")


def read_env_file(path: Path) -> None:
    """Add the settings in `path`, if it exists, to the environment, which has precedence.

    Raises ImproperlyConfigured with the number of an invalid line, not with its content.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return
    except OSError as error:
        raise ImproperlyConfigured(f"{path.name} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path.name} isn't UTF-8 text. Write it again; see .env.example.") from None
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if "\0" in line or not LINE.fullmatch(line):
            raise ImproperlyConfigured(f"Line {number} of {path.name} is neither NAME=value nor a # comment.")
    environ.Env.read_env(io.StringIO("\n".join(filter(str.strip, lines))))


def keep_private(database: Path) -> None:
    """Create an SQLite file that only its owner can read and write, or make it so. Raises OSError."""
    # For new -wal and -shm files, SQLite uses the mode of the database.
    os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
    for file in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        if file.exists() and file.stat().st_uid == os.geteuid():
            file.chmod(0o600)


def switch(text: str) -> bool:
    """on, true, yes or 1; off, false, no or 0."""
    # `bool` of django-environ would take any other text for off, such as "flase" for HTTPS.
    values = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    return values[text.strip().lower()]


def count(text: str) -> int:
    """An integer from 1."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def seconds(text: str) -> float:
    """A finite number above 0."""
    if not 0 < float(text) < float("inf"):
        raise ValueError(text)
    return float(text)


def database(url: str) -> dict[str, Any]:
    """A supported database, in the format of Django's settings."""
    if url.partition("://")[0] not in {"sqlite", "postgres", "postgresql"}:
        raise ValueError(url)
    return environ.Env.db_url_config(url)


def queue_url(url: str) -> str:
    """A supported queue; "" for the one that goes with the database."""
    if url and url.partition("://")[0] not in {"sqlite", "postgres", "postgresql", "redis", "rediss"}:
        raise ValueError(url)
    return url


def time_zone(name: str) -> str:
    """The name of an existing time zone."""
    return zoneinfo.ZoneInfo(name).key


def log_level(name: str) -> str:
    """A level of `logging`, in upper case."""
    if name.upper() not in logging.getLevelNamesMapping():
        raise ValueError(name)
    return name.upper()


SHAPES: dict[Callable[[str], Any], str] = {
    str: "text that doesn't begin with $",  # django-environ takes $NAME for a reference to another setting
    switch: "on or off",
    count: "a whole number above 0",
    seconds: "a number above 0",
    database: "sqlite:////folder/file.sqlite3 or postgres://user:password@host:5432/name",
    queue_url: "sqlite:////folder/queue.sqlite3, postgres://user:password@host:5432/name or redis://host:6379/0",
    time_zone: "a time zone like UTC or Europe/Berlin",
    log_level: "DEBUG, INFO, WARNING, ERROR or CRITICAL",
}
