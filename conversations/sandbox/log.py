"""The log of what the sandbox did, to compare with what a client believes happened."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

MAX_ENTRIES = 20_000


@dataclass(frozen=True)
class LogEntry:
    """A request and what it led to.

    path: as sent, after `/v1`; status: of the response, None without one; changed: whether the store was changed,
    whatever the response said; body: its JSON value, or None; headers: in lower case, without Authorization.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    status: int | None
    request_id: str
    client_request_id: str | None
    changed: bool
    body: Any
    headers: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Log(Sequence[LogEntry]):
    """The last 20,000 entries, oldest first. Thread-safe: iterating goes over a copy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)

    def add(self, entry: LogEntry) -> None:
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def copy(self) -> list[LogEntry]:
        with self._lock:
            return list(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[LogEntry]:
        return iter(self.copy())

    @overload
    def __getitem__(self, index: int) -> LogEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[LogEntry]: ...
    def __getitem__(self, index: int | slice) -> LogEntry | list[LogEntry]:
        return self.copy()[index]
