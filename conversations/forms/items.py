"""Forms about what is inside a conversation, and about erasing it."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict

from ..models import Conversation, Event
from ..openai.errors import OpenAIError
from .conversations import TokenForm
from .ids import refuse_illegal_item_id
from .rows import MessageRow, MessageRows, as_typed

SHOWN_OF_ID = 6  # characters at an id's end, which one types to say that one means it
LONGEST_REASON = 500


class AddItemsForm(TokenForm):
    """Messages to be added: 1 to 20."""

    def __init__(
        self, data: QueryDict | None = None, *, user: User | None = None, draft: QueryDict | None = None
    ) -> None:
        """`data` is checked; a `draft` is only shown again, such as when a row was added."""
        super().__init__(data, user=user, draft=draft)
        typed = data if data is not None else draft
        self.messages = MessageRows([MessageRow()]) if typed is None else MessageRows.from_data(typed)

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is none."""
        return self.messages.act(do)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["items"] = self.messages.clean()
        if self.messages.has_errors:
            self.add_error(None, "Nothing was sent yet: correct the rows that are marked.")
        elif not cleaned["items"]:
            self.add_error(None, "Nothing was sent: write a message.")
        return cleaned

    def show_failure(self, error: OpenAIError, event: Event | None) -> None:
        """Show what OpenAI said, also at the row of the message that it names."""
        super().show_failure(error, event)
        row = self.messages.row_of_param(error.param)
        if row is not None:
            row.errors.append(error.message)


class DeleteItemForm(TokenForm):
    """A yes, and whether the other half of a call and its output goes too."""

    partner = forms.CharField(required=False, validators=[refuse_illegal_item_id])


class EraseForm(TokenForm):
    """Why a conversation is erased, and the end of its id, which nobody types by mistake."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        error_messages={
            "required": "Say why: it stands in the receipt.",
            "max_length": "The reason has %(show_value)d characters. Shorten it to %(limit_value)d.",
        },
    )
    ending = forms.CharField(error_messages={"required": "Type the last characters of the id."})

    def __init__(self, data: QueryDict | None = None, *, conversation: Conversation, user: User | None = None) -> None:
        super().__init__(data, user=user)
        self.wanted = conversation.openai_id[-SHOWN_OF_ID:]

    def clean_reason(self) -> str:
        return as_typed(self.cleaned_data["reason"])

    def clean_ending(self) -> str:
        typed: str = self.cleaned_data["ending"]
        if typed != self.wanted:
            number = len(self.wanted)
            raise forms.ValidationError(f"These are not the last {number} characters of the id. Nothing was erased.")
        return typed
