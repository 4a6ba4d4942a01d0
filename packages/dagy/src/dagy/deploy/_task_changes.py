"""Which tasks two graphs of a flow differ in. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dagy_types import FlowSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChanges:
    """Ids of tasks, each in the order of its graph.

    Attributes:
        changed: Those with another definition: code, name, upstream, tags and so on.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def task_changes(before: FlowSpec | None, after: FlowSpec) -> TaskChanges:
    """Return what is different after a graph has taken the place of another, or of none."""
    old = {task.task_id: task for task in before.tasks} if before else {}
    new = {task.task_id: task for task in after.tasks}
    return TaskChanges(
        added=tuple(task_id for task_id in new if task_id not in old),
        changed=tuple(key for key, task in new.items() if key in old and old[key] != task),
        removed=tuple(task_id for task_id in old if task_id not in new),
    )
