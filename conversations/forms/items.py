"""Adding messages to a conversation, and deleting items."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from .base import RowsForm, TokenForm
from .ids import refuse_illegal_item_id
from .messages import MessageRow, MessageRows
from .repeating_rows import Row


class AddItemsForm(RowsForm):
    """Messages to be added."""

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        user: User | None = None,
        draft: QueryDict | None = None,
    ) -> None:
        super().__init__(data, user=user, draft=draft)
        self.messages = MessageRows([MessageRow()]) if self.typed is None else MessageRows.from_data(self.typed, files)

    @classmethod
    def of_rest(cls, rows: Sequence[MessageRow], *, user: User) -> "AddItemsForm":
        """The form with messages that were typed in another one and are left."""
        form = cls(user=user)
        form.messages = MessageRows(list(rows))
        return form

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is another one."""
        return self.messages.act(do)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["items"] = self.messages.clean()
        if self.messages.has_errors:
            self.add_error(None, "Nothing was sent. Correct the marked rows, then send it again.")
        elif not cleaned["items"]:
            self.add_error(None, "Nothing was sent. Write a message first.")
        return cleaned

    def row_of_param(self, param: str) -> Row | None:
        return self.messages.row_of_param(param)


class DeleteItemForm(TokenForm):
    """A confirmation, and whether the output of a call, or the call of an output, is deleted too."""

    partner = forms.CharField(required=False, validators=[refuse_illegal_item_id])
