"""Runs of flows, and the tasks in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from dagy_client import _operations as operations
from dagy_client._calls import Call, ListCall, Listing, listing, operation_call
from dagy_client._events import EventStream
from dagy_client._methods import Resource, many_values, one_value
from dagy_types import (
    FlowSpec,
    LogBatch,
    LogRecord,
    Run,
    RunOrder,
    RunProgress,
    RunPush,
    RunReceipt,
    RunRequest,
    RunStatus,
    TaskRun,
    format_time,
)
from dagy_types.errors import UsageError

S = TypeVar("S")


class Runs(Resource[S]):
    """Runs of flows."""

    @many_values
    def list(
        self,
        *,
        status: RunStatus | str | None = None,
        flow_name: str | None = None,
        since: datetime | None = None,
        id_prefix: str | None = None,
        order: RunOrder | str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> ListCall[Run]:
        """Iterate over the runs; each page is fetched when it is needed.

        Args:
            since: Only runs that were created then or later.
            id_prefix: Only runs whose id begins like this, with 6 characters at least.
            order: What comes first; the newest, unless it is given.
            after: The id of the run that the list goes on after.
            limit: The most runs to get.

        Raises:
            NotFoundError: When there is no such run to go on after.
        """
        query = {
            "status": status,
            "flow_name": flow_name,
            "since": None if since is None else format_time(since),
            "id_prefix": id_prefix,
            "order": order,
            "after": after,
        }
        return listing(operations.RUNS_LIST, query=query, limit=limit)

    @one_value
    def get(self, run_id: str) -> Call[Run]:
        """Return one run.

        Raises:
            NotFoundError: When there is no such run.
        """
        return operation_call(operations.RUNS_GET, {"run_id": run_id})

    @one_value
    def trigger(
        self,
        deployment_name: str | None = None,
        *,
        flow_name: str | None = None,
        flow_version: str | None = None,
        parameters: Mapping[str, Any] | None = None,  # Any: JSON
        idempotency_key: str | None = None,
    ) -> Call[Run]:
        """Ask for a run of a deployment, or else of a flow, and return it as it stands: queued.

        Args:
            flow_version: Of the flow; the latest by default.
            idempotency_key: The same key again gives the same run. By default each call has one of
                its own, which its retries share.

        Raises:
            NotFoundError: When there is no such deployment or flow.
        """
        if (deployment_name is None) == (flow_name is None):
            raise UsageError(
                "A run is of a deployment or of a flow: one of them.",
                hint='Give runs.trigger("DEPLOYMENT") or runs.trigger(flow_name="FLOW").',
            )
        body = RunRequest(
            deployment_name=deployment_name,
            flow_name=flow_name,
            flow_version=flow_version,
            parameters=parameters or {},
        )
        return operation_call(operations.RUNS_TRIGGER, body=body, idempotency_key=idempotency_key)

    @one_value
    def push(self, run: Run, flow_spec: FlowSpec) -> Call[Run]:
        """Let the server keep a run that was executed elsewhere, and return it as it stands there.

        At first nothing has become of it there: what did, `report` tells. The same run again is the
        same run.

        Args:
            flow_spec: The graph that the run has.

        Raises:
            ConflictError: When there is another run with its id.
        """
        body = RunPush(
            flow_spec=flow_spec,
            created_at=run.created_at,
            parameters=run.parameters,
            source=run.source,
            resumed_from=run.resumed_from,
            environment=run.environment,
        )
        return operation_call(operations.RUNS_PUSH, {"run_id": run.run_id}, body=body)

    @one_value
    def cancel(self, run_id: str, *, idempotency_key: str | None = None) -> Call[Run]:
        """Ask for the end of a run and return it as it stands.

        Raises:
            NotFoundError: When there is no such run.
            ConflictError: When it has ended already.
        """
        return operation_call(
            operations.RUNS_CANCEL, {"run_id": run_id}, idempotency_key=idempotency_key
        )

    @one_value
    def retry(self, run_id: str, *, idempotency_key: str | None = None) -> Call[Run]:
        """Ask for a new run that takes over what this one has done, and return the new one.

        Raises:
            NotFoundError: When there is no such run.
            ConflictError: When it has not failed.
        """
        return operation_call(
            operations.RUNS_RETRY, {"run_id": run_id}, idempotency_key=idempotency_key
        )

    @many_values
    def logs(
        self, run_id: str, *, task: str | None = None, follow: bool = False
    ) -> ListCall[LogRecord]:
        """Iterate over the log records of a run, the oldest first.

        Args:
            task: Only records of the tasks that have this id or this name.
            follow: Go on with new records until the run has ended. A connection that is cut is
                opened again where it was.

        Raises:
            NotFoundError: When there is no such run.
        """
        values, query = {"run_id": run_id}, {"task": task}
        if follow:
            return EventStream(operations.RUNS_LOGS, values, query)
        return Listing(operations.RUNS_LOGS, values, query)

    @one_value
    def append_logs(
        self, run_id: str, records: Iterable[LogRecord], *, idempotency_key: str | None = None
    ) -> Call[None]:
        """Add log records to a run.

        Raises:
            NotFoundError: When there is no such run.
        """
        return operation_call(
            operations.RUNS_APPEND_LOGS,
            {"run_id": run_id},
            body=LogBatch(records=tuple(records)),
            idempotency_key=idempotency_key,
        )

    @one_value
    def report(
        self, run_id: str, progress: RunProgress, *, idempotency_key: str | None = None
    ) -> Call[RunReceipt]:
        """Record how a run stands that is executed here; the same again changes nothing.

        Raises:
            NotFoundError: When there is no such run, or no such task in it.
            ConflictError: When it has ended, or cannot have become that.
        """
        return operation_call(
            operations.RUNS_REPORT,
            {"run_id": run_id},
            body=progress,
            idempotency_key=idempotency_key,
        )

    @one_value
    def flow_spec(self, run_id: str) -> Call[FlowSpec]:
        """Return the graph that a run has; for its parameters, it may differ from its flow's.

        Raises:
            NotFoundError: When there is no such run.
        """
        return operation_call(operations.RUNS_FLOW_SPEC, {"run_id": run_id})


class TaskRuns(Resource[S]):
    """The tasks of runs."""

    @many_values
    def list(self, run_id: str, *, limit: int | None = None) -> ListCall[TaskRun]:
        """Iterate over the tasks of a run in the order of its flow, children after their parent.

        Raises:
            NotFoundError: When there is no such run.
        """
        return listing(operations.TASK_RUNS_LIST, {"run_id": run_id}, limit=limit)
