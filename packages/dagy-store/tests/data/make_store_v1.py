"""Make ``store-v1.db``, the golden file of store version 1, with dagy-store 0.1.0 installed.

    python packages/dagy-store/tests/data/make_store_v1.py

Run it for that release only: the file shows what that release wrote, and is never made again.
For a new version of the store, copy this script and let it write another file.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from dagy_store import LocalMetadataStore
from dagy_types import (
    FailureReason,
    FlowSpec,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)

_BEGIN = datetime(2026, 11, 1, 12, 0, 0, 123_457, timezone.utc)
_ENDS = (
    RunEnd(status=RunStatus.SUCCEEDED, ended_at=_BEGIN + timedelta(minutes=5)),
    RunEnd(
        status=RunStatus.FAILED,
        ended_at=_BEGIN + timedelta(minutes=6),
        reason=FailureReason.TIMED_OUT,
        error="Too slow: naïve ☃",
    ),
    RunEnd(status=RunStatus.CANCELLED, ended_at=_BEGIN + timedelta(minutes=7)),
)
_SPEC = FlowSpec(
    name="daily",
    tasks=(
        TaskSpec(task_id="extract", name="extract"),
        TaskSpec(task_id="load", name="load", depends_on=("extract",)),
    ),
)


def main() -> None:
    """Write the file beside this script."""
    with tempfile.TemporaryDirectory() as directory:
        with LocalMetadataStore(directory) as store:
            for number, end in enumerate(_ENDS):
                _record(store, f"run-{number}", end)
        made = Path(directory) / "dagy.db"
        shutil.copy(made, Path(__file__).with_name("store-v1.db"))


def _record(store: LocalMetadataStore, run_id: str, end: RunEnd) -> None:
    run = Run(
        run_id=run_id,
        flow_name="daily",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=_BEGIN,
        started_at=_BEGIN,
        parameters={"day": "2026-11-01"},
    )
    transitions = [
        TaskTransition("extract", TaskStatus.RUNNING, _BEGIN, attempt=1),
        TaskTransition("extract", TaskStatus.FAILED, _BEGIN, error="No such column."),
        TaskTransition("extract", TaskStatus.RUNNING, _BEGIN, attempt=2),
        TaskTransition("extract", TaskStatus.SUCCEEDED, _BEGIN, output=Output(b"[1]", "json")),
        TaskTransition("load", TaskStatus.SKIPPED, _BEGIN, error="Not today."),
    ]
    store.create_run(run, _SPEC)
    store.record_tasks(run_id, transitions)
    store.finish_run(run_id, end)


if __name__ == "__main__":
    main()
