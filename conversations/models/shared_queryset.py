"""Rows with several credentials, which belong to somebody: jobs, retention rules, erasure requests."""

from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Exists, OuterRef, Q

from .credential import Credential

Shared = TypeVar("Shared", bound=models.Model)


def sees_all_credentials(user: User | AnonymousUser, row: Any) -> bool:
    """Whether the user may use all of a row's credentials now."""
    return not row.credentials.exclude(pk__in=Credential.objects.visible_to(user)).exists()


class SharedQuerySet(models.QuerySet[Shared]):
    """Rows, by who may see them. `owner`: the field that says to whom one belongs; "" if that gives no right."""

    owner: ClassVar[str] = "actor"

    def with_credential(self, credential: Credential) -> Self:
        """Those with this credential among theirs."""
        return self.filter(credentials=credential)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those all of whose credentials the user may use, and their own; all for an active superuser."""
        if user.is_superuser and user.is_active:
            return self
        through = self.model._meta.get_field("credentials").remote_field.through  # type: ignore[union-attr]
        used = through.objects.filter(**{str(self.model._meta.model_name): OuterRef("pk")})
        foreign = used.exclude(credential__in=Credential.objects.visible_to(user))
        usable = Exists(used) & ~Exists(foreign)
        return self.filter(usable | Q(**{self.owner: user.pk})) if self.owner else self.filter(usable)
