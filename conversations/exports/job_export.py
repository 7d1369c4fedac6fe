"""What an export in the background has written, as one file, put together while it is downloaded.

metadata      JSON Lines, or CSV with the metadata as JSON
transcripts   JSON Lines with each transcript in its line, or a ZIP with one file a conversation
"""

import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from ..models import Job, JobItem, JobOutcome, export_file
from .csv import BYTE_ORDER_MARK, lines

BATCH = 1_000  # items that are looked up with one statement
PART = 256 * 1024  # bytes that are read at once
COLUMNS = ("id", "server", "credential", "state", "created_at", "last_read_at", "metadata")
CONTENT_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv", "zip": "application/zip"}

Found = tuple[JobItem, IO[str]]


def extension_of(job: Job) -> str:
    """How the name of the file ends, which says what it is."""
    return str(job.parameters["package"])


def chunks(job: Job) -> Iterator[bytes]:
    """The file of a job, some of it at a time."""
    if extension_of(job) == "zip":
        yield from _zip(job)
    else:
        text = _csv(job) if extension_of(job) == "csv" else _json_lines(job)
        yield from (part.encode() for part in text)


def _files(job: Job) -> Iterator[Found]:
    """The items that were exported, each with its file, open at its beginning."""
    last = 0
    items = job.items.with_outcome(JobOutcome.EXPORTED).order_by("pk")
    while batch := list(islice(items.filter(pk__gt=last), BATCH)):
        for item in batch:
            last = item.pk
            path = export_file.path_of(item)
            if path.exists():  # an erasure deletes it
                with path.open(encoding="utf-8", newline="") as file:
                    yield item, file


def _parts(file: IO[str]) -> Iterator[str]:
    while part := file.read(PART):
        yield part


def _json_lines(job: Job) -> Iterator[str]:
    with_transcript = job.parameters["content"] == "transcripts"
    for _, file in _files(job):
        line = file.readline()
        if not with_transcript:
            yield line
            continue
        yield line.rstrip()[:-1] + ', "transcript": '
        is_empty = True
        for part in _parts(file):
            is_empty = False
            # Line ends stand between values only; inside of them JSON has them escaped.
            yield part.replace("\n", " ")
        yield "null}\n" if is_empty else "}\n"


def _csv(job: Job) -> Iterator[str]:
    yield BYTE_ORDER_MARK + lines([COLUMNS])
    for _, file in _files(job):
        known = json.loads(file.readline())
        metadata = json.dumps(known["metadata"], ensure_ascii=False)
        yield lines([[*(str(known[name] or "") for name in COLUMNS[:-1]), metadata]])


class _Sink(io.RawIOBase):
    """Collects what a ZipFile writes, until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken


def _zip(job: Job) -> Iterator[bytes]:
    sink = _Sink()
    extension = job.parameters["format"]
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for item, file in _files(job):
            file.readline()
            name = re.sub(r"[^A-Za-z0-9_-]", "_", item.openai_id)[:100]
            with archive.open(f"transcripts/{item.pk}-{name}.{extension}", "w") as entry:
                for part in _parts(file):
                    entry.write(part.encode())
                    yield sink.take()
        with archive.open("conversations.jsonl", "w") as entry:
            for _, file in _files(job):
                entry.write(file.readline().encode())
                yield sink.take()
    yield sink.take()
