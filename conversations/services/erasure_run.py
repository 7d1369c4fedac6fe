"""One run of an erasure: what is deleted in which order, and what each answer says of it (R26, R28).

An item is done when OpenAI confirmed its deletion. Any other answer settles nothing: a 404 comes also where somebody
removed the conversation, whose items can no longer be reached then. Such items are settled by the empty listing.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..metadata import storable
from ..models import ErasedItem, Erasure, Event, Outcome
from ..models.erasure import Fate, Stage, moment
from ..openai_client import Calls, ItemPage, is_legal_id
from ..openai_errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    InvalidRequest,
    Locked,
    NotFound,
    NotSent,
    OpenAIError,
    QuotaExceeded,
    RateLimited,
    Redirected,
    Unauthorized,
)
from .attempts import EventRecorder
from .rows import locked, store_not_found

ITEMS_A_LISTING = 100
LEAST_SECONDS = 2.0  # left of the budget for another call to begin: one that is cut off leaves its answer unknown
FAILURES_IN_A_ROW = 3  # deletions that failed one after the other: then it is not the item
MOST_ANSWERED = 5  # tries with an item that OpenAI says is gone, and lists again

HOPELESS = (Unauthorized, Forbidden, QuotaExceeded, Redirected)  # whatever is sent
NOT_NOW = (RateLimited, Locked, Conflict, NotSent)  # whatever is sent, for a while


def is_final(error: OpenAIError) -> bool:
    """Whether waiting does not mend it."""
    if isinstance(error, Locked):
        return False
    return isinstance(error, (*HOPELESS, NotFound, InvalidRequest)) or error.should_retry is False


class Run:
    """An erasure at work, within the seconds of its calls. What goes wrong is raised as OpenAIError."""

    def __init__(self, erasure: Erasure, event: Event, calls: Calls) -> None:
        self._erasure = erasure
        self._event = event
        self._calls = calls
        self._failures = 0

    def go_on(self) -> None:
        """Until it is finished or stopped, or the time is up."""
        if self._erasure.removal and self._is_proven():  # the process that removed it did not come so far
            return
        if self._has_deleted_items():
            self._remove()
            if not self._is_proven():
                raise BadAnswer("OpenAI confirmed that the conversation was deleted, and still answers for it.")

    def _may_go_on(self) -> bool:
        return self._calls.remaining > LEAST_SECONDS and self._erasure.may_go_on()

    # Items

    def _has_deleted_items(self) -> bool:
        """Delete what is listed; True once a listing from the start is empty."""
        after, is_progress = "", False
        while self._may_go_on():
            page = self._list(after)
            rows = self._erasure.enter(map(_facts, page.items))
            waiting = [row for row in rows if not row.is_refused]
            if waiting:
                is_progress = self._delete_each(waiting) or is_progress
            elif page.has_more:
                after = page.last_id
            elif not rows and not after:
                self._note_empty(page)
                return True
            elif is_progress:
                after, is_progress = "", False  # once more from the start: all that are left were refused
            else:
                self._stop_at_refused()
                return False
        return False

    def _list(self, after: str) -> ItemPage:
        """The items from the start, or after those that were refused."""
        self._event.touch()
        try:  # what changes nothing is not written down: thousands of items need many listings
            return self._calls.list_items(self._erasure.openai_id, limit=ITEMS_A_LISTING, order="asc", after=after)
        except NotFound:
            if after:  # somebody deleted that item
                return self._list("")
            if self._erasure.conversation is not None:
                store_not_found(self._event, self._erasure.conversation)
            raise

    def _delete_each(self, rows: Iterable[ErasedItem]) -> bool:
        """Whether OpenAI confirmed any deletion."""
        is_progress = False
        for row in rows:
            if not self._may_go_on():
                break
            is_progress = self._is_deleted(row) or is_progress
        return is_progress

    def _is_deleted(self, row: ErasedItem) -> bool:
        if row.is_answered and row.tries >= MOST_ANSWERED:
            row.note_fate(Fate.REFUSED, message="OpenAI answered several times that it is gone, and still lists it.")
            return False
        try:
            calls = self._calls.recorded_by(_ItemRecorder(self._event, row))
            calls.delete_item(self._erasure.openai_id, row.item_id)
        except OpenAIError as error:
            self._note_undeleted(row, error)
            return False
        row.note_fate(Fate.DELETED)
        self._failures = 0
        return True

    def _note_undeleted(self, row: ErasedItem, error: OpenAIError) -> None:
        """Keep what is known of an item now; raises the error where the next deletion would meet it too."""
        facts = {"code": error.code, "message": error.message}
        if isinstance(error, NotFound):
            row.note_fate(Fate.SENT)
            return
        if isinstance(error, InvalidRequest) and not isinstance(error, Locked):
            row.note_fate(Fate.REFUSED, **facts)
            return
        row.note_fate(Fate.SENT if row.unanswered else Fate.FOUND, **facts)
        self._failures += 1
        if isinstance(error, (*HOPELESS, *NOT_NOW)) or self._failures >= FAILURES_IN_A_ROW:
            raise error

    def _note_empty(self, page: ItemPage) -> None:
        with transaction.atomic():
            self._erasure.items.settle_as_gone()
            self._erasure.note(emptied={"request_id": page.request_id, "at": moment()})

    def _stop_at_refused(self) -> None:
        """A pass removed nothing: the conversation is kept, since its items could not be reached without it."""
        number = self._erasure.numbers.refused
        words = f"OpenAI refused to delete {number} item{'' if number == 1 else 's'}. The conversation was kept."
        with transaction.atomic():
            self._erasure.note(stage=Stage.STOPPED, failure={"message": words, "at": moment()})
            self._event.finish(Outcome.STOPPED, item_count=self._erasure.numbers.done)

    # The conversation

    def _remove(self) -> None:
        before = self._erasure.removal
        self._erasure.note(removal={"at": moment(), "tries": before.get("tries", 0) + 1})
        calls = self._calls.recorded_by(EventRecorder(self._event))
        try:
            calls.delete_conversation(self._erasure.openai_id)
        except NotFound as error:
            is_ours = bool(before) or error.may_have_happened
            self._note_removal(Fate.UNANSWERED if is_ours else Fate.GONE, 404)
        except OpenAIError as error:
            if not error.may_have_happened:
                self._erasure.note(removal=before)
            raise
        else:
            self._note_removal(Fate.DELETED, 200)

    def _note_removal(self, fate: str, status: int) -> None:
        facts = {"fate": fate, "status": status, "request_id": self._event.request_id}
        self._erasure.note(removal={**self._erasure.removal, **facts})

    def _is_proven(self) -> bool:
        """Whether OpenAI knows the conversation no more; then the erasure is finished."""
        try:
            self._calls.recorded_by(EventRecorder(self._event)).retrieve_conversation(self._erasure.openai_id)
        except NotFound as error:
            self._finish({"status": 404, "request_id": error.request_id, "at": moment()})
            return True
        return False

    def _finish(self, proof: dict[str, Any]) -> None:
        """Everything is gone at OpenAI: forget what we hold of it, and keep the receipt (R28)."""
        erasure = self._erasure
        removal = {"fate": Fate.UNANSWERED, **erasure.removal}
        with transaction.atomic():
            if erasure.conversation is not None:
                locked(erasure.conversation).store_erased()
            events = Event.objects.at_address(erasure.base_url, erasure.openai_id)
            events.forget_details()
            facts = {"stage": Stage.FINISHED, "failure": {}, "finished_at": timezone.now()}
            erasure.note(**facts, removal=removal, proof=proof)
            self._event.finish(Outcome.SUCCEEDED, item_count=erasure.numbers.done)
            events.unresolved().exclude(pk=self._event.pk).update(outcome=Outcome.UNKNOWN, settled_by=self._event)


class _ItemRecorder:
    """Tells each attempt to delete an item to its row, committed before it is sent."""

    def __init__(self, event: Event, row: ErasedItem) -> None:
        self._event = event
        self._row = row

    def sending(self, method: str, path: str) -> str:
        """The X-Client-Request-Id of the attempt."""
        request_id = f"{self._event.uuid}-{self._row.pk}-{self._row.tries + 1}"
        self._row.note_sending(request_id)
        return request_id

    def answered(self, status: int | None, request_id: str) -> None:
        """Its answer."""
        self._row.note_answer(status, request_id)


def _facts(item: dict[str, Any]) -> dict[str, str]:
    """What the receipt says of an item: its id and its type."""
    item_id, kind = item.get("id"), item.get("type")
    return {
        "item_id": item_id if isinstance(item_id, str) and is_legal_id(item_id) else "",
        "type": storable(kind)[:60] if isinstance(kind, str) else "",
    }
