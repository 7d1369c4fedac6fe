"""The runner of a worker: it prepares jobs, takes batches, has their items called, and stores what came of them.

One thread does all of that but preparing; the threads of the lanes only call servers. Answers are stored some at a
time, in a transaction that first makes sure of the batch's lease.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from django.db import connections, transaction

from ..models import Credential, Job, JobBatch, JobOutcome, JobState
from ..models.job_batch import LeaseLost
from ..openai.errors import RateLimited
from ..services.errors import CredentialUnusable
from . import control
from .kinds import KINDS, Kind
from .lanes import Lane
from .preparation import prepare
from .rights import problem_with
from .settling import FailuresInARow, settle
from .tasks import Answer

MAX_THREADS = 256  # of all lanes together
MAX_PENDING = 4_000  # items in memory, after which no further batch is taken
STORED_AT_ONCE = 50  # answers of a batch
STORED_EVERY = 1.0  # seconds after which fewer are stored
LOOKED_EVERY = 1.0  # seconds between two looks at what people want of the jobs
HUNGRY_EVERY = 0.1  # seconds between two looks while a lane has little left to do
GRACE = 5.0  # seconds that calls have to end when the process is to end
KEPT_EVERY = 15.0  # seconds between two extensions of a lease
PAUSE = 0.2  # seconds to wait for an answer

logger = logging.getLogger(__name__)


@dataclass
class Held:
    """A batch that this worker holds. `left`: tasks that have no answer yet; `wait`: seconds until its next turn."""

    batch: JobBatch
    job: Job
    kind: Kind
    lane: Lane
    left: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    answers: list[Answer] = field(default_factory=list)
    stored_at: float = field(default_factory=time.monotonic)
    wait: float = 0.0


class Runner:
    """Does what there is to do, until nothing is left that could be done now, or `stopping` is set."""

    def __init__(self, stopping: threading.Event | None = None) -> None:
        self._stopping = stopping or threading.Event()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._lanes: dict[int, Lane] = {}
        self._held: dict[int, Held] = {}
        self._preparing: dict[int, threading.Thread] = {}
        self._failures = FailuresInARow()
        self._looked_at = self._kept_at = float("-inf")
        self._given_up_at: float | None = None

    def run(self) -> None:
        """Work until there is nothing to do."""
        try:
            while self._step():
                pass
        finally:
            for lane in self._lanes.values():
                lane.close()

    def _step(self) -> bool:
        """One round; returns whether another one may find something to do."""
        if self._stopping.is_set():
            self._give_back()
        elif self._is_time_to_look():
            self._look()
        has_work = bool(self._held or self._preparing)
        self._forget_prepared()
        self._collect()
        self._store_some()
        self._keep_leases()
        return has_work

    def _give_back(self) -> None:
        """The process ends: call nothing more, and after a while don't wait for what is being called."""
        self._preparing.clear()
        self._cancel(self._held.values())
        self._given_up_at = self._given_up_at or time.monotonic() + GRACE
        if time.monotonic() > self._given_up_at:
            for held in self._held.values():
                held.left = 0

    # What people want

    def _is_time_to_look(self) -> bool:
        is_hungry = any(lane.under_way < lane.width for lane in self._lanes.values())
        return not self._held or time.monotonic() - self._looked_at >= (HUNGRY_EVERY if is_hungry else LOOKED_EVERY)

    def _look(self) -> None:
        """Follow what people want of the jobs, and take more work."""
        self._looked_at = time.monotonic()
        jobs = list(Job.objects.in_work().select_related("actor"))
        running = {job.pk for job in jobs if job.state == JobState.RUNNING}
        self._cancel([held for held in self._held.values() if held.job.pk not in running])
        for job in jobs:
            if job.state == JobState.QUEUED and job.pk not in self._preparing and job.take_preparation():
                self._prepare(job)
            elif job.state == JobState.STOPPING:
                control.finish_stopping(job)
        self._take_batches([job for job in jobs if job.state == JobState.RUNNING])

    @staticmethod
    def _cancel(held: Iterable[Held]) -> None:
        for each in held:
            each.cancelled.set()

    def _prepare(self, job: Job) -> None:
        """Prepare a job in a thread of its own: a file may have no id in its first gigabyte."""
        thread = threading.Thread(target=self._list_items, args=(job,), daemon=True)
        self._preparing[job.pk] = thread
        thread.start()

    def _list_items(self, job: Job) -> None:
        try:
            for _ in prepare(job):
                if self._stopping.is_set():
                    break
        finally:
            connections.close_all()  # of this thread

    def _forget_prepared(self) -> None:
        for pk, thread in list(self._preparing.items()):
            if not thread.is_alive():
                del self._preparing[pk]

    # Taking batches

    def _take_batches(self, jobs: list[Job]) -> None:
        """Take batches in turn, one of each job, until all lanes have enough to do."""
        paused = Credential.objects.paused().keys()
        open_jobs = [job for job in jobs if not self._waits_for(job, paused)]
        while open_jobs and self._pending < MAX_PENDING:
            open_jobs = [job for job in open_jobs if self._take(job, paused)]

    @property
    def _pending(self) -> int:
        """How many items of this worker's batches aren't stored yet."""
        return sum(held.left + len(held.answers) for held in self._held.values())

    @staticmethod
    def _waits_for(job: Job, paused: set[int]) -> bool:
        """Whether the job tries several credentials in turn, and one of them has to wait."""
        return bool(paused & set(job.parameters.get("credentials", [])))

    def _take(self, job: Job, paused: set[int]) -> bool:
        """Take a batch of the job; returns whether there may be another one for this worker."""
        busy = {pk for pk, lane in self._lanes.items() if lane.under_way >= 2 * lane.width}
        batch = JobBatch.objects.select_related("credential").take(job, except_of=busy | paused)
        if batch is None:
            control.finish_if_done(job)
            return False
        problem = problem_with(job, batch.credential)
        if batch.credential is None or problem:
            batch.items.skip(problem, JobOutcome.NOT_PERMITTED)
            batch.release()
            return True
        lane = self._lane_of(batch.credential)
        if lane is None:
            batch.release()
            return False
        self._begin(job, batch, batch.credential, lane)
        return True

    def _begin(self, job: Job, batch: JobBatch, credential: Credential, lane: Lane) -> None:
        """Have the items of a batch called."""
        kind = KINDS[job.kind]
        try:
            tasks = kind.tasks(job, batch, credential)
        except CredentialUnusable as error:
            batch.items.skip(str(error), JobOutcome.FAILED)
            tasks = []
        held = self._held[batch.pk] = Held(batch, job, kind, lane)
        for task in tasks:
            if kind.calls_server(job):
                held.left += 1
                lane.put(kind.call, task, held.cancelled)
            else:
                held.answers.append(Answer(task))

    def _lane_of(self, credential: Credential) -> Lane | None:
        """The lane of a credential, opened if it has none; None while all threads are in use."""
        lane = self._lanes.get(credential.pk)
        if lane is not None and lane.width != credential.concurrency and not lane.under_way:
            self._lanes.pop(credential.pk).close()
            lane = None
        if lane is None:
            self._close_idle_lanes()
            if sum(lane.width for lane in self._lanes.values()) + credential.concurrency > MAX_THREADS:
                return None
            lane = self._lanes[credential.pk] = Lane(credential.concurrency, self._answers)
        return lane

    def _close_idle_lanes(self) -> None:
        held = {id(each.lane) for each in self._held.values()}
        for pk, lane in list(self._lanes.items()):
            if not lane.under_way and id(lane) not in held:
                self._lanes.pop(pk).close()

    # Answers

    def _collect(self) -> None:
        """Wait a moment for an answer, or for a job to be prepared, and take all answers that are there."""
        if not any(held.left for held in self._held.values()):
            if self._preparing and not self._held:
                next(iter(self._preparing.values())).join(timeout=PAUSE / 4)
            return
        try:
            self._accept(self._answers.get(timeout=PAUSE))
            while True:
                self._accept(self._answers.get_nowait())
        except Empty:
            pass

    def _accept(self, answer: Answer) -> None:
        held = self._held.get(answer.task.batch.pk)
        if held is None or held.batch is not answer.task.batch:  # its lease was lost meanwhile
            return
        held.lane.under_way -= 1
        held.left -= 1
        if answer.is_sent:
            held.answers.append(answer)

    def _store_some(self) -> None:
        now = time.monotonic()
        for held in list(self._held.values()):
            is_due = len(held.answers) >= STORED_AT_ONCE or now - held.stored_at >= STORED_EVERY
            if (held.answers and is_due) or not held.left:
                self._store(held)

    def _store(self, held: Held) -> None:
        """Store the answers of a batch, and give the batch back once all of its tasks are answered."""
        answers, held.answers, held.stored_at = held.answers, [], time.monotonic()
        try:
            with transaction.atomic():
                held.batch.keep()
                held.wait = max(held.wait, settle(held.job, held.kind, answers))
                if not held.left:
                    held.batch.release(wait=held.wait)
        except LeaseLost:
            self._drop(held)
            return
        if any(isinstance(answer.error, RateLimited) for answer in answers):
            self._cancel(each for each in self._held.values() if each.lane is held.lane)
        if self._failures.too_many(held.job.pk, answers):
            control.pause(held.job, message=self._failures.message(answers))
        if not held.left:
            del self._held[held.batch.pk]

    def _keep_leases(self) -> None:
        if time.monotonic() - self._kept_at < KEPT_EVERY:
            return
        self._kept_at = time.monotonic()
        for held in list(self._held.values()):
            try:
                held.batch.keep()
            except LeaseLost:
                self._drop(held)

    def _drop(self, held: Held) -> None:
        """Forget a batch that another worker has taken over; what is still being called counts for nothing."""
        logger.warning("Batch %s was taken over by another worker.", held.batch)
        held.cancelled.set()
        held.lane.under_way -= held.left
        del self._held[held.batch.pk]
