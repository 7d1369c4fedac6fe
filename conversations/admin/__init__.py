"""The admin pages: credentials, teams, roles and users are managed here; the index and the events are read."""

from . import credentials, people, records, sign_ins

__all__ = ["credentials", "people", "records", "sign_ins"]
