from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagy_store import _runs, _task_runs
from dagy_store._database import Database
from dagy_store._task_states import TaskStates
from dagy_types import (
    TASK_TRANSITIONS,
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    Run,
    TaskRun,
    TaskStatus,
    TaskTransition,
    mapped_task_id,
)
from dagy_types.errors import ConflictError

At = Callable[[float], datetime]

_ORIGIN = Origin("r0", "extract", ReuseReason.CACHED)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "dagy.db", busy_timeout_seconds=1, sleep=time.sleep)
    yield database
    database.close()


@st.composite
def _histories(draw: st.DrawFn) -> list[list[tuple[str, TaskStatus]]]:
    """Batches of legal steps of three tasks, in any order, several of a task in one batch too."""
    statuses = dict.fromkeys(("extract", "clean", "load"), TaskStatus.PENDING)
    batches: list[list[tuple[str, TaskStatus]]] = []
    for size in draw(st.lists(st.integers(1, 5), max_size=5)):
        batch = []
        for _ in range(size):
            movable = [task_id for task_id in statuses if TASK_TRANSITIONS[statuses[task_id]]]
            if not movable:
                break
            task_id = draw(st.sampled_from(movable))
            statuses[task_id] = draw(st.sampled_from(sorted(TASK_TRANSITIONS[statuses[task_id]])))
            batch.append((task_id, statuses[task_id]))
        batches.append(batch)
    return batches


def _apply(model: dict[str, TaskRun], transition: TaskTransition) -> None:
    """What a transition means, spelt out."""
    before = model[transition.task_id]
    is_start = transition.status is TaskStatus.RUNNING
    model[transition.task_id] = TaskRun(
        run_id=before.run_id,
        task_id=before.task_id,
        name=before.name,
        depends_on=before.depends_on,
        status=transition.status,
        attempt=transition.attempt if is_start else before.attempt,
        started_at=transition.at if is_start else before.started_at,
        ended_at=None if is_start else transition.at,
        error=transition.error,
        output_bytes=len(transition.output.data) if transition.output else None,
        origin=transition.origin,
    )


def _record_origin(connection: sqlite3.Connection, run: Run, spec: FlowSpec, at: At) -> None:
    """Make a run whose task "extract" has an output that others may reuse."""
    _runs.insert(connection, run, spec)
    batch = TaskStates(run.run_id, spec).advance(
        [
            TaskTransition("extract", TaskStatus.RUNNING, at(1), attempt=1),
            TaskTransition("extract", TaskStatus.SUCCEEDED, at(2), output=Output(b"1", "json")),
        ]
    )
    _task_runs.record(connection, run.run_id, batch)


@settings(max_examples=40)
@given(histories=_histories(), texts=st.lists(st.text(max_size=5), min_size=1))
def test_batches_of_transitions_equal_a_dict_of_tasks(
    histories: list[list[tuple[str, TaskStatus]]],
    texts: list[str],
    spec: FlowSpec,
    new_run: Callable[..., Run],
    at: At,
) -> None:
    model = {
        task.task_id: TaskRun(
            run_id="r1",
            task_id=task.task_id,
            name=task.name,
            status=TaskStatus.PENDING,
            depends_on=task.depends_on,
        )
        for task in spec.tasks
    }
    tasks = TaskStates("r1", spec)
    started: set[str] = set()
    step = 0
    with TemporaryDirectory() as directory:
        database = Database(Path(directory) / "dagy.db", busy_timeout_seconds=1, sleep=time.sleep)
        with database.transaction() as connection:
            _record_origin(connection, new_run("r0"), spec, at)
            _runs.insert(connection, new_run(), spec)
        for batch in histories:
            transitions = []
            for task_id, status in batch:
                step += 1
                if status is TaskStatus.RUNNING:
                    started.add(task_id)
                text = texts[step % len(texts)]
                succeeded = status is TaskStatus.SUCCEEDED
                transitions.append(
                    TaskTransition(
                        task_id,
                        status,
                        at(step),
                        attempt=step,
                        error=None if succeeded or status is TaskStatus.RUNNING else text,
                        output=Output(text.encode(), "json")
                        if succeeded and task_id in started
                        else None,
                        origin=_ORIGIN if succeeded and task_id not in started else None,
                    )
                )
            written = tasks.advance(transitions)
            with database.transaction() as connection:
                _task_runs.record(connection, "r1", written)
            tasks.apply(written)
            for transition in transitions:
                _apply(model, transition)
            assert _task_runs.of_run(database, "r1", spec) == list(model.values())
        database.close()


def test_outputs_beyond_the_limit_go_to_files(at: At) -> None:
    limit = _task_runs.LARGEST_OUTPUT_IN_ROW_BYTES
    transitions = [
        TaskTransition("a", TaskStatus.SUCCEEDED, at(1), output=Output(b"x" * limit, "json")),
        TaskTransition("b", TaskStatus.SUCCEEDED, at(1), output=Output(b"y" * (limit + 1), "json")),
        TaskTransition("c", TaskStatus.FAILED, at(1)),
    ]
    assert _task_runs.outputs_for_files(transitions) == {"b": b"y" * (limit + 1)}


def _record(
    database: Database, run: Run, spec: FlowSpec, *batches: list[TaskTransition]
) -> TaskStates:
    tasks = TaskStates(run.run_id, spec)
    with database.transaction() as connection:
        _runs.insert(connection, run, spec)
        for transitions in batches:
            batch = tasks.advance(transitions)
            _task_runs.record(connection, run.run_id, batch)
            tasks.apply(batch)
    return tasks


def test_children_follow_their_parent_in_the_order_of_their_numbers(
    database: Database, new_run: Callable[..., Run], at: At, mapped_spec: FlowSpec
) -> None:
    _record(
        database,
        new_run(),
        mapped_spec,
        [
            TaskTransition("each", TaskStatus.RUNNING, at(1), attempt=1, map_size=12),
            *(
                TaskTransition(mapped_task_id("each", index), TaskStatus.RUNNING, at(2), attempt=1)
                for index in (11, 2, 10)
            ),
            TaskTransition("each[10]", TaskStatus.FAILED, at(3), error="No."),
        ],
    )
    found = _task_runs.of_run(database, "r1", mapped_spec)
    children = [mapped_task_id("each", index) for index in range(12)]
    assert [task.task_id for task in found] == ["list", "each", *children, "load"]
    assert {task.task_id: task.map_size for task in found if task.map_size is not None} == {
        "each": 12
    }
    begun = {task.task_id: task for task in found if task.status is not TaskStatus.PENDING}
    assert set(begun) == {"each", "each[2]", "each[10]", "each[11]"}
    assert begun["each[10]"] == TaskRun(
        run_id="r1",
        task_id="each[10]",
        name="fetch",
        status=TaskStatus.FAILED,
        attempt=1,
        depends_on=("list",),
        started_at=at(2),
        ended_at=at(3),
        error="No.",
    )


def test_a_parent_keeps_the_number_of_its_children_to_its_end(
    database: Database, new_run: Callable[..., Run], at: At, mapped_spec: FlowSpec
) -> None:
    start = TaskTransition("each", TaskStatus.RUNNING, at(1), attempt=1, map_size=0)
    failed = TaskTransition("each", TaskStatus.FAILED, at(2))
    retry = TaskTransition("each", TaskStatus.RUNNING, at(3), attempt=2)
    end = TaskTransition("each", TaskStatus.SUCCEEDED, at(4))
    for number, batches in enumerate(
        ([[start, failed, retry, end]], [[start, failed], [retry, end]], [[start], [failed]])
    ):
        run_id = f"r{number}"
        _record(database, new_run(run_id), mapped_spec, *batches)
        assert _task_runs.of_run(database, run_id, mapped_spec)[1].map_size == 0
        assert _task_runs.find_map_size(database, run_id, "each") == 0
    assert _task_runs.find_map_size(database, "r0", "load") is None


@pytest.mark.parametrize(
    "origin",
    [
        Origin("r9", "extract", ReuseReason.RESUMED),
        Origin("r0", "clean", ReuseReason.RESUMED),  # has not run
        Origin("r0", "clean-2", ReuseReason.RESUMED),  # has failed
        Origin("r0", "load", ReuseReason.RESUMED),  # reuses one itself
        Origin("r0", "\udcff", ReuseReason.CACHED),
    ],
)
def test_an_origin_names_the_task_that_made_the_output(
    database: Database, spec: FlowSpec, new_run: Callable[..., Run], at: At, origin: Origin
) -> None:
    with database.transaction() as connection:
        _record_origin(connection, new_run("r0"), spec, at)
        reused = TaskTransition("load", TaskStatus.SUCCEEDED, at(3), origin=_ORIGIN)
        failed = [
            TaskTransition("clean-2", TaskStatus.RUNNING, at(3), attempt=1),
            TaskTransition("clean-2", TaskStatus.FAILED, at(3)),
        ]
        _task_runs.record(connection, "r0", TaskStates("r0", spec).advance([reused, *failed]))
    good = TaskTransition("clean", TaskStatus.SUCCEEDED, at(4), origin=_ORIGIN)
    bad = TaskTransition("extract", TaskStatus.SUCCEEDED, at(4), origin=origin)
    with pytest.raises(ConflictError) as caught:
        _record(database, new_run(), spec, [good, bad])
    assert caught.value.message == (
        f"Task 'extract' of run 'r1' cannot reuse the output of task {origin.task_id!r} "
        f"of run {origin.run_id!r}: that did not make one."
    )
    assert _runs.find(database, "r1") is None


def test_tasks_that_vanished_are_noticed_and_not_made_again(
    database: Database, spec: FlowSpec, new_run: Callable[..., Run], at: At
) -> None:
    start = TaskTransition("extract", TaskStatus.RUNNING, at(1), attempt=1)
    tasks = _record(database, new_run(), spec, [start])
    end = tasks.advance([TaskTransition("extract", TaskStatus.SUCCEEDED, at(2))])
    with database.transaction() as connection:
        connection.execute("DELETE FROM task_runs")
    with (
        pytest.raises(ConflictError, match="Tasks of run 'r1' were removed from outside"),
        database.transaction() as connection,
    ):
        _task_runs.record(connection, "r1", end)
    assert database.rows("SELECT * FROM task_runs") == []


def test_a_task_that_somebody_else_recorded_is_not_recorded_twice(
    database: Database, spec: FlowSpec, new_run: Callable[..., Run], at: At
) -> None:
    start = TaskTransition("extract", TaskStatus.RUNNING, at(1), attempt=1)
    _record(database, new_run(), spec, [start])
    again = TaskStates("r1", spec).advance([start])
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        _task_runs.record(connection, "r1", again)
    assert len(database.rows("SELECT * FROM task_runs")) == 1
