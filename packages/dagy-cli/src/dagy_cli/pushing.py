"""A run of this machine, told to a server as if it had seen it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagy_client.reports import end_of, end_report, fits, log_reports, task_reports
from dagy_types import LogRecord, Run, RunProgress, RunReader, TaskStatus

if TYPE_CHECKING:
    from dagy_client import DagyClient


@dataclass(slots=True)
class Pushed:
    """What was sent of a run.

    Attributes:
        cut: How many errors and messages were longer than servers take.
    """

    tasks: int = 0
    logs: int = 0
    cut: int = 0

    def counting(self, records: Iterable[LogRecord]) -> Iterator[LogRecord]:
        """Yield records, and count them."""
        for record in records:
            self.logs += 1
            self.cut += not fits(record.message)
            yield record


def push(run: Run, reader: RunReader, client: DagyClient) -> Pushed:
    """Send a run that has ended, its graph, its tasks and its log.

    It may be sent again, also when the first time it was not sent to its end: what the server has
    already, it passes over. The end of the run is sent last, so a part is never taken for all.

    Raises:
        ConflictError: When the server has another run with this id.
    """
    pushed = Pushed()
    client.runs.push(run, reader.get_flow_spec(run.run_id))
    if run.started_at is not None:
        client.runs.report(run.run_id, RunProgress(started_at=run.started_at))
    begun = [
        task for task in reader.list_task_runs(run.run_id) if task.status is not TaskStatus.PENDING
    ]
    for report in task_reports(begun):
        client.runs.report(run.run_id, report)
    pushed.tasks = len(begun)
    errors = [run.error, *(task.error for task in begun)]
    pushed.cut = sum(not fits(error) for error in errors if error)
    for report in log_reports(pushed.counting(reader.read_logs(run.run_id)), first=1):
        client.runs.report(run.run_id, report)
    client.runs.report(run.run_id, end_report(end_of(run)))
    return pushed
