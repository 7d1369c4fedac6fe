"""Credentials: a sealed key to one server of the API, and the teams that may use it."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from ..encryption import open_sealed, seal
from ..openai import base_url, certificates
from .team import Team

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from .conversation import Conversation

MAX_CONCURRENCY = 64  # as many connections as a client keeps open
RATE_LIMITS_PERIOD = timedelta(seconds=10)
MIN_LENGTH_TO_SHOW_ENDING = 20  # characters; of shorter keys no part is shown


def validate_base_url(value: str) -> None:
    """Raise ValidationError where no key may be sent to `value`."""
    problem = base_url.problem_with(value, settings.CREDENTIAL_HOSTS)
    if problem:
        raise ValidationError(problem)


def refuse_certificates(value: str) -> None:
    """Raise ValidationError for anything but certificates in PEM."""
    problem = certificates.problem_with(value) if value.strip() else None
    if problem:
        raise ValidationError(problem)


class CredentialQuerySet(models.QuerySet["Credential"]):
    """Credentials, by user, server and name."""

    def visible_to(self, user: User | AnonymousUser) -> "CredentialQuerySet":
        """Those of the user's teams; all for an active superuser."""
        if getattr(user, "is_superuser", False) and user.is_active:
            return self
        # A subquery, not a join: a credential of two teams would appear twice.
        memberships = Credential.teams.through.objects.filter(team__user=user.pk)
        return self.filter(pk__in=memberships.values("credential_id"))

    def active(self) -> "CredentialQuerySet":
        """Those that may send requests."""
        return self.filter(is_active=True)

    def paused(self) -> "CredentialQuerySet":
        """Those whose server asked to wait until a time that hasn't come."""
        return self.filter(paused_until__gt=timezone.now())

    def for_list(self) -> "CredentialQuerySet":
        """By name, with the teams of each."""
        return self.prefetch_related("teams")

    def failing(self, *, with_untested: bool) -> "CredentialQuerySet":
        """Active ones that don't work as far as is known, or whose server asked to wait; also those that were never
        tested, for whoever can do something about that."""
        found = Q(test_passed=False) | Q(paused_until__gt=timezone.now())
        return self.active().filter(found | Q(tested_at=None) if with_untested else found).order_by("name")

    def without_list(self) -> "CredentialQuerySet":
        """Those whose server was asked for a list, and has none."""
        return self.filter(can_list=False)

    def at(self, base_url: str) -> "CredentialQuerySet":
        """Those of one server."""
        return self.filter(base_url=base_url)

    def usable_of(self, row: Any, user: User | AnonymousUser) -> "CredentialQuerySet":
        """Those of a row's `credentials` that the user may use."""
        return self.visible_to(user).filter(pk__in=row.credentials.values("pk"))

    def of_team(self, team: Team) -> "CredentialQuerySet":
        """Those that the team's members may use."""
        return self.filter(teams=team)

    def of_no_other_team(self, team: Team) -> "CredentialQuerySet":
        """Those that only superusers could use without the team."""
        others = Credential.teams.through.objects.exclude(team=team).values("credential_id")
        return self.of_team(team).exclude(pk__in=others)

    def with_keys(self, keys: Iterable[int]) -> "CredentialQuerySet":
        """Those with these primary keys."""
        return self.filter(pk__in=list(keys))

    def keys(self) -> set[int]:
        return set(self.values_list("pk", flat=True))

    def named(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that are names of these."""
        return list(self.filter(name__in=list(names)).values_list("name", flat=True))


class Credential(models.Model):
    """A key to one server, with everything else that its requests need."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    base_url = models.CharField(
        "base URL", max_length=300, default="https://api.openai.com/v1", validators=[validate_base_url]
    )
    sealed_key = models.TextField(editable=False)
    organization = models.CharField(max_length=100, blank=True)
    project = models.CharField(max_length=100, blank=True)
    ca_certificates = models.TextField(
        "certificates of private authorities",
        blank=True,
        validators=[refuse_certificates],
        help_text="In PEM format, for a server whose certificate your own authority signed. Public ones stay trusted.",
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="An inactive credential keeps its conversations but sends no requests."
    )
    notes = models.TextField(blank=True)
    teams = models.ManyToManyField(
        Team, blank=True, help_text="Members may use it and see its conversations. Without a team: superusers only."
    )
    concurrency = models.PositiveSmallIntegerField(
        default=8,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_CONCURRENCY)],
        help_text=f"Calls that each worker sends at the same time, for jobs. At most {MAX_CONCURRENCY}.",
    )
    refresh_after_days = models.PositiveSmallIntegerField(
        "refresh after",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Days after which a conversation that wasn’t read is read again by itself. Empty: never.",
    )
    refreshes_per_hour = models.PositiveIntegerField(
        "refreshes an hour",
        default=1000,
        validators=[MinValueValidator(1)],
        help_text="How many conversations at most are read again by themselves in an hour.",
    )
    paused_until = models.DateTimeField(null=True, editable=False, help_text="The server asked to wait until then.")
    can_list = models.BooleanField(
        "lists conversations", null=True, editable=False, help_text="Whether the server lists its conversations."
    )
    rate_limits = models.JSONField(default=dict, editable=False, help_text="What the server last said is left of them.")
    rate_limits_at = models.DateTimeField(null=True, editable=False)
    tested_at = models.DateTimeField("last test", null=True, editable=False)
    test_passed = models.BooleanField(null=True, editable=False)
    test_message = models.TextField("result of the last test", blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The page on which it's tested and changed."""
        return reverse("credential_detail", args=[self.pk])

    @property
    def is_sandbox(self) -> bool:
        """Whether it's the one that `./dev run` makes for its sandbox, which holds only examples."""
        return self.name == "Sandbox" and self.base_url.startswith("http://127.0.0.1:")

    @property
    def host(self) -> str:
        """Where its requests go, as operators see it."""
        return base_url.host(self.base_url)

    @property
    def is_paused(self) -> bool:
        """Whether its server asked to wait until a time that hasn't come."""
        return self.paused_until is not None and self.paused_until > timezone.now()

    @property
    def is_openai(self) -> bool:
        """Whether its server is OpenAI's own."""
        return self.host in settings.OPENAI_HOSTS

    def set_key(self, key: str) -> None:
        """Seal `key` as this credential's; does not save."""
        self.sealed_key = seal(key, keys=settings.CREDENTIAL_KEYS, owner=str(self.uuid), field="key")

    def open_key(self) -> str:
        """The API key; raises SealError where no key in CREDENTIAL_KEYS opens it."""
        return open_sealed(self.sealed_key, keys=settings.CREDENTIAL_KEYS, owner=str(self.uuid), field="key")

    def open_headers(self) -> dict[str, str]:
        """Its extra headers, by name; raises SealError where one can't be opened."""
        return {header.name: header.open_value() for header in self.headers.all()}

    def key_ending(self) -> str:
        """The last four characters of a long key; only dots for a short one."""
        key = self.open_key()
        return f"…{key[-4:]}" if len(key) >= MIN_LENGTH_TO_SHOW_ENDING else "…"

    def rotate_keys(self) -> None:
        """Seal key and headers again under the newest of CREDENTIAL_KEYS, and save."""
        self.set_key(self.open_key())
        self.save(update_fields=["sealed_key", "changed_at"])
        for header in self.headers.all():
            header.set_value(header.open_value())
            header.save()

    def record_test(self, *, passed: bool | None, message: str) -> None:
        """Keep the result of a test; `passed` is None where the test couldn't tell."""
        self.tested_at, self.test_passed, self.test_message = timezone.now(), passed, message
        self.save(update_fields=["tested_at", "test_passed", "test_message"])

    def record_rate_limits(self, limits: dict[str, dict[str, int]]) -> None:
        """Keep what a response said is left of the rate limits; at most one write every few seconds."""
        now = timezone.now()
        is_due = Q(rate_limits_at=None) | Q(rate_limits_at__lt=now - RATE_LIMITS_PERIOD)
        Credential.objects.filter(is_due, pk=self.pk).update(rate_limits=limits, rate_limits_at=now)

    def pause(self, seconds: float) -> None:
        """Keep jobs from calling its server for that long; a longer pause stays."""
        until = timezone.now() + timedelta(seconds=seconds)
        rows = Credential.objects.filter(Q(paused_until=None) | Q(paused_until__lt=until), pk=self.pk)
        rows.update(paused_until=until)

    if TYPE_CHECKING:
        headers: RelatedManager["CredentialHeader"]
        conversations: RelatedManager["Conversation"]


class CredentialHeader(models.Model):
    """An extra header of a credential's requests; gateways often need one or two."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="headers")
    name = models.CharField(max_length=100)
    sealed_value = models.TextField(editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["credential", "name"], name="header_name_once")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        super().save(*args, **kwargs)  # type: ignore[arg-type]
        self.credential.save(update_fields=["changed_at"])

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        self.credential.save(update_fields=["changed_at"])
        return super().delete(*args, **kwargs)  # type: ignore[arg-type]

    def set_value(self, value: str) -> None:
        """Seal `value` as this header's; does not save."""
        self.sealed_value = seal(
            value, keys=settings.CREDENTIAL_KEYS, owner=str(self.credential.uuid), field=f"header {self.name}"
        )

    def open_value(self) -> str:
        """The header's value; raises SealError where no key in CREDENTIAL_KEYS opens it."""
        return open_sealed(
            self.sealed_value,
            keys=settings.CREDENTIAL_KEYS,
            owner=str(self.credential.uuid),
            field=f"header {self.name}",
        )
