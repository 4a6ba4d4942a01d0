from __future__ import annotations

from dagy.deploy import TaskChanges
from dagy.deploy._task_changes import task_changes
from dagy_types import FlowSpec, TaskSpec


def _spec(**hashes: str) -> FlowSpec:
    tasks = (TaskSpec(task_id=key, name=key, code_hash=value) for key, value in hashes.items())
    return FlowSpec(name="daily", tasks=tuple(tasks))


def test_tasks_are_added_changed_and_removed() -> None:
    before, after = _spec(a="1", b="1", c="1"), _spec(d="1", b="2", c="1")
    assert task_changes(before, after) == TaskChanges(added=("d",), changed=("b",), removed=("a",))


def test_before_there_was_a_graph_all_tasks_are_added() -> None:
    assert task_changes(None, _spec(a="1", b="1")) == TaskChanges(added=("a", "b"))


def test_equal_graphs_have_no_changes() -> None:
    assert task_changes(_spec(a="1"), _spec(a="1")) == TaskChanges()
