"""A stand-in for OpenAI's Conversations API over real HTTP, with faults on demand. No Django.

It needs nothing but the standard library and the limits in `conversations.metadata`:

    with Sandbox() as sandbox:
        sandbox.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "2"}))
        ...  # talk to sandbox.url with sandbox.key, then look into sandbox.store and sandbox.log
"""

from conversations.sandbox.dialect import Dialect
from conversations.sandbox.faults import Fault, Faults
from conversations.sandbox.log import Log, LogEntry
from conversations.sandbox.sandbox import DEFAULT_KEY, Sandbox
from conversations.sandbox.store import Store

__all__ = ["DEFAULT_KEY", "Dialect", "Fault", "Faults", "Log", "LogEntry", "Sandbox", "Store"]
