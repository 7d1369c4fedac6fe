"""The link with which somebody who was invited, or forgot the password, chooses one.

Making a link replaces the password by one that nobody knows. Its token is a hash over that, so a link works once, only
the newest of a person works, and nothing of it is stored.
"""

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from .keys import as_key


class _Tokens(PasswordResetTokenGenerator):
    key_salt = "conversations.models.join_link"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        # Django's own includes the e-mail address: a correction of it would end the link.
        return f"{user.pk}{user.password}{timestamp}"


_tokens = _Tokens()


def link_parts(person: User) -> dict[str, str]:
    """The parameters of the link's URL."""
    return {"uidb64": urlsafe_base64_encode(force_bytes(person.pk)), "token": _tokens.make_token(person)}


def days_of_link() -> int:
    """For how many days a link works."""
    return settings.PASSWORD_RESET_TIMEOUT // 86_400


def person_of_link(uidb64: str, token: str) -> User | None:
    """Who may choose a password with the link; None if it is wrong, used, replaced or expired, or the person is
    deactivated."""
    try:
        key = as_key(urlsafe_base64_decode(uidb64).decode("ascii"))
    except ValueError:
        return None
    person = None if key is None else User.objects.filter(pk=key, is_active=True).first()
    return person if person is not None and _tokens.check_token(person, token) else None


def accept_link(person: User, password_hash: str) -> bool:
    """Store the password that was chosen; False if the link was used, or the person deactivated, meanwhile."""
    unused = User.objects.filter(pk=person.pk, password=person.password, is_active=True)
    return bool(unused.update(password=password_hash))
