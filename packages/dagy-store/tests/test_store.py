from __future__ import annotations

import gc
import os
import re
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import (
    FailureReason,
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import (
    ArtifactError,
    ConflictError,
    NotFoundError,
    StoreError,
    StoreVersionError,
    UsageError,
)

NewRun = Callable[..., Run]
MakeRecord = Callable[..., LogRecord]
At = Callable[[float], datetime]
Limit = Callable[[int], AbstractContextManager[None]]


def _succeed(task_id: str, at: datetime, data: bytes = b"1") -> list[TaskTransition]:
    return [
        TaskTransition(task_id, TaskStatus.RUNNING, at, attempt=1),
        TaskTransition(task_id, TaskStatus.SUCCEEDED, at, output=Output(data, "json")),
    ]


def _messages(store: LocalMetadataStore, run_id: str = "r1", task: str | None = None) -> list[str]:
    return [record.message for record in store.read_logs(run_id, task=task)]


# Opening and closing


def test_the_default_place_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalMetadataStore() as store:
        assert store.directory == tmp_path / "home" / ".dagy"
    monkeypatch.setenv("DAGY_LOCAL_DIR", str(tmp_path / "elsewhere"))
    with LocalMetadataStore() as store:
        assert store.directory == tmp_path / "elsewhere"
    assert (tmp_path / "elsewhere" / "dagy.db").exists()


def test_a_relative_place_stays_the_same_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: FlowSpec, new_run: NewRun
) -> None:
    monkeypatch.chdir(tmp_path)
    with LocalMetadataStore("here") as store:
        monkeypatch.chdir("/")
        store.create_run(new_run(), spec)
        assert store.list_runs(limit=1) == [new_run()]
    assert (tmp_path / "here" / "runs" / "r1").is_dir()


def test_a_place_with_odd_characters_works(tmp_path: Path, spec: FlowSpec, new_run: NewRun) -> None:
    with LocalMetadataStore(tmp_path / "a?b#c %41 d") as store:
        store.create_run(new_run(), spec)
        assert store.get_run("r1") == new_run()
    assert (tmp_path / "a?b#c %41 d" / "dagy.db").exists()


def test_every_method_refuses_a_closed_store(
    directory: Path, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store = LocalMetadataStore(directory)
    store.close()
    store.close()
    for use in (
        lambda: store.create_run(new_run(), spec),
        lambda: store.record_tasks("r1", []),
        lambda: store.append_logs("r1", []),
        lambda: store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9))),
        lambda: store.list_runs(limit=1),
        lambda: store.get_run("r1"),
        lambda: store.list_task_runs("r1"),
        lambda: store.read_logs("r1"),
        lambda: store.read_output("r1", "extract"),
    ):
        with pytest.raises(StoreError, match="is closed"):
            use()


def test_a_store_that_nobody_closed_warns_and_closes_itself(directory: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LocalMetadataStore(directory)
        gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning]
    assert str(directory) in str(caught[0].message)
    assert not (directory / "dagy.db-wal").exists()


def test_no_side_files_stay_once_everybody_has_closed(
    directory: Path, spec: FlowSpec, new_run: NewRun
) -> None:
    with LocalMetadataStore(directory) as store:
        store.create_run(new_run(), spec)
    assert sorted(path.name for path in directory.iterdir()) == ["dagy.db", "dagy.db.lock", "runs"]


def test_a_newer_store_is_refused_unchanged(directory: Path) -> None:
    LocalMetadataStore(directory).close()
    with closing(sqlite3.connect(directory / "dagy.db")) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(StoreVersionError, match=re.escape("(store version 7, this one knows 1)")):
        LocalMetadataStore(directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_foreign_file_is_refused_unchanged(directory: Path) -> None:
    directory.mkdir()
    (directory / "dagy.db").write_text("My notes.\n" * 100)
    with pytest.raises(StoreError, match="is not a store of Dagy") as caught:
        LocalMetadataStore(directory)
    assert caught.value.hint is not None
    assert "DAGY_LOCAL_DIR" in caught.value.hint
    assert (directory / "dagy.db").read_text() == "My notes.\n" * 100


@pytest.mark.parametrize("taken", ["dagy", "dagy/dagy.db", "dagy/dagy.db.lock"])
def test_what_cannot_be_opened_is_named(tmp_path: Path, taken: str) -> None:
    place = tmp_path / taken
    if taken == "dagy":
        place.write_text("a file")
    else:
        place.mkdir(parents=True)
    with pytest.raises(StoreError, match=re.escape(f"{place} cannot be")) as caught:
        LocalMetadataStore(tmp_path / "dagy")
    assert caught.value.hint is not None


def test_a_directory_removed_during_a_run_is_an_error_of_the_store(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), spec)
    directory.rename(directory.with_name("moved"))
    (directory.with_name("moved") / "dagy.db.lock").unlink()
    with pytest.raises(StoreError, match="No such file or directory"):
        store.record_tasks("r1", _succeed("extract", at(2)))


# Recording and reading


def test_a_run_is_read_back_as_it_was_created(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    run = new_run(parameters={"day": "2026-11-01", "n": [1, 2.5, None, True], "☃": {"a": "\ud800"}})
    store.create_run(run, spec)
    assert store.get_run("r1") == run
    assert store.list_runs(limit=5, status=RunStatus.RUNNING, flow_name="daily") == [run]
    assert [task.status for task in store.list_task_runs("r1")] == [TaskStatus.PENDING] * 4


def test_a_whole_run_is_read_back_from_another_store(
    directory: Path,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
) -> None:
    with LocalMetadataStore(directory) as store:
        store.create_run(new_run(), spec)
        store.record_tasks("r1", _succeed("extract", at(2)))
        store.append_logs("r1", [log_record("extracting", task_id="extract", attempt=1)])
        store.record_tasks("r1", _succeed("clean", at(3), b"x" * 100_000))
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


@pytest.mark.parametrize("run_id", ["r2", "../r1", "", "R1", "r1/", "\udcff"])
def test_an_unknown_run_is_not_found_by_any_method(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, run_id: str
) -> None:
    store.create_run(new_run(), spec)
    for read in (
        lambda: store.get_run(run_id),
        lambda: store.list_task_runs(run_id),
        lambda: store.read_logs(run_id),
        lambda: store.read_output(run_id, "extract"),
    ):
        with pytest.raises(NotFoundError) as caught:
            read()
        assert caught.value.message == f"There is no run {run_id!r} in {directory}."
        assert caught.value.hint == "dagy runs list shows the runs."


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
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), spec)
    impossible = TaskTransition("load", TaskStatus.SUCCEEDED, at(2))
    with pytest.raises(ConflictError, match="'load' of run 'r1' is PENDING and cannot become"):
        store.record_tasks("r1", [*_succeed("extract", at(2)), impossible])
    assert store.list_task_runs("r1")[0].status is TaskStatus.PENDING
    store.record_tasks("r1", _succeed("extract", at(3)))
    assert store.list_task_runs("r1")[0].status is TaskStatus.SUCCEEDED


def test_a_refused_batch_leaves_an_earlier_large_output(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), spec)
    store.record_tasks("r1", _succeed("extract", at(2), b"x" * 10_000))
    with pytest.raises(ConflictError):
        store.record_tasks("r1", _succeed("extract", at(3), b"y" * 10_000))
    assert store.read_output("r1", "extract") == Output(b"x" * 10_000, "json")


def test_a_lost_output_file_is_an_artifact_error(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), spec)
    store.record_tasks("r1", _succeed("extract", at(2), b"x" * 10_000))
    (directory / "artifacts" / "r1" / "extract" / "output").unlink()
    with pytest.raises(ArtifactError, match="output of task 'extract' is not whole"):
        store.read_output("r1", "extract")


def test_only_the_store_that_created_a_run_records_it_until_its_end(
    directory: Path,
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
) -> None:
    def record(recorder: LocalMetadataStore) -> list[Callable[[], None]]:
        return [
            lambda: recorder.record_tasks("r1", _succeed("extract", at(2))),
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


def test_a_list_of_fewer_than_none_is_an_error(store: LocalMetadataStore) -> None:
    with pytest.raises(UsageError, match="cannot be -1"):
        store.list_runs(limit=-1)


def test_any_text_can_be_the_name_of_a_flow(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun
) -> None:
    store.create_run(new_run(flow_name="\udcff", flow_version="\udcfe"), spec)
    assert store.list_runs(limit=1, flow_name="\udcff")[0].flow_name == r"\udcff"


# Logs


def test_logs_are_chosen_by_the_id_or_the_name_of_a_task(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, log_record: MakeRecord
) -> None:
    store.create_run(new_run(), spec)
    store.append_logs(
        "r1",
        [log_record("engine")]
        + [log_record(f"by {task.task_id}", task_id=task.task_id) for task in spec.tasks],
    )
    assert _messages(store, task="extract") == ["by extract"]
    assert _messages(store, task="clean-2") == ["by clean-2"]
    assert _messages(store, task="clean") == ["by clean", "by clean-2"]
    assert len(_messages(store)) == 5


def test_an_unknown_task_is_refused_at_once_with_a_few_that_there_are(
    store: LocalMetadataStore, new_run: NewRun
) -> None:
    tasks = tuple(TaskSpec(task_id=f"t{number}", name=f"t{number}") for number in range(9))
    store.create_run(new_run(), FlowSpec(name="daily", tasks=tasks))
    with pytest.raises(NotFoundError, match="Run 'r1' has no task 'lode'") as caught:
        store.read_logs("r1", task="lode")
    assert caught.value.hint == "Its tasks: t0, t1, t2, t3, t4, …"


def test_following_a_run_shows_all_it_says_until_it_ends(
    directory: Path, spec: FlowSpec, new_run: NewRun, log_record: MakeRecord, at: At
) -> None:
    with LocalMetadataStore(directory) as writer:
        writer.create_run(new_run(), spec)

        def say(message: str, task_id: str) -> None:
            writer.append_logs("r1", [log_record(message, task_id=task_id)])

        def end() -> None:
            say("last", "load")
            writer.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9)))

        events = iter([lambda: say("one", "load"), lambda: say("two", "clean"), end])
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            next(events)()

        with LocalMetadataStore(directory, sleep=sleep, poll_interval_seconds=0.25) as reader:
            shown = [record.message for record in reader.read_logs("r1", task="load", follow=True)]
            assert shown == ["one", "last"]
            assert waits == [0.25] * 3
            assert [record.message for record in reader.read_logs("r1", follow=True)] == [
                "one",
                "two",
                "last",
            ]
            assert len(waits) == 3


def test_a_log_that_is_not_read_to_its_end_leaves_no_open_file(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, log_record: MakeRecord
) -> None:
    store.create_run(new_run(), spec)
    store.append_logs("r1", [log_record("one"), log_record("two")])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert next(store.read_logs("r1", follow=True)).message == "one"
        gc.collect()
    assert caught == []


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
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), spec)
    (directory / "runs" / "r1" / "lock").unlink()
    assert store.get_run("r1").status is RunStatus.RUNNING  # this very object knows better
    with LocalMetadataStore(directory) as other:
        assert other.get_run("r1").reason is FailureReason.CRASHED
    with pytest.raises(ConflictError, match="was ended from outside: it is FAILED"):
        store.record_tasks("r1", _succeed("extract", at(2)))
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
) -> None:
    store.create_run(new_run(), spec)
    store.record_tasks("r1", _succeed("extract", at(2)))
    store.append_logs("r1", [log_record("before")])
    calls: list[Callable[[], None]] = [
        lambda: store.create_run(new_run("r2"), spec),
        lambda: store.record_tasks("r1", _succeed("clean", at(3))),
        lambda: store.record_tasks("r1", _succeed("clean-2", at(3), b"x" * 20_000)),
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


def test_a_full_disk_makes_no_half_a_store(directory: Path, disk_with_room_for: Limit) -> None:
    with disk_with_room_for(5000), pytest.raises(StoreError):
        LocalMetadataStore(directory)
    with LocalMetadataStore(directory) as store:
        assert store.list_runs(limit=1) == []


# Files


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_all_files_are_for_their_owner_alone_under_any_umask(
    directory: Path,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
    umask: int,
) -> None:
    before = os.umask(umask)
    try:
        with LocalMetadataStore(directory) as store:
            store.create_run(new_run(), spec)
            store.record_tasks("r1", _succeed("extract", at(2), b"x" * 20_000))
            store.append_logs("r1", [log_record("one")])
            modes = {
                str(path.relative_to(directory)): path.stat().st_mode & 0o777
                for path in [directory, *directory.rglob("*")]
            }
    finally:
        os.umask(before)
    files = {
        "dagy.db",
        "dagy.db-shm",
        "dagy.db-wal",
        "dagy.db.lock",
        "runs/r1/lock",
        "runs/r1/log.jsonl",
        "artifacts/r1/extract/output",
    }
    directories = {".", "runs", "runs/r1", "artifacts", "artifacts/r1", "artifacts/r1/extract"}
    assert modes == dict.fromkeys(files, 0o600) | dict.fromkeys(directories, 0o700)
