"""The queue, by huey: it wakes workers, and times what is done by itself. Nothing depends on a message's arrival.

QUEUE_URL says where messages are kept: an SQLite file, PostgreSQL or Redis. The worker makes the tables of the first
two when it starts.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from huey import Huey, MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey
from redis import ConnectionPool

NAME = "convadmin"
OPTIONS: dict[str, Any] = {"results": False, "create_tables": False}
REDIS_TIMEOUT = 2.0  # seconds that a page waits for Redis, at most

logger = logging.getLogger(__name__)


def make_huey(url: str) -> Huey:
    """The queue at a URL, or the one that goes with the database. Nothing is opened before the first message."""
    scheme, _, rest = url.partition("://")
    if not url:
        return beside(settings.DATABASES["default"])
    if scheme == "sqlite":
        return SqliteHuey(NAME, filename=rest.removeprefix("/"), **OPTIONS)
    if scheme in ("postgres", "postgresql"):
        return PostgresHuey(NAME, dsn=url, **OPTIONS)
    if scheme in ("redis", "rediss"):
        pool = ConnectionPool.from_url(url, socket_connect_timeout=REDIS_TIMEOUT)
        return RedisHuey(NAME, connection_pool=pool, results=False)
    return MemoryHuey(NAME, results=False)


def beside(database: Mapping[str, Any]) -> Huey:
    """The queue in the same PostgreSQL, or in a file beside that of SQLite."""
    if "sqlite3" in database["ENGINE"]:
        return SqliteHuey(NAME, filename=str(Path(database["NAME"]).with_name("queue.sqlite3")), **OPTIONS)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {name: database[key] for name, key in names.items() if database.get(key)}
    return PostgresHuey(NAME, **given, **database.get("OPTIONS", {}), **OPTIONS)


huey = make_huey(settings.QUEUE_URL)


def create_tables() -> None:
    """Make the tables of the queue where it has any, and where they aren't there yet."""
    initialize = getattr(huey.storage, "initialize_schema", None)
    if initialize is not None:
        initialize()


def wake() -> None:
    """Tell a worker that there is something to do. Where the queue can't be reached, one looks within a minute."""
    from .consumer import work  # which imports what makes jobs, which wakes workers

    try:
        work()
    except Exception as error:  # of whichever storage: a page must not fail for it
        logger.warning("The queue couldn't be reached (%s). Workers look for jobs every minute.", type(error).__name__)
