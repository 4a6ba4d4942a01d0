"""What every picture of a graph starts from: its layers, and what its tasks are called."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter

from dagy_types import FlowSpec, TaskSpec


def layers_of(spec: FlowSpec) -> list[list[TaskSpec]]:
    """Return the tasks by layer, in the flow's order: each is one below its lowest upstream."""
    tasks = {task.task_id: task for task in spec.tasks}
    layer_of: dict[str, int] = {}
    graph = TopologicalSorter({task.task_id: task.depends_on for task in spec.tasks})
    for task_id in graph.static_order():
        upstream = tasks[task_id].depends_on
        layer_of[task_id] = 1 + max((layer_of[each] for each in upstream), default=-1)
    layers: list[list[TaskSpec]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for task in spec.tasks:
        layers[layer_of[task.task_id]].append(task)
    return layers


def label_lines(task: TaskSpec, *, is_unicode: bool = True) -> tuple[str, ...]:
    """Return the task's id and, where the id does not tell it, the name that its author gave.

    The id of a mapped task is followed by a mark: how many children it has is not known yet.
    """
    # Ids come from names: a repeated call has a number behind it, a sub-flow's name before it.
    stem = re.sub(r"-[0-9]+$", "", task.task_id)
    is_told = any(
        each == task.name or each.endswith(f".{task.name}") for each in (stem, task.task_id)
    )
    mark = (" \u00d7N" if is_unicode else " xN") if task.is_mapped else ""
    line = f"{task.task_id}{mark}"
    return (line,) if is_told else (line, task.name)
