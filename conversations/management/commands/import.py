"""`manage.py import FILE`: brings the ids in a file into the index, and does the work itself."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from ...importing import ImportProblem
from ...jobs import control
from ...jobs.imports import create_import, parts_of, preview_of
from ...jobs.runner import Runner
from ...models import Credential, Job, JobOutcome, JobState

WAIT = 1.0  # seconds before another look at a job that other workers hold


class Command(BaseCommand):
    """Makes an import as the dashboard does, and works on it until it ends. Workers that run share the work."""

    help = "Imports the conversation ids in a file: CSV, JSON, JSON Lines, a list, or any text; gzip too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file, or - for standard input")
        parser.add_argument(
            "--credential", action="append", required=True, help="its name; several are tried in this order"
        )
        parser.add_argument("--user", help="on whose behalf (default: the first superuser)")
        parser.add_argument("--unread", action="store_true", help="add the ids without reading them")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="metadata to set for each")
        parser.add_argument("--queue", action="store_true", help="leave the work to the workers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for what can't be imported, and if anything failed."""
        job = self.make(options)
        self.stdout.write(f"{preview_of(job).description}. Job {job.pk}.")
        control.start(job)
        if options["queue"]:
            return
        self.work_on(job)
        self.report(job)

    def make(self, options: dict[str, Any]) -> Job:
        name = options["file"]
        try:
            with ExitStack() as stack:
                file = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))
                return create_import(
                    actor=actor_named(options["user"]),
                    credentials=[credential_named(each) for each in options["credential"]],
                    chunks=parts_of(file),  # type: ignore[arg-type]
                    file_name="" if name == "-" else Path(name).name,
                    read=not options["unread"],
                    tags=pairs(options["set"]),
                )
        except (ImportProblem, OSError) as problem:
            raise CommandError(f"{name}: {problem}") from None

    def work_on(self, job: Job) -> None:
        """Do the job, waiting for what has to wait: a rate limit, a second attempt, other workers."""
        while True:
            Runner().run()
            job.refresh_from_db()
            numbers = job.numbers()
            self.stdout.write(f"{numbers.done:,} of {numbers.total:,} done")
            if not job.is_under_way or job.state == JobState.PAUSED:
                return
            time.sleep(WAIT)

    def report(self, job: Job) -> None:
        for outcome, count in job.numbers().by_outcome.items():
            self.stdout.write(f"{outcome.label}: {count:,}")
        if job.message or job.state != JobState.FINISHED:
            raise CommandError(f"{job.get_state_display()}. {job.message}")
        failed = job.numbers().by_outcome.get(JobOutcome.FAILED, 0)
        if failed:
            raise CommandError(f"{failed:,} failed. Retry them on the job's page: {job.get_absolute_url()}")


def actor_named(name: str | None) -> User:
    """The user, or the first superuser."""
    users = User.objects.filter(username=name) if name else User.objects.filter(is_superuser=True).order_by("pk")
    user = users.first()
    if user is None:
        raise CommandError(f"There’s no user {name}." if name else "There’s no superuser. Name a user with --user.")
    return user


def credential_named(name: str) -> Credential:
    """The credential with this name."""
    credential = Credential.objects.filter(name=name).first()
    if credential is None:
        known = ", ".join(Credential.objects.values_list("name", flat=True)[:10]) or "none yet"
        raise CommandError(f"There’s no credential “{name}”. There are: {known}.")
    return credential


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Metadata from texts like tenant=acme."""
    parts = [text.partition("=") for text in texts]
    for key, separator, _ in parts:
        if not key or not separator:
            raise CommandError("Write metadata as KEY=VALUE.")
    return {key: value for key, _, value in parts}
