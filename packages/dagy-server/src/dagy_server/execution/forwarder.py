"""What is recorded on the disk, told to the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dagy_client import DagyClient
from dagy_client.reports import end_of, end_report, log_reports, task_reports
from dagy_server.execution.heart import Heart
from dagy_server.execution.lineage import changed, tasks_of_all
from dagy_server.execution.log_pump import LogPump
from dagy_server.execution.orders import WorkOrder
from dagy_server.execution.patience import patiently
from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, LogRecord, Run, RunEnd, RunProgress, TaskRun
from dagy_types.errors import ConflictError


@dataclass(slots=True)
class Forwarder:
    """Tells the server how a run stands, each time what is new; what it says twice does no harm.

    Args:
        recorded: What the record calls the run of each worker so far, in their order.
        target: The flow, as its archive names it.
        spec: Its graph in the archive, which the server has.
    """

    order: WorkOrder
    client: DagyClient
    heart: Heart
    store: LocalMetadataStore
    recorded: Sequence[str]
    target: str = ""
    spec: FlowSpec | None = None
    _known: dict[str, TaskRun] = field(default_factory=dict)
    _pumps: list[LogPump] = field(default_factory=list)
    _said: int = 0  # messages that were read
    _kept: int = 0  # messages that the server has
    _has_begun: bool = False

    def look(self) -> Run | None:
        """Send what is new, and return the run as it is recorded, once it is."""
        known = self.recorded[-1]
        found = self.store.list_runs(limit=1)  # the newest: no other run begins meanwhile
        if not found or found[0].run_id != known:
            return None
        run = found[0]  # read before its tasks: once it has ended, they are as they stay
        if not self._has_begun:
            self._begin(run)
        if not self.heart.is_cancelled.is_set():
            self._send_tasks()
        self._send_logs()
        return run

    def finish(self, run: Run) -> None:
        """Send the rest of a run that has ended, and its end."""
        while not all(pump.has_ended for pump in self._pumps):
            self._send_logs(wait=True)
        self.end(end_of(run))

    def end(self, end: RunEnd, *logs: LogRecord) -> None:
        """Tell the server how the run ended, unless somebody there has ended it."""
        if not self.heart.is_cancelled.is_set():
            records = [replace(each, run_id=self.order.run_id) for each in logs]
            self._report(end_report(end, records))

    def _begin(self, run: Run) -> None:
        order = self.order
        self._has_begun = True
        spec = self.store.get_flow_spec(run.run_id)
        self._report(
            RunProgress(
                flow_spec=None if spec == self.spec else spec,  # parameters may change it
                started_at=self.store.get_run(self.recorded[0]).started_at,
                source=self.target,
                environment=run.environment,
            )
        )
        self._pumps = [LogPump(order.record, each, order.run_id) for each in self.recorded]

    def _send_tasks(self) -> None:
        tasks = tasks_of_all(self.order.run_id, [*map(self.store.list_task_runs, self.recorded)])
        new = changed(tasks, self._known)
        for report in task_reports(new):
            self._report(report)
            self._known.update({each.task_id: tasks[each.task_id] for each in report.task_runs})

    def _send_logs(self, *, wait: bool = False) -> None:
        for pump in self._pumps:
            while records := pump.take(wait=wait):
                for report in log_reports(records, first=self._said + 1):
                    self._said += len(report.logs)
                    if self._said > self._kept:
                        self._report(report)
            if not pump.has_ended:
                return  # the messages of the next worker come after those of this one

    def _report(self, progress: RunProgress) -> None:
        order = self.order

        def report() -> None:
            receipt = self.client.runs.report(order.run_id, progress)
            self._kept = receipt.log_count
            self.heart.note(receipt.status)

        try:
            patiently(report, root=Path(order.root))
        except ConflictError:
            # Of a run that somebody has ended; anything else is a fault, and ends the worker.
            run = patiently(lambda: self.client.runs.get(order.run_id), root=Path(order.root))
            self.heart.note(run.status)
            if not self.heart.is_cancelled.is_set():
                raise
