"""Django's admin: manage credentials, teams, roles and users; read the index, events and failed sign-ins.

base              which pages allow what
api_tokens        tokens of applications
credentials       credentials and their headers
people            teams, roles and users
index_and_events  the index and the events
sign_ins          failed sign-ins
"""

from . import api_tokens, credentials, index_and_events, people, sign_ins

__all__ = ["api_tokens", "credentials", "index_and_events", "people", "sign_ins"]
