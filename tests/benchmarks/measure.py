"""Measures one database: `python -m tests.benchmarks.measure COUNT FILE` writes what it found to FILE, as JSON.

DATABASE_URL and the other settings are in the environment; see `search`, which calls it.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import django
import requests

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from conversations.management.commands.run import GUNICORN  # noqa: E402
from conversations.search.sources import ALL, Interval  # noqa: E402
from tests.benchmarks import cases, database  # noqa: E402
from tests.benchmarks.cases import PAGE, Case  # noqa: E402

LEAST, MOST, SECONDS = 15, 60, 2.5  # runs of each case: at least, at most, and how long those between may take
SLOW, LEAST_OF_SLOW = 0.7, 3  # seconds from which fewer runs are enough
OVERVIEW = {"HX-Request": "true", "HX-Target": "overview"}

Times = dict[str, Any]


def times_of(work: Callable[[], Any]) -> Times:
    """Median and extremes of some runs, in milliseconds, after one that is not counted."""
    started = time.perf_counter()
    work()
    least = LEAST if time.perf_counter() - started < SLOW else LEAST_OF_SLOW
    taken: list[float] = []
    while len(taken) < least or (len(taken) < MOST and sum(taken) < SECONDS * 1_000):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1_000)
    extremes = {"minimum": min(taken), "maximum": max(taken)}
    return {"median": statistics.median(taken), **extremes, "runs": len(taken)}


# In this process


def ask(case: Case, user: User) -> Any:
    """The case's part of the search, from its text on: what a page asks the database before it reads its rows."""
    search = cases.search_for(case, user)
    if case.ask:
        return case.ask(search)
    span = ALL if case.before is None else Interval(ALL.low, case.before)
    return search._first(PAGE + 1, span, ascending=False)


def statements_of(case: Case) -> Iterator[tuple[str, Times]]:
    """The search itself, and the naive query in the place of it."""
    user = User.objects.get(username=database.SIGNED_IN)
    yield "search", times_of(lambda: ask(case, user))
    if case.naive:
        naive, rows = case.naive, database.Naive.objects.order_by("-created_at")
        yield "naive", times_of(lambda: naive(rows))


# Over HTTP


@contextmanager
def served(application: str) -> Iterator[str]:
    """The URL of gunicorn as `manage.py run` starts it, while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [application if word == "convadmin.wsgi" else word for word in GUNICORN]
    server = subprocess.Popen([sys.executable, *options, "--bind", f"127.0.0.1:{port}"])
    try:
        wait_for(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until it takes connections."""
    for _ in range(300):
        if server.poll() is not None:
            raise SystemExit("gunicorn ended before it was ready.")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("gunicorn did not get ready.")


def signed_in(username: str) -> requests.Session:
    """A client with a session of that user."""
    user = User.objects.get(username=username)
    store = SessionStore()
    store.update(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
    )
    store.create()
    client = requests.Session()
    client.trust_env = False
    client.cookies.set("sessionid", store.session_key)
    return client


def get(client: requests.Session, url: str, parameters: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    """One answer, read to its end; raises for all but 200."""
    answer = client.get(url, params=parameters, headers=headers, allow_redirects=False, timeout=300)
    if answer.status_code != 200:
        raise SystemExit(f"{answer.url} answered {answer.status_code}.")


def pages_of(every: list[Case], beside: list[Case]) -> Iterator[tuple[str, str, Times]]:
    """Whole pages of the list, and what it loads afterwards: the case's name, what was measured, how long."""
    client = signed_in(database.SIGNED_IN)
    with served("convadmin.wsgi") as site:
        for _ in range(50):  # until each thread has its connection
            get(client, f"{site}/conversations/", {})
        yield "(an answer without a search: /healthz)", "page", times_of(partial(get, client, f"{site}/healthz", {}))
        for case in every:
            asked = {"q": case.query} | ({"before": case.before} if case.before is not None else {})
            yield case.name, "page", times_of(partial(get, client, f"{site}/conversations/", asked))
        for query in dict.fromkeys(case.query for case in beside):
            taken = times_of(partial(get, client, f"{site}/conversations/overview/", {"q": query}, OVERVIEW))
            yield f"overview of {query or 'everything'}", "overview", taken


def admin_pages_of(every: list[Case]) -> Iterator[tuple[str, str, Times]]:
    """The admin's list for the same words."""
    client = signed_in(database.IN_ADMIN)
    with served("tests.benchmarks.peer_site") as site:
        url = f"{site}/admin/conversations/conversation/"
        for case in every:
            if case.admin is not None:
                asked = {"q": case.admin} if case.admin else {}
                yield case.name, "admin", times_of(partial(get, client, url, asked))


# All of it


def measure(count: int) -> dict[str, Any]:
    """Everything that is told of one database."""
    told = database.prepare(count) | {"count": count, "load": [os.getloadavg()[0]], "results": {}}
    call_command("collectstatic", verbosity=0, interactive=False)
    every, beside = cases.pages(count), cases.overviews(count)
    kinds = {case.name: (case.kind, case.query) for case in [*every, *beside]}

    def note(name: str, what: str, taken: Times) -> None:
        kind, query = kinds.get(name, (what, ""))
        told["results"].setdefault(name, {"kind": kind, "query": query})[what] = taken
        sys.stderr.write(f"{told['engine']} {count:,} {what}: {name}: {taken['median']:.1f} ms\n")

    for case in [*every, *beside]:
        for what, taken in statements_of(case):
            note(case.name, what, taken)
    for name, what, taken in pages_of(every, beside):
        note(name, what, taken)
    for name, what, taken in admin_pages_of(every):
        note(name, what, taken)
    told["load"].append(os.getloadavg()[0])
    connections.close_all()
    return told


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "convadmin.settings")
    Path(sys.argv[2]).write_text(json.dumps(measure(int(sys.argv[1])), indent=1))
