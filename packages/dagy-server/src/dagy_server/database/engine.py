"""How the database is reached: connections, transactions, and its errors in the words of Dagy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dagy_types.errors import ConfigError, ConflictError, StoreBusyError, StoreError

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a transaction waits for another one."""

_CHECKPOINT_EVERY = 200
"""Transactions, after which SQLite's log is folded into its main file."""


class Database:
    """One database, SQLite or PostgreSQL; transactions of both behave alike.

    In SQLite a writing transaction holds the only lock from its start, so it never fails half-way
    for another's sake. One process at a time uses the file, see `directory`.
    """

    def __init__(self, url: str, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
        self.engine = _engine(url, busy_timeout_seconds)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._busy_timeout_seconds = busy_timeout_seconds
        self._writing = threading.Lock()
        self._writes = 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reads that all see the same state."""
        with database_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction, which is committed at the end, or undone.

        Raises:
            StoreBusyError: When another one holds the database for too long.
        """
        with database_errors(), self._turn():
            engine = self.engine.execution_options(dagy_writes=True)
            with engine.begin() as connection:
                yield connection
            self._checkpoint_now_and_then()

    def close(self) -> None:
        """Close all connections."""
        if self.is_sqlite:
            with database_errors(), self._turn():
                self._checkpoint()
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=self._busy_timeout_seconds):
            raise _busy()
        try:
            yield
        finally:
            self._writing.release()

    def _checkpoint_now_and_then(self) -> None:
        # SQLite 3.7.0 to 3.51.2 can lose commits when a checkpoint races a writer or another
        # checkpoint, so nothing checkpoints by itself: it is done here, in a writer's turn.
        if not self.is_sqlite:
            return
        self._writes += 1
        if self._writes % _CHECKPOINT_EVERY == 0:
            self._checkpoint()

    def _checkpoint(self) -> None:
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn an error of the database into one of Dagy's, which tells nothing of its insides."""
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(
            "Somebody else has changed the same thing.", hint="Look at it, then try again."
        ) from error
    except SQLAlchemyError as error:
        raise _store_error(error) from error


def _store_error(error: SQLAlchemyError) -> StoreError:
    cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    if isinstance(error, PoolTimeoutError) or _is_busy(error, cause):
        return _busy()
    if "disk is full" in cause or "No space left" in cause:
        return StoreError(
            "The server's disk is full.", hint="Nothing was changed. Whoever runs it can help."
        )
    return StoreError(
        "The server's database cannot be used.", hint="Nothing was changed. Try again later."
    )


def _is_busy(error: SQLAlchemyError, cause: str) -> bool:
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return "database is locked" in cause or state in {"55P03", "40001", "40P01"}


def _busy() -> StoreBusyError:
    return StoreBusyError("The server's database is busy.", hint="Nothing was changed. Try again.")


def _engine(url: str, busy_timeout_seconds: float) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError(
            "The URL of the database cannot be read.",
            hint="Give sqlite:////path/of/dagy.db or postgresql://USER@HOST/NAME.",
        ) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ConfigError(
            f"There is no support for {parsed.drivername} as a database.",
            hint="Give sqlite:////path/of/dagy.db or postgresql://USER@HOST/NAME.",
        )
    options: dict[str, Any] = {  # Any: the options of create_engine
        "pool_size": 10,
        "max_overflow": 40,
        "pool_timeout": busy_timeout_seconds,
        "hide_parameters": True,  # an error message must not carry anybody's data
    }
    if parsed.drivername == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": busy_timeout_seconds}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    milliseconds = int(busy_timeout_seconds * 1000)
    return _postgres_engine(parsed, milliseconds, options)


def _postgres_engine(parsed: Any, milliseconds: int, options: dict[str, Any]) -> Engine:
    try:
        return create_engine(
            parsed,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": max(2, milliseconds // 1000),
                "options": f"-c lock_timeout={milliseconds}",
            },
            **options,
        )
    except ModuleNotFoundError:
        raise ConfigError(
            "PostgreSQL needs a driver that is not installed.",
            hint="Run: pip install 'dagy-server[postgres]'",
        ) from None


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # SQLAlchemy begins transactions with `_begin_sqlite`; the driver must not do it on its own.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "wal_autocheckpoint = 0",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("dagy_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
