"""Recording that an export was downloaded."""

from django.contrib.auth.models import User

from ..models import Action, Event, Job, JobOutcome
from ..models.event_queryset import Subject


def record_download(*, actor: User, job: Job) -> None:
    """An event for each credential whose conversations the file holds, with their number."""
    exported = job.items.with_outcome(JobOutcome.EXPORTED)
    for credential in job.credentials.all():
        count = exported.filter(credential=credential).count()
        event = Event.objects.record_local(actor=actor, action=Action.DOWNLOAD, subject=Subject.through(credential))
        Event.objects.filter(pk=event.pk).update(item_count=count, job=job)
