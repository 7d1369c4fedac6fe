"""Credentials in the admin: a stored secret is never shown, and only goes to the host that it was entered for."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from ..encryption import problem_with_keys
from ..models import Credential, CredentialHeader
from ..models.credential import refuse_certificates, validate_base_url
from ..openai import certificates
from ..openai.base_url import corrected, normalized, origin

MIN_KEY_LENGTH = 8  # characters; a shorter one can't be told from ordinary text when it is removed from responses
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = frozenset(
    """authorization connection content-length content-type cookie expect host keep-alive openai-organization
    openai-project proxy-authorization te trailer transfer-encoding upgrade x-client-request-id""".split()  # noqa: SIM905
)


class SecretField(forms.CharField):
    """A secret: hidden while it is typed, and never shown again, not even after an error."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "size": 60})
        super().__init__(required=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not (text.isascii() and text.isprintable()):
            raise ValidationError("It can only have plain ASCII characters, without line breaks. Paste it again.")
        problem = problem_with_keys(settings.CREDENTIAL_KEYS)
        if text and problem:
            raise ValidationError(f"It can’t be encrypted. {problem} The setting is in the environment or in .env.")
        return text


def is_quoted(text: str) -> bool:
    """Whether a text is in quotes."""
    return len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`"


def questions_about(typed: Mapping[str, str]) -> dict[str, str]:
    """Fields whose value looks like a mistake, each with the field that confirms it."""
    is_odd = bool(corrected(normalized(typed.get("base_url", ""))))
    asked = {"base_url": ("keep_base_url", is_odd), "api_key": ("keep_quotes", is_quoted(typed.get("api_key", "")))}
    return {field: question for field, (question, is_asked) in asked.items() if is_asked}


class CredentialForm(forms.ModelForm):
    """A credential; an empty key keeps the stored one."""

    keep_base_url = forms.BooleanField(required=False, label="Keep the URL as it is")
    keep_quotes = forms.BooleanField(required=False, label="The quotes are part of the key")
    api_key = SecretField(label="API key")
    ca_file = forms.FileField(
        required=False,
        label="Certificates from a file",
        help_text="In PEM format. Replaces the text above.",
    )

    class Meta:
        model = Credential
        fields = [
            *("name", "base_url", "organization", "project", "is_active", "teams", "notes", "ca_certificates"),
            *("concurrency", "refresh_after_days", "refreshes_per_hour"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_base_url: str = self.instance.base_url if self.instance.pk else ""
        self.fields["api_key"].help_text = (
            "Stored. Leave this empty to keep it."
            if self.instance.pk
            else "Encrypted before it’s stored, and never shown again."
        )

    def clean_base_url(self) -> str:
        base_url = normalized(self.cleaned_data["base_url"])
        validate_base_url(base_url)
        if self.stored_base_url and base_url != self.stored_base_url and self.instance.conversations.exists():
            raise ValidationError(
                "This credential already has conversations at this URL, so the URL can’t change. "
                "Add another credential for the new URL."
            )
        return base_url

    def clean_api_key(self) -> str:
        key: str = self.cleaned_data["api_key"]
        if key and len(key) < MIN_KEY_LENGTH:
            raise ValidationError(f"A key has at least {MIN_KEY_LENGTH} characters. Paste it again.")
        if key.lower().startswith("bearer "):
            raise ValidationError("Paste only the key, without “Bearer”.")
        if " " in key:
            raise ValidationError("A key can’t contain spaces. Paste it again.")
        if not key and not self.instance.pk:
            raise ValidationError("Paste the API key.")
        return key

    def clean_ca_file(self) -> str:
        file = self.cleaned_data.get("ca_file")
        text: str = file.read(certificates.MAX_LENGTH + 1).decode("utf-8", "replace") if file else ""
        refuse_certificates(text)
        return text

    def clean_ca_certificates(self) -> str:
        return "\n".join(self.cleaned_data["ca_certificates"].splitlines())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        suggestion = corrected(cleaned.get("base_url", ""))
        if suggestion and not cleaned.get("keep_base_url"):
            self.add_error(
                "base_url",
                f"This URL probably doesn’t serve conversations. Did you mean {suggestion}? If not, tick the box.",
            )
        if is_quoted(cleaned.get("api_key", "")) and not cleaned.get("keep_quotes"):
            self.add_error(
                "api_key", "The key is in quotes. Paste it without them, or tick the box if they’re part of it."
            )
        if cleaned.get("ca_file"):
            cleaned["ca_certificates"] = cleaned["ca_file"]
        if (
            self.changes_origin(cleaned.get("base_url", ""))
            and not cleaned.get("api_key")
            and "api_key" not in self.errors
        ):
            self.add_error(
                "api_key",
                "The URL points to another host, and a key goes only to the host it was entered for. Enter it again.",
            )
        for name in ("organization", "project"):
            if not (cleaned.get(name, "").isascii() and cleaned.get(name, "").isprintable()):
                self.add_error(name, "Use only plain ASCII characters.")
        return cleaned

    def changes_origin(self, base_url: str) -> bool:
        """Whether a stored credential would point to another scheme, host or port."""
        if not self.instance.pk or not base_url:
            return False
        return origin(base_url) != origin(self.stored_base_url)

    def save(self, commit: bool = True) -> Credential:
        if self.cleaned_data["api_key"]:
            self.instance.set_key(self.cleaned_data["api_key"])
        return super().save(commit)


class HeaderForm(forms.ModelForm):
    """An extra header; an empty value keeps the stored one, unless the name changes."""

    value = SecretField()

    class Meta:
        model = CredentialHeader
        fields = ["name"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not _HEADER_NAME.fullmatch(name):
            raise ValidationError(
                "A header name can have only letters, digits and some punctuation, like X-Gateway-Key."
            )
        if name.lower() in _OWN_HEADERS:
            raise ValidationError("Convadmin sends this header itself. Leave it out.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_new_or_renamed = not self.instance.pk or "name" in self.changed_data
        if is_new_or_renamed and not cleaned.get("value") and "value" not in self.errors:
            self.add_error("value", "Enter the value.")
        return cleaned

    def save(self, commit: bool = True) -> CredentialHeader:
        if self.cleaned_data.get("value"):
            self.instance.set_value(self.cleaned_data["value"])
        return super().save(commit)


class HeaderFormSet(forms.BaseInlineFormSet):
    """The headers of one credential; their values, too, only go to the host that they were entered for."""

    def clean(self) -> None:
        super().clean()
        if self._host_changes():
            for header in CredentialHeader.objects.filter(credential=self.instance.pk):
                self._check_typed_again(header)

    def _host_changes(self) -> bool:
        """Lock the credential, so that nobody adds a header meanwhile."""
        locked = Credential.objects.select_for_update().filter(pk=self.instance.pk)
        stored = locked.values_list("base_url", flat=True).first()
        return stored is not None and origin(str(stored)) != origin(self.instance.base_url)

    def _check_typed_again(self, header: CredentialHeader) -> None:
        """Read the existing headers from the database: a browser may send fewer than it was shown."""
        own = [form for form in self.initial_forms if form.instance.pk == header.pk]
        if any(self._is_resolved(form) for form in own):
            return
        problem = f"The URL points to another host. Enter the value of {header.name} again, or delete the header."
        if not own:
            raise ValidationError(f"{problem} This form doesn’t have it: reload the page.")
        if not own[0].errors:
            own[0].add_error("value", problem)

    @staticmethod
    def _is_resolved(form: forms.BaseForm) -> bool:
        cleaned = getattr(form, "cleaned_data", {})
        return bool(cleaned.get("DELETE") or cleaned.get("value"))
