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
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
    mapped_task_id,
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
        TaskSpec(task_id="load", name="load", depends_on=("extract",), is_mapped=True),
    ),
)
_RESUMED = "run-resumed"


def main() -> None:
    """Write the file beside this script."""
    with tempfile.TemporaryDirectory() as directory:
        with LocalMetadataStore(directory) as store:
            for number, end in enumerate(_ENDS):
                _record(store, f"run-{number}", end)
            _resume(store, "run-1")
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
        source="/flows/daily.py:daily",
        environment={"python": "3.12.1"},
    )
    transitions = [
        TaskTransition("extract", TaskStatus.RUNNING, _BEGIN, attempt=1),
        TaskTransition("extract", TaskStatus.FAILED, _BEGIN, error="No such column."),
        TaskTransition("extract", TaskStatus.RUNNING, _BEGIN, attempt=2),
        TaskTransition(
            "extract", TaskStatus.SUCCEEDED, _BEGIN, output=Output(b"[1]", "json"), cache_key="key"
        ),
        TaskTransition("load", TaskStatus.RUNNING, _BEGIN, attempt=1, map_size=2),
        TaskTransition(mapped_task_id("load", 0), TaskStatus.RUNNING, _BEGIN, attempt=1),
        TaskTransition(mapped_task_id("load", 0), TaskStatus.FAILED, _BEGIN, error="No room."),
        TaskTransition(mapped_task_id("load", 1), TaskStatus.CANCELLED, _BEGIN, error="Not now."),
        TaskTransition("load", TaskStatus.FAILED, _BEGIN, error="One child of 2 failed."),
    ]
    store.create_run(run, _SPEC)
    store.record_tasks(run_id, transitions)
    store.finish_run(run_id, end)


def _resume(store: LocalMetadataStore, run_id: str) -> None:
    run = Run(
        run_id=_RESUMED,
        flow_name="daily",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=_BEGIN,
        resumed_from=run_id,
    )
    transitions = [
        TaskTransition(
            "extract",
            TaskStatus.SUCCEEDED,
            _BEGIN,
            origin=Origin(run_id, "extract", ReuseReason.RESUMED),
        ),
        TaskTransition("load", TaskStatus.RUNNING, _BEGIN, attempt=1, map_size=0),
        TaskTransition("load", TaskStatus.SUCCEEDED, _BEGIN),
    ]
    store.create_run(run, _SPEC)
    store.record_tasks(_RESUMED, transitions)
    store.finish_run(_RESUMED, _ENDS[0])


if __name__ == "__main__":
    main()
