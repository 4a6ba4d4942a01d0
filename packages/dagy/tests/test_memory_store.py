"""The store in memory does what the store on disk does: each test runs on both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagy.testing._memory_store import MemoryStore
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
    RunOrder,
    RunQuery,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import ConflictError, DagyError, NotFoundError, UsageError

Store = MemoryStore | LocalMetadataStore

PENDING, RUNNING, SUCCEEDED = TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.SUCCEEDED
FAILED, SKIPPED = TaskStatus.FAILED, TaskStatus.SKIPPED
NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
SPEC = FlowSpec(
    name="etl",
    tasks=(
        TaskSpec(task_id="load", name="load"),
        TaskSpec(task_id="each", name="each", depends_on=("load",), is_mapped=True),
        TaskSpec(task_id="each-2", name="each", depends_on=("load",), is_mapped=True),
        TaskSpec(task_id="total", name="total", depends_on=("each",)),
    ),
)
DONE = RunEnd(status=RunStatus.SUCCEEDED, ended_at=NOON)


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        with LocalMetadataStore(tmp_path) as on_disk:
            yield on_disk


def at(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def new_run(run_id: str = "r1", **changes: Any) -> Run:
    fields: dict[str, Any] = {
        "run_id": run_id,
        "flow_name": "etl",
        "flow_version": "1",
        "status": RunStatus.RUNNING,
        "created_at": NOON,
    }
    return Run(**{**fields, **changes})


def output(text: str) -> Output:
    return Output(text.encode(), "json")


def step(task_id: str, status: TaskStatus, second: int = 0, **more: Any) -> TaskTransition:
    attempt = 1 if status is RUNNING else 0
    return TaskTransition(task_id, status, at(second), **{"attempt": attempt, **more})


def begin(store: Store, *transitions: TaskTransition, run: Run | None = None) -> None:
    run = run or new_run()
    store.create_run(run, SPEC)
    store.record_tasks(run.run_id, transitions)


def states(store: Store, run_id: str = "r1") -> dict[str, TaskStatus]:
    return {each.task_id: each.status for each in store.list_task_runs(run_id)}


def test_a_new_run_is_read_back_with_all_its_tasks(store: Store) -> None:
    run = new_run(
        started_at=at(1), parameters={"day": [1, None]}, source="a.py:f", environment={"os": "x"}
    )
    begin(store, run=run)
    assert store.get_run("r1") == run
    assert store.get_flow_spec("r1") == SPEC
    tasks = store.list_task_runs("r1")
    assert [(each.task_id, each.name, each.depends_on) for each in tasks] == [
        (task.task_id, task.name, task.depends_on) for task in SPEC.tasks
    ]
    assert {each.status for each in tasks} == {PENDING}


def test_recorded_parameters_do_not_follow_the_callers_dictionary(store: Store) -> None:
    parameters = {"rows": [1]}
    begin(store, run=new_run(parameters=parameters))
    parameters["rows"].append(2)
    assert store.get_run("r1").parameters == {"rows": [1]}


def test_a_task_is_retried_and_succeeds(store: Store) -> None:
    begin(store, step("load", RUNNING, 1), step("load", FAILED, 2, error="ValueError: x"))
    [task, *_] = store.list_task_runs("r1")
    assert (task.error, task.started_at, task.ended_at) == ("ValueError: x", at(1), at(2))
    store.record_tasks("r1", [step("load", RUNNING, 3, attempt=2)])
    [task, *_] = store.list_task_runs("r1")
    assert (task.attempt, task.error, task.ended_at) == (2, None, None)
    store.record_tasks("r1", [step("load", SUCCEEDED, 4, output=output("[1]"))])
    [task, *_] = store.list_task_runs("r1")
    assert (task.status, task.attempt, task.output_bytes) == (SUCCEEDED, 2, 3)
    assert (task.started_at, task.ended_at, task.error) == (at(3), at(4), None)
    assert store.read_output("r1", "load") == output("[1]")
    assert store.read_output("r1", "total") is None


def test_a_batch_is_recorded_as_a_whole_or_not_at_all(store: Store) -> None:
    begin(store)
    with pytest.raises(ConflictError, match="'total' of run 'r1' is PENDING"):
        store.record_tasks("r1", [step("load", RUNNING), step("total", FAILED)])
    assert set(states(store).values()) == {PENDING}


def test_children_follow_their_mapped_task_in_order(store: Store) -> None:
    begin(store, step("each", RUNNING, map_size=3), step("each[2]", RUNNING, 1))
    store.record_tasks("r1", [step("each[2]", SUCCEEDED, 2, output=output("2"))])
    assert list(states(store).items()) == [
        ("load", PENDING),
        ("each", RUNNING),
        ("each[0]", PENDING),
        ("each[1]", PENDING),
        ("each[2]", SUCCEEDED),
        ("each-2", PENDING),
        ("total", PENDING),
    ]
    child = store.list_task_runs("r1")[4]
    assert (child.name, child.depends_on, child.output_bytes) == ("each", ("load",), 1)
    assert dict(store.read_outputs("r1", ["each", "each[0]", "each[2]"])) == {
        "each[2]": output("2")
    }


def test_an_empty_mapped_task_has_no_children(store: Store) -> None:
    begin(store, step("each", RUNNING, map_size=0), step("each", SUCCEEDED, 1))
    assert "each[0]" not in states(store)
    assert store.list_task_runs("r1")[1].map_size == 0


@pytest.mark.parametrize(
    ("before", "then", "error"),
    [
        ([], step("missing", RUNNING), NotFoundError),
        ([], step("load", SUCCEEDED, output=output("1")), ConflictError),
        ([], step("load", SUCCEEDED), ConflictError),
        ([step("load", RUNNING)], step("load", RUNNING), ConflictError),
        ([step("load", SKIPPED)], step("load", RUNNING), ConflictError),
        ([], step("each[0]", RUNNING), ConflictError),
        ([step("each", RUNNING, map_size=1)], step("each[1]", RUNNING), NotFoundError),
        ([step("each", RUNNING)], step("each[0]", RUNNING), NotFoundError),
        ([step("each", RUNNING, map_size=1)], step("each[00]", RUNNING), NotFoundError),
        ([step("each", RUNNING, map_size=1)], step("each[-1]", RUNNING), NotFoundError),
        ([step("each", RUNNING, map_size=1)], step("each[x]", RUNNING), NotFoundError),
        ([step("load", RUNNING)], step("load[0]", RUNNING), NotFoundError),
        ([], step("load", RUNNING, map_size=1), ConflictError),
        ([], step("each", RUNNING, map_size=-1), ConflictError),
        ([], step("each", SKIPPED, map_size=1), ConflictError),
        (
            [step("each", RUNNING, map_size=1), step("each", FAILED)],
            step("each", RUNNING, map_size=2),
            ConflictError,
        ),
        (
            [step("each", RUNNING, map_size=1), step("each", SUCCEEDED)],
            step("each[0]", RUNNING),
            ConflictError,
        ),
    ],
)
def test_what_cannot_happen_is_refused(
    store: Store, before: list[TaskTransition], then: TaskTransition, error: type[DagyError]
) -> None:
    begin(store, *before)
    known = states(store)
    with pytest.raises(error):
        store.record_tasks("r1", [then])
    assert states(store) == known


def test_a_reused_output_is_read_where_it_was_made(store: Store) -> None:
    begin(store, step("load", RUNNING), step("load", SUCCEEDED, output=output("1")))
    store.finish_run("r1", RunEnd(status=RunStatus.FAILED, ended_at=NOON, error="x"))
    origin = Origin("r1", "load", ReuseReason.RESUMED)
    resumed = new_run("r2", resumed_from="r1")
    begin(store, step("load", SUCCEEDED, 5, origin=origin), run=resumed)
    [task, *_] = store.list_task_runs("r2")
    assert (task.status, task.origin, task.attempt, task.started_at) == (SUCCEEDED, origin, 0, None)
    assert (task.ended_at, task.output_bytes) == (at(5), None)
    assert store.read_output("r2", "load") == output("1")
    assert store.get_run("r2").resumed_from == "r1"


def test_only_an_output_that_a_task_made_itself_is_reused(store: Store) -> None:
    made = [step("load", RUNNING), step("load", SUCCEEDED, output=output("1"))]
    begin(store, *made)
    reuse = step("load", SUCCEEDED, origin=Origin("r1", "load", ReuseReason.CACHED))
    begin(store, reuse, run=new_run("r2"))
    store.create_run(new_run("r3"), SPEC)
    for run_id, task_id in (("r2", "load"), ("r1", "total"), ("r1", "none"), ("none", "load")):
        origin = Origin(run_id, task_id, ReuseReason.CACHED)
        with pytest.raises(ConflictError, match="did not make one"):
            store.record_tasks("r3", [step("load", SUCCEEDED, origin=origin)])
    origin = Origin("r1", "load", ReuseReason.CACHED)
    for refused in (
        step("load", SUCCEEDED, origin=origin, output=output("1")),
        step("load", RUNNING, origin=origin),
    ):
        with pytest.raises(ConflictError):
            store.record_tasks("r3", [refused])
    assert states(store, "r3")["load"] is PENDING


def test_one_run_at_a_time_resumes_a_run(store: Store) -> None:
    begin(store)
    store.finish_run("r1", DONE)
    store.create_run(new_run("r2", resumed_from="r1"), SPEC)
    with pytest.raises(ConflictError, match="being resumed already, by run 'r2'"):
        store.create_run(new_run("r3", resumed_from="r1"), SPEC)
    store.finish_run("r2", DONE)
    store.create_run(new_run("r3", resumed_from="r1"), SPEC)
    with pytest.raises(NotFoundError):
        store.create_run(new_run("r4", resumed_from="none"), SPEC)


def test_the_newest_cached_output_is_found(store: Store) -> None:
    assert store.find_cached("k") is None
    for run_id, second, key in (("r1", 2, "k"), ("r2", 4, "k"), ("r3", 3, "k"), ("r4", 9, "other")):
        made = step("load", SUCCEEDED, second, output=output(run_id), cache_key=key)
        begin(store, step("load", RUNNING), made, run=new_run(run_id))
    found = (Origin("r2", "load", ReuseReason.CACHED), output("r2"))
    assert store.find_cached("k") == store.find_cached("k", since=at(4)) == found
    assert store.find_cached("k", since=at(5)) is None


def test_a_run_ends_once(store: Store) -> None:
    begin(store)
    end = RunEnd(
        status=RunStatus.FAILED, ended_at=at(9), reason=FailureReason.TIMED_OUT, error="late"
    )
    store.finish_run("r1", end)
    run = store.get_run("r1")
    assert (run.status, run.reason, run.error, run.ended_at) == (
        RunStatus.FAILED,
        FailureReason.TIMED_OUT,
        "late",
        at(9),
    )
    record = LogRecord(run_id="r1", at=NOON, level="INFO", logger="x", message="m")
    for refused in (
        lambda: store.finish_run("r1", DONE),
        lambda: store.record_tasks("r1", [step("load", RUNNING)]),
        lambda: store.append_logs("r1", [record]),
        lambda: store.finish_run("none", DONE),
    ):
        with pytest.raises(ConflictError):
            refused()


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (RunEnd(status=RunStatus.RUNNING, ended_at=NOON), ConflictError),
        (RunEnd(status=RunStatus.QUEUED, ended_at=NOON), ConflictError),
        (
            RunEnd(status=RunStatus.SUCCEEDED, ended_at=NOON, reason=FailureReason.CRASHED),
            UsageError,
        ),
    ],
)
def test_an_end_that_is_none_is_refused(store: Store, end: RunEnd, error: type[DagyError]) -> None:
    begin(store)
    with pytest.raises(error):
        store.finish_run("r1", end)
    assert store.get_run("r1").status is RunStatus.RUNNING


@pytest.mark.parametrize(
    ("run", "error"),
    [
        (new_run("R 1"), UsageError),
        (new_run("r2", status=RunStatus.SUCCEEDED), UsageError),
        (new_run("r2", parameters={"x": object()}), UsageError),
        (new_run("r2", environment={"x": object()}), UsageError),
        (new_run("r1"), ConflictError),
    ],
)
def test_a_run_that_cannot_be_new_is_refused(
    store: Store, run: Run, error: type[DagyError]
) -> None:
    begin(store)
    with pytest.raises(error):
        store.create_run(run, SPEC)
    assert [each.run_id for each in store.list_runs(limit=9)] == ["r1"]


def test_runs_are_listed_newest_first_and_filtered(store: Store) -> None:
    for run_id, second, flow_name in (("a", 1, "etl"), ("c", 2, "other"), ("b", 2, "etl")):
        run = new_run(run_id, created_at=at(second), flow_name=flow_name)
        store.create_run(run, FlowSpec(name=flow_name))
    store.finish_run("a", DONE)

    def listed(**filters: Any) -> str:
        return "".join(run.run_id for run in store.list_runs(RunQuery(**filters), limit=9))

    assert listed() == "cba"
    assert [run.run_id for run in store.list_runs(limit=2)] == ["c", "b"]
    assert store.list_runs(limit=0) == []
    assert listed(status=RunStatus.RUNNING) == "cb"
    assert listed(flow_name="etl") == "ba"
    assert listed(since=at(2)) == "cb"
    assert listed(order=RunOrder.CREATED) == "abc"
    assert listed(after="c") == "ba"
    assert listed(id_prefix="b") == "b"
    assert listed(flow_name="etl", status=RunStatus.SUCCEEDED, since=at(1)) == "a"
    with pytest.raises(UsageError, match="limit of a list cannot be -1"):
        store.list_runs(limit=-1)


def message(text: str, task_id: str | None = None) -> LogRecord:
    return LogRecord(
        run_id="r1", at=NOON, level="INFO", logger="stdout", message=text, task_id=task_id
    )


def test_logs_are_read_for_a_run_a_task_its_name_or_a_child(store: Store) -> None:
    begin(store, step("each", RUNNING, map_size=2))
    store.append_logs("r1", [message("a"), message("b", "load"), message("c", "each[1]")])
    store.append_logs("r1", [message("d", "each-2"), message("e", "each")])

    def read(task: str | None = None) -> str:
        return "".join(record.message for record in store.read_logs("r1", task=task))

    assert read() == "abcde"
    assert read("load") == "b"
    assert read("each") == "cde"  # a name, of two tasks
    assert read("each-2") == "d"
    assert read("each[1]") == "c"
    assert read("each-2[7]") == ""  # how many it has is not known yet
    for unknown in ("none", "each[2]", "each[x]", "load[0]"):
        with pytest.raises(NotFoundError, match="has no task"):
            store.read_logs("r1", task=unknown)


def test_logs_are_followed_until_the_run_ends(store: Store) -> None:
    begin(store)
    store.append_logs("r1", [message("a")])
    followed = store.read_logs("r1", follow=True)
    assert next(followed).message == "a"
    rest: list[LogRecord] = []
    reader = threading.Thread(target=lambda: rest.extend(followed), daemon=True)
    reader.start()
    store.append_logs("r1", [message("b")])
    store.append_logs("r1", [message("c")])
    store.finish_run("r1", DONE)
    reader.join(30)
    assert [record.message for record in rest] == ["b", "c"]


def test_an_unknown_run_is_told_by_every_reader_at_once(store: Store) -> None:
    for read in (
        store.get_run,
        store.get_flow_spec,
        store.list_task_runs,
        store.read_logs,
        lambda run_id: store.read_output(run_id, "load"),
        lambda run_id: store.read_outputs(run_id, ["load"]),
    ):
        with pytest.raises(NotFoundError, match="no run 'none'"):
            read("none")


# Any operations, in any order: both stores answer alike.

TASK_IDS = st.sampled_from(["load", "each", "each[0]", "each[1]", "each[2]", "total", "none"])
SECONDS = st.integers(0, 3)
RUN_IDS = st.sampled_from(["r1", "r2", "r3"])
ORIGINS = st.none() | st.builds(Origin, RUN_IDS, TASK_IDS, st.sampled_from(ReuseReason))
ENDS = st.builds(
    RunEnd,
    status=st.sampled_from(RunStatus),
    ended_at=SECONDS.map(at),
    reason=st.none() | st.sampled_from(FailureReason),
)


@st.composite
def steps(draw: st.DrawFn) -> TaskTransition:
    status = draw(st.sampled_from([RUNNING, RUNNING, SUCCEEDED, SUCCEEDED, *TaskStatus]))
    is_success = status is SUCCEEDED
    origin = draw(ORIGINS) if is_success else None
    return step(
        draw(TASK_IDS),
        status,
        draw(SECONDS),
        map_size=draw(st.sampled_from([None, 0, 2, 3])) if status is RUNNING else None,
        origin=origin,
        output=output(draw(st.sampled_from("12"))) if is_success and origin is None else None,
        cache_key=draw(st.sampled_from([None, "k"])) if is_success else None,
        error=draw(st.sampled_from([None, "e"])) if status in (FAILED, SKIPPED) else None,
    )


OPERATIONS = st.one_of(
    st.tuples(
        st.just("create_run"),
        st.builds(
            lambda run_id, source: (new_run(run_id, resumed_from=source), SPEC),
            RUN_IDS,
            st.none() | RUN_IDS,
        ),
    ),
    st.tuples(st.just("record_tasks"), st.tuples(RUN_IDS, st.lists(steps(), max_size=4))),
    st.tuples(st.just("finish_run"), st.tuples(RUN_IDS, ENDS)),
)


def answer(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except DagyError as error:
        return type(error)


def all_that_is_known(store: Store) -> list[Any]:
    known: list[Any] = [store.list_runs(limit=9), answer(store.find_cached, "k")]
    for run in store.list_runs(limit=9):
        tasks = store.list_task_runs(run.run_id)
        known += [tasks, dict(store.read_outputs(run.run_id, [each.task_id for each in tasks]))]
    return known


@settings(max_examples=60, deadline=None)
@given(st.lists(OPERATIONS, min_size=1, max_size=12))
def test_both_stores_answer_alike(operations: list[tuple[str, tuple[Any, ...]]]) -> None:
    in_memory = MemoryStore()
    with TemporaryDirectory() as directory, LocalMetadataStore(directory) as on_disk:
        for name, arguments in [("create_run", (new_run(), SPEC)), *operations]:
            expected = answer(getattr(on_disk, name), *arguments)
            assert answer(getattr(in_memory, name), *arguments) == expected
        assert all_that_is_known(in_memory) == all_that_is_known(on_disk)
