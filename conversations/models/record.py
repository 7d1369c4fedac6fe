"""What was done with credentials: events and erasures, which outlive them, and who sees which."""

from itertools import chain
from typing import Any, Self, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import OuterRef, Q, Value

from .credential import Credential

Record = TypeVar("Record", bound=models.Model)
HIGHEST = 2**63 - 1  # of a key


class RecordQuerySet(models.QuerySet[Record]):
    """Records of what was done with credentials; their model has an index on credential and key."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of the credentials that the user may see; those of deleted credentials are for superusers."""
        if _sees_all(user):
            return self
        return self.filter(credential__in=Credential.objects.visible_to(user))

    def nearest_visible_to(
        self, user: User | AnonymousUser, count: int, *, above: int | None = None, below: int | None = None
    ) -> list[Record]:
        """So many that the user may see, the nearest above a key, ascending, or below one, descending.

        Each credential's are looked up by themselves and merged: over several credentials at once a database either
        sorts all that there are, or reads past all that belong to others.
        """
        rows = self._nearest_of(OuterRef("pk"), above, below).values("pk")[:count]
        lists = list(Credential.objects.visible_to(user).order_by().values_list(_Keys(rows), flat=True))
        if _sees_all(user):
            lists.append(list(self._nearest_of(None, above, below).values_list("pk", flat=True)[:count]))
        keys = sorted(chain.from_iterable(lists), reverse=above is None)[:count]
        return list(self.filter(pk__in=keys).order_by("-pk" if above is None else "pk"))

    def _nearest_of(self, credential: OuterRef | None, above: int | None, below: int | None) -> Self:
        """Those of one credential, or of none; the nearest first, by the index on credential and key."""
        if above is not None:
            own = Q(credential=None, pk__gt=above) if credential is None else _Beyond(">", credential, above)
            return self.filter(own).order_by("credential_id", "pk")
        limit = HIGHEST if below is None else below
        own = Q(credential=None, pk__lt=limit) if credential is None else _Beyond("<", credential, limit)
        return self.filter(own).order_by("-credential_id", "-pk")


class _Beyond(models.Func):
    """Whether a record is one of a credential, with a key that is greater or less than another.

    PostgreSQL is told so in a way that the order by credential and key does not follow from: for one credential it
    would be that of the primary key, along which it might walk past the records of all others. SQLite does not, and
    would not take this condition to its index.
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
    """The keys that a query finds, as a list."""

    output_field = models.JSONField()

    def as_sql(self, compiler: Any, connection: Any, template: str | None = None, **context: Any) -> Any:
        collect = "jsonb_agg" if connection.vendor == "postgresql" else "json_group_array"
        template = f"(SELECT COALESCE({collect}(found.pk), '[]') FROM (%(subquery)s) AS found)"
        return super().as_sql(compiler, connection, template, **context)


def _sees_all(user: User | AnonymousUser) -> bool:
    return user.is_superuser and user.is_active
