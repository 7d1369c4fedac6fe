"""The jobs that Convadmin makes by itself: reading what applications registered, and refreshing what is stale."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from ..models import Conversation, Credential, Hold, ImportPart, Job, JobKind, JobState, RetentionRule, export_file
from ..models.worker import Worker
from ..services.holds import sweep
from . import control
from .kinds.refresh import due_registrations

MOST_REGISTERED = 10_000  # conversations of one job
KEPT_FOR = timedelta(days=7)  # automatic jobs that finished, and files of imports that didn't
DRAFTS_KEPT_FOR = timedelta(days=1)
SWEPT_EVERY = timedelta(minutes=10)  # what the searches of holds find is noted that often
APPLICATIONS, SCHEDULE = "Registration", "Schedule"


def make_due_jobs() -> None:
    """Make the jobs that are due, and forget what is no longer of use."""
    for credential in Credential.objects.active():
        read_registrations(credential)
        refresh_stale(credential)
    for rule in RetentionRule.objects.all():
        hurry(rule)
    for rule in RetentionRule.objects.due():
        run_rule(rule)
    sweep_holds()
    forget_old_jobs()
    end_paused_exports()
    export_file.delete_expired()
    Worker.objects.forget_dead()


def read_registrations(credential: Credential) -> Job | None:
    """A job that reads what applications registered, unless there is nothing to read or one is under way."""
    if Job.objects.automatic_for(credential, JobKind.REFRESH, "registered").under_way().exists():
        return None
    if not due_registrations(credential).exists():
        return None
    return _make(credential, "registered", APPLICATIONS, MOST_REGISTERED)


def refresh_stale(credential: Credential) -> Job | None:
    """A job that refreshes what was not read for the credential's number of days, at most one an hour."""
    if credential.refresh_after_days is None:
        return None
    jobs = Job.objects.automatic_for(credential, JobKind.REFRESH, "stale")
    now = timezone.now()
    if jobs.under_way().exists() or jobs.filter(created_at__gt=now - timedelta(hours=1)).exists():
        return None
    rows = Conversation.objects.filter(credential=credential).kept()
    limit = now - timedelta(days=credential.refresh_after_days)
    if not (rows.filter(checked_at=None).exists() or rows.filter(checked_at__lt=limit).exists()):
        return None
    return _make(credential, "stale", SCHEDULE, credential.refreshes_per_hour)


def run_rule(rule: RetentionRule) -> Job | None:
    """A job that does what a retention rule asks for, as its author; None where one is under way or just made.

    A run does at most BULK_LIMIT conversations; see `hurry` for what is left.
    """
    if rule.jobs.under_way().exists() or not rule.take_turn(hours=rule.every_hours):
        return None
    return control.create(
        kind=rule.action,
        credentials=list(rule.credentials.all()),
        actor=rule.author,
        actor_name=rule.author_name,
        query=rule.dated_query,
        parameters={"most": settings.BULK_LIMIT},
        reason=rule.reason,
        rule=rule,
    )


def hurry(rule: RetentionRule) -> None:
    """Let the next run of a rule follow an hour after one that had as many conversations as it may have."""
    last = rule.jobs.order_by("-pk").first()
    if last is None or last.total != settings.BULK_LIMIT or last.finished_at is None:
        return
    soon = last.finished_at + timedelta(hours=1)
    RetentionRule.objects.filter(pk=rule.pk, next_run_at__gt=soon).update(next_run_at=soon)


def sweep_holds() -> None:
    """Note what the searches of holds find, where that was not done for a while."""
    limit = timezone.now() - SWEPT_EVERY
    for hold in Hold.objects.active().searches().filter(Q(swept_at=None) | Q(swept_at__lt=limit)):
        sweep(hold)


def end_paused_exports() -> None:
    """Stop exports that have been paused for as long as their files are kept, so that these go."""
    limit = timezone.now() - timedelta(hours=settings.EXPORT_KEPT_HOURS)
    for job in Job.objects.filter(kind=JobKind.EXPORT, state=JobState.PAUSED, running_since__lt=limit):
        control.stop(job, message="It was paused for longer than its files are kept.")


def forget_old_jobs() -> None:
    """Delete automatic jobs that finished long ago, drafts that nobody started, and files that nobody needs."""
    now = timezone.now()
    ended = Job.objects.filter(finished_at__lt=now - KEPT_FOR)
    for job in ended.filter(is_automatic=True, state=JobState.FINISHED)[:100]:
        job.items.all().delete()
        job.batches.all().delete()
        job.delete()
    Job.objects.filter(state=JobState.DRAFT, created_at__lt=now - DRAFTS_KEPT_FOR).delete()
    ImportPart.objects.filter(job__in=ended).delete()


def _make(credential: Credential, source: str, name: str, most: int) -> Job:
    return control.create(
        kind=JobKind.REFRESH,
        credentials=[credential],
        actor=None,
        actor_name=name,
        parameters={"source": source, "most": most},
    )
