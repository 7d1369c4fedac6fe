"""One run of an erasure: what is deleted in which order, and what each response proves (R26, R28).

An item is done when OpenAI confirms its deletion. Any other response proves nothing: a 404 also comes when somebody has
removed the conversation, whose items can't be reached any more. The empty listing resolves such items.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..metadata import replace_unstorable
from ..models import Conversation, Credential, ErasedItem, Erasure, Event, ItemOutcome, Outcome, Stage, export_file
from ..models.erased_item import ListedItem
from ..models.evidence import Evidence, timestamp
from ..openai.client import Calls, ItemPage
from ..openai.errors import (
    Conflict,
    EndlessList,
    Forbidden,
    InvalidRequest,
    Locked,
    NotConfirmed,
    NotDeleted,
    NotFound,
    NotSent,
    OpenAIError,
    QuotaExceeded,
    RateLimited,
    Redirected,
    Unauthorized,
)
from .holds import holds_on, note_matches
from .items import ITEMS_A_PAGE, read_page
from .recording import EventRecorder, store_not_found

MIN_SECONDS = 2.0  # of the budget that another call needs: one that is cut off has an unknown outcome
FAILURES_IN_A_ROW = 3  # failed deletions after which the item can't be the reason

REFUSES_ALL = (Unauthorized, Forbidden, QuotaExceeded, Redirected)  # whatever is sent
REFUSES_NOW = (RateLimited, Locked, Conflict, NotSent)  # whatever is sent, for a while


def is_final(error: OpenAIError) -> bool:
    """Whether waiting doesn't help."""
    if isinstance(error, Locked):
        return False
    return isinstance(error, (*REFUSES_ALL, NotFound, InvalidRequest, EndlessList)) or error.should_retry is False


class Run:
    """Work on an erasure, within the budget of its calls and as long as it has the lease. Raises OpenAIError for what
    goes wrong, LeaseLost where another process has taken over.

    `made_progress`: a response resolved an item, or got past some.
    """

    def __init__(self, erasure: Erasure, event: Event, credential: Credential, calls: Calls, lease: str) -> None:
        self._erasure = erasure
        self._event = event
        self._credential = credential
        self._calls = calls
        self._lease = lease
        self._failures = 0
        self._has_tried = False
        self._passed: set[str] = set()  # the last ids of pages whose items were all refused
        self.made_progress = False

    def run(self) -> None:
        """Work until it finishes or stops, or the time is up."""
        if self._erasure.deletion and self._is_already_gone():
            return
        if self._delete_items() and self._delete_conversation() and not self._prove():
            raise NotConfirmed("OpenAI accepted the deletion of the conversation, but still returns it.")

    def _should_continue(self) -> bool:
        """Whether there is time for another call. One deletion is always sent, even after a slow listing."""
        least = MIN_SECONDS if self._has_tried else 0
        return self._calls.remaining > least and self._erasure.should_continue()

    # Items

    def _delete_items(self) -> bool:
        """Delete what is listed; True once a listing from the start is empty."""
        while self._should_continue():
            page = self._list()
            with self._leased():
                rows = self._erasure.enter(map(_listed_item, page.items))
            if rows:
                self._delete_listed(rows, page)
            elif page.is_cut:
                raise EndlessList("The server lists no items but says that there are more.", status=200)
            elif not self._erasure.after:
                self._record_empty(page)
                return True
            elif not self._start_over():
                return False
        return False

    def _delete_listed(self, rows: list[ErasedItem], page: ItemPage) -> None:
        """Delete what was listed; if all of it was refused before, go past it."""
        if self._erasure.empty_listing:
            self._keep(empty_listing=None)
        gone = [row for row in rows if row.is_reported_gone]
        waiting = [row for row in rows if not row.is_reported_gone and not row.is_refused]
        if waiting:
            self._delete_each(waiting)
        elif gone:  # listings may lag behind: they are given time, which is no progress
            made_progress = self.made_progress
            self._delete_each(gone)
            self.made_progress = made_progress
            raise NotConfirmed("OpenAI still lists items that it says don’t exist.", status=200)
        elif page.has_more and page.last_id not in self._passed:
            self._passed.add(page.last_id)
            self._keep(after=page.last_id)
            self.made_progress = True
        else:
            self._start_over()

    def _start_over(self) -> bool:
        """After a pass, start another from the beginning; False, and it stops, where this one deleted nothing."""
        if self._erasure.has_deleted:
            self._keep(after="", has_deleted=False)
            return True
        self._stop_at_refused()
        return False

    def _list(self) -> ItemPage:
        """The items from the start, or after those that were refused; fewer after each failure."""
        self._event.touch()
        # A large page may be why the last step failed.
        most = ITEMS_A_PAGE // 5 ** min(self._erasure.failures_in_a_row, 3) or 1
        try:
            return read_page(self._calls, self._erasure.openai_id, after=self._erasure.after, most=most)
        except NotFound:
            if self._erasure.after:  # somebody deleted that item
                self._keep(after="")
                return self._list()
            store_not_found(self._event)
            raise

    def _delete_each(self, rows: Iterable[ErasedItem]) -> None:
        for row in rows:
            if not self._should_continue():
                break
            self._has_tried = True
            if self._delete_item(row) and not self._erasure.has_deleted:
                self._keep(has_deleted=True)

    def _delete_item(self, row: ErasedItem) -> bool:
        """Whether OpenAI accepted its deletion; if the response doesn't confirm it, the next listing tells."""
        # Recording the attempt sets this; if the attempt certainly did nothing, the old value comes back.
        may_be_done = row.may_be_done
        try:
            calls = self._calls.recorded_by(_ItemRecorder(self._event, row, self._leased))
            is_confirmed = calls.delete_item(self._erasure.openai_id, row.item_id)
        except OpenAIError as error:
            row.may_be_done = may_be_done or error.may_have_happened
            self._record_error(row, error)
            return False
        self._record_outcome(row, ItemOutcome.DELETED if is_confirmed else ItemOutcome.SENT)
        self._failures, self.made_progress = 0, True
        return True

    def _record_error(self, row: ErasedItem, error: OpenAIError) -> None:
        """Keep what is known of an item now; raises the error where the next deletion would meet it too."""
        if isinstance(error, NotFound):
            self._record_outcome(row, ItemOutcome.DELETED if row.is_confirmed else ItemOutcome.SENT)
            self.made_progress = True
        elif isinstance(error, InvalidRequest | NotDeleted) and not isinstance(error, Locked):
            self._record_outcome(row, ItemOutcome.REFUSED, code=error.code, message=error.message)
            self.made_progress = True
        else:
            outcome = ItemOutcome.SENT if row.may_be_done else ItemOutcome.FOUND
            self._record_outcome(row, outcome, code=error.code, message=error.message)
            self._failures += 1
            if isinstance(error, (*REFUSES_ALL, *REFUSES_NOW)) or self._failures >= FAILURES_IN_A_ROW:
                raise error

    def _record_empty(self, page: ItemPage) -> None:
        with self._leased():  # locks the erasure before its items, as everywhere
            self._erasure.items.resolve_as_gone()
            self._erasure.keep(empty_listing=Evidence.of(200, page.request_id))

    def _stop_at_refused(self) -> None:
        """A pass deleted nothing: the conversation is kept, since its items couldn't be reached without it."""
        number = self._erasure.numbers.refused
        message = f"{number} item{' was' if number == 1 else 's were'} not deleted. The conversation was kept."
        failure = {"message": message, "at": timestamp()}
        Erasure.objects.running(self._erasure.pk, self._lease).update(stage=Stage.STOPPED, failure=failure)

    # The conversation

    def _delete_conversation(self) -> bool:
        """Delete the conversation; False where somebody stopped the erasure just before."""
        before = self._erasure.deletion
        sent = Evidence(timestamp(), credential_changed_at=self._credential.changed_at.isoformat())
        if not Erasure.objects.running(self._erasure.pk, self._lease).update(deletion=sent):
            return False
        self._erasure.deletion = sent
        try:
            self._send_deletion(sent, is_repeat=before is not None)
        except OpenAIError as error:
            if not error.may_have_happened:
                self._keep(deletion=before)
            raise
        return True

    def _send_deletion(self, sent: Evidence, *, is_repeat: bool) -> None:
        calls = self._calls.recorded_by(EventRecorder(self._event))
        try:
            is_confirmed = calls.delete_conversation(self._erasure.openai_id)
        except NotFound as error:
            may_be_own = is_repeat or error.may_have_happened
            outcome = ItemOutcome.UNCONFIRMED if may_be_own else ItemOutcome.GONE
        else:
            outcome = ItemOutcome.DELETED if is_confirmed else ItemOutcome.UNCONFIRMED
        # The recorder has just noted the response; an error without a response has None.
        status, request_id = self._event.attempts[-1]["status"], self._event.request_id
        self._keep(deletion=replace(sent, outcome=outcome.value, status=status, request_id=request_id))

    def _is_already_gone(self) -> bool:
        """Whether an earlier step deleted the conversation but couldn't prove it.

        A 404 to a read alone proves nothing (R2): an unconfirmed deletion is repeated. A credential that was changed
        since may belong to another project.
        """
        deletion = self._erasure.deletion
        if deletion is None:
            return False
        try:
            self._retrieve()
        except NotFound as error:
            if self._erasure.numbers.left:
                raise
            if not deletion.outcome:
                self._refuse_changed_credential(deletion, error)
                self._send_deletion(deletion, is_repeat=True)
            self._finish(error)
            return True
        self._keep(deletion=replace(deletion, outcome="", status=None, request_id=""))  # it may still be carried out
        return False

    def _refuse_changed_credential(self, deletion: Evidence, error: NotFound) -> None:
        if deletion.credential_changed_at != self._credential.changed_at.isoformat():
            reason = "The credential was changed after the deletion was sent, so it may belong to another project now."
            raise NotFound(f"{error.message} {reason}", status=404, request_id=error.request_id) from None

    def _prove(self) -> bool:
        """Whether OpenAI no longer returns the conversation; then the erasure is finished."""
        try:
            self._retrieve()
        except NotFound as error:
            self._finish(error)
            return True
        return False

    def _retrieve(self) -> None:
        self._calls.recorded_by(EventRecorder(self._event)).retrieve_conversation(self._erasure.openai_id)

    def _finish(self, error: NotFound) -> None:
        """Everything is gone at OpenAI: forget what the index holds of it, and keep the receipt (R28)."""
        with transaction.atomic():
            row = self._erasure.locked_row()  # before the erasure, as everywhere
            self._finish_leased(row, Evidence.of(404, error.request_id))

    def _finish_leased(self, row: Conversation | None, proof: Evidence) -> None:
        erasure = self._erasure
        with self._leased():
            events = Event.objects.with_remote_id(erasure.base_url, erasure.openai_id)
            if row is not None and holds_on(row):
                # The hold came after the deletion was sent: the index keeps what it has.
                note_matches([row])
                row.store_removed()
            else:
                if row is not None:
                    row.store_erased()
                    export_file.forget(row)
                events.forget_details()
            erasure.keep(stage=Stage.FINISHED, failure={}, not_before=None, finished_at=timezone.now(), last_read=proof)
            self.save_attempts()
            erasure.close_runs(Outcome.SUCCEEDED)
            events.unresolved().exclude(pk=self._event.pk).resolve(by=self._event)

    # Saving, while the lease is held

    def save_attempts(self) -> None:
        """Save the responses to the calls about the conversation: a stop finishes another instance of the event."""
        self._event.save(update_fields=["attempts", "request_id"])

    def _leased(self) -> AbstractContextManager[None]:
        return self._erasure.leased(self._lease)

    def _keep(self, **fields: Any) -> None:
        with self._leased():
            self._erasure.keep(**fields)

    def _record_outcome(self, row: ErasedItem, outcome: ItemOutcome, *, code: str = "", message: str = "") -> None:
        with self._leased():
            row.record_outcome(outcome, code=code, message=message)


class _ItemRecorder:
    """Records each attempt to delete an item in its row: committed before it is sent, while the lease is held."""

    def __init__(self, event: Event, row: ErasedItem, leased: Callable[[], AbstractContextManager[None]]) -> None:
        self._event = event
        self._row = row
        self._leased = leased

    def sending(self, method: str, path: str) -> str:
        """Commit that the deletion is about to be sent; returns its X-Client-Request-Id."""
        request_id = f"{self._event.uuid}-{self._row.pk}-{self._row.tries + 1}"
        with self._leased():
            self._row.record_sending(request_id)
        return request_id

    def received(self, status: int | None, request_id: str, *, is_usable: bool) -> None:
        """Note the response, which is saved with the outcome."""
        self._row.record_response(status, request_id)


def _listed_item(item: Any) -> ListedItem:
    """An item as the receipt names it. What isn't an object has neither id nor type, and can't be deleted."""
    known = item if isinstance(item, dict) else {}
    item_id, kind = known.get("id"), known.get("type")
    return ListedItem(
        item_id=replace_unstorable(str("" if item_id is None else item_id))[:255],
        type=replace_unstorable(kind)[:60] if isinstance(kind, str) else "",
    )
