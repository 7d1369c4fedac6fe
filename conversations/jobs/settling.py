"""What an answer means for its item: an outcome, or another turn."""

from collections import defaultdict
from collections.abc import Sequence

from ..models import Job, JobItem, JobOutcome
from ..openai.errors import (
    Forbidden,
    NoResponse,
    NotFound,
    NotSent,
    OpenAIError,
    QuotaExceeded,
    RateLimited,
    ServerError,
    Unauthorized,
)
from ..services.clients import keep_rate_limits
from . import control
from .kinds import Kind
from .tasks import Answer

MAX_ATTEMPTS = 3  # to get an answer about an item, each with the client's own retries
RETRY_DELAY = 5.0  # seconds before the second attempt at an item; before the third, twice as long
RATE_LIMIT_DELAY = 10.0  # seconds to wait where a server limits the rate and doesn't say for how long
MAX_WAITS = 12  # for somebody who is changing the conversation: longer than a dead process keeps its lock
MAX_IN_A_ROW = 20  # failed calls of a job, one after the other


def settle(job: Job, kind: Kind, answers: Sequence[Answer]) -> float:
    """Store these answers in the caller's transaction, and end their items, or leave them for another attempt.

    Returns the seconds after which the items that are left should be tried again.
    """
    usable = [answer for answer in answers if _is_usable(answer)]
    if usable:
        kind.store(job, usable)
    failed = [answer for answer in answers if not _is_usable(answer)]
    delays = [_settle_failure(job, answer) for answer in failed]
    # A kind leaves an item with a message where it has to be tried again.
    left = [answer.task.item for answer in usable if not answer.task.item.outcome and answer.task.item.message]
    delays += [_try_again(item, item.message) for item in left]
    job.items.finish([answer.task.item for answer in answers if answer.task.item.pk])
    for credential in {answer.source.credential for answer in usable if answer.source is not None}:
        keep_rate_limits(credential)
    return max(delays, default=0.0)


def _is_usable(answer: Answer) -> bool:
    """Whether the server said something about the conversation: that there is none counts, too."""
    return not answer.problem and (answer.error is None or isinstance(answer.error, NotFound))


def _settle_failure(job: Job, answer: Answer) -> float:
    item, error = answer.task.item, answer.error
    if error is None:
        return _try_again(item, answer.problem, wait=answer.wait)
    if isinstance(error, RateLimited) and answer.source is not None:
        delay = RATE_LIMIT_DELAY if error.retry_after is None else error.retry_after
        answer.source.credential.pause(delay)
        return 0.0  # not before the credential may be used again
    if isinstance(error, QuotaExceeded):
        control.stop(job, message=error.full_message)
        return 0.0
    if error.worth_retrying:
        return _try_again(item, said(error), error)
    item.attempts += 1
    outcome = JobOutcome.NOT_PERMITTED if isinstance(error, Unauthorized | Forbidden) else JobOutcome.FAILED
    item.end(outcome, message=said(error), status=error.status, request_id=error.request_id)
    return 0.0


def _try_again(item: JobItem, message: str, error: OpenAIError | None = None, *, wait: float = 0.0) -> float:
    """Leave the item for another attempt, unless this was the last one; returns the seconds until then. `wait`: for
    somebody else."""
    item.attempts += 1
    item.message = message
    if item.attempts >= (MAX_WAITS if wait else MAX_ATTEMPTS):
        status, request_id = (error.status, error.request_id) if error else (None, "")
        item.end(JobOutcome.FAILED, message=message, status=status, request_id=request_id)
        return 0.0
    if wait:
        return wait
    return RETRY_DELAY * 2 ** (item.attempts - 1)


def said(error: OpenAIError) -> str:
    """What the server said, with its code."""
    return f"{error.message} ({error.code})" if error.code else error.message


class FailuresInARow:
    """Counts the calls of each job that failed one after the other, whichever conversation they were about."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = defaultdict(int)

    def too_many(self, job_key: int, answers: Sequence[Answer]) -> bool:
        """Count these answers; returns whether the job should pause, and then begins to count anew."""
        for answer in answers:
            is_failure = isinstance(answer.error, NotSent | NoResponse | ServerError | Unauthorized)
            self._counts[job_key] = self._counts[job_key] + 1 if is_failure else 0
        if self._counts[job_key] < MAX_IN_A_ROW:
            return False
        self._counts[job_key] = 0
        return True

    @staticmethod
    def message(answers: Sequence[Answer]) -> str:
        """Why the job pauses."""
        last = next(answer.error for answer in reversed(answers) if answer.error is not None)
        return (
            f"{MAX_IN_A_ROW} calls in a row failed. The last error: {last.full_message} Resume the job once it works."
        )
