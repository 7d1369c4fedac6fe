"""Forms about conversations: a new one, one by its id, its metadata."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.http import QueryDict

from ..metadata import MAX_PAIRS, SHOWN_PAIRS, Change, digest, replace_unstorable, shown
from ..models import Action, Credential, Event
from ..openai.errors import OpenAIError
from .ids import OpenAIIdField
from .rows import MessageRow, MessageRows, MetadataRows, PairRow, Row, as_typed

LONGEST_CARRIED = 64 * 1024  # characters of JSON that a form carries along


def fresh_token() -> str:
    """A token that lets a form be sent once."""
    return uuid.uuid4().hex


class TokenForm(forms.Form):
    """A form that is carried out once: the same token again shows the first one's result.

    After an outcome that nobody knows it asks before it sends again.
    """

    token = forms.CharField(max_length=64)
    after_unknown = forms.IntegerField(required=False)
    again = forms.BooleanField(required=False)

    failure: OpenAIError | None = None
    fresh_token = staticmethod(fresh_token)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        user: User | AnonymousUser | None = None,
        draft: QueryDict | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        """`data` is checked; a `draft` is only shown again, and asks what it asked before of an event that `user` may
        see."""
        super().__init__(data, initial=draft.dict() if draft is not None else initial)
        typed = data if data is not None else draft
        self.unknown_event = _event_of(typed.get("after_unknown", ""), user) if typed and user else None
        self.is_confirmed = bool(typed and typed.get("again"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.unknown_event is not None and not cleaned.get("again"):
            self.add_error("again", "Tick this to send it again, or look into the first one before.")
        return cleaned

    def show_failure(self, error: OpenAIError, event: Event | None) -> None:
        """Show what OpenAI said; an outcome that nobody knows has to be confirmed before it is sent again."""
        self.failure = error
        if event is not None and event.is_unresolved:
            self.ask_again(event)

    def ask_again(self, event: Event | None) -> None:
        """Send it again only when somebody confirms that, since `event` may have done it."""
        self.unknown_event, self.is_confirmed = event, False


def _event_of(key: str, user: User | AnonymousUser) -> Event | None:
    is_key = key.isascii() and key.isdecimal() and len(key) < 19
    return Event.objects.visible_to(user).filter(pk=int(key)).first() if is_key else None


class MetadataRowsForm(TokenForm):
    """A form with metadata rows."""

    metadata: MetadataRows
    json_text = ""
    json_error: str | None = None

    def take_rows(self, typed: QueryDict) -> None:
        """Hold the rows that were sent, and the JSON that was pasted beside them."""
        self.metadata = MetadataRows.from_data(typed)
        self.json_text = as_typed(typed.get("json", ""))

    def fill_from_json(self) -> None:
        """Fill the metadata rows from the pasted JSON; what cannot be read stays to be corrected."""
        self.json_error = self.metadata.fill(self.json_text)
        self.json_text = self.json_text if self.json_error else ""

    def clean_rows(self, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The map in the rows. JSON that was pasted and not filled in is not left out without a word."""
        if self.json_text.strip():
            self.json_error = "This is not in the rows yet: fill the rows with it, or empty this field."
        return self.metadata.clean(stored)

    @property
    def has_row_errors(self) -> bool:
        return self.json_error is not None or self.metadata.has_errors

    def show_failure(self, error: OpenAIError, event: Event | None) -> None:
        """Show what OpenAI said, also at the row of the field that it names."""
        super().show_failure(error, event)
        row = self.row_of_param(error.param)
        if row is not None:
            row.errors.append(error.message)

    def row_of_param(self, param: str) -> Row | None:
        """The row of the field that OpenAI names."""
        return self.metadata.row_of(param.removeprefix("metadata.")) if param.startswith("metadata.") else None


class CredentialChoiceField(forms.ModelChoiceField):
    """Credentials by name and host; the only one is chosen already."""

    def __init__(self, usable: QuerySet[Credential]) -> None:
        first = list(usable[:2])
        self.only = first[0] if len(first) == 1 else None
        super().__init__(
            usable,
            empty_label=None if self.only else "Choose a credential…",
            error_messages={
                "required": "Choose a credential.",
                "invalid_choice": "Choose a credential that you may use.",
            },
        )

    def label_from_instance(self, credential: Credential) -> str:
        return f"{credential.name} — {credential.host}"


def credential_field(user: User | AnonymousUser) -> CredentialChoiceField:
    """A choice among the credentials that the user may use."""
    return CredentialChoiceField(Credential.objects.visible_to(user).active())


class ConversationForm(MetadataRowsForm):
    """A new conversation: credential, up to 20 messages, up to 16 pairs."""

    def __init__(
        self, data: QueryDict | None = None, *, user: User | AnonymousUser, draft: QueryDict | None = None
    ) -> None:
        """`data` is checked; a `draft` is only shown again, such as when a row was added."""
        super().__init__(data, user=user, draft=draft)
        self.fields["credential"] = credential_field(user)
        self.messages, self.metadata = MessageRows([MessageRow()]), MetadataRows([PairRow()])
        typed = data if data is not None else draft
        if typed is not None:
            self.messages = MessageRows.from_data(typed)
            self.take_rows(typed)

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is none."""
        if do == "fill":
            self.fill_from_json()
        return do in {"fill", "preview"} or self.messages.act(do) or self.metadata.act(do)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["items"] = self.messages.clean()
        cleaned["metadata"] = self.clean_rows()
        if self.messages.has_errors or self.has_row_errors:
            self.add_error(None, "Nothing was sent yet: correct the rows that are marked.")
        return cleaned

    def chosen_credential(self) -> Credential | None:
        """The credential that is chosen at present, also in a draft."""
        field = cast(CredentialChoiceField, self.fields["credential"])
        try:
            return field.clean(self["credential"].value() or None)
        except forms.ValidationError:
            return field.only

    def row_of_param(self, param: str) -> Row | None:
        return self.messages.row_of_param(param) or super().row_of_param(param)


class MetadataForm(MetadataRowsForm):
    """The metadata of a conversation; carries the map that it was opened with, or the digest of a large one.

    Pairs that a page cannot hold have no row: they stay as they are.
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
        """`opened_with`: what the index holds now, which a digest that comes back may stand for."""
        super().__init__(data, user=user, draft=draft)
        self.opened = dict(opened_with or {})
        self.is_damaged = False
        self.metadata = MetadataRows.from_map(self._with_rows(self.opened))
        typed = data if data is not None else draft
        if typed is not None:
            opened = _opened(typed.get("opened_with", ""), self.opened)
            self.opened, self.is_damaged = opened or {}, opened is None
            self.take_rows(typed)
        self.metadata.limit = max(MAX_PAIRS, len(self.opened)) - len(self.untouched)

    @staticmethod
    def _with_rows(metadata: Mapping[str, Any]) -> dict[str, Any]:
        """The pairs that have rows."""
        return {key: metadata[key] for key, _, is_cut in shown(metadata).pairs if not is_cut}

    @property
    def untouched(self) -> dict[str, Any]:
        """The pairs that have none."""
        rows = self._with_rows(self.opened)
        return {key: value for key, value in self.opened.items() if key not in rows}

    @property
    def opened_with_json(self) -> str:
        """The map that the form was opened with, to be sent along; the digest of one that is large."""
        text = json.dumps(self.opened)
        return text if len(text) <= LONGEST_CARRIED else json.dumps(digest(self.opened))

    def offer(self, metadata: Mapping[str, Any]) -> None:
        """Fill the rows with another map than the form is opened with, such as what we had."""
        self.metadata = MetadataRows.from_map(self._with_rows(metadata))

    def blank(self, keys: Sequence[str]) -> None:
        """Fill the empty text in for these keys: from some servers a key cannot be removed."""
        self.offer({key: "" if key in keys else value for key, value in self.opened.items()})

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is none."""
        if do == "fill":
            self.fill_from_json()
        return do == "fill" or self.metadata.act(do)

    def show_conflict(self, theirs: Mapping[str, Any], changes: list[Change]) -> None:
        """Show what moved at OpenAI beside what was typed, which stays; sent again, it goes over what OpenAI
        holds now."""
        self.metadata.merge(self.opened, changes)
        self.opened = dict(theirs)
        self.conflict, self.more_conflicts = changes[:SHOWN_PAIRS], max(0, len(changes) - SHOWN_PAIRS)

    def clean_opened_with(self) -> dict[str, Any]:
        if self.is_damaged:
            raise forms.ValidationError(
                "The form is damaged, too large, or older than what the index holds. Open it again."
            )
        return self.opened

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.metadata.refuse_keys(self.untouched)
        cleaned["metadata"] = {**self.clean_rows(self.opened), **self.untouched}
        if self.has_row_errors:
            self.add_error(None, "Nothing was sent yet: correct the rows that are marked.")
        return cleaned


def _opened(text: str, held: Mapping[str, Any]) -> dict[str, Any] | None:
    """The map that a form was opened with: as it carries it, or the one that is held, if it carries its digest."""
    try:
        content = replace_unstorable(json.loads(text)) if len(text) <= 2 * LONGEST_CARRIED else None
    except (ValueError, RecursionError):
        return None
    if isinstance(content, str):
        return dict(held) if content == digest(held) else None
    return content if isinstance(content, dict) else None


class GetForm(TokenForm):
    """A conversation by its id."""

    openai_id = OpenAIIdField(error_messages={"required": "Paste the id of a conversation, such as conv_68a1…"})

    def __init__(self, data: QueryDict | None = None, *, user: User | AnonymousUser, openai_id: str = "") -> None:
        super().__init__(data, user=user, initial={"openai_id": openai_id})
        self.fields["credential"] = credential_field(user)


class RemoveForm(TokenForm):
    """Nothing but a yes."""


class TransferForm(forms.Form):
    """The credential that a conversation shall belong to."""

    token = forms.CharField(max_length=64)

    def __init__(self, data: QueryDict, *, usable: QuerySet[Credential]) -> None:
        super().__init__(data)
        self.fields["credential"] = CredentialChoiceField(usable)


class ResolveForm(forms.Form):
    """What became of an event: the id that it created, or a note."""

    openai_id = OpenAIIdField(required=False)
    note = forms.CharField(max_length=2000, required=False)

    def __init__(self, data: QueryDict | None = None, *, event: Event, user: User) -> None:
        """Only a creation has an id to give, which whoever may add conversations may enter."""
        super().__init__(data, initial={"openai_id": event.openai_id})
        if event.action != Action.CREATE or not user.has_perm("conversations.add_conversation"):
            del self.fields["openai_id"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("openai_id") and not cleaned.get("note"):
            raise forms.ValidationError("Give the id that it created, or a note.")
        return cleaned
