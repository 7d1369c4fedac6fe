"""Forms about conversations: a new one, one by its id, its metadata, removing and transferring it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from ..metadata import MAX_PAIRS, SHOWN_PAIRS, Change, digest, replace_unstorable, shown
from ..models import Action, Conversation, Credential, Event
from .base import RowsForm, TokenForm
from .ids import OpenAIIdField, refuse_illegal_item_id
from .messages import MessageRow, MessageRows, rows_of
from .repeating_rows import MetadataRows, PairRow, Row, as_typed

MAX_CARRIED_LENGTH = 64 * 1024  # characters of JSON that a form carries along


class MetadataRowsForm(RowsForm):
    """A form with metadata rows, and JSON to fill them from."""

    metadata: MetadataRows
    json_text = ""
    json_error: str | None = None

    def read_rows(self, typed: QueryDict) -> None:
        """Read the rows that were sent, and the JSON that was pasted beside them."""
        self.metadata = MetadataRows.from_data(typed)
        self.json_text = as_typed(typed.get("json", ""))

    def fill_from_json(self) -> None:
        """Fill the rows from the pasted JSON; unreadable JSON stays, to be corrected."""
        self.json_error = self.metadata.fill(self.json_text)
        self.json_text = self.json_text if self.json_error else ""

    def clean_rows(self, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The map in the rows. JSON that was pasted but not filled in is an error: it would be lost silently."""
        if self.json_text.strip():
            self.json_error = "The rows don’t contain this yet. Fill them in, or clear this field."
        return self.metadata.clean(stored)

    @property
    def has_row_errors(self) -> bool:
        return self.json_error is not None or self.metadata.has_errors

    def row_of_param(self, param: str) -> Row | None:
        return self.metadata.row_of(param.removeprefix("metadata.")) if param.startswith("metadata.") else None


class CredentialChoiceField(forms.ModelChoiceField):
    """Credentials by name and host; if there is only one, it is preselected."""

    def __init__(self, usable: QuerySet[Credential]) -> None:
        first = list(usable[:2])
        self.only = first[0] if len(first) == 1 else None
        super().__init__(
            usable,
            empty_label=None if self.only else "Choose a credential…",
            error_messages={
                "required": "Choose a credential.",
                "invalid_choice": "Choose a credential that you can use.",
            },
        )

    def label_from_instance(self, credential: Credential) -> str:
        return f"{credential.name} — {credential.host}"


def credential_field(user: User | AnonymousUser) -> CredentialChoiceField:
    """A choice among the credentials that the user may use."""
    return CredentialChoiceField(Credential.objects.visible_to(user).active())


class ConversationForm(MetadataRowsForm):
    """A new conversation: credential, up to 200 messages, up to 16 pairs."""

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        user: User | AnonymousUser,
        draft: QueryDict | None = None,
    ) -> None:
        super().__init__(data, user=user, draft=draft)
        self.fields["credential"] = credential_field(user)
        self.messages, self.metadata = MessageRows([MessageRow()]), MetadataRows([PairRow()])
        if self.typed is not None:
            self.messages = MessageRows.from_data(self.typed, files)
            self.read_rows(self.typed)

    @classmethod
    def filled_with(
        cls, items: Sequence[Mapping[str, Any]], metadata: Mapping[str, str], *, user: User
    ) -> "ConversationForm":
        """The form with these messages, which `items.creation` made, and pairs."""
        form = cls(user=user)
        form.messages = rows_of(items) if items else form.messages
        pairs = [PairRow(as_typed(key), as_typed(value)) for key, value in metadata.items()]
        form.metadata = MetadataRows(pairs or [PairRow()])
        return form

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is another one."""
        if do == "fill":
            self.fill_from_json()
        return do in {"fill", "preview"} or self.messages.act(do) or self.metadata.act(do)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["items"] = self.messages.clean()
        cleaned["metadata"] = self.clean_rows()
        if self.messages.has_errors or self.has_row_errors:
            self.add_error(None, "Nothing was sent. Correct the marked rows, then send it again.")
        return cleaned

    def chosen_credential(self) -> Credential | None:
        """The selected credential, also in a draft."""
        field = cast(CredentialChoiceField, self.fields["credential"])
        try:
            return field.clean(self["credential"].value() or None)
        except forms.ValidationError:
            return field.only

    def row_of_param(self, param: str) -> Row | None:
        return self.messages.row_of_param(param) or super().row_of_param(param)


class TranscriptFileForm(forms.Form):
    """A file with the messages of a new conversation."""

    file = forms.FileField(
        allow_empty_file=True,
        error_messages={"required": "Choose a file.", "invalid": "Choose a file. This one didn’t arrive."},
    )


class MetadataForm(MetadataRowsForm):
    """The metadata of a conversation. Carries the map that it was opened with, or the digest of a large one.

    Pairs that don't fit on a page have no row, and stay unchanged.
    """

    opened_with = forms.CharField(strip=False)
    conflict: Sequence[Change] = ()
    more_conflicts = 0

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: User | None = None,
        draft: QueryDict | None = None,
        opened_with: Mapping[str, Any] | None = None,
    ) -> None:
        """`opened_with`: what the index holds now; a digest that comes back may stand for it."""
        super().__init__(data, user=user, draft=draft)
        self.opened = dict(opened_with or {})
        self.is_damaged = False
        self.metadata = MetadataRows.from_map(self._with_rows(self.opened))
        if self.typed is not None:
            opened = _opened(self.typed.get("opened_with", ""), self.opened)
            self.opened, self.is_damaged = opened or {}, opened is None
            self.read_rows(self.typed)
        # A map of another server may have more than 16 pairs: it can be edited, but not grow.
        self.metadata.limit = max(MAX_PAIRS, len(self.opened)) - len(self.untouched)

    @staticmethod
    def _with_rows(metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The pairs that have rows."""
        return {key: metadata[key] for key, _, is_cut in shown(metadata).pairs if not is_cut}

    @property
    def untouched(self) -> dict[str, Any]:
        """The pairs that have no row."""
        rows = self._with_rows(self.opened)
        return {key: value for key, value in self.opened.items() if key not in rows}

    @property
    def opened_with_json(self) -> str:
        """The map that the form was opened with, or its digest if it is large, for a hidden field."""
        text = json.dumps(self.opened)
        return text if len(text) <= MAX_CARRIED_LENGTH else json.dumps(digest(self.opened))

    def fill(self, metadata: Mapping[str, Any]) -> None:
        """Fill the rows with another map than the form was opened with, such as our version."""
        self.metadata = MetadataRows.from_map(self._with_rows(metadata))

    def blank(self, keys: Sequence[str]) -> None:
        """Fill in the empty text for these keys: some servers can't remove a key."""
        self.fill({key: "" if key in keys else value for key, value in self.opened.items()})

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is another one."""
        if do == "fill":
            self.fill_from_json()
        return do == "fill" or self.metadata.act(do)

    def show_conflict(self, theirs: Mapping[str, Any], changes: list[Change]) -> None:
        """Show what changed at OpenAI beside what was typed, which stays. If the form is sent again, it overwrites what
        OpenAI holds now."""
        self.metadata.merge(self.opened, changes)
        self.opened = dict(theirs)
        self.conflict, self.more_conflicts = changes[:SHOWN_PAIRS], max(0, len(changes) - SHOWN_PAIRS)

    def clean_opened_with(self) -> dict[str, Any]:
        if self.is_damaged:
            raise forms.ValidationError("This form is damaged, too large or outdated. Reload the page.")
        return self.opened

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        # Otherwise the row would silently replace a pair that the page doesn't show.
        self.metadata.refuse_keys(self.untouched)
        cleaned["metadata"] = {**self.clean_rows(self.opened), **self.untouched}
        if self.has_row_errors:
            self.add_error(None, "Nothing was sent. Correct the marked rows, then send it again.")
        return cleaned


def _opened(text: str, held: Mapping[str, Any]) -> dict[str, Any] | None:
    """The map that a form was opened with: the one that it carries, or `held` if it carries the digest of that."""
    try:
        content = replace_unstorable(json.loads(text)) if len(text) <= 2 * MAX_CARRIED_LENGTH else None
    except (ValueError, RecursionError):
        return None
    if isinstance(content, str):
        return dict(held) if content == digest(held) else None
    return content if isinstance(content, dict) else None


class GetForm(TokenForm):
    """A conversation by its id."""

    openai_id = OpenAIIdField(error_messages={"required": "Paste the id of a conversation, like conv_68a1…"})

    def __init__(self, data: QueryDict | None = None, *, user: User | AnonymousUser, openai_id: str = "") -> None:
        super().__init__(data, user=user, initial={"openai_id": openai_id})
        self.fields["credential"] = credential_field(user)


class RemoveForm(TokenForm):
    """A confirmation."""


class CopyForm(TokenForm):
    """The credential of a copy and whether it gets the metadata; then, how far it got."""

    with_metadata = forms.BooleanField(required=False, initial=True)
    target = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    after = forms.CharField(required=False, validators=[refuse_illegal_item_id])
    skip = forms.IntegerField(required=False, min_value=0, max_value=2**31)
    copied = forms.IntegerField(required=False, min_value=0, max_value=2**31)
    left_out = forms.IntegerField(required=False, min_value=0, max_value=2**31)

    def __init__(self, data: QueryDict | None = None, *, user: User, source: Conversation) -> None:
        super().__init__(data, user=user, initial={"credential": source.credential_id, "with_metadata": True})
        self.fields["credential"] = credential_field(user)
        if self.is_continued:
            del self.fields["credential"]

    @property
    def is_continued(self) -> bool:
        """Whether the copy was begun before."""
        return bool(self.typed and self.typed.get("target"))


class TransferForm(forms.Form):
    """The credential that a conversation is transferred to."""

    token = forms.CharField(max_length=64)

    def __init__(self, data: QueryDict, *, usable: QuerySet[Credential]) -> None:
        super().__init__(data)
        self.fields["credential"] = CredentialChoiceField(usable)


class ResolveForm(forms.Form):
    """How an event ended: the id that it created, or a note."""

    openai_id = OpenAIIdField(required=False)
    note = forms.CharField(max_length=2000, required=False)

    def __init__(self, data: QueryDict | None = None, *, event: Event, user: User) -> None:
        """Only a creation can have created an id, and only who may add conversations may enter it."""
        super().__init__(data, initial={"openai_id": event.openai_id})
        if event.action != Action.CREATE or not user.has_perm("conversations.add_conversation"):
            del self.fields["openai_id"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("openai_id") and not cleaned.get("note"):
            raise forms.ValidationError("Enter the id of the created conversation, or a note.")
        return cleaned
