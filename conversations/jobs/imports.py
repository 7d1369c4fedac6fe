"""Making an import: the file is kept, its beginning is looked at, and a person starts it or leaves it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from io import BufferedIOBase
from typing import Any

from django.contrib.auth.models import User

from ..importing import ImportProblem, Preview, Shape, preview
from ..models import Credential, ImportPart, Job, JobKind, JobState
from . import control
from .kinds.imports import shape_of

PART = 1024 * 1024  # bytes of a file that are kept in one row
HEAD = 256 * 1024  # bytes at the beginning of a file that are looked at
MAX_BYTES = 200 * 1024 * 1024  # of a file


def create_import(
    *,
    actor: User,
    credentials: Sequence[Credential],
    chunks: Iterable[bytes],
    file_name: str = "",
    read: bool = True,
    tags: Mapping[str, str] | None = None,
    reason: str = "",
    token: str | None = None,
) -> Job:
    """A draft of an import, with its file. Raises ImportProblem for a file that can't be imported; then nothing is
    kept of it.

    `credentials` are tried in this order; without `read`, only the first one counts.
    """
    parameters: dict[str, Any] = {
        "credentials": [credential.pk for credential in credentials],
        "file_name": file_name,
        "read": read,
        "tags": dict(tags or {}) if read else {},
    }
    job = control.create(
        kind=JobKind.IMPORT,
        credentials=credentials,
        actor=actor,
        parameters=parameters,
        reason=reason,
        token=token,
        is_draft=True,
    )
    try:
        # Each part in a transaction of its own: a large file must not keep everyone else from writing.
        ImportPart.objects.store(job, _bounded(chunks))
        choose_shape(job, preview(head_of(job)).shape)
    except BaseException:
        control.discard(job)
        raise
    return job


def choose_shape(job: Job, shape: Shape) -> bool:
    """Decide how a draft's file is read; False if it is no draft any more."""
    job.parameters["shape"] = asdict(shape)
    return bool(Job.objects.filter(pk=job.pk, state=JobState.DRAFT).update(parameters=job.parameters))


def preview_of(job: Job, shape: Shape | None = None) -> Preview:
    """The beginning of a draft's file, read in the way that was chosen for it. Raises ImportProblem."""
    return preview(head_of(job), shape or shape_of(job))


def head_of(job: Job) -> bytes:
    """The beginning of an import's file."""
    return next(ImportPart.objects.chunks(job), b"")[:HEAD]


def parts_of(file: BufferedIOBase) -> Iterator[bytes]:
    """The content of an open file, in parts."""
    while part := file.read(PART):
        yield part


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks in parts of one size. Raises ImportProblem for more than MAX_BYTES, or nothing at all."""
    size, kept = 0, b""
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            raise ImportProblem(f"It’s larger than {MAX_BYTES // 1024 // 1024} MB. Divide it, or compress it by gzip.")
        kept += chunk
        while len(kept) >= PART:
            yield kept[:PART]
            kept = kept[PART:]
    if not size:
        raise ImportProblem("It’s empty. Choose a file that contains ids.")
    if kept:
        yield kept
