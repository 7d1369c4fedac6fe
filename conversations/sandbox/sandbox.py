"""The sandbox as an object: start it, send requests to its URL, look at its store and log, stop it."""

from pathlib import Path
from types import TracebackType
from typing import Self

from .dialect import OPENAI, Dialect
from .faults import Faults
from .log import Log
from .messages import API_PREFIX
from .server import HOST, Server
from .service import Service
from .store import Store

DEFAULT_KEY = "sk-sandbox"


class Sandbox:
    """A stand-in for OpenAI's Conversations API on the loopback address, served by threads.

    path: the SQLite file for conversations (None: in memory); dialect: which compatible server to imitate; port: 0 for
    a free port, which stays the same after a restart; seed: makes the `chance` of faults repeatable.
    """

    def __init__(
        self,
        key: str = DEFAULT_KEY,
        path: str | Path | None = None,
        dialect: Dialect = OPENAI,
        port: int = 0,
        seed: int | None = None,
    ) -> None:
        self.key = key
        self.path = path
        self.port = port
        self.dialect = dialect
        self.faults = Faults(seed)
        self.log = Log()
        self._store: Store | None = None
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:8001/v1`. With port 0, only valid after the start."""
        return f"http://{HOST}:{self.port}{API_PREFIX}"

    @property
    def store(self) -> Store:
        """Raises RuntimeError before start() and after stop()."""
        if self._store is None:
            raise RuntimeError("the sandbox is not started")
        return self._store

    def start(self) -> None:
        """Open the store and listen. Raises OSError if the port is taken, sqlite3.Error for a bad file."""
        if self._server is not None:
            raise RuntimeError("the sandbox is already started")
        self._store = self._store or Store(self.path)
        service = Service(self._store, self.key, self.dialect, self.faults, self.log)
        try:
            self._server = Server(service, self.port)
        except OSError:
            self._close_store()
            raise
        self.port = self._server.port

    def stop(self, *, keep_store: bool = False) -> None:
        """Close all connections and the store. Does nothing if it's stopped.

        `keep_store`: leave the store open, to look into it or to start again with it.
        """
        if self._server is not None:
            self._server.stop()
            self._server = None
        if not keep_store:
            self._close_store()

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
