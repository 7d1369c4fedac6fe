"""A stand-in for OpenAI's Conversations API over real HTTP, with faults on demand. Without Django.

    with Sandbox() as sandbox:
        sandbox.faults.add(Fault(method="POST", status=429, headers={"Retry-After": "2"}))
        ...  # send requests to sandbox.url with sandbox.key, then look at sandbox.store and sandbox.log

It only needs the standard library and the limits in `conversations.metadata`.

    sandbox     Sandbox: starts and stops it
    server      HTTP connections and threads
    service     what happens to a request: fault, call, log, response
    api         the eight calls
    validation  OpenAI's limits on requests
    include     the fields that only `include` returns
    items       what OpenAI adds to an item: id, status, content parts
    store       conversations and items in SQLite
    errors      errors in OpenAI's format
    dialect     how compatible servers differ from OpenAI
    faults      faults: errors, delays, dropped connections
    control     faults and log over HTTP
    log         the requests so far
    messages    HTTP requests and responses as values
"""

from .dialect import Dialect
from .faults import Fault, Faults
from .log import Log, LogEntry
from .sandbox import DEFAULT_KEY, Sandbox
from .store import Store

__all__ = ["DEFAULT_KEY", "Dialect", "Fault", "Faults", "Log", "LogEntry", "Sandbox", "Store"]
