"""Measures one database: `python -m tests.benchmarks.overview_page COUNT FILE` writes what it found to FILE, as JSON.

DATABASE_URL and the other settings are in the environment; see `overview`, which calls it.
"""

import json
import os
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import times_of  # which sets Django up

from django.contrib.auth.models import User  # isort: skip
from django.core.management import call_command  # isort: skip
from django.db import connection  # isort: skip
from django.test import Client as Browser  # isort: skip
from django.test.utils import CaptureQueriesContext  # isort: skip
from django.utils import timezone  # isort: skip

from conversations.examples import bulk as bulk_examples  # isort: skip
from conversations.jobs import control  # isort: skip
from conversations.models import Conversation, Credential, Event, Job, JobItem  # isort: skip
from conversations.models.index import sql_helpers  # isort: skip

from tests.benchmarks import database  # isort: skip

URL = "/"
JOBS, ITEMS, UNRESOLVED = 6, 1_000, 100


def prepare(count: int) -> None:
    """Make the database, or find what an earlier run made: conversations, an operator, and some work under way."""
    call_command("migrate", verbosity=0, interactive=False)
    found = Conversation.objects.count()
    if found not in (0, count):
        raise SystemExit(f"The database holds {found:,} conversations, not {count:,}: delete it and run this again.")
    for _ in bulk_examples.add_conversations(count, added_by=None) if not found else ():
        pass
    database.make_people()
    if not Job.objects.exists():
        make_work(list(Credential.objects.order_by("pk")))
    if connection.vendor == "postgresql":  # what autovacuum does before long; SQLite is left as it is
        sql_helpers.execute("VACUUM ANALYZE")


def make_work(credentials: list[Credential]) -> None:
    """Jobs that run and are half done, and events that are unresolved."""
    user = User.objects.get(username=database.SIGNED_IN)
    since = timezone.now() - timedelta(minutes=5)
    for number in range(JOBS):
        job = control.create(kind="refresh", credentials=credentials, actor=user)
        Job.objects.filter(pk=job.pk).update(state="running", total=ITEMS, running_since=since)
        outcomes = ("unchanged" if each % 2 else "" for each in range(ITEMS))
        JobItem.objects.bulk_create(
            JobItem(job=job, credential=credentials[0], openai_id=f"conv_{number}_{each}", outcome=outcome)
            for each, outcome in enumerate(outcomes)
        )
    owner = credentials[0]
    names = {"actor_name": "operator", "credential": owner, "credential_name": owner.name, "base_url": owner.base_url}
    Event.objects.bulk_create(Event(action="create", outcome="unknown", **names) for _ in range(UNRESOLVED))


def main(count: int, file: Path) -> None:
    """Fill the database if need be, measure, write."""
    call_command("collectstatic", verbosity=0, interactive=False)
    prepare(count)
    load = os.getloadavg()[0]
    browser = Browser(SERVER_NAME="127.0.0.1")
    browser.force_login(User.objects.get(username=database.SIGNED_IN))
    with CaptureQueriesContext(connection) as queries:
        status = browser.get(URL).status_code
        asked = len(queries)
    if status != 200:
        raise SystemExit(f"{URL} answered {status}.")
    taken = times_of(partial(browser.get, URL))
    found = {"engine": database.engine(), "count": count, "page": taken, "queries": asked}
    sys.stderr.write(f"{found['engine']}, {count:,}: {taken['median']:.1f} ms, {asked} queries\n")
    file.write_text(json.dumps({**found, "load": [load, os.getloadavg()[0]]}, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
