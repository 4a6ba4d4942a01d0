from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_store._task_states import Batch, TaskStates
from dagy_types import (
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import ConflictError, DagyError, NotFoundError

At = Callable[[float], datetime]

_SPEC = FlowSpec(
    name="daily",
    tasks=(
        TaskSpec(task_id="a", name="a"),
        TaskSpec(task_id="b", name="b"),
        TaskSpec(task_id="many", name="many", is_mapped=True),
    ),
)
_ONE = Output(b"1", "json")
_ORIGIN = Origin("r0", "a", ReuseReason.CACHED)


@pytest.fixture
def tasks() -> TaskStates:
    return TaskStates("r1", _SPEC)


@pytest.fixture
def mapped(tasks: TaskStates, at: At) -> TaskStates:
    """A run whose mapped task has three children."""
    tasks.apply(tasks.advance([_start("many", at(1), map_size=3)]))
    return tasks


def _start(task_id: str, at: datetime, map_size: int | None = None) -> TaskTransition:
    return TaskTransition(task_id, TaskStatus.RUNNING, at, attempt=1, map_size=map_size)


def _end(task_id: str, at: datetime, status: TaskStatus = TaskStatus.SUCCEEDED) -> TaskTransition:
    return TaskTransition(task_id, status, at)


def _reuse(task_id: str, at: datetime) -> TaskTransition:
    return TaskTransition(task_id, TaskStatus.SUCCEEDED, at, origin=_ORIGIN)


def test_a_start_and_its_end_are_put_together(tasks: TaskStates, at: At) -> None:
    start, end, alone = _start("a", at(1)), _end("a", at(2)), _start("b", at(1))
    assert tasks.advance([start, alone, end]) == Batch(
        started={"b": alone},
        completed=[(start, end)],
        statuses={"a": TaskStatus.SUCCEEDED, "b": TaskStatus.RUNNING},
    )


def test_a_retry_in_the_same_batch_comes_later(tasks: TaskStates, at: At) -> None:
    start, end = _start("a", at(1)), _end("a", at(2), TaskStatus.FAILED)
    retry = [_start("a", at(3)), _end("a", at(4))]
    assert tasks.advance([start, end, *retry]) == Batch(
        completed=[(start, end)], later=retry, statuses={"a": TaskStatus.SUCCEEDED}
    )


def test_the_end_of_a_task_that_was_started_before_comes_later(tasks: TaskStates, at: At) -> None:
    tasks.apply(tasks.advance([_start("a", at(1))]))
    end = _end("a", at(2))
    assert tasks.advance([end]).later == [end]


def test_what_never_started_is_told_apart_from_what_is_reused(tasks: TaskStates, at: At) -> None:
    skipped, reused = _end("a", at(1), TaskStatus.SKIPPED), _reuse("b", at(1))
    batch = tasks.advance([skipped, reused])
    assert batch.without_attempt == [skipped]
    assert batch.reused == [(reused, _ORIGIN)]


def test_a_batch_that_is_not_applied_changes_nothing(mapped: TaskStates, at: At) -> None:
    batch = [_start("a", at(1)), _start("many[1]", at(1))]
    assert mapped.advance(batch) == mapped.advance(batch)


def test_only_what_was_made_here_is_found_by_its_cache_key(tasks: TaskStates, at: At) -> None:
    made = TaskTransition("a", TaskStatus.SUCCEEDED, at(2), output=_ONE, cache_key="k")
    reused = TaskTransition("b", TaskStatus.SUCCEEDED, at(2), origin=_ORIGIN, cache_key="k")
    assert tasks.advance([_start("a", at(1)), made, reused]).cached == [made]


def test_a_refusal_names_the_task_and_both_statuses(tasks: TaskStates, at: At) -> None:
    with pytest.raises(
        ConflictError, match="'a' of run 'r1' is SUCCEEDED and cannot become RUNNING"
    ):
        tasks.advance([_start("a", at(1)), _end("a", at(1)), _start("a", at(2))])


@pytest.mark.parametrize("task_id", ["../a", "", "a[0]", "other[0]", "many[x]", "many[-1]"])
def test_a_task_that_is_not_in_the_flow_is_refused(
    mapped: TaskStates, at: At, task_id: str
) -> None:
    with pytest.raises(NotFoundError) as caught:
        mapped.advance([_start(task_id, at(1))])
    assert caught.value.message == f"Run 'r1' has no task {task_id!r}."


# Children of mapped tasks


def test_children_go_their_own_ways(mapped: TaskStates, at: At) -> None:
    first = [_start("many[0]", at(2)), _start("many[2]", at(2)), _end("many[2]", at(3))]
    mapped.apply(mapped.advance(first))
    batch = mapped.advance([_end("many[0]", at(4), TaskStatus.FAILED), _start("many[1]", at(4))])
    assert batch.statuses == {"many[0]": TaskStatus.FAILED, "many[1]": TaskStatus.RUNNING}
    with pytest.raises(ConflictError, match=r"'many\[2\]' of run 'r1' is SUCCEEDED"):
        mapped.advance([_start("many[2]", at(4))])


def test_children_may_start_in_the_batch_in_which_their_parent_does(
    tasks: TaskStates, at: At
) -> None:
    batch = tasks.advance(
        [_start("many", at(1), map_size=1), _start("many[0]", at(1)), _end("many[0]", at(2))]
    )
    tasks.apply(batch)
    assert batch.map_sizes == {"many": 1}
    with pytest.raises(ConflictError, match="is SUCCEEDED and cannot become RUNNING"):
        tasks.advance([_start("many[0]", at(3))])


def test_there_are_as_many_children_as_their_parent_says(mapped: TaskStates, at: At) -> None:
    mapped.advance([_start("many[2]", at(2))])
    with pytest.raises(NotFoundError, match=r"has no task 'many\[3\]'"):
        mapped.advance([_start("many[3]", at(2))])


@pytest.mark.parametrize("size", [None, 0])
def test_a_parent_of_none_has_no_children(tasks: TaskStates, at: At, size: int | None) -> None:
    tasks.apply(tasks.advance([_start("many", at(1), map_size=size)]))
    with pytest.raises(NotFoundError, match=r"has no task 'many\[0\]'"):
        tasks.advance([_start("many[0]", at(2))])
    assert tasks.advance([_end("many", at(2))]).statuses == {"many": TaskStatus.SUCCEEDED}


def test_children_change_only_while_their_parent_runs(
    tasks: TaskStates, mapped: TaskStates, at: At
) -> None:
    with pytest.raises(ConflictError, match="cannot change: 'many' is PENDING"):
        TaskStates("r1", _SPEC).advance([_start("many[0]", at(1))])
    failed = _end("many", at(2), TaskStatus.FAILED)
    for transitions in (
        [failed, _start("many[0]", at(2))],
        [_start("many[0]", at(1)), failed, _end("many[0]", at(2))],
    ):
        with pytest.raises(ConflictError, match=r"'many\[0\]' .* cannot change: 'many' is FAILED"):
            mapped.advance(transitions)


def test_a_parent_that_is_tried_again_keeps_its_children(mapped: TaskStates, at: At) -> None:
    mapped.apply(
        mapped.advance(
            [
                *(_start("many[0]", at(2)), _end("many[0]", at(3))),
                _end("many", at(4), TaskStatus.FAILED),
                _start("many", at(5), map_size=3),
            ]
        )
    )
    with pytest.raises(ConflictError, match=r"'many\[0\]' of run 'r1' is SUCCEEDED"):
        mapped.advance([_start("many[0]", at(6))])
    with pytest.raises(ConflictError, match="has 3 children, and cannot have 4"):
        mapped.advance([_end("many", at(6), TaskStatus.FAILED), _start("many", at(7), map_size=4)])


def test_a_parent_that_is_tried_again_in_one_batch_keeps_its_children(
    tasks: TaskStates, at: At
) -> None:
    with pytest.raises(ConflictError, match="has 1 children, and cannot have 2"):
        tasks.advance(
            [
                _start("many", at(1), map_size=1),
                _end("many", at(2), TaskStatus.FAILED),
                _start("many", at(3), map_size=2),
            ]
        )


@pytest.mark.parametrize(
    "transition",
    [
        lambda at: _start("a", at(1), map_size=3),
        lambda at: _start("many", at(1), map_size=-1),
        lambda at: TaskTransition("many", TaskStatus.SKIPPED, at(1), map_size=3),
    ],
)
def test_only_a_mapped_task_that_starts_has_children(
    tasks: TaskStates, at: At, transition: Callable[[At], TaskTransition]
) -> None:
    with pytest.raises(ConflictError, match=r"cannot have -?\d children"):
        tasks.advance([transition(at)])


def test_a_child_takes_a_byte(tasks: TaskStates, at: At) -> None:
    """The aim is 200 bytes for each of 100 000."""
    batch = tasks.advance([_start("many", at(1), map_size=100_000)])
    tasks.apply(batch)
    assert sum(sys.getsizeof(each) for each in tasks._children.values()) < 101_000


# Reuse


@pytest.mark.parametrize(
    "transition",
    [
        lambda at: _end("a", at(1)),
        lambda at: TaskTransition("a", TaskStatus.SUCCEEDED, at(1), output=_ONE),
        lambda at: TaskTransition("a", TaskStatus.SUCCEEDED, at(1), output=_ONE, origin=_ORIGIN),
        lambda at: TaskTransition("a", TaskStatus.RUNNING, at(1), origin=_ORIGIN),
        lambda at: TaskTransition("a", TaskStatus.SKIPPED, at(1), origin=_ORIGIN),
        lambda at: TaskTransition("b", TaskStatus.SUCCEEDED, at(1), origin=_ORIGIN),
    ],
)
def test_an_output_is_either_made_or_reused(
    tasks: TaskStates, at: At, transition: Callable[[At], TaskTransition]
) -> None:
    tasks.apply(tasks.advance([_start("b", at(0))]))
    with pytest.raises(ConflictError, match="with the output of another task") as caught:
        tasks.advance([transition(at)])
    assert caught.value.hint is not None


# Against a dictionary

_ids = st.sampled_from(["a", "b", "many", "many[0]", "many[1]", "many[2]", "a[0]", "many[01]"])


@given(
    st.lists(
        st.lists(
            st.tuples(
                _ids,
                st.sampled_from(TaskStatus),
                st.none() | st.integers(0, 2),
                st.none() | st.just(_ORIGIN),
            ),
            max_size=6,
        ),
        max_size=6,
    )
)
def test_batches_and_single_transitions_lead_to_the_same(
    at: At, steps: list[list[tuple[str, TaskStatus, int | None, Origin | None]]]
) -> None:
    batched, single = TaskStates("r1", _SPEC), TaskStates("r1", _SPEC)
    for step in steps:
        transitions = [
            TaskTransition(task_id, status, at(0), map_size=size, origin=origin)
            for task_id, status, size, origin in step
        ]
        try:
            batched.apply(batched.advance(transitions))
        except DagyError as error:
            with pytest.raises(type(error)):
                for transition in transitions:
                    single.apply(single.advance([transition]))
            break
        for transition in transitions:
            single.apply(single.advance([transition]))
        assert (batched._tasks, batched._children) == (single._tasks, single._children)
