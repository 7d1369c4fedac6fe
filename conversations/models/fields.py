"""Fields that behave alike on every engine: JSON kept as it came, text ordered by its characters' numbers."""

import json
from typing import Any

from django.db import models


class OrderedJSONField(models.JSONField):
    """JSON kept as text, on every engine alike.

    PostgreSQL's jsonb sorts the keys of a map and rewrites large numbers; what is here is shown, compared and
    sent back in the order and with the values in which OpenAI gave it. It is not searched: `index.py` is for that.
    """

    def db_type(self, connection: Any) -> str:
        """Text, whatever the engine has for JSON."""
        return "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """The JSON text of a value; None stays NULL."""
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """The value of a JSON text."""
        return None if value is None else json.loads(value)


class _ByCodePoint(models.Field):
    """Compared and ordered by code points, as SQLite does it; PostgreSQL would follow the rules of a language."""

    def db_parameters(self, connection: Any) -> Any:
        """The column's type and, on PostgreSQL, its collation."""
        parameters = super().db_parameters(connection)
        return {**parameters, "collation": "C"} if connection.vendor == "postgresql" else parameters


class CodePointCharField(_ByCodePoint, models.CharField):
    """A CharField of which all beginnings lie side by side in an index."""


class CodePointTextField(_ByCodePoint, models.TextField):
    """A TextField of which all beginnings lie side by side in an index."""
