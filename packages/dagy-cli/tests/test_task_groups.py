from __future__ import annotations

from collections.abc import Callable

import pytest

from dagy_cli.task_groups import groups_of
from dagy_types import TaskRun, TaskStatus


@pytest.fixture
def task_runs(make_task: Callable[..., TaskRun]) -> list[TaskRun]:
    """A task, a mapped one with 15 children of which 12 failed, and one that waits."""
    children = [
        make_task(f"step[{n}]", TaskStatus.SUCCEEDED if n < 3 else TaskStatus.FAILED)
        for n in range(15)
    ]
    mapped = make_task("step", TaskStatus.FAILED, map_size=15)
    return [make_task("load"), mapped, *children, make_task("last", TaskStatus.PENDING)]


def test_children_are_with_their_task(task_runs: list[TaskRun]) -> None:
    groups = groups_of(task_runs)
    assert [(each.task.task_id, len(each.children)) for each in groups] == [
        ("load", 0),
        ("step", 15),
        ("last", 0),
    ]
    assert [each.progress for each in groups] == [None, (3, 15), None]


def test_of_the_children_the_first_that_failed_are_shown(task_runs: list[TaskRun]) -> None:
    group = groups_of(task_runs)[1]
    shown = [child.task_id for child in group.shown_children(lists_all=False)]
    assert shown == [f"step[{n}]" for n in range(3, 13)]
    assert len(group.failures) == 12
    assert len(group.shown_children(lists_all=True)) == 15


def test_a_child_whose_task_is_not_there_stands_for_itself(
    make_task: Callable[..., TaskRun],
) -> None:
    assert [each.task.task_id for each in groups_of([make_task("step[4]")])] == ["step[4]"]
