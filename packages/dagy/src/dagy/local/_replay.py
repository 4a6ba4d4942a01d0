"""Run one task of an earlier run again, by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagy._attempt import arguments_of, call_of, value_of
from dagy._fan_out import fan_out
from dagy._tracing import Graph
from dagy.local._run import environment, serializers_of
from dagy_types import (
    Attempt,
    FlowSpec,
    Input,
    Output,
    Run,
    RunReader,
    TaskRun,
    TaskSpec,
    mapped_position,
    mapped_task_id,
)
from dagy_types.errors import ConflictError, NotFoundError, UsageError

if TYPE_CHECKING:
    from dagy._flow import Flow


@dataclass(frozen=True, slots=True)
class Replay:
    """One task, ready to be called with what it was called with.

    Attributes:
        task_run: What is recorded of it.
        differences: What is not as it was, a line each.
    """

    task_run: TaskRun
    differences: tuple[str, ...]
    _call: Callable[[], Any]

    def call(self) -> Any:
        """Run the task's function once, recording nothing, and return its value.

        What the function raises is passed on.
        """
        return self._call()


def prepare_replay(flow: Flow[..., Any], run_id: str, task_id: str, *, reader: RunReader) -> Replay:
    """Return a task of an earlier run, ready to be run again on its recorded inputs.

    Raises:
        NotFoundError: When there is no such run or task.
        ConflictError: When one of its inputs was never recorded, or it is a mapped task itself.
        UsageError: When it is another flow's run.
        FlowDefinitionError: When the flow cannot be traced.
    """
    run = reader.get_run(run_id)
    if run.flow_name != flow.name:
        raise UsageError(
            f"Run {run_id} is one of flow {run.flow_name!r}, not of {flow.name!r}.",
            hint="Replay its tasks with the flow that it ran.",
        )
    task_runs = {each.task_id: each for each in reader.list_task_runs(run_id)}
    task_run = _recorded_task(task_runs, run_id, task_id)
    graph = flow.trace(flow.parse_parameters({}, run.parameters))
    position = mapped_position(task_id)
    static_id = position[0] if position else task_id
    if static_id not in graph.calls:
        raise NotFoundError(
            f"Flow {flow.name!r} has no task {static_id!r} any more.",
            hint="Replay it with the flow that it ran in.",
        )
    if position is None and graph.calls[static_id].is_mapped:
        raise ConflictError(
            f"Task {task_id!r} is mapped: it consists of {task_run.map_size or 0} others.",
            hint=f"Name one of them, for example {mapped_task_id(task_id, 0)!r}.",
        )
    serializers = serializers_of(graph)
    call = call_of(graph.calls, task_id)
    inputs = _recorded_inputs(reader, task_runs, run_id, graph, static_id)
    if position is None:
        attempt = Attempt(task_id, task_run.attempt, inputs)
    else:
        children = fan_out(call, inputs, serializers, keeps_outputs=False)
        index = position[1]
        child_inputs = children.inputs_of(index)
        attempt = Attempt(task_id, task_run.attempt, child_inputs, index, children.items(index))

    def run_it() -> Any:
        args, kwargs = arguments_of(call, attempt, serializers)
        return value_of(call.task.function, args, kwargs)

    differences = _differences(run, reader.get_flow_spec(run_id), graph.spec, static_id)
    return Replay(task_run, tuple(differences), run_it)


def _recorded_task(task_runs: Mapping[str, TaskRun], run_id: str, task_id: str) -> TaskRun:
    task_run = task_runs.get(task_id)
    if task_run is None:
        raise NotFoundError(
            f"Run {run_id} has no task {task_id!r}.", hint=f"See: dagy runs show {run_id}"
        )
    return task_run


def _recorded_inputs(
    reader: RunReader,
    task_runs: Mapping[str, TaskRun],
    run_id: str,
    graph: Graph,
    task_id: str,
) -> dict[str, Input]:
    tasks = {task.task_id: task for task in graph.spec.tasks}
    inputs: dict[str, Input] = {}
    for upstream in tasks[task_id].depends_on:
        recorded = _recorded_input(reader, run_id, upstream, task_runs.get(upstream), tasks)
        if recorded is None:
            raise ConflictError(
                f"Task {task_id!r} cannot be replayed: {upstream!r} has no recorded output.",
                hint=f"It did not succeed. See: dagy runs show {run_id}",
            )
        inputs[upstream] = recorded
    return inputs


def _recorded_input(
    reader: RunReader,
    run_id: str,
    task_id: str,
    task_run: TaskRun | None,
    tasks: Mapping[str, TaskSpec],
) -> Input | None:
    if not tasks[task_id].is_mapped:
        return reader.read_output(run_id, task_id)
    if task_run is None or task_run.map_size is None:
        return None
    children = [mapped_task_id(task_id, index) for index in range(task_run.map_size)]
    found: dict[str, Output] = dict(reader.read_outputs(run_id, children))
    return tuple(found[each] for each in children) if len(found) == len(children) else None


def _differences(run: Run, recorded: FlowSpec, current: FlowSpec, task_id: str) -> list[str]:
    differences = []
    then = {task.task_id: task.code_hash for task in recorded.tasks}
    now = {task.task_id: task.code_hash for task in current.tasks}
    if then.get(task_id) != now[task_id]:
        differences.append(f"The code of task {task_id!r} has changed since.")
    if recorded.code_hash != current.code_hash:
        differences.append("The body of the flow has changed since.")
    for name, value in environment().items():
        before = run.environment.get(name)
        if before != value:
            differences.append(f"{name} was {before or 'not recorded'}, and is {value}.")
    return differences
