"""What forms share: they are carried out once, keep what was typed, and show an error at the row that it is about."""

import uuid
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.http import QueryDict

from ..models import Event
from ..models.keys import as_key
from ..openai.errors import OpenAIError
from .repeating_rows import Row

MAX_REASON_LENGTH = 500


def fresh_token() -> str:
    """A token that lets a form be sent once."""
    return uuid.uuid4().hex


class TokenForm(forms.Form):
    """A form that is carried out once, however often it is sent: the same token shows the first result.

    After an unknown outcome it asks for confirmation before it sends again. `typed`: what was sent, None if the form
    was just opened. A `draft` was typed too; it is shown again, but not checked.
    """

    token = forms.CharField(max_length=64)
    after_unknown = forms.IntegerField(required=False)
    again = forms.BooleanField(required=False)

    failure: OpenAIError | None = None
    next_token = ""  # with which it's sent next, if not with a fresh one

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: User | AnonymousUser | None = None,
        draft: QueryDict | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        """`user`: who may see the event whose outcome is unknown."""
        super().__init__(data, initial=draft.dict() if draft is not None else initial)
        self.typed = data if data is not None else draft
        after_unknown = self.typed.get("after_unknown", "") if self.typed else ""
        self.unknown_event = _event_of(after_unknown, user) if user else None
        self.is_confirmed = bool(self.typed and self.typed.get("again"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.unknown_event is not None and not cleaned.get("again"):
            self.add_error("again", "Check the first attempt, or tick this box to send it again anyway.")
        return cleaned

    @property
    def token_to_send(self) -> str:
        """The token of the form as a page shows it."""
        return self.next_token or fresh_token()

    def show_failure(self, error: OpenAIError, event: Event | None) -> None:
        """Show what OpenAI said; after an unknown outcome, ask for confirmation."""
        self.failure = error
        if event is not None and event.is_unresolved:
            self.ask_again(event)

    def ask_again(self, event: Event | None) -> None:
        """Ask for confirmation before it is sent again: `event` may have done it."""
        self.unknown_event, self.is_confirmed = event, False


class RowsForm(TokenForm):
    """A form with rows, which shows OpenAI's error at the row of the field that it names."""

    def show_failure(self, error: OpenAIError, event: Event | None) -> None:
        super().show_failure(error, event)
        row = self.row_of_param(error.param)
        if row is not None:
            row.errors.append(error.message)

    def row_of_param(self, param: str) -> Row | None:
        """The row of the field that OpenAI names."""
        raise NotImplementedError


def _event_of(key: str, user: User | AnonymousUser) -> Event | None:
    pk = as_key(key)
    return None if pk is None else Event.objects.visible_to(user).filter(pk=pk).first()
