from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dagy_cli.outcome import outcome_answer, result_text, worth_showing
from dagy_cli.render.table_text import chunks
from dagy_cli.render.view import Surface, View
from dagy_cli.task_groups import TaskGroup, groups_of
from dagy_store import LocalMetadataStore
from dagy_types import FailureReason, Origin, ReuseReason, RunStatus, TaskRun, TaskStatus


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (RunStatus.SUCCEEDED, None, 0),
        (RunStatus.FAILED, None, 10),
        (RunStatus.CANCELLED, None, 11),
        (RunStatus.FAILED, FailureReason.TIMED_OUT, 12),
        (RunStatus.FAILED, FailureReason.CRASHED, 13),
    ],
)
def test_an_outcome_has_its_exit_code_and_complaints_unless_it_is_success(
    status: RunStatus,
    reason: FailureReason | None,
    code: int,
    store: LocalMetadataStore,
    add_run: Callable[..., str],
) -> None:
    run_id = add_run(status=status, reason=reason)
    answer = outcome_answer(store.get_run(run_id), store.list_task_runs(run_id))
    assert answer.exit_code == code
    told = ("error: Task 'report' failed: Boom", f"hint: See: dagy logs {run_id}")
    assert answer.complaints == (told if code else ())


def test_people_see_the_tasks_the_outcome_and_the_result(
    store: LocalMetadataStore, add_run: Callable[..., str]
) -> None:
    run_id = add_run(status=RunStatus.SUCCEEDED)
    answer = outcome_answer(store.get_run(run_id), store.list_task_runs(run_id), value=[1])
    assert isinstance(answer.view, View)
    lines = "".join(chunks(answer.view, Surface())).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["TASK", "load", "report"]
    assert lines[3:] == [
        f"Run {run_id} SUCCEEDED in 4.0 s: 1 of 2 tasks succeeded.",
        "Result: [1]",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nreport", "a\nreport"),
        (Path("out/report.md"), "out/report.md"),
        ({"rows": [1, None], "name": "流"}, '{"rows": [1, null], "name": "流"}'),
        (date(2026, 11, 1), "datetime.date(2026, 11, 1)"),
        ([0] * 500, "[" + "0, " * 65 + "0" + "..."),
    ],
)
def test_results_are_shown_short_but_text_and_paths_bare(value: object, text: str) -> None:
    assert result_text(value) == text


def test_of_a_large_run_only_what_did_not_succeed_is_shown(
    make_task: Callable[..., TaskRun],
) -> None:
    def groups(status: TaskStatus, count: int) -> list[TaskGroup]:
        return groups_of(make_task(f"{status}-{n}", status) for n in range(count))

    succeeded, failed = groups(TaskStatus.SUCCEEDED, 48), groups(TaskStatus.FAILED, 2)
    assert worth_showing([*succeeded, *failed]) == [*succeeded, *failed]
    many = groups(TaskStatus.SUCCEEDED, 49)
    assert worth_showing([*many, *failed]) == failed
    assert len(worth_showing(groups(TaskStatus.SKIPPED, 10_000))) == 50


def test_children_are_counted_and_said_to_be_elsewhere(
    store: LocalMetadataStore, add_mapped_run: Callable[..., str]
) -> None:
    run_id = add_mapped_run(children=100, failures=2)
    answer = outcome_answer(store.get_run(run_id), store.list_task_runs(run_id))
    assert isinstance(answer.view, View)
    lines = "".join(chunks(answer.view, Surface())).splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["load", "step", "step[98]", "step[99]"]
    assert lines[5:] == [
        f"98 more tasks: dagy runs show {run_id} --children",
        f"Run {run_id} FAILED in 4.0 s: 99 of 102 tasks succeeded.",
    ]
    # The mapped task itself is no failure more.
    assert answer.complaints[0] == "error: Task 'step' failed: Boom (and 1 more)"


def test_outputs_that_were_reused_are_counted(
    store: LocalMetadataStore, add_run: Callable[..., str], make_task: Callable[..., TaskRun]
) -> None:
    run = store.get_run(add_run(status=RunStatus.SUCCEEDED))
    task_runs = [make_task("a", origin=Origin("old", "a", ReuseReason.RESUMED)), make_task("b")]
    view = outcome_answer(run, task_runs).view
    assert isinstance(view, View)
    last = "".join(chunks(view, Surface())).splitlines()[-1]
    assert last.endswith(": 2 of 2 tasks succeeded, 1 of them without running.")
