"""Looking after a local record: copies of it, whether it is sound, and what has become too old.

Each function opens the record by itself, while others go on working with it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from dagy_store._check import RUNS, Problem, problems_of
from dagy_store._database import Database
from dagy_store._failures import store_errors
from dagy_store._history import History
from dagy_store._live_run import lock_path
from dagy_store._liveness import is_alive
from dagy_store._prune import old_runs, remove_orphans, remove_runs, shrink_if_worth_it
from dagy_store._salvage import salvage_rows
from dagy_store._store import LocalMetadataStore
from dagy_types.errors import StoreError, UsageError

__all__ = ["Checked", "Problem", "Pruned", "Salvaged", "backup", "check", "prune", "salvage"]

_BUSY_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check has found.

    Attributes:
        runs: How many there are.
        size_bytes: Of the database, without the files beside it.
        problems: Nothing, for a record that is sound.
    """

    runs: int
    size_bytes: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be.

    Attributes:
        run_ids: Of the runs, the oldest first.
        orphans: Directories in ``runs/`` and ``artifacts/`` of runs that are not recorded.
        freed_bytes: By how much the database has become smaller.
    """

    run_ids: tuple[str, ...]
    orphans: tuple[Path, ...]
    freed_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What could be saved of a damaged record.

    Attributes:
        lost: What could not, for people; nothing when everything is there. A value that was changed
            into another that could have been recorded is not noticed.
    """

    runs: int
    task_runs: int
    lost: tuple[str, ...]


def backup(directory: Path, target: Path) -> int:
    """Copy the database of a record, as it is at one moment, into a file; runs go on meanwhile.

    Logs, and outputs of more than 8 KiB, are files of their own, in ``runs/`` and ``artifacts/``,
    and not in it. To go back, put the file in the place of ``dagy.db``, with no ``dagy.db-wal``.

    Returns:
        How large it is, in bytes.

    Raises:
        UsageError: When there is such a file already.
        StoreError: When there is no record, or it cannot be read, or the file not be written.
    """
    if target.exists():
        raise UsageError(f"{target} is there already.", hint="Name a file that is not there yet.")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{target.parent} is no directory.", hint="Make it first.")
    with _opened(directory) as database, store_errors(target.absolute().parent):
        database.copy_to(target.absolute())
        return target.stat().st_size


def check(directory: Path, *, is_full: bool = False) -> Checked:
    """Look whether a record is sound: its database, and the files that belong to it.

    Args:
        is_full: Read every page, index and output, not only what tells most of it; takes longer.

    Raises:
        StoreError: When there is no record, or it cannot even be opened.
    """
    with _opened(directory) as database:
        problems = tuple(problems_of(database, directory, is_full=is_full))
        is_readable = not any(problem.is_of_database for problem in problems)
        runs = database.rows("SELECT count(*) FROM runs")[0][0] if is_readable else 0
        return Checked(runs=runs, size_bytes=database.path.stat().st_size, problems=problems)


def prune(
    directory: Path,
    *,
    before: datetime,
    keep_last: int = 0,
    is_dry_run: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Pruned:
    """Remove runs that have ended, with their tasks, logs and outputs, and what belongs to no run.

    What another run that is kept builds on (it resumed it, or uses an output of it) is kept, too.
    Few are removed at a time, so that a run that is recorded meanwhile does not have to wait.

    Args:
        before: Those that were created before this moment.
        keep_last: But not the newest so many of each flow.
        is_dry_run: Remove nothing.
        sleep: Waits; a parameter for tests.

    Raises:
        StoreError: When there is no record, or it cannot be written.
    """
    if keep_last < 0:
        raise UsageError(f"{keep_last} runs cannot be kept.", hint="Use 0 or more.")

    def lives(run_id: str) -> bool:
        return is_alive(lock_path(directory / "runs" / run_id))

    with _opened(directory) as database:
        History(database, is_alive=lives).settle()
        run_ids = old_runs(database, before=before, keep_last=keep_last)
        size = database.path.stat().st_size
        if not is_dry_run:
            removed = remove_runs(database, directory, run_ids, sleep=sleep)
            run_ids = [each for each in run_ids if each in removed]
        orphans = remove_orphans(
            database, directory, before=before, is_alive=lives, is_dry_run=is_dry_run
        )
        if not is_dry_run:
            shrink_if_worth_it(database)
        freed = max(0, size - database.path.stat().st_size)
        return Pruned(run_ids=tuple(run_ids), orphans=tuple(orphans), freed_bytes=freed)


def salvage(directory: Path, target: Path) -> Salvaged:
    """Make a new record of all that can still be read of a damaged one, which is not touched.

    Args:
        directory: That of the damaged one; nobody may be recording runs in it.
        target: That of the new one; must not be there, or be empty.

    Raises:
        UsageError: When there is something in the target already.
        StoreError: When there is no record, or none can be made.
    """
    path = directory.absolute() / "dagy.db"
    if not path.exists():
        raise _no_record(directory)
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty.", hint="Name a directory that is not there yet.")
    with store_errors(target), TemporaryDirectory() as scratch:
        with LocalMetadataStore(target):
            pass
        saved, lost = salvage_rows(path, target.absolute() / "dagy.db", Path(scratch))
        with _opened(target) as database:
            run_ids = [row["run_id"] for row in database.rows(RUNS)]
        for parent in ("runs", "artifacts"):
            for run_id in run_ids:
                source = directory / parent / run_id
                if source.is_dir():
                    shutil.copytree(source, target / parent / run_id, dirs_exist_ok=True)
    gone = [problem.what for problem in check(target).problems]
    return Salvaged(runs=saved["runs"], task_runs=saved["task_runs"], lost=(*lost, *gone))


def _no_record(directory: Path) -> StoreError:
    return StoreError(
        f"There is no record of runs in {directory}.",
        hint="The first dagy run makes one. For another place: DAGY_LOCAL_DIR.",
    )


@contextmanager
def _opened(directory: Path) -> Iterator[Database]:
    path = directory.absolute() / "dagy.db"
    if not path.exists():
        raise _no_record(directory)
    database = Database(path, busy_timeout_seconds=_BUSY_SECONDS, sleep=time.sleep)
    with store_errors(directory):
        try:
            database.open()
            yield database
        finally:
            database.close()
