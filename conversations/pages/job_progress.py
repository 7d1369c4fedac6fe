"""How far a job is, as its page shows it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse
from django.utils import timezone

from ..edits import Edit
from ..models import Job, JobKind, JobOutcome, JobState
from ..models.job import JobNumbers

WIDTH = 1000  # of the bar, in its own units
MIN_SECONDS = 3  # since the start, before a rate is told
TONES = {
    JobOutcome.ADDED: "good",
    JobOutcome.KNOWN: "off",
    JobOutcome.UNCHANGED: "good",
    JobOutcome.CHANGED: "info",
    JobOutcome.RESTORED: "info",
    JobOutcome.EDITED: "good",
    JobOutcome.REMOVED: "good",
    JobOutcome.ERASED: "good",
    JobOutcome.FORGOTTEN: "good",
    JobOutcome.TRANSFERRED: "good",
    JobOutcome.EXPORTED: "good",
    JobOutcome.HELD: "warn",
    JobOutcome.CONFLICT: "warn",
    JobOutcome.IMPOSSIBLE: "warn",
    JobOutcome.GONE: "off",
    JobOutcome.MISSING: "warn",
    JobOutcome.UNKNOWN_ID: "warn",
    JobOutcome.NOT_PERMITTED: "bad",
    JobOutcome.FAILED: "bad",
    JobOutcome.SKIPPED: "off",
}
STATE_TONES = {
    JobState.DRAFT: "off",
    JobState.QUEUED: "info",
    JobState.RUNNING: "info",
    JobState.PAUSED: "warn",
    JobState.STOPPING: "warn",
    JobState.FINISHED: "good",
    JobState.STOPPED: "warn",
    JobState.FAILED: "bad",
}


@dataclass(frozen=True)
class Share:
    """One outcome's part of the bar. x, width: in units of WIDTH."""

    outcome: JobOutcome
    count: int
    x: float
    width: float

    @property
    def tone(self) -> str:
        return TONES[self.outcome]


@dataclass(frozen=True)
class Button:
    """What a person can do with a job now."""

    name: str
    label: str
    url: str
    is_primary: bool = False


class JobProgress:
    """Numbers, rate and bar of a job, as of now."""

    def __init__(self, job: Job, numbers: JobNumbers | None = None) -> None:
        """`numbers`: where they were counted together with those of other jobs."""
        self._job, self._counted = job, numbers
        self._now = timezone.now()

    @cached_property
    def numbers(self) -> JobNumbers:
        return self._counted or self._job.numbers()

    @property
    def tone(self) -> str:
        return STATE_TONES[JobState(self._job.state)]

    @property
    def subject(self) -> str:
        """What it works on: a file, a search, or what the schedule chose."""
        job = self._job
        parameters, kind = job.parameters, job.kind
        if kind == JobKind.IMPORT:
            return parameters.get("file_name") or "pasted ids"
        if kind == JobKind.LIST:
            return "everything that the server lists"
        if job.undoes_id:
            return f"job {job.undoes_id}"
        if kind == JobKind.EDIT:
            steps = parameters.get("steps", [])
            return f"{self._found}: {Edit.from_json(steps)}" if steps else self._found
        chosen = {"stale": "what wasn’t read for a while", "registered": "what applications registered"}
        return chosen.get(parameters.get("source", "")) or self._found

    @property
    def _found(self) -> str:
        job = self._job
        if job.rule_id:
            return f"rule {job.rule}: {job.query}"
        if job.request_id:
            return f"erasure request {job.request_id}"
        if job.parameters.get("searched"):
            return f"a search by {', '.join(job.parameters['searched'])}"
        return job.query or ("all conversations" if job.kind == JobKind.REFRESH else "chosen conversations")

    @property
    def title(self) -> str:
        """What the tab of the browser says."""
        name = f"{self._job.get_kind_display()} {self._job.pk}"
        if not self._job.is_under_way or not self.numbers.total:
            return f"{self._job.get_state_display()}: {name}"
        return f"{self.numbers.percent} % {name}"

    @cached_property
    def rate(self) -> float | None:
        """Items a second since it began or was resumed; None while it is too early to say, or if it doesn't run."""
        job = self._job
        if job.running_since is None or job.state == JobState.QUEUED:
            return None
        end = job.finished_at or (self._now if job.state == JobState.RUNNING else None)
        seconds = (end - job.running_since).total_seconds() if end else 0.0
        done = self.numbers.done - job.done_before
        return done / seconds if seconds > 0 and done > 0 and (job.finished_at or seconds > MIN_SECONDS) else None

    @property
    def time_left(self) -> str:
        """About how long it still takes; "" if that can't be said."""
        if self._job.state != JobState.RUNNING or not self.rate or not self.numbers.waiting:
            return ""
        return in_words(self.numbers.waiting / self.rate)

    @property
    def buttons(self) -> list[Button]:
        """What can be done with the job as it is."""
        job = self._job
        found = [
            ("pause", "Pause", job.can_pause),
            ("resume", "Resume", job.can_resume),
            ("stop", "Stop", job.can_stop),
        ]
        found.append(("undo", "Undo…", self._can_undo))
        found.append(("retry", self._retry_label, bool(self._retry_label)))
        primary = {"resume", "retry"} if self.numbers.failed else {"resume"}  # what is held stays held
        return [
            Button(name, label, reverse(f"job_{name}", args=[job.pk]), is_primary=name in primary)
            for name, label, is_possible in found
            if is_possible
        ]

    @property
    def _can_undo(self) -> bool:
        job = self._job
        is_edited = job.has_ended and JobOutcome.EDITED in self.numbers.by_outcome
        return is_edited and not job.undone_by.filter(state=JobState.FINISHED).exists()

    @property
    def _retry_label(self) -> str:
        job, count = self._job, self.numbers.retryable
        if job.is_sealed:
            return ""
        if count and (job.has_ended or job.state in (JobState.RUNNING, JobState.PAUSED)):
            reasons = "not done, failed or held" if count > self.numbers.failed else "not done or failed"
            return f"Retry the {count:,} {reasons}"
        is_whole = self.numbers.is_complete and job.state != JobState.FAILED
        return "Try again" if job.has_ended and not is_whole else ""

    @property
    def shares(self) -> Iterator[Share]:
        """The bar: outcomes in their order, each as wide as its part of all items."""
        x = 0.0
        for outcome, count in self.numbers.by_outcome.items():
            width = round(count * WIDTH / self.numbers.total, 2)
            yield Share(outcome, count, round(x, 2), width)
            x += width


def in_words(seconds: float) -> str:
    """A duration, about: "40 seconds", "12 minutes", "3 hours"."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 1.5 * size:
            count = round(seconds / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    count = max(1, round(seconds))
    return f"{count} second{'' if count == 1 else 's'}"
