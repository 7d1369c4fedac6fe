"""The log of what the sandbox did, to compare with what a client believes."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

MAX_ENTRIES = 20_000


@dataclass(frozen=True)
class LogEntry:
    """One request: `path` is as sent, after `/v1`; `status` is None where nothing was answered.

    `changed` tells whether the store was changed, whatever was answered; `body` is the JSON value of the
    body, None if there was none; `headers` have lower-case names and leave out Authorization.
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
        """The entry as a JSON object."""
        return asdict(self)


class Log(Sequence[LogEntry]):
    """The last 20,000 entries, oldest first; reading it goes over a copy, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)

    def add(self, entry: LogEntry) -> None:
        """Write down one request."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forget all entries."""
        with self._lock:
            self._entries.clear()

    def copy(self) -> list[LogEntry]:
        """The entries as they are now."""
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
