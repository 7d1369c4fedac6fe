"""Measures one database: `python -m tests.benchmarks.activity_pages FILE` writes what it found to FILE, as JSON.

DATABASE_URL and the other settings are in the environment; see `activity`, which calls it.
"""

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Times, times_of  # which sets Django up

from django.contrib.auth.models import User  # isort: skip
from django.core.management import call_command  # isort: skip
from django.db import connection  # isort: skip
from django.test import Client as Browser  # isort: skip
from django.test.utils import CaptureQueriesContext  # isort: skip

from conversations.models import Conversation, Erasure, Event  # isort: skip

from tests.benchmarks import activity_rows, database  # isort: skip

SEEN = (200, 404)  # a conversation of a credential that one may not see is not there


def pages(user: User) -> dict[str, str]:
    """The URLs of what is measured, as this user comes upon them."""
    events, erasures = _keys(Event.objects.visible_to(user)), _keys(Erasure.objects.visible_to(user))
    return {
        "activity": "/activity/",
        "activity, half way down": f"/activity/?before={events[len(events) // 2]}",
        "activity, up from the oldest": f"/activity/?after={events[0]}",
        "unresolved": "/activity/?show=unresolved",
        "erasures": "/erasures/",
        "erasures, half way down": f"/erasures/?before={erasures[len(erasures) // 2]}",
        "a conversation": Conversation.objects.order_by("pk")[0].get_absolute_url(),
    }


def _keys(records: Any) -> list[int]:
    return list(records.order_by("pk").values_list("pk", flat=True)) or [1]


def measure() -> Iterator[tuple[str, str, Times]]:
    """The page, who opens it, how long the server takes for it and what it asks the database."""
    for person in (*activity_rows.TEAMS, "superuser"):
        browser, user = Browser(SERVER_NAME="127.0.0.1"), User.objects.get(username=person)
        browser.force_login(user)
        for name, url in pages(user).items():
            with CaptureQueriesContext(connection) as queries:
                status = browser.get(url).status_code
                asked = len(queries)
            if status not in SEEN:
                raise SystemExit(f"{url} answered {status}.")
            if status == 200:
                yield name, person, times_of(partial(browser.get, url)) | {"queries": asked}


def main(file: Path) -> None:
    """Fill the database if need be, measure, write."""
    call_command("collectstatic", verbosity=0, interactive=False)
    activity_rows.prepare()
    told: dict[str, Any] = {"engine": database.engine(), "load": [os.getloadavg()[0]], "results": {}}
    for name, person, taken in measure():
        told["results"].setdefault(name, {})[person] = taken
        sys.stderr.write(f"{told['engine']}: {name}, {person}: {taken['median']:.1f} ms, {taken['queries']} queries\n")
    told["load"].append(os.getloadavg()[0])
    file.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
