"""Django's admin: manage credentials, teams, roles and users; read the index, events and failed sign-ins.

base         which pages allow what
credentials  credentials and their headers
people       teams, roles and users
records      the index and the events
sign_ins     failed sign-ins
"""

from . import credentials, people, records, sign_ins

__all__ = ["credentials", "people", "records", "sign_ins"]
