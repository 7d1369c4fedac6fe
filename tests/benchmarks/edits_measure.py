"""One measurement of edits, in a process of its own: `python -m tests.benchmarks.edits_measure PART COUNT FOLDER`.

It writes what it found to FOLDER/found.json; see `edits`, which calls it.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import jobs_measure as shared  # sets Django up
from tests.benchmarks.jobs_measure import actor, credential, page_time, sandbox, timed

from conversations.jobs import control  # isort: skip
from conversations.jobs.drafts import draft_of_search  # isort: skip
from conversations.jobs.previews import preview_of  # isort: skip
from conversations.models import Job  # isort: skip
from conversations.query import parse  # isort: skip
from conversations.search import Search  # isort: skip

STEPS = [
    {"verb": "rename", "key": "part", "value": "", "to": "section"},
    {"verb": "set", "key": "reviewed", "value": "2026", "to": ""},
]
PATH = "/conversations/?q="
EVERY = 2.0  # seconds between two looks at the list


def prepare(count: int, folder: Path) -> dict[str, Any]:
    """Fill the sandbox and the index."""
    shared.LARGE = count
    shared.prepare_all(count, folder)
    return {"count": count}


def edit(count: int, folder: Path) -> dict[str, Any]:
    """Edit all of them by one worker, and look at the list meanwhile."""
    credential()
    made: list[Job] = []
    search = Search.for_user(parse(""), actor())
    draft = timed(lambda: made.append(draft_of_search(actor=actor(), kind="edit", search=search, query="")))
    job = made[0]
    job.parameters = {"steps": STEPS, "over_changes": False}
    preview = timed(lambda: preview_of(job))
    idle = page_time(PATH)
    with sandbox(folder, 0.0):
        worker = subprocess.Popen([sys.executable, "manage.py", "worker"], stdout=subprocess.DEVNULL)
        try:
            time.sleep(3)
            control.start(job)
            pages, memory = _watched(job, worker.pid)
        finally:
            worker.terminate()
            worker.wait()
    numbers = job.numbers()
    if numbers.by_outcome != {"edited": count}:
        raise SystemExit(f"{job} is {job.state}: {numbers.by_outcome}")
    seconds = (job.finished_at - job.running_since).total_seconds()  # type: ignore[operator]
    return {
        "draft": draft,
        "preview": preview,
        "idle": idle,
        "rate": count / seconds,
        "memory": memory,
        "page": statistics.median(pages),
        "page95": statistics.quantiles(pages, n=20)[-1],
    }


def _watched(job: Job, worker: int) -> tuple[list[float], float]:
    """The times of the list, in milliseconds, until the job has ended; and the most memory of the worker, in MB."""
    pages, memory = [], 0.0
    while not job.has_ended:
        time.sleep(EVERY)
        pages.append(page_time(PATH, count=1))
        memory = _peak_of(worker)
        job.refresh_from_db()
    return pages, memory


def _peak_of(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


PARTS = {"prepare": prepare, "edit": edit}


if __name__ == "__main__":
    name, count_text, where = sys.argv[1:]
    measured = PARTS[name](int(count_text), Path(where))
    print(name, measured, flush=True)  # noqa: T201
    (Path(where) / "found.json").write_text(json.dumps(measured))
