"""A stand-in for OpenAI's Conversations API over real HTTP, with faults on demand. No Django.

It needs nothing but the standard library and the limits in `conversations.metadata`:

    with Sandbox() as sandbox:
        sandbox.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "2"}))
        ...  # talk to sandbox.url with sandbox.key, then look into sandbox.store and sandbox.log
"""

from .dialect import Dialect
from .faults import Fault, Faults
from .log import Log, LogEntry
from .sandbox import DEFAULT_KEY, Sandbox
from .store import Store

__all__ = ["DEFAULT_KEY", "Dialect", "Fault", "Faults", "Log", "LogEntry", "Sandbox", "Store"]
