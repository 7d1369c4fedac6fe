"""One run of an erasure: what is deleted in which order, and what each answer says of it (R26, R28).

An item is done when OpenAI confirmed its deletion. Any other answer settles nothing: a 404 comes also where somebody
removed the conversation, whose items can no longer be reached then. Such items are settled by the empty listing.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..metadata import storable
from ..models import Conversation, Credential, ErasedItem, Erasure, Event, Outcome
from ..models.erased_item import Fate
from ..models.erasure import Stage, moment
from ..openai.client import Calls, ItemPage
from ..openai.errors import (
    Conflict,
    EndlessList,
    Forbidden,
    InvalidRequest,
    Locked,
    NotConfirmed,
    NotDone,
    NotFound,
    NotSent,
    OpenAIError,
    QuotaExceeded,
    RateLimited,
    Redirected,
    Unauthorized,
)
from .items import ITEMS_A_PAGE, read_page
from .recording import EventRecorder
from .rows import store_not_found

LEAST_SECONDS = 2.0  # left of the budget for another call to begin: one that is cut off leaves its answer unknown
FAILURES_IN_A_ROW = 3  # deletions that failed one after the other: then it is not the item

HOPELESS = (Unauthorized, Forbidden, QuotaExceeded, Redirected)  # whatever is sent
NOT_NOW = (RateLimited, Locked, Conflict, NotSent)  # whatever is sent, for a while


def is_final(error: OpenAIError) -> bool:
    """Whether waiting does not mend it."""
    if isinstance(error, Locked):
        return False
    return isinstance(error, (*HOPELESS, NotFound, InvalidRequest, EndlessList)) or error.should_retry is False


class Run:
    """An erasure at work, within the seconds of its calls, as long as its lease is not taken over. What goes wrong is
    raised as OpenAIError; LeaseLost where another process goes on with it.

    `made_headway`: OpenAI answered something that settles an item, or got past some.
    """

    def __init__(self, erasure: Erasure, event: Event, credential: Credential, calls: Calls, lease: str) -> None:
        self._erasure = erasure
        self._event = event
        self._credential = credential
        self._calls = calls
        self._lease = lease
        self._failures = 0
        self._has_tried = False
        self._passed: set[str] = set()  # the last ids of pages of which all was refused
        self.made_headway = False

    def go_on(self) -> None:
        """Until it is finished or stopped, or the time is up."""
        if self._erasure.removal and self._is_settled():
            return
        if self._has_deleted_items() and self._has_removed() and not self._is_proven():
            raise NotConfirmed("OpenAI accepted the deletion of the conversation, and still answers for it.")

    def _may_go_on(self) -> bool:
        """Whether there is time for another call: for one deletion in any case, if the items were listed slowly."""
        least = LEAST_SECONDS if self._has_tried else 0
        return self._calls.remaining > least and self._erasure.may_go_on()

    # Items

    def _has_deleted_items(self) -> bool:
        """Delete what is listed; True once a listing from the start is empty."""
        while self._may_go_on():
            page = self._listed()
            with self._held():
                rows = self._erasure.enter(map(_facts, page.items))
            if rows:
                self._delete_listed(rows, page)
            elif page.is_cut:
                raise EndlessList("The server lists no items and says that there are more.", status=200)
            elif not self._erasure.after:
                self._note_empty(page)
                return True
            elif not self._begins_again():
                return False
        return False

    def _delete_listed(self, rows: list[ErasedItem], page: ItemPage) -> None:
        """Delete what was listed; where all of it was refused before, go past it."""
        if self._erasure.emptied:
            self._note(emptied={})
        gone = [row for row in rows if row.is_answered]
        waiting = [row for row in rows if not row.is_answered and not row.is_refused]
        if waiting:
            self._delete_each(waiting)
        elif gone:  # its listings may be behind: they are given time, which is no headway
            made_headway = self.made_headway
            self._delete_each(gone)
            self.made_headway = made_headway
            raise NotConfirmed("OpenAI still lists items that it says are gone.", status=200)
        elif page.has_more and page.last_id not in self._passed:
            self._passed.add(page.last_id)
            self._note(after=page.last_id)
            self.made_headway = True
        else:
            self._begins_again()

    def _begins_again(self) -> bool:
        """At the end of a pass, whether another begins at the start: not where this one deleted nothing."""
        if self._erasure.has_deleted:
            self._note(after="", has_deleted=False)
            return True
        self._stop_at_refused()
        return False

    def _listed(self) -> ItemPage:
        """The items from the start, or after those that were refused; fewer after each failure."""
        self._event.touch()
        most = ITEMS_A_PAGE // 5 ** min(self._erasure.failures_in_a_row, 3) or 1
        try:
            return read_page(self._calls, self._erasure.openai_id, after=self._erasure.after, most=most)
        except NotFound:
            if self._erasure.after:  # somebody deleted that item
                self._note(after="")
                return self._listed()
            store_not_found(self._event)
            raise

    def _delete_each(self, rows: Iterable[ErasedItem]) -> None:
        for row in rows:
            if not self._may_go_on():
                break
            self._has_tried = True
            if self._is_accepted(row) and not self._erasure.has_deleted:
                self._note(has_deleted=True)

    def _is_accepted(self, row: ErasedItem) -> bool:
        """Whether OpenAI took its deletion; where the answer does not confirm it, the next listing tells."""
        may_be_done = row.may_be_done
        try:
            calls = self._calls.recorded_by(_ItemRecorder(self._event, row, self._held))
            is_confirmed = calls.delete_item(self._erasure.openai_id, row.item_id)
        except OpenAIError as error:
            row.may_be_done = may_be_done or error.may_have_happened
            self._note_undeleted(row, error)
            return False
        self._note_fate(row, Fate.DELETED if is_confirmed else Fate.SENT)
        self._failures, self.made_headway = 0, True
        return True

    def _note_undeleted(self, row: ErasedItem, error: OpenAIError) -> None:
        """Keep what is known of an item now; raises the error where the next deletion would meet it too."""
        facts = {"code": error.code, "message": error.message}
        if isinstance(error, NotFound):
            self._note_fate(row, Fate.DELETED if row.is_confirmed else Fate.SENT)
            self.made_headway = True
        elif isinstance(error, InvalidRequest | NotDone) and not isinstance(error, Locked):
            self._note_fate(row, Fate.REFUSED, **facts)
            self.made_headway = True
        else:
            self._note_fate(row, Fate.SENT if row.may_be_done else Fate.FOUND, **facts)
            self._failures += 1
            if isinstance(error, (*HOPELESS, *NOT_NOW)) or self._failures >= FAILURES_IN_A_ROW:
                raise error

    def _note_empty(self, page: ItemPage) -> None:
        with self._held():  # the erasure before its items, as everywhere
            self._erasure.items.settle_as_gone()
            self._erasure.note(emptied={"status": 200, "request_id": page.request_id[:200], "at": moment()})

    def _stop_at_refused(self) -> None:
        """A pass removed nothing: the conversation is kept, since its items could not be reached without it."""
        number = self._erasure.numbers.refused
        words = f"{number} item{' was' if number == 1 else 's were'} not deleted. The conversation was kept."
        failure = {"message": words, "at": moment()}
        Erasure.objects.running(self._erasure.pk, self._lease).update(stage=Stage.STOPPED, failure=failure)

    # The conversation

    def _has_removed(self) -> bool:
        """Delete the conversation; False where somebody stopped the erasure just before."""
        before = self._erasure.removal
        removal = {"at": moment(), "credential_changed_at": self._credential.changed_at.isoformat()}
        if not Erasure.objects.running(self._erasure.pk, self._lease).update(removal=removal):
            return False
        self._erasure.removal = removal
        try:
            self._delete_conversation(is_repeat=bool(before))
        except OpenAIError as error:
            if not error.may_have_happened:
                self._note(removal=before)
            raise
        return True

    def _delete_conversation(self, *, is_repeat: bool) -> None:
        calls = self._calls.recorded_by(EventRecorder(self._event))
        try:
            is_confirmed = calls.delete_conversation(self._erasure.openai_id)
        except NotFound as error:
            is_ours = is_repeat or error.may_have_happened
            self._note_removal(Fate.UNANSWERED if is_ours else Fate.GONE)
        else:
            self._note_removal(Fate.DELETED if is_confirmed else Fate.UNANSWERED)

    def _note_removal(self, fate: str) -> None:
        status = self._event.attempts[-1]["status"]
        facts = {"fate": fate, "status": status, "request_id": self._event.request_id}
        self._note(removal={**self._erasure.removal, **facts})

    def _is_settled(self) -> bool:
        """Whether an earlier step removed the conversation, which no longer came to its proof.

        A 404 to a read alone proves nothing (R2): a deletion that was not confirmed is repeated, and a credential that
        was changed since may belong to another project.
        """
        sent = {name: self._erasure.removal[name] for name in ("at", "credential_changed_at")}
        try:
            self._retrieve()
        except NotFound as error:
            if self._erasure.numbers.left:
                raise
            if not self._erasure.removal.get("fate"):
                self._refuse_other_credential(error)
                self._delete_conversation(is_repeat=True)
            self._finish(error)
            return True
        self._note(removal=sent)  # it may be carried out yet
        return False

    def _refuse_other_credential(self, error: NotFound) -> None:
        if self._erasure.removal["credential_changed_at"] != self._credential.changed_at.isoformat():
            words = "The credential was changed since the deletion was sent: it may belong to another project now."
            raise NotFound(f"{error.message} {words}", status=404, request_id=error.request_id) from None

    def _is_proven(self) -> bool:
        """Whether OpenAI knows the conversation no more; then the erasure is finished."""
        try:
            self._retrieve()
        except NotFound as error:
            self._finish(error)
            return True
        return False

    def _retrieve(self) -> None:
        self._calls.recorded_by(EventRecorder(self._event)).retrieve_conversation(self._erasure.openai_id)

    def _finish(self, proof: NotFound) -> None:
        """Everything is gone at OpenAI: forget what we hold of it, and keep the receipt (R28)."""
        facts = {"status": 404, "request_id": proof.request_id[:200], "at": moment()}
        with transaction.atomic():
            row = self._erasure.locked_row()  # before the erasure, as everywhere
            self._finish_held(row, facts)

    def _finish_held(self, row: Conversation | None, proof: dict[str, Any]) -> None:
        erasure = self._erasure
        with self._held():
            if row is not None:
                row.store_erased()
            events = Event.objects.at_address(erasure.base_url, erasure.openai_id)
            events.forget_details()
            erasure.note(stage=Stage.FINISHED, failure={}, not_before=None, finished_at=timezone.now(), proof=proof)
            self.note_attempts()
            erasure.close_runs(Outcome.SUCCEEDED)
            events.unresolved().exclude(pk=self._event.pk).update(outcome=Outcome.UNKNOWN, settled_by=self._event)

    # What is known

    def note_attempts(self) -> None:
        """Keep the answers to the calls about the conversation, which closing the event does not know of."""
        self._event.save(update_fields=["attempts", "request_id"])

    def _held(self) -> AbstractContextManager[None]:
        return self._erasure.held(self._lease)

    def _note(self, **facts: Any) -> None:
        with self._held():
            self._erasure.note(**facts)

    def _note_fate(self, row: ErasedItem, fate: str, **facts: str) -> None:
        with self._held():
            row.note_fate(fate, **facts)


class _ItemRecorder:
    """Tells each attempt to delete an item to its row, committed before it is sent, while the lease is held."""

    def __init__(self, event: Event, row: ErasedItem, held: Callable[[], AbstractContextManager[None]]) -> None:
        self._event = event
        self._row = row
        self._held = held

    def sending(self, method: str, path: str) -> str:
        """The X-Client-Request-Id of the attempt."""
        request_id = f"{self._event.uuid}-{self._row.pk}-{self._row.tries + 1}"
        with self._held():
            self._row.note_sending(request_id)
        return request_id

    def answered(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        """Its answer."""
        self._row.note_answer(status, request_id)


def _facts(item: Any) -> dict[str, str]:
    """What the receipt says of an item: its id and its type. What is no object has neither, and can't be deleted."""
    known = item if isinstance(item, dict) else {}
    item_id, kind = known.get("id"), known.get("type")
    return {
        "item_id": storable(str("" if item_id is None else item_id))[:255],
        "type": storable(kind)[:60] if isinstance(kind, str) else "",
    }
