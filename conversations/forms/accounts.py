"""Signing in, and choosing a password."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm, UsernameField
from django.contrib.auth.models import User
from django.core.validators import MaxLengthValidator

MAX_NAME_LENGTH: int = User._meta.get_field("username").max_length or 150
MAX_PASSWORD_LENGTH = 4096


class ShortUsernameField(UsernameField):
    """A user name. One that is longer than any can be is refused, and not shown again in full."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        value = super().bound_data(data, initial)
        return value[:MAX_NAME_LENGTH] if isinstance(value, str) else value


class SignInForm(AuthenticationForm):
    """Name and password; nothing is looked up or hashed if one of them is too long."""

    username = ShortUsernameField(
        widget=forms.TextInput(attrs={"autofocus": True}),
        validators=[MaxLengthValidator(MAX_NAME_LENGTH, "A user name has at most %(limit_value)d characters.")],
    )
    password = forms.CharField(
        strip=False,
        max_length=MAX_PASSWORD_LENGTH,
        error_messages={"max_length": "A password has at most %(limit_value)d characters."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ChoosePasswordForm(SetPasswordForm):
    """A new password, typed twice; no longer than one with which somebody can sign in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        too_long = MaxLengthValidator(MAX_PASSWORD_LENGTH, "A password has at most %(limit_value)d characters.")
        for field in self.fields.values():
            field.validators.append(too_long)
        self.fields["new_password1"].widget.attrs["autofocus"] = True
        self.fields["new_password1"].label, self.fields["new_password2"].label = "Password", "The same again"
        self.fields["new_password2"].help_text = ""
