"""A store that is open: its files, how it is closed, and what becomes of it in a fork."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from dagy_store._connection import require_strict_tables
from dagy_store._database import CHECKPOINT_BYTES, Database
from dagy_store._directory import local_directory
from dagy_store._failures import FOREIGN, store_error, store_errors
from dagy_store._forks import follow_forks
from dagy_store._history import History
from dagy_store._live_run import LiveRun, lock_path
from dagy_store._liveness import is_alive
from dagy_store._private_files import make_private_directory
from dagy_types.errors import StoreError

_Self = TypeVar("_Self", bound="OpenStore")


class _Use:
    """The block of a method that uses an open store: no foreign error leaves it."""

    # A class, and one object for all blocks: a generator would cost each small transaction more
    # than its own work in Python does.

    def __init__(self, database: Database, directory: Path) -> None:
        self._database = database
        self._directory = directory

    def __enter__(self) -> Database:
        return self._database

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, FOREIGN):
            raise store_error(error, self._directory) from error


class OpenStore:
    """What `LocalMetadataStore` says of opening and closing; the arguments are described there."""

    def __init__(
        self,
        directory: Path | str | None = None,
        *,
        busy_timeout_seconds: float = 10.0,
        poll_interval_seconds: float = 0.1,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._is_open = False
        require_strict_tables()
        # Absolute, because a relative path changes its meaning with the working directory.
        self._directory = (local_directory() if directory is None else Path(directory)).absolute()
        self._wait_for_lines = lambda: sleep(poll_interval_seconds)
        self._live: dict[str, LiveRun] = {}
        self._database = Database(
            self._directory / "dagy.db",
            busy_timeout_seconds=busy_timeout_seconds,
            checkpoint_bytes=checkpoint_bytes,
            sleep=sleep,
        )
        self._use = _Use(self._database, self._directory)
        self._history = History(self._database, is_alive=self._is_alive)
        with store_errors(self._directory):
            make_private_directory(self._directory)
            try:
                self._database.open()
            except BaseException:
                self._database.close()
                raise
        self._is_open = True
        follow_forks(self)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._is_open and self._database.is_connected:
            message = f"unclosed store {self._directory}"
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
            self.close()

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    def close(self) -> None:
        """Close all files; closing twice is allowed.

        A run that was created here and not finished counts as crashed from now on.
        """
        self._is_open = False
        with store_errors(self._directory):
            self._drop_live_runs()
            self._database.close()

    def before_fork(self) -> None:
        """Disconnect, for the length of a fork of this process; called by Python."""
        self._database.before_fork()

    def after_fork_in_parent(self) -> None:
        """Go on, in the parent; called by Python."""
        self._database.after_fork()

    def after_fork_in_child(self) -> None:
        """Leave the runs under way to the parent; called by Python in the child."""
        # Else a run would look alive for as long as any child of its process lives.
        self._drop_live_runs()
        self._database.after_fork()

    def _opened(self) -> _Use:
        if not self._is_open:
            raise StoreError(
                f"The store {self._directory} is closed.", hint="Use it inside its with block."
            )
        return self._use

    def _is_alive(self, run_id: str) -> bool:
        return run_id in self._live or is_alive(lock_path(self._run_directory(run_id)))

    def _run_directory(self, run_id: str) -> Path:
        return self._directory / "runs" / run_id

    @property
    def _artifacts(self) -> Path:
        return self._directory / "artifacts"

    def _drop_live_runs(self) -> None:
        while self._live:
            self._live.popitem()[1].drop()
