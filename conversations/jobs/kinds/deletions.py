"""Removing and erasing many conversations."""

from django.contrib.auth.models import User

from ...exports.receipt import digest_of
from ...models import Action, Conversation, Erasure, JobOutcome
from ...services.conversations import remove_conversation
from ...services.erasures import erase, forget_conversation, resume_erasure, start_erasure
from ...services.holds import holds_on
from ..tasks import ITEM_BUDGET, Task
from .recorded import Done, Recorded, TryAgain

REMOVED_BEFORE = "It was removed before."
FORGOTTEN = "It was removed at the server before; its values are now forgotten in the index."
GOES_ON_AFTER = 1.0  # seconds; an erasure may take many times ten minutes
ANOTHER = "Another erasure of it isn’t finished. Resume that one, or give it up."


class Remove(Recorded):
    """Deletes each conversation at the server; its messages stay there."""

    permission = "conversations.delete_conversation"
    action = Action.REMOVE

    def act(self, task: Task, actor: User, conversation: Conversation) -> Done:
        if conversation.is_removed:
            return Done(JobOutcome.UNCHANGED, REMOVED_BEFORE)
        remove_conversation(actor=actor, conversation=conversation, job=task.job)
        return Done(JobOutcome.REMOVED)

    def done_before(self, task: Task, conversation: Conversation) -> Done | None:
        is_done = conversation.is_removed and self.has_done(task.job, conversation)
        return Done(JobOutcome.REMOVED) if is_done else None


class Erase(Recorded):
    """Deletes every item of each conversation, then the conversation. Each erasure has its receipt."""

    permission = "conversations.delete_conversation"
    action = Action.ERASE
    batch_size = 20

    def act(self, task: Task, actor: User, conversation: Conversation) -> Done:
        job = task.job
        current = Erasure.objects.about(conversation).unfinished().first()
        if current is not None and current.job_id != job.pk:
            return Done(JobOutcome.FAILED, ANOTHER)
        if current is None and conversation.is_removed:
            return _forget(conversation)
        if current is None:
            current = start_erasure(actor=actor, conversation=conversation, reason=job.reason, job=job)
        elif current.is_stopped:
            if current.failure.get("is_requested") and task.item.attempts:  # a person stopped it since the last attempt
                return Done(JobOutcome.FAILED, current.failure["message"])
            current = resume_erasure(erasure=current)
        return _done(erase(actor=actor, erasure=current, seconds=ITEM_BUDGET), conversation)

    def done_before(self, task: Task, conversation: Conversation) -> Done | None:
        finished = Erasure.objects.about(conversation).finished_by(task.job)
        return _done(finished, conversation) if finished is not None else None


def _done(erasure: Erasure, conversation: Conversation) -> Done:
    if erasure.is_finished:
        erasure.keep(receipt_digest=digest_of(erasure))
        return Done(JobOutcome.ERASED)
    if erasure.is_running:
        raise TryAgain("It isn’t finished yet.", wait=GOES_ON_AFTER)
    if holds_on(conversation):
        return Done(JobOutcome.HELD, erasure.failure.get("message", ""))
    return Done(JobOutcome.FAILED, erasure.failure.get("message", "The erasure stopped."))


def _forget(conversation: Conversation) -> Done:
    """The server has nothing of it any more that could be reached; the index may."""
    if not conversation.metadata and conversation.our_metadata is None:
        return Done(JobOutcome.UNCHANGED, REMOVED_BEFORE)
    forget_conversation(conversation=conversation)
    return Done(JobOutcome.FORGOTTEN, FORGOTTEN)
