"""The SQLite database of a store: one connection, and the rules for writing through it."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dagy_store._connection import connect, connect_to_snapshot, has_log, write_ahead_log
from dagy_store._file_lock import FileLock
from dagy_store._migration import prepare
from dagy_store._new_files import copy_database
from dagy_store._version import why_not_writable
from dagy_types.errors import StoreBusyError

CHECKPOINT_BYTES = 4 * 1024 * 1024
_SYNCHRONIZATION_INTERVAL_SECONDS = 0.1

SqlValue = str | int | bytes | None
SqlParameters = Sequence[SqlValue] | Mapping[str, SqlValue]


class Database:
    """One connection to ``dagy.db``, shared by the threads of a process.

    Every write transaction, every checkpoint and the closing of the connection (SQLite
    checkpoints when the last one closes) happens under one lock between processes: a checkpoint
    then never races a writer or another checkpoint. SQLite lets one writer at a time in anyway.

    Args:
        checkpoint_bytes: How far the write-ahead log grows before it is emptied.

    Attributes:
        changes_by_others: Grows, as a transaction begins, when another connection may have written
            since the one before.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_timeout_seconds: float,
        sleep: Callable[[float], None],
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._log = str(write_ahead_log(path))
        self._busy_timeout_seconds = busy_timeout_seconds
        self._lock = FileLock(
            path.with_name(f"{path.name}.lock"), timeout_seconds=busy_timeout_seconds, sleep=sleep
        )
        self._threads = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._why_snapshot: sqlite3.OperationalError | None = None
        self._checkpoint_bytes = checkpoint_bytes
        self._next_checkpoint_bytes = checkpoint_bytes
        self._monotonic = monotonic
        self._synchronization = ""
        self._next_synchronization_at = float("-inf")
        self._data_version: int | None = None
        self.changes_by_others = 0

    @property
    def path(self) -> Path:
        """Where the main file is."""
        return self._path

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
    def transaction(self, *, is_final: bool = True) -> Iterator[sqlite3.Connection]:
        """Commit what is written inside, or nothing of it when anything is raised.

        What is committed survives the end of this process, however it ends. Once a final
        transaction has returned, it and all before it survive a loss of power as well. One that is
        not final may wait for that until the first one that ends 0.1 s later; what a loss of power
        takes is then always the last of what was recorded, never something before it.

        Raises:
            StoreVersionError: When a newer Dagy wrote the file, or has upgraded it since.
        """
        with self._threads:
            connection = self._connected()
            if self._why_snapshot is not None:
                raise self._why_snapshot
            with self._lock:
                # Before the transaction, and not after it: once it is committed, nothing fails.
                self._checkpoint_when_large(connection)
                self._choose_synchronization(connection, is_final=is_final)
                connection.execute("BEGIN IMMEDIATE")
                try:
                    self._look_for_changes(connection)
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")

    def copy_to(self, path: Path) -> None:
        """Copy the whole database as it is at one moment; writers go on meanwhile."""
        with self._threads:
            copy_database(self._connected(), path)

    def shrink(self) -> None:
        """Give the room that is free within the file back to the disk; writers have to wait."""
        with self._threads:
            connection = self._connected()
            with self._lock:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Disconnect; the next use connects again."""
        with self._threads:
            if self._connection is not None:
                connection, self._connection = self._connection, None
                self._disconnect(connection)
            self._lock.close()

    def before_fork(self) -> None:
        """Disconnect and keep other threads out: SQLite cannot be carried into a new process."""
        self._threads.acquire()
        self.close()

    def after_fork(self) -> None:
        """Let threads in again, on both sides; each side connects when it needs to."""
        self._threads.release()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._why_snapshot is not None:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            is_ours = prepare(self._path, self._lock)
            try:
                self._connection = self._connect(mode="rw" if is_ours else "ro")
                self._synchronization = ""
                self._data_version = None
                self._why_snapshot = None
            except sqlite3.OperationalError as error:
                if not self._is_main_file_enough(error):
                    raise
                self._connection = connect_to_snapshot(self._path)
                self._why_snapshot = error
        return self._connection

    def _connect(self, *, mode: str) -> sqlite3.Connection:
        connection = connect(self._path, busy_timeout_seconds=self._busy_timeout_seconds, mode=mode)
        try:
            # The main file may be older than the write-ahead log.
            why_not_writable(self._path, connection)
        except BaseException:
            self._disconnect(connection)
            raise
        return connection

    def _is_main_file_enough(self, error: sqlite3.OperationalError) -> bool:
        """Tell whether the store can be read although SQLite cannot write beside it.

        That is so on a read-only or full disk when the last process left nothing in the log.
        """
        return "locked" not in str(error) and not has_log(self._path)

    def _look_for_changes(self, connection: sqlite3.Connection) -> None:
        """Count it if somebody else has written, who may have upgraded the file."""
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._data_version:
            return
        refusal = why_not_writable(self._path, connection)
        if refusal is not None:
            raise refusal
        self._data_version = version
        self.changes_by_others += 1

    def _disconnect(self, connection: sqlite3.Connection) -> None:
        try:
            with self._lock:
                connection.close()
        except (StoreBusyError, OSError):
            # Whoever has the lock for so long has the database open too, so this connection is
            # not the last one and closing it does not checkpoint. And where the lock cannot even
            # be opened, the directory is gone or read-only: there is nothing to checkpoint to.
            connection.close()

    def _choose_synchronization(self, connection: sqlite3.Connection, *, is_final: bool) -> None:
        """Let the next commit wait for the disk or not: it would write all that waits so far."""
        now = self._monotonic()
        level = "FULL" if is_final or now >= self._next_synchronization_at else "NORMAL"
        if level == "FULL":
            self._next_synchronization_at = now + _SYNCHRONIZATION_INTERVAL_SECONDS
        if level != self._synchronization:
            connection.execute(f"PRAGMA synchronous = {level}")
            self._synchronization = level

    def _checkpoint_when_large(self, connection: sqlite3.Connection) -> None:
        """Empty the write-ahead log once it has grown enough, while the lock is held.

        Its file is kept and filled anew, which costs commits less than to let it grow again. So it
        grows a little each time, until it is a quarter too large and is cut.
        """
        size = self._log_bytes()
        if size <= self._next_checkpoint_bytes:
            return
        mode = "TRUNCATE" if 4 * size > 5 * self._checkpoint_bytes else "RESTART"
        is_done = False
        # A reader in the way must not hold up the writer: what it still needs waits its turn.
        connection.execute("PRAGMA busy_timeout = 0")
        # The commits stand whether or not there is room to copy them now; the next one tries again.
        with suppress(sqlite3.OperationalError):
            is_done = not connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()[0]
        connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout_seconds * 1000)}")
        # One that was emptied is filled again once its file grows; the others get a while.
        size = self._log_bytes()
        least = self._checkpoint_bytes if is_done else size + self._checkpoint_bytes
        self._next_checkpoint_bytes = max(size, least)

    def _log_bytes(self) -> int:
        return os.stat(self._log).st_size  # noqa: PTH116  before each commit; Path takes longer
