from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagy_store import _runs, _task_runs
from dagy_store._database import Database
from dagy_types import (
    TASK_TRANSITIONS,
    FlowSpec,
    Output,
    Run,
    TaskRun,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import ConflictError, NotFoundError

At = Callable[[float], datetime]


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
    )


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
    step = 0
    with TemporaryDirectory() as directory:
        database = Database(Path(directory) / "dagy.db", busy_timeout_seconds=1, sleep=time.sleep)
        with database.transaction() as connection:
            _runs.insert(connection, new_run(), spec)
        for batch in histories:
            transitions = []
            for task_id, status in batch:
                step += 1
                text = texts[step % len(texts)]
                succeeded = status is TaskStatus.SUCCEEDED
                transitions.append(
                    TaskTransition(
                        task_id,
                        status,
                        at(step),
                        attempt=step,
                        error=None if succeeded or status is TaskStatus.RUNNING else text,
                        output=Output(text.encode(), "json") if succeeded else None,
                    )
                )
            with database.transaction() as connection:
                _task_runs.record(connection, "r1", transitions)
            for transition in transitions:
                _apply(model, transition)
            assert _task_runs.of_run(database, "r1", spec) == list(model.values())
        database.close()


def test_advance_follows_a_task_through_a_batch(at: At) -> None:
    changed = _task_runs.advance(
        "r1",
        {"a": TaskStatus.PENDING, "b": TaskStatus.RUNNING, "c": TaskStatus.PENDING},
        [
            TaskTransition("a", TaskStatus.RUNNING, at(1)),
            TaskTransition("b", TaskStatus.FAILED, at(1)),
            TaskTransition("a", TaskStatus.SUCCEEDED, at(2)),
        ],
    )
    assert changed == {"a": TaskStatus.SUCCEEDED, "b": TaskStatus.FAILED}


def test_advance_names_the_task_and_both_statuses(at: At) -> None:
    with pytest.raises(
        ConflictError, match="'a' of run 'r1' is SUCCEEDED and cannot become RUNNING"
    ):
        _task_runs.advance(
            "r1",
            {"a": TaskStatus.RUNNING},
            [
                TaskTransition("a", TaskStatus.SUCCEEDED, at(1)),
                TaskTransition("a", TaskStatus.RUNNING, at(2)),
            ],
        )


def test_advance_refuses_a_task_that_is_not_in_the_flow(at: At) -> None:
    with pytest.raises(NotFoundError, match=r"has no task '\.\./a'"):
        _task_runs.advance(
            "r1", {"a": TaskStatus.RUNNING}, [TaskTransition("../a", TaskStatus.RUNNING, at(1))]
        )


def test_outputs_beyond_the_limit_go_to_files(at: At) -> None:
    limit = _task_runs.LARGEST_OUTPUT_IN_ROW_BYTES
    transitions = [
        TaskTransition("a", TaskStatus.SUCCEEDED, at(1), output=Output(b"x" * limit, "json")),
        TaskTransition("b", TaskStatus.SUCCEEDED, at(1), output=Output(b"y" * (limit + 1), "json")),
        TaskTransition("c", TaskStatus.FAILED, at(1)),
    ]
    assert _task_runs.outputs_for_files(transitions) == {"b": b"y" * (limit + 1)}
