"""Kills workers and the database while a job runs, and compares its outcomes with what the server did. By hand:

    python -m tests.jobs.kill_workers [ITEMS]

Two workers; each second a random one is killed and started again; once, PostgreSQL is killed and started again; one
request in ten fails. The job has to end by itself, each item with one outcome, and as the sandbox's log says.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.postgres import as_server_user, first_usable, program_folders, serve, start, stop, wait_for

ITEMS, DELETED = 2_000, 100
PATIENCE = 600  # seconds
SANDBOX_LOG = 20_000  # entries that the sandbox keeps


def main(items: int) -> None:
    """Raises SystemExit with what is wrong."""
    programs, user = first_usable(program_folders()), as_server_user()
    with tempfile.TemporaryDirectory(prefix="convadmin-kill-", dir="/tmp") as name:
        folder = Path(name)
        os.chown(folder, user.get("user", -1), user.get("group", -1))
        server = start(programs, folder, user)
        try:
            wait_for(server, folder)
            os.environ["DATABASE_URL_TEST"] = f"postgres://convadmin@/{folder}/postgres"
            os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
            server = run(items, programs, folder, user, server)
        finally:
            stop(server)


def run(items: int, programs: Path, folder: Path, user: dict, server: subprocess.Popen) -> subprocess.Popen:
    """The job, the kills and the comparison; returns the server that runs at the end."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import OperationalError, connection

    from conversations.jobs.queue import beside
    from conversations.models import Job
    from conversations.sandbox import Fault, Sandbox
    from tests.factories import make_credential, make_user
    from tests.jobs.processes import worker
    from tests.jobs.steps import make_many_known, make_refresh, outcomes

    call_command("migrate", verbosity=0)
    beside(connection.settings_dict).storage.initialize_schema()
    draw = random.Random(1)
    with Sandbox() as sandbox:
        credential = make_credential(sandbox, name="Sandbox")
        rows = make_many_known(sandbox, credential, items)
        for row in rows[:DELETED]:
            sandbox.store.delete_conversation(row.openai_id)
        sandbox.faults.add(Fault(times=None, chance=0.1, status=503))
        sandbox.faults.add(Fault(times=None, delay=0.1))
        job = make_refresh(make_user(is_superuser=True), credential)
        contexts = [worker("") for _ in range(2)]
        workers = [context.__enter__() for context in contexts]
        kills, restarted, started = 0, False, time.monotonic()
        while time.monotonic() - started < PATIENCE:
            time.sleep(1)
            try:
                job = Job.objects.get(pk=job.pk)
                done = job.numbers().done
            except OperationalError:
                connection.close()
                continue
            if job.has_ended:
                break
            if not restarted and done > items / 3:
                stop_hard(server)
                server = serve(programs, folder, user)
                wait_for(server, folder)
                connection.close()
                restarted = True
            victim = draw.randrange(2)
            workers[victim].kill()
            contexts[victim].__exit__(None, None, None)
            contexts[victim] = worker("")
            workers[victim] = contexts[victim].__enter__()
            kills += 1
        for context in contexts:
            context.__exit__(None, None, None)
        compare(sandbox, rows, job, outcomes(job), items)
        seconds = time.monotonic() - started
    print(f"{kills} kills, database restarted: {restarted}, {seconds:.0f} s: {outcomes(job)}")  # noqa: T201
    return server


def stop_hard(server: subprocess.Popen) -> None:
    """End PostgreSQL as a crash would."""
    server.kill()
    server.wait()


def compare(sandbox, rows, job, found: dict[str, int], items: int) -> None:
    """Each item has one outcome, which is what the sandbox last said of it."""
    if job.state != "finished" or found != {"missing": DELETED, "unchanged": items - DELETED}:
        raise SystemExit(f"The job is {job.state}: {found} {job.message}")
    answers = Counter(
        (entry.path.rpartition("/")[2], entry.status) for entry in sandbox.log if entry.status in (200, 404)
    )
    for item in job.items.all():
        status = 404 if item.outcome == "missing" else 200
        if not answers[item.openai_id, status] and len(sandbox.log) < SANDBOX_LOG:
            raise SystemExit(f"{item.openai_id} is {item.outcome}, and the server never said so.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS)
