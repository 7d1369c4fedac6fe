"""One measurement of jobs, in a process of its own: `python -m tests.benchmarks.jobs_measure PART COUNT FOLDER`.

It writes what it found to FOLDER/found.json; see `jobs`, which calls it.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import requests

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from openai import AsyncOpenAI, OpenAI  # noqa: E402

from conversations.jobs import control  # noqa: E402
from conversations.jobs.imports import create_import  # noqa: E402
from conversations.jobs.preparation import prepare  # noqa: E402
from conversations.jobs.queue import create_tables  # noqa: E402
from conversations.jobs.runner import Runner  # noqa: E402
from conversations.models import ApiToken, Conversation, Credential, Job  # noqa: E402
from conversations.sandbox import Store  # noqa: E402

PORT, KEY, DELAY = 8097, "sk-sandbox", 0.05
THREADS, TASKS = 32, 50
LARGE, IMPORTED = 100_000, 100_000
SLOW_SERVERS, SLOW_SECONDS = 16, 20
BASE = f"http://127.0.0.1:{PORT}/v1"


def timed(work: Callable[[], Any]) -> float:
    """The seconds that something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak() -> float:
    """The most memory that this process ever held, in MB; Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def sandbox(folder: Path, delay: float) -> Iterator[None]:
    """A sandbox in a process of its own, which waits before each response."""
    command = [sys.executable, "manage.py", "sandbox", "--port", str(PORT), "--file", str(folder / "sandbox.sqlite3")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    headers = {"Authorization": f"Bearer {KEY}"}
    try:
        for _ in range(100):
            time.sleep(0.1)
            try:
                requests.get(f"http://127.0.0.1:{PORT}/_sandbox/health", timeout=1)
                break
            except requests.ConnectionError:
                continue
        fault = {"delay": delay, "times": None}
        url = f"http://127.0.0.1:{PORT}/_sandbox/faults"
        requests.post(url, json=fault, headers=headers, timeout=5).raise_for_status()
        yield
    finally:
        process.terminate()
        process.wait()


def credential() -> Credential:
    """The one that the sandbox takes; each process has its own key to seal with."""
    found = Credential.objects.get_or_create(name="Benchmark", defaults={"base_url": BASE, "concurrency": THREADS})[0]
    found.set_key(KEY)
    found.save()
    return found


def actor() -> User:
    return User.objects.get_or_create(username="benchmark", is_superuser=True, is_staff=True)[0]


def refresh(query: str, concurrency: int = THREADS) -> Job:
    """Refresh what a search finds; the job when it has ended."""
    owner = credential()
    Credential.objects.filter(pk=owner.pk).update(concurrency=concurrency)
    job = control.create(kind="refresh", credentials=[owner], actor=actor(), query=query)
    Runner().run()
    job.refresh_from_db()
    numbers = job.numbers()
    if job.state != "finished" or numbers.failed or numbers.waiting:
        raise SystemExit(f"{job} is {job.state}: {numbers.by_outcome}")
    return job


def prepare_all(count: int, folder: Path) -> dict[str, Any]:
    """Fill the sandbox and the index with 100,000 conversations."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    create_tables()
    store, owner = Store(folder / "sandbox.sqlite3"), credential()
    rows = []
    with store.transaction():
        for number in range(LARGE):
            part = "first" if number < count else "rest"
            made = store.create_conversation(metadata={"part": part, "few": str(number % 100), "n": str(number)})
            row = Conversation.unread(owner, made["id"], origin="imported")
            row.set_new_response(made["metadata"], created_at=made["created_at"] - number)
            rows.append(row)
        store._rows("UPDATE conversation SET created_at = created_at - (rowid - 1)")
    store.close()
    for start in range(0, LARGE, 10_000):
        with transaction.atomic():
            Conversation.objects.add_many(rows[start : start + 10_000])
    return {}


def rates(count: int, folder: Path) -> dict[str, Any]:
    """The same reads by our worker, a bare pool and the official client."""
    ids = list(Conversation.objects.order_by("-sort_key").values_list("openai_id", flat=True)[:count])
    with sandbox(folder, DELAY):
        return {
            "our worker": timed(lambda: refresh("part:first")),
            "bare pool": timed(lambda: by_pool(ids)),
            "official client, 32 threads": timed(lambda: by_official(ids)),
            "official client, 50 tasks": timed(lambda: asyncio.run(by_official_tasks(ids))),
            "our worker, 64 at once": timed(lambda: refresh("part:first", concurrency=64)),
        }


def by_pool(ids: list[str]) -> None:
    own = threading.local()

    def read(openai_id: str) -> None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
            own.session.headers["Authorization"] = f"Bearer {KEY}"
        own.session.get(f"{BASE}/conversations/{openai_id}", timeout=30).raise_for_status()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read, ids))


def by_official(ids: list[str]) -> None:
    client = OpenAI(api_key=KEY, base_url=BASE)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(client.conversations.retrieve, ids))


async def by_official_tasks(ids: list[str]) -> None:
    client, limit = AsyncOpenAI(api_key=KEY, base_url=BASE), asyncio.Semaphore(TASKS)

    async def read(openai_id: str) -> None:
        async with limit:
            await client.conversations.retrieve(openai_id)

    await asyncio.gather(*map(read, ids))


def small(count: int, folder: Path) -> dict[str, Any]:
    """The memory of a worker that refreshes 1,000 conversations."""
    with sandbox(folder, 0.001):
        refresh("few:7")
    return {"small": peak()}


def large(count: int, folder: Path) -> dict[str, Any]:
    """The same for all of them."""
    with sandbox(folder, 0.001):
        seconds = timed(lambda: refresh(""))
    return {"large": peak(), "large seconds": seconds}


def search(count: int, folder: Path) -> dict[str, Any]:
    """Making a job of 100,000 from a search, and its page."""
    job = control.create(kind="refresh", credentials=[credential()], actor=actor())
    job.take_preparation()
    seconds = timed(lambda: list(prepare(job)))
    page = page_time(f"/jobs/{job.pk}/")
    control.stop(job)
    return {"search": seconds, "page": page}


def page_time(path: str, count: int = 15) -> float:
    """The median of a page that is asked for so many times, in milliseconds."""
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(actor())
    client.get(path)
    return statistics.median(timed(lambda: client.get(path)) for _ in range(count)) * 1_000


def unread(count: int, folder: Path) -> dict[str, Any]:
    """Importing 100,000 ids from a file without reading them."""
    lines = "".join(f"conv_{number:048x}\n" for number in range(IMPORTED)).encode()

    def work() -> None:
        job = create_import(actor=actor(), credentials=[credential()], chunks=[lines], read=False)
        control.start(job)
        Runner().run()
        job.refresh_from_db()
        if job.numbers().by_outcome != {"added": IMPORTED}:
            raise SystemExit(f"{job}: {job.numbers().by_outcome}")

    return {"unread": timed(work)}


def register(count: int, folder: Path) -> dict[str, Any]:
    """1,000 registrations in one call."""
    token = ApiToken(name="benchmark", credential=credential())
    text = token.draw_text()
    token.save()
    body = [{"id": f"conv_r{number:047x}", "metadata": {"tenant": "acme", "n": str(number)}} for number in range(1_000)]
    client = Client(headers={"host": "127.0.0.1", "authorization": f"Bearer {text}"})
    seconds = timed(lambda: client.post("/api/v1/conversations", json.dumps(body), content_type="application/json"))
    return {"register": seconds}


def slow(count: int, folder: Path) -> dict[str, Any]:
    """The list while a worker waits for 16 slow servers."""
    for number in range(SLOW_SERVERS):
        owner = Credential(name=f"Slow {number}", base_url=BASE)
        owner.set_key(KEY)
        owner.save()
        rows = [Conversation.unread(owner, f"conv_s{number:02}{each:045x}", origin="imported") for each in range(50)]
        with transaction.atomic():
            Conversation.objects.add_many(rows)
    with sandbox(folder, SLOW_SECONDS):
        control.create(
            kind="refresh",
            credentials=Credential.objects.all(),
            actor=actor(),
            query="state:unread -credential:Benchmark",
        )
        connection.close()
        worker = subprocess.Popen([sys.executable, "manage.py", "worker"], stdout=subprocess.DEVNULL)
        try:
            time.sleep(10)  # by then, all 16 are being called
            return {"slow": page_time("/conversations/")}
        finally:
            worker.kill()
            worker.wait()


PARTS = {
    "prepare": prepare_all,
    "rates": rates,
    "small": small,
    "large": large,
    "search": search,
    "unread": unread,
    "register": register,
    "slow": slow,
}


if __name__ == "__main__":
    name, count_text, where = sys.argv[1:]
    measured = PARTS[name](int(count_text), Path(where))
    print(name, measured, flush=True)  # noqa: T201
    (Path(where) / "found.json").write_text(json.dumps(measured))
