"""What of an earlier run stands when its flow is run again. Pure: no store, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from dagy_types import (
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    TaskRun,
    TaskSpec,
    TaskStatus,
    mapped_position,
)

FAILED = (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
"""How a task stands that failed; one that was under way when its run crashed is among them."""


class Resumption(NamedTuple):
    """What a resumed run takes over.

    Attributes:
        origins: Whose output each task reuses, children of mapped tasks included.
        standing: The tasks of the graph that the earlier run had done; a mapped one that has no
            children reuses nothing, and stands all the same.
        left_out: Tasks that are not to run although they never did.
        needed: Tasks of the earlier run whose outputs will be asked for.
        outputs: The outputs of those, by task id.
    """

    origins: Mapping[str, Origin] = MappingProxyType({})
    standing: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    outputs: Mapping[str, Output] = MappingProxyType({})


def plan_resumption(
    recorded: FlowSpec,
    task_runs: Iterable[TaskRun],
    current: FlowSpec,
    *,
    from_task: str | None = None,
    only_failed: bool = False,
) -> Resumption:
    """Return what of a run's tasks stands in a new run of the flow.

    A task's output stands if it succeeded, if the flow still has the task at the same place in the
    graph, and if everything that it builds on stands as well.

    Args:
        recorded: The graph of the earlier run.
        task_runs: Its tasks.
        current: The graph of the new run.
        from_task: A task, or a child of a mapped one, that is to run again in any case.
        only_failed: Run only what failed, and what builds on that; leave out what never started.
    """
    earlier = {task.task_id: task for task in recorded.tasks}
    runs = {run.task_id: run for run in task_runs}
    children = _children(runs.values())
    origins: dict[str, Origin] = {}
    standing: set[str] = set()
    failed: set[str] = set()  # what failed, and what builds on that
    left_out: set[str] = set()
    for task in current.tasks:  # upstream first: so does tracing list them
        task_id, run = task.task_id, runs.get(task.task_id)
        if (run and run.status in FAILED) or not failed.isdisjoint(task.depends_on):
            failed.add(task_id)
        if run and _may_stand(task, earlier.get(task_id), standing) and task_id != from_task:
            parts = children.get(task_id, []) if task.is_mapped else [run]
            reused = [
                each
                for each in parts
                if each.status is TaskStatus.SUCCEEDED and each.task_id != from_task
            ]
            origins.update((each.task_id, _origin(each)) for each in reused)
            if len(reused) == (run.map_size if task.is_mapped else 1):
                standing.add(task_id)
        if only_failed and task_id not in standing and task_id not in failed:
            left_out.add(task_id)
    return Resumption(
        origins=origins,
        standing=frozenset(standing),
        left_out=frozenset(left_out),
        needed=_needed(current, standing, origins),
    )


def changed_code(recorded: FlowSpec, current: FlowSpec, reused: Iterable[str]) -> list[str]:
    """Return what is no longer as it was of what the reused tasks depend on, in words."""
    earlier = {task.task_id: task.code_hash for task in recorded.tasks}
    now = {task.task_id: task for task in current.tasks}
    changes = []
    if recorded.code_hash != current.code_hash:
        changes.append(f"the body of flow {current.name!r}")
    names: dict[str, None] = {}
    for task_id in reused:
        position = mapped_position(task_id)
        task = now[position[0] if position else task_id]
        if earlier[task.task_id] != task.code_hash:
            names[task.name] = None
    return changes + [f"task {name!r}" for name in names]


def _children(runs: Iterable[TaskRun]) -> dict[str, list[TaskRun]]:
    children: dict[str, list[TaskRun]] = {}
    for run in runs:
        position = mapped_position(run.task_id)
        if position is not None:
            children.setdefault(position[0], []).append(run)
    return children


def _may_stand(task: TaskSpec, earlier: TaskSpec | None, standing: set[str]) -> bool:
    """Tell whether a task is where it was in the graph, on ground that stands."""
    if earlier is None or not standing.issuperset(task.depends_on):
        return False
    return (task.depends_on, task.is_mapped, task.name) == (
        earlier.depends_on,
        earlier.is_mapped,
        earlier.name,
    )


def _origin(run: TaskRun) -> Origin:
    if run.origin is not None:  # it was not that run itself that made the output
        return Origin(run.origin.run_id, run.origin.task_id, ReuseReason.RESUMED)
    return Origin(run.run_id, run.task_id, ReuseReason.RESUMED)


def _needed(spec: FlowSpec, standing: set[str], origins: Mapping[str, Origin]) -> frozenset[str]:
    asked_for = set(spec.outputs)
    for task in spec.tasks:
        # A mapped task gets its children anew, even if they all stand.
        if task.is_mapped or task.task_id not in standing:
            asked_for.update(task.depends_on)
    needed = set()
    for task_id in origins:
        position = mapped_position(task_id)
        if (position[0] if position else task_id) in asked_for:
            needed.add(task_id)
    return frozenset(needed)
