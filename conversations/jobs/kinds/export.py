"""Exporting in the background: each conversation's metadata, or its transcript too, is written to a file of its own.

`parameters["content"]`: "metadata" or "transcripts"; `parameters["format"]`: of each transcript, one of
`exports.transcripts.FORMATS`. The first line of a file is the conversation, as JSON; the transcript follows.
"""

import json
from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Sum

from ...exports.transcripts import FORMATS
from ...models import Action, Conversation, Credential, Job, JobBatch, JobOutcome, export_file
from ...models.job_item import JobItem
from ...openai.errors import NotFound
from ...services.errors import ServiceError
from ...services.transcripts import download
from .. import control
from ..tasks import Task
from .recorded import Done, Recorded

METADATA, TRANSCRIPTS = "metadata", "transcripts"
MEGABYTE = 1024 * 1024


class Export(Recorded):
    """Writes files, which `exports.job_export` puts together when they are downloaded."""

    permission = "conversations.view_conversation"
    action = Action.EXPORT

    def tasks(self, job: Job, batch: JobBatch, credential: Credential) -> list[Task]:
        size = job.items.aggregate(size=Sum("size"))["size"] or 0
        if size > settings.EXPORT_MAX_MB * MEGABYTE:
            message = f"It has reached {settings.EXPORT_MAX_MB:,} MB, the limit that EXPORT_MAX_MB sets."
            control.stop(job, message=message)
            return []
        return super().tasks(job, batch, credential)

    def act(self, task: Task, actor: User, conversation: Conversation) -> Done:
        transcript: Iterable[str] = ()
        message = ""
        if task.job.parameters["content"] == TRANSCRIPTS:
            file = FORMATS[task.job.parameters["format"]](conversation.openai_id)
            try:
                transcript = download(actor=actor, conversation=conversation, file=file, job=task.job)
            except NotFound as error:
                message = f"Without a transcript: {error.message}"
        size = _write(task.item, conversation, transcript)
        row = Conversation.objects.with_credential(conversation.pk)
        if row is None or (row.is_removed and row.metadata != conversation.metadata):
            export_file.forget(conversation)  # no lock kept others from erasing it meanwhile
            return Done(JobOutcome.GONE, "It was erased or purged meanwhile.")
        return Done(JobOutcome.EXPORTED, message, size)

    def done_before(self, task: Task, conversation: Conversation) -> Done | None:
        path = export_file.path_of(task.item)
        return Done(JobOutcome.EXPORTED, size=path.stat().st_size) if path.exists() else None


def _write(item: JobItem, conversation: Conversation, transcript: Iterable[str]) -> int:
    """Write the file of one conversation; returns its size in bytes. Raises ServiceError where it is too large."""
    limit = settings.EXPORT_MAX_MB * MEGABYTE
    with export_file.written(export_file.path_of(item)) as file:
        file.write(as_line(conversation))
        for text in transcript:
            file.write(text)
            if file.tell() > limit:
                raise ServiceError(f"It alone is larger than {settings.EXPORT_MAX_MB:,} MB, the limit of an export.")
        return file.tell()


def as_line(conversation: Conversation) -> str:
    """What the index holds of a conversation, as a line of JSON."""
    read_at = conversation.read_at
    known = {
        "id": conversation.openai_id,
        "server": conversation.base_url,
        "credential": conversation.credential.name,
        "state": conversation.state,
        "created_at": conversation.created_at.isoformat(),
        "last_read_at": read_at.isoformat() if read_at else None,
        "metadata": conversation.metadata,
    }
    return json.dumps(known, ensure_ascii=False) + "\n"
