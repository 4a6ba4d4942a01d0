from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import (
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
    mapped_task_id,
)
from dagy_types.errors import (
    ArtifactError,
    NotFoundError,
    StoreError,
    UsageError,
)

NewRun = Callable[..., Run]
MakeRecord = Callable[..., LogRecord]
At = Callable[[float], datetime]
Succeed = Callable[..., list[TaskTransition]]


def _messages(store: LocalMetadataStore, run_id: str = "r1", task: str | None = None) -> list[str]:
    return [record.message for record in store.read_logs(run_id, task=task)]


@pytest.mark.parametrize("run_id", ["r2", "../r1", "", "R1", "r1/", "\udcff"])
def test_an_unknown_run_is_not_found_by_any_method(
    directory: Path, store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, run_id: str
) -> None:
    store.create_run(new_run(), spec)
    for read in (
        lambda: store.get_run(run_id),
        lambda: store.get_flow_spec(run_id),
        lambda: store.list_task_runs(run_id),
        lambda: store.read_logs(run_id),
        lambda: store.read_output(run_id, "extract"),
        lambda: store.read_outputs(run_id, ["extract"]),
    ):
        with pytest.raises(NotFoundError) as caught:
            read()
        assert caught.value.message == f"There is no run {run_id!r} in {directory}."
        assert caught.value.hint == "dagy runs list shows the runs."


def test_a_lost_output_file_is_an_artifact_error(
    directory: Path,
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    at: At,
    succeed: Succeed,
) -> None:
    store.create_run(new_run(), spec)
    store.record_tasks("r1", succeed("extract", at(2), b"x" * 10_000))
    (directory / "artifacts" / "r1" / "extract" / "output").unlink()
    with pytest.raises(ArtifactError, match="output of task 'extract' is not whole"):
        store.read_output("r1", "extract")


def test_a_list_of_fewer_than_none_is_an_error(store: LocalMetadataStore) -> None:
    with pytest.raises(UsageError, match="cannot be -1"):
        store.list_runs(limit=-1)


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


# Mapped tasks


def _start_children(store: LocalMetadataStore, spec: FlowSpec, run: Run, at: At, size: int) -> None:
    store.create_run(run, spec)
    start = TaskTransition("each", TaskStatus.RUNNING, at(2), attempt=1, map_size=size)
    children = [
        TaskTransition(mapped_task_id("each", index), TaskStatus.RUNNING, at(2), attempt=1)
        for index in range(size)
    ]
    store.record_tasks(run.run_id, [start, *children])


def test_a_spec_is_read_back_as_it_was(
    directory: Path, store: LocalMetadataStore, mapped_spec: FlowSpec, new_run: NewRun
) -> None:
    store.create_run(new_run(), mapped_spec)
    store.create_run(new_run("r2"), FlowSpec(name="other"))
    with LocalMetadataStore(directory) as other:
        for _ in range(2):
            assert other.get_flow_spec("r1") == mapped_spec
            assert other.get_flow_spec("r2") == FlowSpec(name="other")


def test_children_that_have_not_started_are_listed_once_their_number_is_known(
    store: LocalMetadataStore, mapped_spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store.create_run(new_run(), mapped_spec)
    assert [task.task_id for task in store.list_task_runs("r1")] == ["list", "each", "load"]
    start = TaskTransition("each", TaskStatus.RUNNING, at(2), attempt=1, map_size=2)
    store.record_tasks("r1", [start])
    assert [
        (task.task_id, task.name, task.status, task.depends_on)
        for task in store.list_task_runs("r1")[1:4]
    ] == [
        ("each", "fetch", TaskStatus.RUNNING, ("list",)),
        ("each[0]", "fetch", TaskStatus.PENDING, ("list",)),
        ("each[1]", "fetch", TaskStatus.PENDING, ("list",)),
    ]


def test_logs_of_a_mapped_task_are_those_of_its_children_too(
    store: LocalMetadataStore,
    mapped_spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
) -> None:
    _start_children(store, mapped_spec, new_run(), at, size=12)
    ids = [None, "list", "each", "each[1]", "each[11]", "load"]
    store.append_logs("r1", [log_record(str(task_id), task_id=task_id) for task_id in ids])
    assert _messages(store, task="each") == ["each", "each[1]", "each[11]"]
    assert _messages(store, task="fetch") == ["each", "each[1]", "each[11]"]
    assert _messages(store, task="each[1]") == ["each[1]"]
    assert _messages(store, task="each[0]") == []
    assert len(_messages(store)) == 6


def test_logs_of_a_child_can_be_followed_before_it_is_known(
    store: LocalMetadataStore, mapped_spec: FlowSpec, new_run: NewRun
) -> None:
    store.create_run(new_run(), mapped_spec)
    assert _messages(store, task="each[5]") == []


@pytest.mark.parametrize("task", ["each[3]", "load[0]", "each[x]", "each[01]", "each[-1]", "each["])
def test_logs_of_a_child_that_there_is_not_are_refused(
    store: LocalMetadataStore, mapped_spec: FlowSpec, new_run: NewRun, at: At, task: str
) -> None:
    _start_children(store, mapped_spec, new_run(), at, size=3)
    with pytest.raises(NotFoundError) as caught:
        store.read_logs("r1", task=task)
    assert caught.value.message == f"Run 'r1' has no task {task!r}."
    assert caught.value.hint == (
        "Task 'each' has 3 children; the first is number 0."
        if task == "each[3]"
        else "Its tasks: list, fetch, load"
    )


def test_children_of_a_crashed_run_have_failed_with_their_parent(
    directory: Path, mapped_spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    with LocalMetadataStore(directory) as store:
        _start_children(store, mapped_spec, new_run(), at, size=2)
        end = TaskTransition("each[0]", TaskStatus.SUCCEEDED, at(3), output=Output(b"1", "json"))
        store.record_tasks("r1", [end])
    with LocalMetadataStore(directory) as store:
        tasks = {task.task_id: task for task in store.list_task_runs("r1")}
        assert {task_id: task.status for task_id, task in tasks.items()} == {
            "list": TaskStatus.PENDING,
            "each": TaskStatus.FAILED,
            "each[0]": TaskStatus.SUCCEEDED,
            "each[1]": TaskStatus.FAILED,
            "load": TaskStatus.PENDING,
        }
        assert tasks["each"].map_size == 2
        assert tasks["each[1]"].error == tasks["each"].error is not None
        assert tasks["each[1]"].ended_at == at(3)


# Outputs


def test_outputs_are_read_for_as_long_as_the_store_is_open(
    directory: Path, mapped_spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    ids = [mapped_task_id("each", index) for index in range(200)]
    with LocalMetadataStore(directory) as store:
        store.create_run(new_run(), mapped_spec)
        start = TaskTransition("each", TaskStatus.RUNNING, at(2), attempt=1, map_size=200)
        ends = [each for task_id in ids for each in succeed(task_id, at(3), task_id.encode())]
        store.record_tasks("r1", [start, *ends])
        assert list(store.read_outputs("r1", ids)) == [
            (task_id, Output(task_id.encode(), "json")) for task_id in ids
        ]
        outputs = store.read_outputs("r1", ids)
        assert next(outputs)[0] == "each[0]"
    with pytest.raises(StoreError, match="is closed"):
        list(outputs)
    assert not (directory / "dagy.db-wal").exists()
