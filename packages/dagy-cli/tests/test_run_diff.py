from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dagy_cli.run_diff import Difference, OtherOutput, Pair, RecordedRun, compare, outputs_in
from dagy_types import (
    FailureReason,
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunReader,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
)

MOMENT = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)


def _run(run_id: str, **more: Any) -> Run:
    fields = {
        "flow_name": "daily",
        "flow_version": "1",
        "status": RunStatus.SUCCEEDED,
        "created_at": MOMENT,
        **more,
    }
    return Run(run_id=run_id, **fields)


@pytest.fixture
def recorded(make_task: Callable[..., TaskRun]) -> Callable[..., RecordedRun]:
    """Make a run of these tasks, each with an output of 4 bytes."""

    def make(run_id: str, *task_ids: str, **run_fields: Any) -> RecordedRun:
        specs = [TaskSpec(task_id=each, name=each) for each in task_ids if "[" not in each]
        return RecordedRun(
            run=_run(run_id, **run_fields),
            spec=FlowSpec(name="daily", tasks=tuple(specs)),
            task_runs=[
                make_task(each, run_id=run_id, attempt=1, output_bytes=4) for each in task_ids
            ],
        )

    return make


def _changed(recorded: RecordedRun, task_id: str, **fields: Any) -> RecordedRun:
    task_runs = [
        replace(each, **fields) if each.task_id == task_id else each for each in recorded.task_runs
    ]
    return replace(recorded, task_runs=task_runs)


def _all_same(_: Sequence[Pair]) -> list[OtherOutput]:
    return []


def test_runs_that_differ_in_times_and_ids_are_the_same(
    recorded: Callable[..., RecordedRun],
) -> None:
    a = recorded("a", "x", "y", started_at=MOMENT, ended_at=MOMENT + timedelta(seconds=1))
    b = recorded("b", "x", "y", started_at=MOMENT, ended_at=MOMENT + timedelta(seconds=9))
    slow = {"started_at": MOMENT, "ended_at": MOMENT + timedelta(seconds=3)}
    diff = compare(a, _changed(b, "x", **slow), _all_same)
    assert diff.is_same
    assert diff.first_divergent is None
    assert [task.task_id for task in diff.tasks] == ["x", "y"]
    assert diff.tasks[0].durations == (None, 3.0)


def test_what_differs_of_the_runs_themselves_is_named(
    recorded: Callable[..., RecordedRun],
) -> None:
    a = recorded("a", parameters={"day": 1, "old": None}, environment={"python": "3.10.1"})
    b = recorded(
        "b",
        flow_version="2",
        flow_name="nightly",
        status=RunStatus.FAILED,
        reason=FailureReason.CRASHED,
        error="Boom",
        parameters={"day": 2, "new": 3},
        environment={"python": "3.10.1", "dagy": "0.1"},
    )
    b = replace(b, spec=replace(b.spec, code_hash="ff"))
    diff = compare(a, b, _all_same)
    assert not diff.is_same
    assert diff.first_divergent is None
    assert diff.differences == (
        Difference("flow", "daily", "nightly"),
        Difference("version", "1", "2"),
        Difference("flow_code", None, "ff"),
        Difference("parameter", 1, 2, "day"),
        Difference("parameter", None, None, "old"),  # null there, and missing here
        Difference("parameter", None, 3, "new"),
        Difference("environment", None, "0.1", "dagy"),
        Difference("status", "SUCCEEDED", "FAILED"),
        Difference("reason", None, "crashed"),
        Difference("error", None, "Boom"),
    )


@pytest.mark.parametrize(
    ("fields", "differences"),
    [
        (
            {"status": TaskStatus.FAILED, "output_bytes": None, "error": "Boom"},
            [("status", "SUCCEEDED", "FAILED"), ("output", 4, None), ("error", None, "Boom")],
        ),
        ({"attempt": 3}, [("attempts", 1, 3)]),
        ({"output_bytes": 5}, [("output", 4, 5)]),
        ({"map_size": 7}, [("children", None, 7)]),
        ({"depends_on": ("w",)}, [("depends_on", [], ["w"])]),
    ],
)
def test_what_differs_of_a_task_is_named(
    fields: dict[str, Any],
    differences: list[tuple[str, Any, Any]],
    recorded: Callable[..., RecordedRun],
) -> None:
    b = _changed(recorded("b", "x", "y", "z"), "y", **fields)
    diff = compare(recorded("a", "x", "y", "z"), b, _all_same)
    assert [task.task_id for task in diff.tasks if not task.is_same] == ["y"]
    assert diff.tasks[1].differences == tuple(Difference(*each) for each in differences)


def test_the_first_divergent_task_is_the_first_in_the_order_of_the_graph(
    recorded: Callable[..., RecordedRun],
) -> None:
    b = recorded("b", "x", "y", "z")
    for task_id in ("z", "y"):
        b = _changed(b, task_id, attempt=2)
    first = compare(recorded("a", "x", "y", "z"), b, _all_same).first_divergent
    assert first is not None and first.task_id == "y"


def test_code_differs_for_the_task_and_not_for_each_of_its_children(
    recorded: Callable[..., RecordedRun],
) -> None:
    def with_code(run_id: str, code: str) -> RecordedRun:
        one = recorded(run_id, "step", "step[0]")
        tasks = tuple(replace(each, code_hash=code, is_mapped=True) for each in one.spec.tasks)
        return replace(one, spec=replace(one.spec, tasks=tasks))

    diff = compare(with_code("a", "1"), with_code("b", "2"), _all_same)
    assert diff.tasks[0].differences == (Difference("code", "1", "2"),)
    assert diff.tasks[1].is_same


def test_tasks_of_one_run_alone_are_where_they_are_in_it(
    recorded: Callable[..., RecordedRun],
) -> None:
    a = recorded("a", "x", "old", "z", "step", "step[0]")
    b = recorded("b", "first", "x", "new", "z", "step", "step[0]", "step[1]")
    diff = compare(a, b, _all_same)
    assert [(task.task_id, task.presence) for task in diff.tasks] == [
        ("first", "b"),
        ("x", "both"),
        ("new", "b"),
        ("old", "a"),
        ("z", "both"),
        ("step", "both"),
        ("step[0]", "both"),
        ("step[1]", "b"),
    ]
    assert not diff.is_same


def test_of_outputs_with_one_size_the_bytes_decide(recorded: Callable[..., RecordedRun]) -> None:
    other = [OtherOutput("y", 4, 4)]
    diff = compare(recorded("a", "x", "y"), recorded("b", "x", "y"), lambda _: other)
    assert diff.tasks[0].is_same
    assert diff.tasks[1].differences == (Difference("output", 4, 4),)


def test_a_reused_output_is_not_read_again_and_its_attempts_are_no_difference(
    recorded: Callable[..., RecordedRun],
) -> None:
    reused = {"attempt": 0, "output_bytes": None}
    b = recorded("b", "x", "y", "z")
    b = _changed(b, "x", origin=Origin("a", "x", ReuseReason.RESUMED), **reused)
    b = _changed(b, "y", origin=Origin("elsewhere", "y", ReuseReason.CACHED), **reused)
    asked: list[str] = []

    def compare_outputs(pairs: Sequence[Pair]) -> list[OtherOutput]:
        asked.extend(one.task_id for one, _ in pairs)
        return [OtherOutput("y", 4, 7)]

    diff = compare(recorded("a", "x", "y", "z"), b, compare_outputs)
    assert asked == ["y", "z"]
    assert [task.differences for task in diff.tasks] == [(), (Difference("output", 4, 7),), ()]


def test_a_reused_output_differs_from_none(recorded: Callable[..., RecordedRun]) -> None:
    a = _changed(recorded("a", "x"), "x", output_bytes=None, status=TaskStatus.FAILED)
    origin = Origin("elsewhere", "x", ReuseReason.CACHED)
    b = _changed(recorded("b", "x"), "x", output_bytes=None, origin=origin)
    whats = [each.what for each in compare(a, b, _all_same).tasks[0].differences]
    assert whats == ["status", "output"]


class Outputs:
    """A reader of nothing but outputs: the same in both runs, but for two tasks."""

    def __init__(self, *, other: str, missing: str) -> None:
        self.pages: list[list[str]] = []
        self._other = other
        self._missing = missing

    def read_outputs(self, run_id: str, task_ids: Collection[str]) -> Iterator[tuple[str, Output]]:
        self.pages.append(list(task_ids))
        for task_id in task_ids:
            data = run_id.encode() if task_id == self._other else b"same"
            if task_id == self._missing and run_id == "b":
                continue
            yield task_id, Output(data, "json")


@pytest.mark.parametrize(
    ("output_bytes", "pages"), [(4, 3), (20_000_000, 1001), (None, 1001 // 160 + 1)]
)
def test_outputs_are_read_in_pages_of_so_many_tasks_and_bytes(
    output_bytes: int | None, pages: int, make_task: Callable[..., TaskRun]
) -> None:
    outputs = Outputs(other="t7", missing="t9")
    reader: RunReader = outputs  # type: ignore[assignment]  # no more of it is used
    task_runs = [make_task(f"t{n}", output_bytes=output_bytes) for n in range(1001)]
    others = list(outputs_in(reader, "a", "b")([(each, each) for each in task_runs]))
    assert others == [OtherOutput("t7", 1, 1), OtherOutput("t9", 4, None)]
    assert len(outputs.pages) == 2 * pages
