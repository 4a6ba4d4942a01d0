from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_server.execution.lineage import changed, recorded_id, server_id, tasks_of_all
from dagy_types import Origin, ReuseReason, TaskRun, TaskStatus

_RUN = "abc123"
_AT = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

_IDS = st.sampled_from(["load", "part", "part[0]", "part[1]", "save"])
_RUN_IDS = st.from_regex(r"[a-z][a-z0-9]{11}", fullmatch=True)


def _task(task_id: str = "load", status: str = "SUCCEEDED", attempt: int = 1) -> TaskRun:
    return TaskRun(
        run_id=_RUN, task_id=task_id, name=task_id, status=TaskStatus.of(status), attempt=attempt
    )


def _reused(run_id: str, task_id: str = "load") -> TaskRun:
    return TaskRun(
        run_id=_RUN,
        task_id=task_id,
        name=task_id,
        status=TaskStatus.SUCCEEDED,
        origin=Origin(run_id, task_id, ReuseReason.RESUMED),
    )


def _tasks_of_worker(number: int) -> st.SearchStrategy[list[TaskRun]]:
    return st.lists(
        st.builds(
            TaskRun,
            run_id=st.just(recorded_id(_RUN, number)),
            task_id=_IDS,
            name=st.just("x"),
            status=st.sampled_from(TaskStatus),
            attempt=st.integers(0, 5),
            error=st.none() | st.text(max_size=3),
            ended_at=st.none() | st.just(_AT),
        ),
        unique_by=lambda each: each.task_id,
        max_size=5,
    )


_RECORDED = st.integers(0, 4).flatmap(
    lambda count: st.tuples(*(_tasks_of_worker(number) for number in range(1, count + 1)))
)


@pytest.mark.parametrize(
    ("number", "expected"), [(1, "abc123"), (2, "abc123-2"), (3, "abc123-3"), (10, "abc123-10")]
)
def test_each_worker_records_a_run_of_its_own(number: int, expected: str) -> None:
    assert recorded_id(_RUN, number) == expected


@given(_RUN_IDS, st.integers(1, 1000))
def test_what_a_worker_records_is_the_run_of_the_server(run_id: str, number: int) -> None:
    assert server_id(recorded_id(run_id, number)) == run_id


@given(_RUN_IDS, st.sets(st.integers(1, 1000)))
def test_no_two_workers_record_the_same_run(run_id: str, numbers: set[int]) -> None:
    assert len({recorded_id(run_id, number) for number in numbers}) == len(numbers)


def test_what_one_worker_recorded_is_the_run() -> None:
    tasks = [_task(), _task("save", "FAILED", attempt=2)]
    assert list(tasks_of_all(_RUN, [tasks]).values()) == tasks


def test_tasks_that_have_not_started_are_left_out() -> None:
    assert tasks_of_all(_RUN, [[_task(status="PENDING", attempt=0)]]) == {}
    assert tasks_of_all(_RUN, []) == {}


def test_attempts_go_on_with_the_next_worker() -> None:
    first, second = _task(status="RUNNING", attempt=2), _task(status="FAILED", attempt=1)
    (found,) = tasks_of_all(_RUN, [[first], [second]]).values()
    assert (found.status, found.attempt) == (TaskStatus.FAILED, 3)


def test_a_task_that_an_earlier_worker_did_is_as_that_one_recorded_it() -> None:
    done, reused = _task(attempt=2), _reused(_RUN)
    assert tasks_of_all(_RUN, [[done], [reused], [reused]]) == {"load": done}


def test_a_task_that_a_second_worker_did_is_as_that_one_recorded_it() -> None:
    recorded = [[_task(status="FAILED")], [_task()], [_reused(f"{_RUN}-2")]]
    assert tasks_of_all(_RUN, recorded)["load"] == _task(attempt=2)


@pytest.mark.parametrize("origin", ["other1", "other1-2", "other1-13"])
def test_an_output_of_another_run_is_that_of_the_run_on_the_server(origin: str) -> None:
    found = tasks_of_all(_RUN, [[_reused(origin)]])["load"]
    assert found.origin == Origin("other1", "load", ReuseReason.RESUMED)


def test_a_task_is_of_the_run_whichever_worker_did_it() -> None:
    second = TaskRun(run_id=f"{_RUN}-2", task_id="a", name="a", status=TaskStatus.RUNNING)
    assert tasks_of_all(_RUN, [[], [second]])["a"].run_id == _RUN


@given(_RECORDED)
def test_attempts_add_up_over_the_workers(recorded: tuple[list[TaskRun], ...]) -> None:
    sums: Counter[str] = Counter()
    for task in (each for of_worker in recorded for each in of_worker):
        if task.status is not TaskStatus.PENDING:
            sums[task.task_id] += task.attempt
    found = tasks_of_all(_RUN, recorded)
    assert {task_id: task.attempt for task_id, task in found.items()} == dict(sums)


@given(_RECORDED)
def test_each_task_is_as_the_last_worker_that_came_to_it_has_it(
    recorded: tuple[list[TaskRun], ...],
) -> None:
    last = {
        task.task_id: task
        for of_worker in recorded
        for task in of_worker
        if task.status is not TaskStatus.PENDING
    }
    found = tasks_of_all(_RUN, recorded)
    assert found.keys() == last.keys()
    for task_id, task in found.items():
        expected = last[task_id]
        assert task.run_id == _RUN
        assert (task.status, task.error, task.ended_at) == (
            expected.status,
            expected.error,
            expected.ended_at,
        )


@given(_RECORDED, st.integers(0, 4))
def test_a_worker_that_has_not_begun_hides_nothing(
    recorded: tuple[list[TaskRun], ...], place: int
) -> None:
    pending = [_task(each, "PENDING", attempt=0) for each in ("load", "part", "save")]
    more = [*recorded[:place], pending, *recorded[place:]]
    assert tasks_of_all(_RUN, more) == tasks_of_all(_RUN, recorded)


@given(_RECORDED)
def test_a_worker_that_reuses_all_changes_nothing(recorded: tuple[list[TaskRun], ...]) -> None:
    tasks = tasks_of_all(_RUN, recorded)
    later = [_reused(recorded_id(_RUN, len(recorded)), task_id) for task_id in tasks]
    assert tasks_of_all(_RUN, [*recorded, later]) == tasks


@given(_RECORDED)
def test_nothing_is_changed_that_is_known(recorded: tuple[list[TaskRun], ...]) -> None:
    tasks = tasks_of_all(_RUN, recorded)
    assert changed(tasks, tasks) == []
    assert changed(tasks, {}) == list(tasks.values())


@given(_RECORDED, _RECORDED)
def test_with_what_has_changed_all_is_known(
    before: tuple[list[TaskRun], ...], after: tuple[list[TaskRun], ...]
) -> None:
    known, tasks = tasks_of_all(_RUN, before), tasks_of_all(_RUN, after)
    new = changed(tasks, known)
    known = {**known, **{each.task_id: each for each in new}}
    assert {task_id: known[task_id] for task_id in tasks} == tasks
    assert changed(tasks, known) == []
