"""Editing metadata, and undoing that.

Each conversation is read, changed and compared as in a single edit. One whose metadata changed elsewhere since it was
last read here is left as it is, unless `parameters["over_changes"]` says otherwise. `parameters["steps"]`: the edit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User

from ...edits import Edit as Steps
from ...edits import Impossible, restored
from ...metadata import Change, ChangeKind
from ...models import Action, Conversation, Event, Job, JobOutcome, Outcome, State
from ...services.conversations import refresh_conversation
from ...services.errors import MetadataMoved
from ...services.metadata_edit import update_metadata
from ..tasks import Task
from .recorded import Done, Recorded, TryAgain

UNDONE = "undone_events"  # where a preview puts the events of many conversations, looked up at once
ATTEMPTS = 3  # at a conversation that changes elsewhere again and again
REMOVED = "It was removed."
UNDECIDED = "Its metadata changed elsewhere before, and nobody has chosen a version yet."
NOT_KEPT = "The values from before the edit are no longer kept."


class Moved(Exception):
    """The values that would be restored were changed again since the edit."""

    def __init__(self, changes: Sequence[Change]) -> None:
        super().__init__(f"Changed since the edit: {summary(changes)}.")


class Edit(Recorded):
    """Applies the same steps to each conversation."""

    permission = "conversations.change_conversation"
    action = Action.UPDATE

    def wanted(self, job: Job, conversation: Conversation) -> dict[str, Any]:
        """The metadata that it should have. Raises Impossible, or Moved."""
        return Steps.from_json(job.parameters["steps"]).apply(conversation.metadata)

    def act(self, task: Task, actor: User, conversation: Conversation) -> Done:
        if conversation.is_removed:
            return Done(JobOutcome.MISSING, REMOVED)
        if conversation.state == State.UNREAD or not conversation.is_metadata_known:
            conversation = refresh_conversation(actor=actor, conversation=conversation, job=task.job)
        if conversation.state == State.DIFFERS and not task.job.parameters.get("over_changes"):
            return Done(JobOutcome.CONFLICT, UNDECIDED)
        try:
            return self._edit(task, actor, conversation)
        except Moved as error:
            return Done(JobOutcome.CONFLICT, str(error))
        except Impossible as error:
            return Done(JobOutcome.IMPOSSIBLE, str(error))

    def _edit(self, task: Task, actor: User, conversation: Conversation) -> Done:
        """Edit it, also where it changes elsewhere meanwhile if that was asked for."""
        wanted = self.wanted(task.job, conversation)
        for _ in range(ATTEMPTS):
            if wanted == conversation.metadata:
                return self.done_before(task, conversation) or Done(JobOutcome.UNCHANGED)
            try:
                return self._update(task, actor, conversation, wanted)
            except MetadataMoved as error:
                conversation.refresh_from_db()
                requested = self._requested_before(task, conversation)
                if requested is None and not task.job.parameters.get("over_changes"):
                    return Done(JobOutcome.CONFLICT, f"Changed elsewhere: {summary(error.changes)}.")
                if requested == conversation.metadata:
                    return Done(JobOutcome.EDITED)
                wanted = self.wanted(task.job, conversation) if requested is None else requested
        raise TryAgain("It’s being changed elsewhere all the time.")

    def _update(self, task: Task, actor: User, conversation: Conversation, wanted: Mapping[str, Any]) -> Done:
        opened_with = conversation.metadata
        changes = update_metadata(
            actor=actor, conversation=conversation, opened_with=opened_with, requested=wanted, job=task.job
        )
        refused = [change for change in changes if change.kind is ChangeKind.REFUSED]
        message = f"The server kept its own version of: {summary(refused)}." if refused else ""
        return Done(JobOutcome.FAILED if refused else JobOutcome.EDITED, message)

    def _requested_before(self, task: Task, conversation: Conversation) -> dict[str, Any] | None:
        """What an earlier attempt requested whose response got lost, if it was carried out: as a whole or, by a server
        that merges, up to the removal of keys."""
        for detail in map(_detail, self.events_of(task.job, conversation)):
            if detail is not None and detail.requested is not None:
                halfway = {**(detail.before or {}), **detail.requested}
                if conversation.metadata in (detail.requested, halfway):
                    return dict(detail.requested)
        return None

    def done_before(self, task: Task, conversation: Conversation) -> Done | None:
        if not self.has_done(task.job, conversation):
            return None
        try:
            is_done = self.wanted(task.job, conversation) == conversation.metadata
        except (Impossible, Moved):
            is_done = True
        return Done(JobOutcome.EDITED) if is_done else None


class Undo(Edit):
    """Restores the values that an earlier job changed, from the details of its events."""

    def wanted(self, job: Job, conversation: Conversation) -> dict[str, Any]:
        if not self.undone_events(job, conversation):
            return dict(conversation.metadata)  # nothing was changed
        before, after = self.kept_versions(job, conversation)
        if before is None or after is None:
            raise Impossible(NOT_KEPT)
        wanted, moved = restored(conversation.metadata, before, after)
        if moved and wanted != conversation.metadata and not job.parameters.get("over_changes"):
            raise Moved(moved)
        return wanted

    def undone_events(self, job: Job, conversation: Conversation) -> list[Event]:
        """The events of the earlier job that changed the conversation, or may have."""
        if job.undoes is None:
            return []
        prefetched = getattr(conversation, UNDONE, None)
        events = self.events_of(job.undoes, conversation) if prefetched is None else prefetched
        return [each for each in events if each.outcome in (Outcome.SUCCEEDED, Outcome.UNKNOWN)]

    def kept_versions(
        self, job: Job, conversation: Conversation
    ) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        """The metadata before and after what the earlier job did; None where it isn't kept."""
        events = [each for each in self.undone_events(job, conversation) if each.action == Action.UPDATE]
        details = [detail for event in events if (detail := _detail(event)) is not None and detail.before is not None]
        if not details:
            return None, None
        last = details[-1]
        return details[0].before, last.requested if last.after is None else last.after


def summary(changes: Sequence[Change]) -> str:
    """The names of the first keys."""
    names = ", ".join(change.key[:80] for change in changes[:5])
    return f"{names} and {len(changes) - 5} more" if len(changes) > 5 else names


def _detail(event: Event) -> Any:
    return getattr(event, "detail", None)
