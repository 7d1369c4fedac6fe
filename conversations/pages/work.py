"""What is under way, and what waits for somebody, as the overview shows it: for one user, as far as they may know.

Each part is a bounded number of statements; the rows that a part shows are read with the number of all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet, Window
from django.utils import timezone

from ..models import Credential, Erasure, ErasureRequest, Event, Hold, Job, JobItem, RetentionRule
from ..models.worker import Worker
from .job_progress import JobProgress

SHOWN = 5  # rows of each part
RECENTLY = timedelta(days=7)


@dataclass(frozen=True)
class Listed:
    """The first rows of something, and how many there are."""

    rows: list[Any]
    number: int

    @property
    def more(self) -> int:
        """How many aren't among the rows."""
        return self.number - len(self.rows)


def work_of(user: User) -> dict[str, Any]:
    """What the user may see of it, by its name in the template; a part that is empty is left out."""
    found: dict[str, Any] = {}
    for permission, part in _PARTS:
        if user.has_perm(f"conversations.{permission}"):
            found |= {name: value for name, value in part(user).items() if value}
    return found


def failing_credentials(user: User) -> Listed | None:
    """Those that need somebody to look at them; None where there are none."""
    return _first(
        Credential.objects.visible_to(user).failing(with_untested=user.has_perm("conversations.view_credential"))
    )


def _jobs(user: User) -> dict[str, Any]:
    jobs = Job.objects.visible_to(user).select_related("rule")
    running = _first(jobs.in_work())
    numbers = JobItem.objects.numbers_of(running.rows) if running else {}
    rows = [(job, JobProgress(job, numbers[job.pk])) for job in running.rows] if running else []
    return {
        "running": running and Listed(rows, running.number),
        "nobody_works": running and not Worker.objects.running().exists(),
        "attention": _first(jobs.for_attention(timezone.now() - RECENTLY)),
        "drafts": _first(Job.objects.drafts_of(user)),
    }


def _events(user: User) -> dict[str, Any]:
    return {"unresolved": Event.objects.visible_to(user).unresolved().count()}


def _erasures(user: User) -> dict[str, Any]:
    rows = Erasure.objects.visible_to(user).unfinished().order_by("-pk")
    return {"erasures": _first(rows.only("created_at", "openai_id", "stage"))}


def _requests(user: User) -> dict[str, Any]:
    return {"requests": _first(ErasureRequest.objects.visible_to(user).open().only("created_at", "reference"))}


def _holds(user: User) -> dict[str, Any]:
    return {"holds": Hold.objects.visible_to(user).active().count()}


def _rules(user: User) -> dict[str, Any]:
    rules = RetentionRule.objects.visible_to(user)
    return {"rules": _first(rules.scheduled()), "unapproved": _first(rules.unapproved())}


_PARTS: list[tuple[str, Callable[[User], dict[str, Any]]]] = [
    ("view_job", _jobs),
    ("view_event", _events),
    ("view_erasure", _erasures),
    ("view_erasurerequest", _requests),
    ("view_hold", _holds),
    ("view_retentionrule", _rules),
]


def _first(rows: QuerySet[Any]) -> Listed | None:
    """The first rows, read together with the number of all; None where there are none."""
    found = list(rows.annotate(number_of_all=Window(Count("pk")))[:SHOWN])
    return Listed(found, found[0].number_of_all) if found else None
