"""The files of exports: what a job has written so far, in a folder of its own under EXPORT_FOLDER.

A file appears under its name once it is complete. What a worker that died has left half written has another name, and
goes with the folder.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils import timezone

from .choices import JobKind
from .conversation import Conversation
from .job import Job
from .job_item import JobItem

A_FOLDER = 1_000  # files; more in one folder are slow to list


def folder_of(job_key: int) -> Path:
    """Where the files of a job are."""
    return Path(settings.EXPORT_FOLDER) / f"job-{job_key}"


def path_of(item: JobItem) -> Path:
    """The file of one conversation."""
    return folder_of(item.job_id) / f"{item.pk // A_FOLDER}" / f"{item.pk}"


@contextmanager
def written(path: Path) -> Iterator[IO[str]]:
    """A file to write to, which appears under its name once the block has ended."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.{os.getpid()}.{id(path)}")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def expires_at(job: Job) -> datetime | None:
    """Until when the files of an ended export are kept."""
    return job.finished_at + timedelta(hours=settings.EXPORT_KEPT_HOURS) if job.finished_at else None


def is_available(job: Job) -> bool:
    """Whether there is something to download."""
    until = expires_at(job)
    return job.kind == JobKind.EXPORT and until is not None and until > timezone.now() and folder_of(job.pk).exists()


def delete_files(job_key: int) -> None:
    """Delete everything that a job has written."""
    shutil.rmtree(folder_of(job_key), ignore_errors=True)


def forget(conversation: Conversation) -> None:
    """Delete what jobs have of a conversation that is erased, forgotten or purged: its files, in whichever export they
    are, half written ones too, and what servers said of it."""
    items = JobItem.objects.filter(conversation=conversation)
    for item in items.filter(job__kind=JobKind.EXPORT):
        path = path_of(item)
        for file in (path, *path.parent.glob(f".{path.name}.*")):
            file.unlink(missing_ok=True)
    items.update(message="")


def delete_expired() -> None:
    """Delete the files of exports that were kept for long enough, and of jobs that are gone."""
    root = Path(settings.EXPORT_FOLDER)
    for folder in root.glob("job-*") if root.exists() else ():
        key = folder.name.removeprefix("job-")
        job = Job.objects.filter(pk=int(key)).first() if key.isdecimal() else None
        until = expires_at(job) if job else None
        if job is None or (until is not None and until <= timezone.now()):
            shutil.rmtree(folder, ignore_errors=True)
