"""Erasure requests: everything that the index holds of one end user is found, exported or erased, and signed off.

The values that identify the end user are kept until the request is signed off. From then on a request holds the names
of the keys, and a keyed fingerprint of each value, by which a later request about the same person can be recognised.
"""

import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from .choices import JobState
from .credential import Credential
from .shared_queryset import SharedQuerySet

if TYPE_CHECKING:
    from .job import JobQuerySet


class ErasureRequestQuerySet(SharedQuerySet["ErasureRequest"]):
    """Requests, by who may see them: their document speaks for all of their credentials, so nobody sees only some."""

    owner = ""

    def open(self) -> "ErasureRequestQuerySet":
        """Those that nobody has signed off."""
        return self.filter(signed_at=None).order_by("-pk")

    def with_token(self, token: str) -> "ErasureRequest | None":
        """The request that a form with this token made."""
        return self.filter(token=token).first() if token else None


class ErasureRequest(models.Model):
    """What an end user, or someone on their behalf, asked for."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    reference = models.CharField(max_length=200, help_text="Such as the number of a ticket.")
    pairs = models.JSONField(default=list, help_text="Key and value of each pair; empty once it is signed off.")
    fingerprints = models.JSONField(default=list, help_text="Key and fingerprint of each pair.")
    credentials = models.ManyToManyField(Credential, related_name="erasure_requests")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    signed_by_name = models.CharField(max_length=150, blank=True)
    signed_at = models.DateTimeField(null=True)
    document = models.TextField(blank=True, help_text="The signed-off document, as JSON.")
    token = models.CharField(max_length=64, default=uuid4, unique=True, editable=False)

    objects = ErasureRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Erasure request {self.pk}"

    def get_absolute_url(self) -> str:
        """Its page, which becomes the document."""
        return reverse("erasure_request_detail", args=[self.pk])

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None

    @property
    def keys(self) -> list[str]:
        """The names of the keys."""
        return [key for key, _ in self.fingerprints]

    def identify(self, pairs: list[tuple[str, str]]) -> None:
        """Set what identifies the end user; does not save."""
        self.pairs = [list(pair) for pair in pairs]
        self.fingerprints = [[key, fingerprint(key, value)] for key, value in pairs]

    def earlier(self) -> "ErasureRequestQuerySet":
        """Earlier requests about one of the same pairs."""
        known = {tuple(each) for each in self.fingerprints}
        older = ErasureRequest.objects.filter(pk__lt=self.pk).values_list("pk", "fingerprints")
        same = [pk for pk, fingerprints in older.iterator() if known & {tuple(each) for each in fingerprints}]
        return ErasureRequest.objects.filter(pk__in=same)

    def sign_off(self, *, by: User, document: str) -> bool:
        """Keep the document, forget the values, and delete drafts of its jobs, which could make it untrue.

        Returns False where somebody else signed it off before, or one of its jobs has begun.
        """
        with transaction.atomic():
            self.jobs.filter(state=JobState.DRAFT).delete()
            if self.jobs.under_way().exists():
                return False
            signed = {"signed_by_name": by.get_username(), "signed_at": timezone.now()}
            open_ = ErasureRequest.objects.filter(pk=self.pk, signed_at=None)
            return bool(open_.update(document=document, pairs=[], **signed))

    if TYPE_CHECKING:
        jobs: JobQuerySet


def fingerprint(key: str, value: Any) -> str:
    """A keyed hash of a pair, from which the value can't be guessed without SECRET_KEY."""
    return hmac.new(settings.SECRET_KEY.encode(), f"{key}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]
