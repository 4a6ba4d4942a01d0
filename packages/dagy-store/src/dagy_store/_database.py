"""The SQLite database of a store: one connection, and the rules for writing through it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dagy_store._connection import connect
from dagy_store._file_lock import FileLock
from dagy_store._migration import prepare, require_known, version_of
from dagy_types.errors import StoreBusyError

_CHECKPOINT_BYTES = 4 * 1024 * 1024

SqlValue = str | int | bytes | None
SqlParameters = Sequence[SqlValue] | Mapping[str, SqlValue]


class Database:
    """One connection to ``dagy.db``, shared by the threads of a process.

    Every write transaction, every checkpoint and the closing of the connection (SQLite
    checkpoints when the last one closes) happens under one lock between processes: a checkpoint
    then never races a writer or another checkpoint. SQLite lets one writer at a time in anyway.
    """

    def __init__(
        self, path: Path, *, busy_timeout_seconds: float, sleep: Callable[[float], None]
    ) -> None:
        self._path = path
        self._write_ahead_log = path.with_name(f"{path.name}-wal")
        self._busy_timeout_seconds = busy_timeout_seconds
        self._lock = FileLock(
            path.with_name(f"{path.name}.lock"), timeout_seconds=busy_timeout_seconds, sleep=sleep
        )
        self._threads = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._next_checkpoint_bytes = _CHECKPOINT_BYTES

    @property
    def is_connected(self) -> bool:
        """Whether a connection is open now."""
        return self._connection is not None

    def open(self) -> None:
        """Connect, making or upgrading the file where needed."""
        with self._threads:
            self._connected()

    def rows(self, query: str, parameters: SqlParameters = ()) -> list[sqlite3.Row]:
        """Return all rows of a query.

        They are read at once: a query that stays open would keep the write-ahead log growing.
        """
        with self._threads:
            return self._connected().execute(query, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what is written inside, durably, or nothing of it when anything is raised."""
        with self._threads:
            connection = self._connected()
            with self._lock.held():
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                self._checkpoint_when_large(connection)

    def close(self) -> None:
        """Disconnect; the next use connects again."""
        with self._threads:
            if self._connection is not None:
                self._disconnect(self._connection)
                self._connection = None
            self._lock.close()

    def before_fork(self) -> None:
        """Disconnect and keep other threads out: SQLite cannot be carried into a new process."""
        self._threads.acquire()
        self.close()

    def after_fork(self) -> None:
        """Let threads in again, on both sides; each side connects when it needs to."""
        self._threads.release()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            prepare(self._path, self._lock)
            connection = connect(self._path, busy_timeout_seconds=self._busy_timeout_seconds)
            try:
                # The main file may be older than the write-ahead log.
                require_known(self._path, version_of(connection))
            except BaseException:
                self._disconnect(connection)
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self, connection: sqlite3.Connection) -> None:
        try:
            with self._lock.held():
                connection.close()
        except (StoreBusyError, OSError):
            # Whoever has the lock for so long has the database open too, so this connection is
            # not the last one and closing it does not checkpoint. And where the lock cannot even
            # be opened, its directory is gone, and with it everybody who could be in the way.
            connection.close()

    def _checkpoint_when_large(self, connection: sqlite3.Connection) -> None:
        """Empty the write-ahead log once it has grown by some MiB, and the lock is still held."""
        if self._write_ahead_log.stat().st_size < self._next_checkpoint_bytes:
            return
        # A reader in the way must not hold up the writer: what it still needs waits its turn.
        connection.execute("PRAGMA busy_timeout = 0")
        # The commit stands whether or not there is room to copy it now; the next one tries again.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout_seconds * 1000)}")
        left_bytes = self._write_ahead_log.stat().st_size
        self._next_checkpoint_bytes = left_bytes + _CHECKPOINT_BYTES
