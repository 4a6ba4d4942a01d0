"""Runs, tasks and logs of the fake server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import gt, lt
from typing import Any

from dagy_client._operation import EVENTS
from dagy_client.testing._arrangement import body, in_order
from dagy_client.testing._events import event_reply
from dagy_client.testing._messages import RefusedError, SeenRequest
from dagy_client.testing._state import Handler, State
from dagy_types import (
    FlowSpec,
    LogBatch,
    Run,
    RunOrder,
    RunProgress,
    RunPush,
    RunQuery,
    RunReceipt,
    RunRequest,
    RunStatus,
    TaskRun,
    format_time,
    parse_time,
    select_runs,
)


def _list_runs(state: State, request: SeenRequest) -> tuple[list[Run], str | None]:
    asked = request.query
    query = RunQuery(
        status=RunStatus.of(asked["status"]) if "status" in asked else None,
        flow_name=asked.get("flow_name"),
        since=parse_time(asked["since"]) if "since" in asked else None,
        id_prefix=asked.get("id_prefix", ""),
        order=RunOrder(asked.get("order", RunOrder.CREATED_DESCENDING)),
        after=asked.get("after"),
    )

    def place(run: Run) -> str:
        return f"{format_time(getattr(run, query.order.field))} {run.run_id}"

    found = select_runs(query, state.runs.all())
    if "cursor" in asked:  # the place of a run that may be gone by now
        is_behind = lt if query.order.is_descending else gt
        found = [run for run in found if is_behind(place(run), asked["cursor"])]
    limit = int(asked.get("limit", "50"))
    return found[:limit], place(found[limit - 1]) if len(found) > limit else None


def _trigger(state: State, request: SeenRequest) -> Run:
    asked = body(RunRequest, request)
    flow_name, version = asked.flow_name, asked.flow_version
    parameters = dict(asked.parameters)
    if asked.deployment_name is not None:
        deployment = state.deployments.get(asked.deployment_name)
        flow_name, version = deployment.flow_name, deployment.flow_version
        parameters = {**deployment.parameters, **parameters}
    if flow_name is None:
        raise RefusedError(422, "invalid_request", "A run is of a deployment or of a flow.")
    return _queued(state, flow_name, version or "latest", parameters=parameters)


def _queued(state: State, flow_name: str, flow_version: str, **more: Any) -> Run:
    run = Run(
        run_id=state.new_id("run"),
        flow_name=flow_name,
        flow_version=flow_version,
        status=RunStatus.QUEUED,
        created_at=state.now(),
        **more,
    )
    return state.runs.put(run.run_id, run)


def _get_run(state: State, request: SeenRequest) -> Run:
    return state.runs.get(request.values["run_id"])


def _push(state: State, request: SeenRequest) -> Run:
    run_id, said = request.values["run_id"], body(RunPush, request)
    if run_id in state.flow_specs:
        if state.flow_specs[run_id] != said.flow_spec:
            raise RefusedError(409, "conflict", f"There is another run {run_id!r}.")
        return state.runs.get(run_id)
    state.flow_specs[run_id] = said.flow_spec
    run = Run(
        run_id=run_id,
        flow_name=said.flow_spec.name,
        flow_version=said.flow_spec.version,
        status=RunStatus.QUEUED,
        created_at=said.created_at,
        parameters=said.parameters,
        source=said.source,
        resumed_from=said.resumed_from,
        environment=said.environment,
    )
    return state.runs.put(run_id, run)


def _cancel(state: State, request: SeenRequest) -> Run:
    run = _get_run(state, request)
    if run.status.is_terminal:
        raise RefusedError(409, "run_has_ended", f"Run {run.run_id!r} has ended: {run.status}.")
    ended = replace(run, status=RunStatus.CANCELLED, ended_at=state.now())
    return state.runs.put(run.run_id, ended)


def _retry(state: State, request: SeenRequest) -> Run:
    run = _get_run(state, request)
    if run.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        raise RefusedError(409, "run_not_failed", f"Run {run.run_id!r} is {run.status}.")
    return _queued(
        state,
        run.flow_name,
        run.flow_version,
        parameters=run.parameters,
        resumed_from=run.run_id,
    )


def _list_task_runs(state: State, request: SeenRequest) -> tuple[list[TaskRun], str | None]:
    return in_order([*state.tasks.get(_get_run(state, request).run_id, ())], request)


def _logs(state: State, request: SeenRequest) -> Any:  # Any: a page, or a reply of events
    run = _get_run(state, request)
    names = {each.task_id: each.name for each in state.tasks.get(run.run_id, ())}
    task = request.query.get("task")
    records = [
        record
        for record in state.logs.get(run.run_id, [])
        if task is None or task in (record.task_id, names.get(record.task_id or ""))
    ]
    if request.headers.get("accept") != EVENTS:
        return in_order(records, request)
    last_event_id = request.headers.get("last-event-id", "")
    return event_reply(records, last_event_id=last_event_id, is_all=run.status.is_terminal)


def _append_logs(state: State, request: SeenRequest) -> None:
    run = _get_run(state, request)
    state.logs.setdefault(run.run_id, []).extend(body(LogBatch, request).records)


def _report(state: State, request: SeenRequest) -> RunReceipt:
    run, said = _get_run(state, request), body(RunProgress, request)
    logs = state.logs.setdefault(run.run_id, [])
    known = 0 if said.first_log is None else len(logs) + 1 - said.first_log
    before = {each.task_id: each for each in state.tasks.get(run.run_id, ())}
    after = before | {each.task_id: each for each in said.task_runs}
    if run.status.is_terminal and after != before:
        raise RefusedError(409, "conflict", f"Run {run.run_id!r} has ended: {run.status}.")
    logs.extend(said.logs[known:])
    state.tasks[run.run_id] = list(after.values())
    run = replace(
        run,
        status=RunStatus.RUNNING if run.status is RunStatus.QUEUED else run.status,
        started_at=said.started_at or run.started_at,
        source=said.source or run.source,
        environment=said.environment or run.environment,
    )
    if said.end is not None:
        end = said.end
        run = replace(
            run, status=end.status, ended_at=end.ended_at, reason=end.reason, error=end.error
        )
    state.runs.put(run.run_id, run)
    return RunReceipt(status=run.status, log_count=len(logs))


def _flow_spec(state: State, request: SeenRequest) -> FlowSpec:
    run = _get_run(state, request)
    if run.run_id in state.flow_specs:
        return state.flow_specs[run.run_id]
    version = state.flows.get(f"{run.flow_name}:{run.flow_version}")
    assert version.flow_spec is not None
    return version.flow_spec


HANDLERS: Mapping[str, Handler] = {
    "runs.list": _list_runs,
    "runs.trigger": _trigger,
    "runs.get": _get_run,
    "runs.push": _push,
    "runs.cancel": _cancel,
    "runs.retry": _retry,
    "task_runs.list": _list_task_runs,
    "runs.logs": _logs,
    "runs.append_logs": _append_logs,
    "runs.report": _report,
    "runs.flow_spec": _flow_spec,
}
