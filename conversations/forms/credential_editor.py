"""The page of a credential: the forms of the admin, with servers to choose from and the headers beside them."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms.models import inlineformset_factory
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from ..models import Credential, CredentialHeader, Team
from ..models.keys import as_key
from ..models.person import teams_to_give
from .credentials import CredentialForm, HeaderForm, HeaderFormSet, questions_about

OPENAI = "https://api.openai.com/v1"
AZURE_HOST = "services.ai.azure.com"
SERVERS = [
    ("openai", "OpenAI"),
    ("region", "OpenAI, data in one region"),
    ("azure", "Azure AI Foundry"),
    ("other", "Another server"),
]
REGIONS = {
    "us": "United States",
    "eu": "Europe",
    "au": "Australia",
    "ca": "Canada",
    "jp": "Japan",
    "in": "India",
    "sg": "Singapore",
    "kr": "South Korea",
    "gb": "United Kingdom",
    "ae": "United Arab Emirates",
}
CHOICES = {"server", "region", "resource", "keep_base_url", "keep_quotes"}  # of which the base URL is made
SENT = {"server", "region", "resource", "base_url", "api_key", "organization", "project", "ca_certificates", "ca_file"}
ROWS = 2  # empty ones for further headers

HeaderRows = inlineformset_factory(
    Credential, CredentialHeader, form=HeaderForm, formset=HeaderFormSet, extra=ROWS, can_delete=True
)


class TeamsField(forms.ModelMultipleChoiceField):
    """Teams as checkboxes."""

    widget = forms.CheckboxSelectMultiple

    def clean(self, value: Any) -> Any:
        if any(as_key(str(key)) is None for key in value or ()):
            raise ValidationError("Choose among the teams below.")
        return super().clean(value)


class CredentialPageForm(CredentialForm):
    """A credential whose base URL follows from the choice of a server. Teams are those that the user may assign."""

    server = forms.ChoiceField(choices=SERVERS, widget=forms.RadioSelect)
    region = forms.ChoiceField(choices=list(REGIONS.items()), required=False)
    resource = forms.SlugField(
        required=False,
        max_length=64,
        error_messages={"invalid": "A resource name has only letters, digits and hyphens, as in its URL."},
    )

    field_order = ("name", "server", "region", "resource", "base_url", "api_key")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["base_url"].required = False
        self.initial.update(_server_of(self.instance.base_url))
        required = "Tick at least one team. Otherwise nobody but superusers can use it."
        self.fields["teams"] = TeamsField(
            teams_to_give(user), required=not user.is_superuser, error_messages={"required": required}
        )

    @property
    def questions(self) -> dict[str, str]:
        """The fields that look like a mistake, each with the field that confirms it."""
        return questions_about(self.data) if self.is_bound else {}

    def clean_base_url(self) -> str:
        self.cleaned_data["base_url"] = self._chosen_url()
        return super().clean_base_url()

    def _chosen_url(self) -> str:
        cleaned = self.cleaned_data
        server = cleaned.get("server")
        if server == "region":
            return f"https://{cleaned.get('region') or 'us'}.{urlsplit(OPENAI).hostname}/v1"
        if server == "azure":
            if not cleaned.get("resource"):
                raise ValidationError("Enter the name of the resource.")
            return f"https://{cleaned['resource']}.{AZURE_HOST}/openai/v1"
        if server == "other" and not cleaned.get("base_url"):
            raise ValidationError("Enter the base URL.")
        return OPENAI if server == "openai" else cleaned.get("base_url", "")

    def _save_m2m(self) -> None:
        # Teams that the user can't see aren't in the form: they stay.
        hidden = list(self.instance.teams.exclude(pk__in=teams_to_give(self.user)))
        super()._save_m2m()  # type: ignore[misc]
        self.instance.teams.add(*hidden)


class CredentialEditor:
    """The form of a credential and the rows of its headers, checked and stored together."""

    def __init__(
        self,
        credential: Credential,
        *,
        user: User,
        data: QueryDict | None = None,
        files: MultiValueDict[str, Any] | None = None,
    ) -> None:
        self.form = CredentialPageForm(data, files, instance=credential, user=user)
        self.headers = HeaderRows(data, instance=self.form.instance, prefix="headers")

    @property
    def may_choose_teams(self) -> bool:
        """Whether there are teams to tick."""
        return Team.objects.filter(pk__in=teams_to_give(self.form.user)).exists()

    def saved(self) -> Credential | None:
        """The credential, stored; None if something has to be corrected."""
        with transaction.atomic():  # the headers are checked under a lock
            if not self._is_valid():
                return None
            credential: Credential = self.form.save()
            self.headers.save()
        return credential

    def values_to_try(self) -> dict[str, Any] | None:
        """What a request with these values needs, with stored secrets where none was typed; None if something has to be
        corrected. Raises SealError where a stored secret can't be opened."""
        with transaction.atomic():
            if not self._is_valid():
                return None
        typed, credential = self.form.cleaned_data, self.form.instance
        return {
            "base_url": typed["base_url"],
            "key": typed["api_key"] or credential.open_key(),
            "organization": typed["organization"],
            "project": typed["project"],
            "headers": {row.cleaned_data["name"]: _value_of(row) for row in self._kept_headers()},
            "ca_certificates": typed["ca_certificates"],
        }

    @property
    def changes_requests(self) -> bool:
        """Whether what is sent to the server, or where, differs from what was stored."""
        return bool(SENT & {*self.form.changed_data}) or self.headers.has_changed()

    def changes_in_words(self, *, is_new: bool) -> str:
        """What was changed, for the history."""
        if is_new:
            return "Added."
        labels = [str(self.form.fields[name].label or name) for name in self.form.changed_data if name not in CHOICES]
        labels += ["headers"] if self.headers.has_changed() else []
        return f"Changed: {', '.join(label.lower() for label in labels)}." if labels else "Saved without a change."

    @property
    def problems(self) -> list[str]:
        """What has to be corrected, one sentence each, with the field's name."""
        fields = [
            (self.form[name].label, errors) for name, errors in self.form.errors.items() if name in self.form.fields
        ]
        rows = [("Header", errors) for row in self.headers.forms for errors in row.errors.values()]
        named = [f"{label}: {error}" for label, errors in [*fields, *rows] for error in errors]
        return [*named, *self.form.non_field_errors(), *self.headers.non_form_errors()]

    def _is_valid(self) -> bool:
        return all([self.form.is_valid(), self.headers.is_valid()])  # both, so that all errors are shown

    def _kept_headers(self) -> list[HeaderForm]:
        return [
            row for row in self.headers.forms if row.cleaned_data.get("name") and not row.cleaned_data.get("DELETE")
        ]


def _value_of(row: HeaderForm) -> str:
    value: str = row.cleaned_data.get("value") or row.instance.open_value()
    return value


def _server_of(base_url: str) -> dict[str, str]:
    """The server that a base URL belongs to, as the form's first values."""
    host = urlsplit(base_url).hostname or ""
    region = host.removesuffix(f".{urlsplit(OPENAI).hostname}")
    if base_url == OPENAI:
        return {"server": "openai", "base_url": ""}
    if region in REGIONS and base_url == f"https://{host}/v1":
        return {"server": "region", "region": region, "base_url": ""}
    if host.endswith(f".{AZURE_HOST}") and base_url == f"https://{host}/openai/v1":
        return {"server": "azure", "resource": host.removesuffix(f".{AZURE_HOST}"), "base_url": ""}
    return {"server": "other"}
