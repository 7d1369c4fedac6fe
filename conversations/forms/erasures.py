"""Starting an erasure."""

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict

from ..models import Conversation
from .base import MAX_REASON_LENGTH, TokenForm
from .repeating_rows import as_typed

SHOWN_OF_ID = 6  # characters at an id's end, typed to confirm


class EraseForm(TokenForm):
    """Why a conversation is erased, and the end of its id, which nobody types by mistake."""

    reason = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        error_messages={
            "required": "Enter a reason for the receipt.",
            "max_length": "The reason has %(show_value)d characters. Shorten it to %(limit_value)d.",
        },
    )
    ending = forms.CharField(error_messages={"required": "Type the last characters of the id."})

    def __init__(self, data: QueryDict | None = None, *, conversation: Conversation, user: User | None = None) -> None:
        super().__init__(data, user=user)
        self.id_ending = conversation.openai_id[-SHOWN_OF_ID:]

    def clean_reason(self) -> str:
        return as_typed(self.cleaned_data["reason"])

    def clean_ending(self) -> str:
        typed: str = self.cleaned_data["ending"]
        if typed != self.id_ending:
            number = len(self.id_ending)
            raise forms.ValidationError(f"These aren’t the last {number} characters of the id. Nothing was erased.")
        return typed
