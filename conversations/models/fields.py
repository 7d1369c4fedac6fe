"""Fields that behave the same on both databases: JSON kept in its order, and text ordered by code points."""

import json
from typing import Any

from django.db import models


class OrderedJSONField(models.JSONField):
    """JSON stored as text.

    PostgreSQL's jsonb sorts the keys of a map and rewrites large numbers; this field keeps the order and the values as
    OpenAI gave them, to be shown, compared and sent back. It isn't searched; the index is.
    """

    def db_type(self, connection: Any) -> str:
        return "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(value)


class _ByCodePoint(models.Field):
    """Compared and ordered by code points, as SQLite does; PostgreSQL would use the collation of a language."""

    def db_parameters(self, connection: Any) -> Any:
        parameters = super().db_parameters(connection)
        return {**parameters, "collation": "C"} if connection.vendor == "postgresql" else parameters


class CodePointCharField(_ByCodePoint, models.CharField):
    """A CharField whose values with the same beginning are a range of an index."""


class CodePointTextField(_ByCodePoint, models.TextField):
    """A TextField whose values with the same beginning are a range of an index."""
