"""Records of what was done with credentials: events and erasures. They outlive the credential."""

from itertools import chain
from typing import Any, Self, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import OuterRef, Q, Value

from .credential import Credential

Record = TypeVar("Record", bound=models.Model)
HIGHEST = 2**63 - 1  # of a key


class RecordQuerySet(models.QuerySet[Record]):
    """Records, by who may see them. Their model needs an index on credential and primary key."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of the credentials that the user may see; those of deleted credentials are for superusers."""
        if _sees_all(user):
            return self
        return self.filter(credential__in=Credential.objects.visible_to(user))

    def nearest_visible_to(
        self, user: User | AnonymousUser, count: int, *, above: int | None = None, below: int | None = None
    ) -> list[Record]:
        """The nearest `count` that the user may see, above a key in ascending order, or below one in descending order.

        They are looked up for each credential and merged: for several credentials at once, a database either sorts all
        of their records, or reads past everybody else's.
        """
        rows = self._nearest_of(OuterRef("pk"), above, below).values("pk")[:count]
        lists = list(Credential.objects.visible_to(user).order_by().values_list(_Keys(rows), flat=True))
        if _sees_all(user):
            lists.append(list(self._nearest_of(None, above, below).values_list("pk", flat=True)[:count]))
        keys = sorted(chain.from_iterable(lists), reverse=above is None)[:count]
        return list(self.filter(pk__in=keys).order_by("-pk" if above is None else "pk"))

    def _nearest_of(self, credential: OuterRef | None, above: int | None, below: int | None) -> Self:
        """Those of one credential, or of none, the nearest first, by the index on credential and key."""
        if above is not None:
            own = Q(credential=None, pk__gt=above) if credential is None else _Beyond(">", credential, above)
            return self.filter(own).order_by("credential_id", "pk")
        limit = HIGHEST if below is None else below
        own = Q(credential=None, pk__lt=limit) if credential is None else _Beyond("<", credential, limit)
        return self.filter(own).order_by("-credential_id", "-pk")


class _Beyond(models.Func):
    """Whether a record belongs to a credential and has a key above or below another.

    For PostgreSQL the condition is written so that it can't conclude that the credential is constant: it might then
    order by the primary key alone, and read past the records of all other credentials. SQLite doesn't conclude that,
    and would not use its index for this form of the condition.
    """

    output_field = models.BooleanField()

    def __init__(self, operator: str, credential: OuterRef, key: int) -> None:
        super().__init__("credential_id", "pk", credential, Value(key), operator=operator)

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        (own, key, credential, limit), operator = (sql for sql, _ in parts), self.extra["operator"]
        params = [param for _, params in parts for param in params]
        if connection.vendor == "sqlite":
            return f"({own} = {credential} AND {key} {operator} {limit})", params
        side = f"{own} {'<=' if operator == '>' else '>='} {credential}"
        return f"(({own}, {key}) {operator} ({credential}, {limit}) AND {side})", params


class _Keys(models.Subquery):
    """The primary keys that a query finds, as a JSON list."""

    output_field = models.JSONField()

    def as_sql(self, compiler: Any, connection: Any, template: str | None = None, **context: Any) -> Any:
        collect = "jsonb_agg" if connection.vendor == "postgresql" else "json_group_array"
        template = f"(SELECT COALESCE({collect}(found.pk), '[]') FROM (%(subquery)s) AS found)"
        return super().as_sql(compiler, connection, template, **context)


def _sees_all(user: User | AnonymousUser) -> bool:
    return user.is_superuser and user.is_active
