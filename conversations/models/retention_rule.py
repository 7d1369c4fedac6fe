"""Retention rules: what a search finds, and is older than an age, is removed or erased on a schedule.

A rule works with its author's rights, on the credentials that it names. Any change takes its approval back.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.urls import reverse
from django.utils import timezone

from ..query import parse
from .choices import JobKind
from .credential import Credential
from .shared_queryset import SharedQuerySet

if TYPE_CHECKING:
    from .job import JobQuerySet

RULE_ACTIONS = [(JobKind.REMOVE.value, "Remove"), (JobKind.ERASE.value, "Erase")]


class RetentionRuleQuerySet(SharedQuerySet["RetentionRule"]):
    """Rules, by who may see them and when they run."""

    owner = "author"

    def due(self) -> "RetentionRuleQuerySet":
        """Active ones whose time has come."""
        return self.filter(is_paused=False, is_approved=True, next_run_at__lte=timezone.now())

    def scheduled(self) -> "RetentionRuleQuerySet":
        """Active ones, the next to run first."""
        return self.filter(is_paused=False, is_approved=True).order_by("next_run_at", "pk")

    def unapproved(self) -> "RetentionRuleQuerySet":
        """Those that wait for somebody's approval."""
        return self.filter(is_approved=False)

    def for_list(self) -> "RetentionRuleQuerySet":
        return self.prefetch_related("credentials").order_by("name", "pk")


class RetentionRule(models.Model):
    """A search, an age, and what happens to what is older."""

    name = models.CharField(max_length=100, unique=True)
    query = models.TextField("search", blank=True)
    credentials = models.ManyToManyField(Credential, related_name="retention_rules")
    age_days = models.PositiveIntegerField("days")
    action = models.CharField(max_length=10, choices=RULE_ACTIONS)
    reason = models.CharField(max_length=500)
    every_hours = models.PositiveIntegerField("hours between two runs", default=24)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    is_approved = models.BooleanField(default=False)
    approved_by_name = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True)
    is_paused = models.BooleanField(default=False)
    next_run_at = models.DateTimeField(null=True)

    objects = RetentionRuleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page: the dry run and its runs."""
        return reverse("retention_rule_detail", args=[self.pk])

    @property
    def is_active(self) -> bool:
        return self.is_approved and not self.is_paused

    @property
    def status(self) -> str:
        """Whether it runs, in a few words."""
        if not self.is_approved:
            return "Waits for approval"
        return "Paused" if self.is_paused else "Active"

    @property
    def stated_query(self) -> str:
        """Its search, without what is removed or missing unless it asks for a state: nothing could be done with that,
        and each run would find it again."""
        asks_for_state = bool(parse(self.query).clauses_on("state"))
        return self.query if asks_for_state else f"{self.query} -state:removed,missing".strip()

    @property
    def dated_query(self) -> str:
        """The same, and the age."""
        return f"{self.stated_query} -created:{self.age_days}d".strip()

    def change(self, *, author: User, **fields: Any) -> None:
        """Save these fields; whoever changes a rule is its author, and it has to be approved again."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.author, self.author_name = author, author.get_username()
        self.changed_at = timezone.now()
        self.is_approved, self.approved_by_name, self.approved_at, self.next_run_at = False, "", None, None
        self.save()

    def approve(self, *, by: User) -> bool:
        """Let it run from now on, unless it changed or was approved since it was read; returns whether it does."""
        now = timezone.now()
        waiting = RetentionRule.objects.filter(pk=self.pk, is_approved=False, changed_at=self.changed_at)
        return bool(
            waiting.update(is_approved=True, approved_by_name=by.get_username(), approved_at=now, next_run_at=now)
        )

    def take_turn(self, *, hours: float) -> bool:
        """Put the next run off by so many hours; False where another worker did that first, or the rule changed."""
        due = RetentionRule.objects.due().filter(pk=self.pk, next_run_at=self.next_run_at)
        return bool(due.update(next_run_at=timezone.now() + timedelta(hours=hours)))

    if TYPE_CHECKING:
        jobs: JobQuerySet
