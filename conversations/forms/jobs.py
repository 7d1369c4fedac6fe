"""Forms that make jobs: refreshing, importing, listing."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from ..models import Credential
from .base import MAX_REASON_LENGTH, TokenForm
from .conversations import MetadataRowsForm, credential_field
from .repeating_rows import MetadataRows, as_typed

CHUNK = 1024 * 1024  # bytes of an upload that are read at once


class JobForm(TokenForm):
    """Starts a job. The reason is kept with it."""

    reason = forms.CharField(max_length=MAX_REASON_LENGTH, required=False)

    def clean_reason(self) -> str:
        return as_typed(self.cleaned_data["reason"])


class ListingForm(JobForm):
    """The credential whose server is asked for its list."""

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        super().__init__(data, user=user)
        self.fields["credential"] = credential_field(user)


class ImportForm(MetadataRowsForm):
    """Ids in a text or a file, the credentials that read them, and metadata that they get."""

    text = forms.CharField(required=False, strip=False)
    file = forms.FileField(required=False, allow_empty_file=True)
    read = forms.ChoiceField(choices=[("now", "now"), ("later", "later")], initial="now", required=False)
    reason = forms.CharField(max_length=MAX_REASON_LENGTH, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
        *,
        user: User,
        draft: QueryDict | None = None,
    ) -> None:
        super().__init__(data, user=user, draft=draft)
        self.files = files if files is not None else self.files
        self.fields["credential"] = credential_field(user)
        self.fields["others"] = forms.ModelMultipleChoiceField(
            Credential.objects.visible_to(user).active(), required=False
        )
        self.metadata = MetadataRows([])
        if self.typed is not None:
            self.read_rows(self.typed)

    def act(self, do: str) -> bool:
        """Carry out a button that only changes rows; False if `do` is another one."""
        if do == "fill":
            self.fill_from_json()
        return do == "fill" or self.metadata.act(do)

    def clean_reason(self) -> str:
        return as_typed(self.cleaned_data["reason"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["tags"] = self.clean_rows()
        if self.has_row_errors:
            self.add_error(None, "Nothing was imported. Correct the marked rows.")
        has_text, has_file = bool(cleaned.get("text", "").strip()), cleaned.get("file") is not None
        if has_text is has_file:
            both = "Paste ids, or choose a file, but not both." if has_text else "Paste some ids, or choose a file."
            self.add_error("file" if has_text else "text", both)
        if cleaned["tags"] and cleaned.get("read") == "later":
            self.add_error("read", "Metadata can only be set for what is read now.")
        return cleaned

    @property
    def chosen_others(self) -> set[Credential]:
        """The further credentials that were ticked, also in a draft."""
        keys = self.typed.getlist("others") if self.typed is not None else []
        usable = {str(credential.pk): credential for credential in self.fields["others"].queryset}  # type: ignore[attr-defined]
        return {usable[key] for key in keys if key in usable}

    @property
    def credentials(self) -> list[Credential]:
        """The chosen credentials in the order in which they are tried."""
        first = self.cleaned_data["credential"]
        return [first, *(other for other in self.cleaned_data["others"] if other != first)]

    @property
    def file_name(self) -> str:
        file = self.cleaned_data["file"]
        return as_typed(file.name) if file is not None else ""

    def chunks(self) -> Iterator[bytes]:
        """What is to be imported."""
        file = self.cleaned_data["file"]
        if file is None:
            yield self.cleaned_data["text"].encode(errors="replace")
        else:
            yield from file.chunks(CHUNK)


class ShapeForm(forms.Form):
    """The column that has the ids."""

    column = forms.IntegerField(min_value=0, error_messages={"required": "Choose the column that has the ids."})
