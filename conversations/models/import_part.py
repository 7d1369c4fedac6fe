"""Imported files, kept in the database until their ids are listed: every worker can read them there."""

import zlib
from collections.abc import Iterable, Iterator

from django.db import models

from .job import Job


class ImportPartQuerySet(models.QuerySet["ImportPart"]):
    """The parts of files."""

    def store(self, job: Job, chunks: Iterable[bytes]) -> None:
        """Keep a file, one compressed part for each chunk."""
        for number, chunk in enumerate(chunks):
            self.create(job=job, number=number, data=zlib.compress(chunk, 1))

    def chunks(self, job: Job) -> Iterator[bytes]:
        """The file again, a part at a time."""
        for number in self.filter(job=job).order_by("number").values_list("number", flat=True):
            data = self.filter(job=job, number=number).values_list("data", flat=True).get()
            yield zlib.decompress(bytes(data))


class ImportPart(models.Model):
    """A piece of a file."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="import_parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    objects = ImportPartQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="import_part_once")]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"
