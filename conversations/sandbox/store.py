"""The sandbox's conversations and items, in an SQLite file or in memory.

All threads share one connection, behind a lock. WAL, a busy timeout and immediate write transactions let several
processes share a file. Values are stored as JSON with escapes, since SQLite's text can't contain NUL and lone
surrogates.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .items import Item, complete_item, new_id

Conversation = dict[str, Any]

_BUSY_TIMEOUT = 30.0  # seconds to wait for another process's write
_SCHEMA = """
CREATE TABLE IF NOT EXISTS conversation (
    id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, metadata TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS item (
    position INTEGER PRIMARY KEY AUTOINCREMENT, conversation_id TEXT NOT NULL,
    id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (conversation_id, id)
) STRICT;
CREATE INDEX IF NOT EXISTS item_order ON item (conversation_id, position);
"""


class Store:
    """Conversations and their items. Thread-safe."""

    def __init__(self, path: str | Path | None = None) -> None:
        """Open or create the file at `path`; None: in memory."""
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            path or ":memory:", timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except sqlite3.Error:
            self._database.close()
            raise

    def _prepare(self) -> None:
        self._write_ahead()
        self._database.execute("PRAGMA synchronous = NORMAL")
        with self.transaction():
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._database.execute(statement)

    def _write_ahead(self) -> None:
        """Switch to WAL. If another process is doing the same, SQLite is busy and ignores the timeout."""
        give_up_at = time.monotonic() + _BUSY_TIMEOUT
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                    raise
                time.sleep(0.02)
            else:
                return

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes in the block together, or roll them back after an exception. May be nested."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    # Conversations

    def create_conversation(
        self,
        *,
        metadata: Mapping[str, str] | None = None,
        items: Iterable[Mapping[str, Any]] = (),
        created_at: int | None = None,
        id: str | None = None,
    ) -> Conversation:
        """Store a conversation, unchecked. `created_at`: Unix seconds, by default now."""
        id = new_id("conv_") if id is None else id
        created_at = int(time.time()) if created_at is None else created_at
        values = (id, created_at, json.dumps(dict(metadata or {})))
        with self.transaction():
            self._rows("INSERT INTO conversation (id, created_at, metadata) VALUES (?, ?, ?)", *values)
            self.add_items(id, items)
        return _conversation(values)

    def get_conversation(self, id: str, *, deleted: bool = False) -> Conversation | None:
        """The conversation, or None. `deleted`: look among deleted ones instead."""
        rows = self._rows("SELECT id, created_at, metadata FROM conversation WHERE id = ? AND deleted = ?", id, deleted)
        return _conversation(rows[0]) if rows else None

    def list_conversations(self, *, deleted: bool = False) -> list[Conversation]:
        """All conversations, oldest first. `deleted`: the deleted ones instead."""
        rows = self._rows("SELECT id, created_at, metadata FROM conversation WHERE deleted = ? ORDER BY rowid", deleted)
        return [_conversation(row) for row in rows]

    def set_metadata(self, id: str, metadata: Mapping[str, str]) -> Conversation:
        """Replace the whole metadata. Raises KeyError for an id that is unknown or deleted."""
        with self.transaction():
            self._require(id)
            self._rows("UPDATE conversation SET metadata = ? WHERE id = ?", json.dumps(dict(metadata)), id)
            return self._require(id)

    def delete_conversation(self, id: str) -> bool:
        """Delete the conversation and keep its items, as OpenAI does. False if there is none."""
        with self.transaction():
            found = self.get_conversation(id) is not None
            self._rows("UPDATE conversation SET deleted = 1 WHERE id = ?", id)
        return found

    def _require(self, id: str) -> Conversation:
        conversation = self.get_conversation(id)
        if conversation is None:
            raise KeyError(id)
        return conversation

    # Items

    def add_items(self, conversation_id: str, items: Iterable[Mapping[str, Any]]) -> list[Item]:
        """Store items, unchecked, and return them completed. Raises KeyError for an unknown conversation."""
        completed = [complete_item(item) for item in items]
        with self.transaction():
            self._require(conversation_id)
            rows = ((conversation_id, item["id"], json.dumps(item)) for item in completed)
            self._database.executemany("INSERT INTO item (conversation_id, id, body) VALUES (?, ?, ?)", rows)
        return completed

    def get_item(self, conversation_id: str, item_id: str) -> Item | None:
        """An item, also of a deleted conversation, or None."""
        rows = self._rows("SELECT body FROM item WHERE conversation_id = ? AND id = ?", conversation_id, item_id)
        return json.loads(rows[0][0]) if rows else None

    def list_items(
        self, conversation_id: str, *, order: str = "asc", after: str | None = None, limit: int = -1
    ) -> list[Item]:
        """Items, also those of a deleted conversation, oldest first unless `order` is "desc".

        after: the id of the item after which to start (KeyError if there is no such item); limit: -1 for no limit.
        """
        with self._lock:
            start = _FIRST[order] if after is None else self._position(conversation_id, after)
            rows = self._rows(_LIST_ITEMS[order], conversation_id, start, limit)
        return [json.loads(body) for (body,) in rows]

    def _position(self, conversation_id: str, item_id: str) -> int:
        rows = self._rows("SELECT position FROM item WHERE conversation_id = ? AND id = ?", conversation_id, item_id)
        if not rows:
            raise KeyError(item_id)
        return rows[0][0]

    def delete_item(self, conversation_id: str, item_id: str) -> bool:
        """Delete an item, also of a deleted conversation. False if there is none."""
        with self.transaction():
            found = self.get_item(conversation_id, item_id) is not None
            self._rows("DELETE FROM item WHERE conversation_id = ? AND id = ?", conversation_id, item_id)
        return found


_FIRST = {"asc": 0, "desc": 2**62}
_LIST_ITEMS = {
    "asc": "SELECT body FROM item WHERE conversation_id = ? AND position > ? ORDER BY position LIMIT ?",
    "desc": "SELECT body FROM item WHERE conversation_id = ? AND position < ? ORDER BY position DESC LIMIT ?",
}


def _conversation(row: tuple[Any, ...]) -> Conversation:
    id, created_at, metadata = row
    return {"id": id, "object": "conversation", "created_at": created_at, "metadata": json.loads(metadata)}
