from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import (
    FailureReason,
    FlowSpec,
    LogRecord,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunQuery,
    RunStatus,
    TaskStatus,
    TaskTransition,
    mapped_task_id,
)
from dagy_types.errors import (
    ConflictError,
    NotFoundError,
    StoreError,
    UsageError,
)

NewRun = Callable[..., Run]
MakeRecord = Callable[..., LogRecord]
At = Callable[[float], datetime]
Succeed = Callable[..., list[TaskTransition]]
Limit = Callable[[int], AbstractContextManager[None]]


def _messages(store: LocalMetadataStore, run_id: str = "r1", task: str | None = None) -> list[str]:
    return [record.message for record in store.read_logs(run_id, task=task)]


def test_a_run_is_read_back_as_it_was_created(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    run = new_run(parameters={"day": "2026-11-01", "n": [1, 2.5, None, True], "☃": {"a": "\ud800"}})
    store.create_run(run, spec)
    assert store.get_run("r1") == run
    assert store.list_runs(RunQuery(status=RunStatus.RUNNING, flow_name="daily"), limit=5) == [run]
    assert [task.status for task in store.list_task_runs("r1")] == [TaskStatus.PENDING] * 4


def test_a_whole_run_is_read_back_from_another_store(
    directory: Path,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
    succeed: Succeed,
) -> None:
    with LocalMetadataStore(directory) as store:
        store.create_run(new_run(), spec)
        store.record_tasks("r1", succeed("extract", at(2)))
        store.append_logs("r1", [log_record("extracting", task_id="extract", attempt=1)])
        store.record_tasks("r1", succeed("clean", at(3), b"x" * 100_000))
        store.record_tasks("r1", [TaskTransition("load", TaskStatus.CANCELLED, at(4))])
        store.finish_run("r1", RunEnd(status=RunStatus.CANCELLED, ended_at=at(5), error="Ctrl-C"))
    with LocalMetadataStore(directory) as store:
        assert store.get_run("r1") == new_run(
            status=RunStatus.CANCELLED, ended_at=at(5), error="Ctrl-C"
        )
        assert [
            (task.task_id, task.name, task.status, task.attempt, task.depends_on, task.output_bytes)
            for task in store.list_task_runs("r1")
        ] == [
            ("extract", "extract", TaskStatus.SUCCEEDED, 1, (), 1),
            ("clean", "clean", TaskStatus.SUCCEEDED, 1, ("extract",), 100_000),
            ("clean-2", "clean", TaskStatus.PENDING, 0, ("extract",), None),
            ("load", "load", TaskStatus.CANCELLED, 0, ("clean", "clean-2"), None),
        ]
        assert _messages(store) == ["extracting"]
        assert store.read_output("r1", "extract") == Output(b"1", "json")
        assert store.read_output("r1", "clean") == Output(b"x" * 100_000, "json")
        assert store.read_output("r1", "load") is None
        assert store.read_output("r1", "no such task \udcff") is None


@pytest.mark.parametrize("run_id", ["../x", "", "-r1", "R1", "a/b", "a.b", "r1\n", "ü"])
def test_an_id_that_is_no_plain_name_is_refused(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, run_id: str
) -> None:
    with pytest.raises(UsageError, match="cannot be the id of a run"):
        store.create_run(new_run(run_id), spec)
    assert not (directory / "runs").exists()


def test_a_new_run_has_not_ended(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    with pytest.raises(UsageError, match="is new and cannot be SUCCEEDED already"):
        store.create_run(new_run(status=RunStatus.SUCCEEDED), spec)


def test_an_id_in_use_is_refused_while_its_run_lives_and_after(
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
) -> None:
    store.create_run(new_run(), spec)
    store.append_logs("r1", [log_record("kept")])
    with pytest.raises(ConflictError, match="already a run 'r1'"):
        store.create_run(new_run(), spec)
    assert store.get_run("r1").status is RunStatus.RUNNING
    store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
    with pytest.raises(ConflictError, match="already a run 'r1'"):
        store.create_run(new_run(), spec)
    assert store.get_run("r1").status is RunStatus.SUCCEEDED
    assert _messages(store) == ["kept"]


def test_a_batch_is_recorded_whole_or_not_at_all(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    store.create_run(new_run(), spec)
    impossible = TaskTransition("load", TaskStatus.SUCCEEDED, at(2))
    with pytest.raises(ConflictError, match="'load' of run 'r1' has not run: it can succeed with"):
        store.record_tasks("r1", [*succeed("extract", at(2)), impossible])
    assert store.list_task_runs("r1")[0].status is TaskStatus.PENDING
    store.record_tasks("r1", succeed("extract", at(3)))
    assert store.list_task_runs("r1")[0].status is TaskStatus.SUCCEEDED


def test_a_refused_batch_leaves_an_earlier_large_output(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    store.create_run(new_run(), spec)
    store.record_tasks("r1", succeed("extract", at(2), b"x" * 10_000))
    with pytest.raises(ConflictError):
        store.record_tasks("r1", succeed("extract", at(3), b"y" * 10_000))
    assert store.read_output("r1", "extract") == Output(b"x" * 10_000, "json")


def test_only_the_store_that_created_a_run_records_it_until_its_end(
    directory: Path,
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
    succeed: Succeed,
) -> None:
    def record(recorder: LocalMetadataStore) -> list[Callable[[], None]]:
        return [
            lambda: recorder.record_tasks("r1", succeed("extract", at(2))),
            lambda: recorder.append_logs("r1", [log_record("one")]),
            lambda: recorder.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9))),
        ]

    store.create_run(new_run(), spec)
    with LocalMetadataStore(directory) as other:
        for call in record(other):
            with pytest.raises(ConflictError, match="is not being recorded here"):
                call()
    for call in record(store):
        call()
    for call in record(store):
        with pytest.raises(ConflictError, match="is not being recorded here"):
            call()


def test_a_run_without_tasks_can_be_recorded(
    store: LocalMetadataStore, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), FlowSpec(name="daily"))
    store.record_tasks("r1", [])
    store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
    assert store.list_task_runs("r1") == []
    assert _messages(store) == []
    with pytest.raises(NotFoundError) as caught:
        store.read_logs("r1", task="extract")
    assert caught.value.hint == "It has no tasks."


def test_any_text_can_be_the_name_of_a_flow(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    store.create_run(new_run(flow_name="\udcff", flow_version="\udcfe"), spec)
    assert store.list_runs(RunQuery(flow_name="\udcff"), limit=1)[0].flow_name == r"\udcff"


# Crashes


def test_a_run_left_by_its_store_is_shown_as_crashed_by_every_method(
    directory: Path, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    with LocalMetadataStore(directory) as store:
        for number in range(5):
            store.create_run(new_run(f"r{number}"), spec)
            start = TaskTransition("extract", TaskStatus.RUNNING, at(4), attempt=1)
            store.record_tasks(f"r{number}", [start])
    reads: list[Callable[[LocalMetadataStore, str], object]] = [
        lambda store, run_id: store.list_runs(limit=1),
        lambda store, run_id: store.get_run(run_id),
        lambda store, run_id: store.list_task_runs(run_id),
        lambda store, run_id: store.read_logs(run_id),
        lambda store, run_id: store.read_output(run_id, "extract"),
    ]
    for number, read in enumerate(reads):
        (directory / "runs" / f"r{number}" / "lock").unlink(missing_ok=number % 2 == 0)
        with LocalMetadataStore(directory) as store:
            read(store, f"r{number}")
        with closing(sqlite3.connect(directory / "dagy.db")) as connection:
            row = connection.execute(
                "SELECT status, reason FROM runs WHERE run_id = ?", (f"r{number}",)
            ).fetchone()
        assert row == ("FAILED", "crashed")


def test_a_living_run_is_not_a_crash_for_anyone(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), spec)
    with LocalMetadataStore(directory) as other:
        assert [other.get_run("r1").status for _ in range(2)] == [RunStatus.RUNNING] * 2
        assert store.get_run("r1").status is RunStatus.RUNNING
    store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))
    assert store.get_run("r1").status is RunStatus.SUCCEEDED


def test_a_run_whose_files_were_removed_is_told_that_it_was_ended(
    directory: Path,
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    at: At,
    succeed: Succeed,
) -> None:
    store.create_run(new_run(), spec)
    (directory / "runs" / "r1" / "lock").unlink()
    assert store.get_run("r1").status is RunStatus.RUNNING  # this very object knows better
    with LocalMetadataStore(directory) as other:
        assert other.get_run("r1").reason is FailureReason.CRASHED
    with pytest.raises(ConflictError, match="was ended from outside: it is FAILED"):
        store.record_tasks("r1", succeed("extract", at(2)))
    with pytest.raises(ConflictError, match="was ended from outside: it is FAILED"):
        store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))


# A full disk


def test_a_full_disk_is_an_error_of_the_store_and_a_retry_works(
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
    disk_with_room_for: Limit,
    succeed: Succeed,
) -> None:
    store.create_run(new_run(), spec)
    store.record_tasks("r1", succeed("extract", at(2)))
    store.append_logs("r1", [log_record("before")])
    calls: list[Callable[[], None]] = [
        lambda: store.create_run(new_run("r2"), spec),
        lambda: store.record_tasks("r1", succeed("clean", at(3))),
        lambda: store.record_tasks("r1", succeed("clean-2", at(3), b"x" * 20_000)),
        lambda: store.append_logs("r1", [log_record("x" * 2000)]),
        lambda: store.finish_run("r1", RunEnd(status=RunStatus.FAILED, ended_at=at(9))),
    ]
    for call in calls:
        tasks, logs = store.list_task_runs("r1"), _messages(store)
        with disk_with_room_for(1000), pytest.raises(StoreError) as caught:
            call()
        assert "full" in f"{caught.value.message} {caught.value.hint}"
        assert (store.list_task_runs("r1"), _messages(store)) == (tasks, logs)
        assert store.get_run("r1") == new_run()
        call()
    assert store.get_run("r1").status is RunStatus.FAILED
    assert [task.status for task in store.list_task_runs("r1")][:3] == [TaskStatus.SUCCEEDED] * 3
    assert _messages(store) == ["before", "x" * 2000]
    assert {run.run_id for run in store.list_runs(limit=5)} == {"r1", "r2"}


# Resuming


def test_what_a_run_is_and_what_it_resumes_is_read_back(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    environment = {"python": "3.12.1", "platform": "Linux ☃"}
    first = new_run(source="/flows/\udcff.py:daily", environment=environment)
    store.create_run(first, spec)
    resuming = new_run("r2", resumed_from="r1")
    store.create_run(resuming, spec)
    assert store.get_run("r1") == replace(first, source=r"/flows/\udcff.py:daily")
    assert store.get_run("r2") == resuming


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING])
def test_a_run_is_resumed_by_one_run_at_a_time(
    directory: Path,
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    at: At,
    status: RunStatus,
) -> None:
    store.create_run(new_run(), spec)
    with LocalMetadataStore(directory) as other:
        other.create_run(new_run("r2", resumed_from="r1", status=status), spec)
        with pytest.raises(ConflictError) as caught:
            store.create_run(new_run("r3", resumed_from="r1"), spec)
        assert caught.value.message == "Run 'r1' is being resumed already, by run 'r2'."
        assert caught.value.hint == "Wait for its end, then resume that one: dagy runs show r2"
        assert not (directory / "runs" / "r3" / "lock").exists()
        store.create_run(new_run("r3", resumed_from="r2"), spec)
        other.finish_run("r2", RunEnd(status=RunStatus.FAILED, ended_at=at(9)))
    store.create_run(new_run("r4", resumed_from="r1"), spec)
    assert store.get_run("r4").resumed_from == "r1"


def test_a_resume_that_crashed_is_not_in_the_way_of_another(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    store.create_run(new_run(), spec)
    with LocalMetadataStore(directory) as other:
        other.create_run(new_run("r2", resumed_from="r1"), spec)
    store.create_run(new_run("r3", resumed_from="r1"), spec)
    assert store.get_run("r2").reason is FailureReason.CRASHED


@pytest.mark.parametrize("resumed_from", ["r0", "r1", "../r1", "\udcff"])
def test_only_a_run_that_there_is_can_be_resumed(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, resumed_from: str
) -> None:
    with pytest.raises(NotFoundError) as caught:
        store.create_run(new_run("r1", resumed_from=resumed_from), spec)
    assert caught.value.message == f"There is no run {resumed_from!r} to resume."
    assert store.list_runs(limit=5) == []


def test_an_environment_that_is_not_json_is_refused(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    with pytest.raises(UsageError, match="environment of run 'r1' cannot be written as JSON"):
        store.create_run(new_run(environment={"python": object()}), spec)


def test_a_refused_origin_leaves_the_batch_unrecorded(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    store.create_run(new_run(), spec)
    origin = Origin("r0", "extract", ReuseReason.RESUMED)
    reuse = TaskTransition("clean", TaskStatus.SUCCEEDED, at(2), origin=origin)
    with pytest.raises(ConflictError, match="cannot reuse the output of task 'extract' of run"):
        store.record_tasks("r1", [*succeed("extract", at(2)), reuse])
    assert {task.status for task in store.list_task_runs("r1")} == {TaskStatus.PENDING}
    store.record_tasks("r1", succeed("extract", at(2)))
    store.record_tasks("r1", [reuse._replace(origin=replace(origin, run_id="r1"))])
    assert store.list_task_runs("r1")[1].origin == Origin("r1", "extract", ReuseReason.RESUMED)


def test_a_thousand_transitions_of_every_kind_in_one_batch_are_recorded(
    store: LocalMetadataStore, mapped_spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    store.create_run(new_run(), mapped_spec)
    children = [mapped_task_id("each", index) for index in range(500)]
    store.record_tasks(
        "r1",
        [
            *succeed("list", at(1)),
            TaskTransition("each", TaskStatus.RUNNING, at(1), attempt=1, map_size=500),
            *(each for task_id in children for each in succeed(task_id, at(2))),
            TaskTransition("each", TaskStatus.SUCCEEDED, at(3)),
            TaskTransition("load", TaskStatus.SKIPPED, at(3), error="Nothing is new."),
        ],
    )
    tasks = store.list_task_runs("r1")
    assert [task.status for task in tasks] == [TaskStatus.SUCCEEDED] * 502 + [TaskStatus.SKIPPED]
    assert tasks[-1].error == "Nothing is new."
    assert store.read_output("r1", "each") is None
    assert store.read_output("r1", "each[499]") == Output(b"1", "json")
