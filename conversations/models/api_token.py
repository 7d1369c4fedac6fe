"""API tokens: with one, an application registers and searches the conversations of one credential.

A token is shown once. Its digest is stored, which is enough to recognise it, and too little to make it up: it has
256 random bits, so a fast hash can't be searched.
"""

import hashlib
import math
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from .credential import Credential

PREFIX = "cva_"  # so that scanners for leaked secrets recognise it
WINDOW = timedelta(minutes=1)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens."""

    def visible_to(self, user: User | AnonymousUser) -> "ApiTokenQuerySet":
        """Those of the credentials that the user may use."""
        return self.filter(credential__in=Credential.objects.visible_to(user))

    def of(self, credential: Credential) -> "ApiTokenQuerySet":
        """Those of one credential."""
        return self.filter(credential=credential)

    def unrevoked(self) -> "ApiTokenQuerySet":
        """Those that applications may use."""
        return self.filter(revoked_at=None)

    def usable(self, text: str) -> "ApiToken | None":
        """The token with this text, unless it was revoked."""
        return self.select_related("credential").filter(digest=_digest(text), revoked_at=None).first()


class ApiToken(models.Model):
    """What an application signs its requests with."""

    name = models.CharField(max_length=100, unique=True, help_text="The application that uses it.")
    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="api_tokens")
    may_register = models.BooleanField("may register conversations", default=True)
    may_search = models.BooleanField("may search and read the index", default=False)
    requests_per_minute = models.PositiveIntegerField(default=600, validators=[MinValueValidator(1)])
    digest = models.CharField(max_length=64, unique=True, editable=False)
    ending = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    window_start = models.DateTimeField(null=True, editable=False)
    window_count = models.PositiveIntegerField(default=0, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    def draw_text(self) -> str:
        """Draw a new text; returns it, and keeps only its digest. Does not save."""
        text = PREFIX + secrets.token_urlsafe(32)
        self.digest, self.ending = _digest(text), text[-4:]
        return text

    def allows(self, right: str) -> bool:
        """Whether it has the right to "register" or to "search"."""
        return {"register": self.may_register, "search": self.may_search}[right]

    def count_request(self) -> int | None:
        """Count a request; returns the seconds to wait where the limit of this minute is reached, otherwise None."""
        now = timezone.now()
        is_over = Q(window_start=None) | Q(window_start__lte=now - WINDOW)
        allowed = ApiToken.objects.filter(is_over | Q(window_count__lt=F("requests_per_minute")), pk=self.pk).update(
            window_count=Case(When(is_over, then=Value(1)), default=F("window_count") + 1),
            window_start=Case(When(is_over, then=Value(now)), default=F("window_start")),
            last_used_at=now,
        )
        if allowed:
            return None
        self.refresh_from_db(fields=["window_start"])
        left = WINDOW - (now - (self.window_start or now))
        return max(1, math.ceil(left.total_seconds()))

    def revoke(self) -> None:
        """End it for good."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])
