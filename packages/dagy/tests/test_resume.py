"""Resuming runs, with a store in memory and with the real one on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dagy import Flow, flow, task
from dagy.local import LocalLogger, RunResult, resume_flow, run_flow
from dagy.testing import harness
from dagy_store import LocalMetadataStore
from dagy_types import (
    FailureReason,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunStatus,
    TaskRun,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import ArtifactError, ConflictError, NotFoundError, StoreError, UsageError

QUIET = LocalLogger(quiet=True)
NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
RUNNING, SUCCEEDED, FAILED = TaskStatus.RUNNING, TaskStatus.SUCCEEDED, TaskStatus.FAILED
SKIPPED, CANCELLED, TIMED_OUT = TaskStatus.SKIPPED, TaskStatus.CANCELLED, TaskStatus.TIMED_OUT


class World:
    """What tasks did, and which of them cannot."""

    def __init__(self) -> None:
        self.called: list[Any] = []
        self.broken: set[Any] = set()

    def enter(self, name: Any) -> None:
        """Each task says this first."""
        self.called.append(name)
        if name in self.broken:
            raise ValueError(f"{name} is broken")

    def take_called(self) -> list[Any]:
        called, self.called = self.called, []
        return called


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        with harness() as surroundings:
            yield surroundings.store
    else:
        with LocalMetadataStore() as on_disk:
            yield on_disk


@pytest.fixture
def disk() -> Iterator[LocalMetadataStore]:
    with LocalMetadataStore() as on_disk:
        yield on_disk


def run(of: Flow[..., Any], store: Any, **options: Any) -> RunResult:
    return run_flow(of, {}, recorder=store, logger=QUIET, **options)


def resume(of: Flow[..., Any], run_id: str, store: Any, **options: Any) -> RunResult:
    return resume_flow(of, run_id, reader=store, recorder=store, logger=QUIET, **options)


def tasks_of(result: RunResult, store: Any) -> dict[str, TaskRun]:
    return {each.task_id: each for each in store.list_task_runs(result.run_id)}


def statuses(result: RunResult, store: Any) -> dict[str, TaskStatus]:
    return {task_id: each.status for task_id, each in tasks_of(result, store).items()}


def etl(world: World, *, body: int = 1, **revisions: int) -> Flow[..., Any]:
    """load → clean → report, and aside; the code of each is another in each revision."""

    @task
    def load(revision: int = revisions.get("load", 1)) -> list[int]:
        world.enter("load")
        return [1, 2, 3]

    @task
    def clean(rows: list[int], revision: int = revisions.get("clean", 1)) -> list[int]:
        world.enter("clean")
        return [row + 1 for row in rows]

    @task
    def report(rows: list[int], revision: int = revisions.get("report", 1)) -> int:
        world.enter("report")
        return sum(rows)

    @task
    def aside() -> str:
        world.enter("aside")
        return "beside"

    @flow(name="etl", fail_fast=False, max_workers=1)
    def make() -> Any:
        assert body
        return [report(clean(load())), aside()]

    return make


def mapped_flow(world: World, size: int) -> Flow[..., Any]:
    """numbers → one child for each → total."""

    @task
    def numbers() -> list[int]:
        world.enter("numbers")
        return list(range(size))

    @task
    def double(number: int) -> int:
        world.enter(number)
        return 2 * number

    @task
    def total(values: list[int]) -> int:
        world.enter("total")
        return sum(values)

    @flow(name="mapped", fail_fast=False)
    def make() -> Any:
        return total(double.map(numbers()))

    return make


def record_etl(
    of: Flow[..., Any],
    store: Any,
    others: dict[str, TaskStatus],
    status: RunStatus | None,
    reason: FailureReason | None = None,
    *,
    run_id: str = "earlier",
) -> None:
    """Record a run of `etl` in which load succeeded; no status leaves it under way."""
    run_ = Run(
        run_id=run_id,
        flow_name=of.name,
        flow_version=of.version,
        status=RunStatus.RUNNING,
        created_at=NOW,
    )
    store.create_run(run_, of.trace({}).spec)
    changes = [
        TaskTransition("load", RUNNING, NOW, 1),
        TaskTransition("load", SUCCEEDED, NOW, 1, output=Output(b"[1,2,3]", "json")),
    ]
    for task_id, each in others.items():
        if each not in (CANCELLED, SKIPPED):
            changes.append(TaskTransition(task_id, RUNNING, NOW, 1))
        if each is not RUNNING:
            changes.append(TaskTransition(task_id, each, NOW, 1, "no"))
    store.record_tasks(run_id, changes)
    if status is not None:
        store.finish_run(run_id, RunEnd(status=status, ended_at=NOW, reason=reason))


def failed_etl(world: World, store: Any) -> tuple[Flow[..., Any], RunResult]:
    world.broken = {"clean"}
    of = etl(world)
    failed = run(of, store)
    assert failed.status is RunStatus.FAILED
    world.broken.clear()
    world.take_called()
    return of, failed


def test_a_resumed_run_is_a_new_one_that_runs_only_what_was_not_done(
    world: World, store: Any
) -> None:
    of, failed = failed_etl(world, store)
    result = resume(of, failed.run_id, store)
    assert result.result() == [9, "beside"]
    assert world.called == ["clean", "report"]
    assert result.run_id != failed.run_id
    assert store.get_run(result.run_id).resumed_from == failed.run_id
    assert store.get_run(failed.run_id).status is RunStatus.FAILED


def test_what_was_done_is_reused_by_reference(world: World, store: Any) -> None:
    of, failed = failed_etl(world, store)
    tasks = tasks_of(resume(of, failed.run_id, store), store)
    load = tasks["load"]
    assert load.status is SUCCEEDED
    assert load.origin == Origin(failed.run_id, "load", ReuseReason.RESUMED)
    assert (load.attempt, load.output_bytes) == (0, None)
    assert tasks["clean"].origin is None
    assert store.read_output(tasks["load"].run_id, "load") == store.read_output(
        failed.run_id, "load"
    )


def test_no_artifact_is_copied(disk: LocalMetadataStore, world: World, tmp_path: Path) -> None:
    @task
    def large(name: str) -> str:
        world.enter(name)
        return name * 50_000

    @flow(fail_fast=False)
    def f() -> Any:
        return [large("a"), large("b"), large("c")]

    def files() -> dict[Path, int]:
        return {
            each: each.stat().st_ino for each in tmp_path.rglob("artifacts/**/*") if each.is_file()
        }

    world.broken = {"b"}
    failed = run(f, disk)
    before = files()
    assert len(before) == 2
    world.broken.clear()
    result = resume(f, failed.run_id, disk)
    assert [value[0] for value in result.result()] == ["a", "b", "c"]
    after = files()
    assert after.items() >= before.items()
    [added] = after.keys() - before.keys()
    assert result.run_id in str(added)


def test_an_artifact_that_is_gone_is_told_before_anything_runs(
    disk: LocalMetadataStore, world: World, tmp_path: Path
) -> None:
    @task
    def large() -> str:
        return "x" * 50_000

    @task
    def use(text: str) -> int:
        world.enter("use")
        return len(text)

    @flow
    def f() -> Any:
        return use(large())

    world.broken = {"use"}
    failed = run(f, disk)
    world.take_called()
    for each in tmp_path.rglob("artifacts/**/*"):
        if each.is_file():
            each.unlink()
    with pytest.raises(ArtifactError):
        resume(f, failed.run_id, disk)
    assert world.called == []
    assert len(disk.list_runs(limit=9)) == 1


def test_the_code_of_the_task_that_failed_may_change(world: World, store: Any) -> None:
    _, failed = failed_etl(world, store)
    fixed = etl(world, clean=2, report=2)
    assert resume(fixed, failed.run_id, store).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("revisions", "named"), [({"load": 2}, "task 'load'"), ({"body": 2}, "the body of flow 'etl'")]
)
def test_changed_code_of_what_is_reused_is_refused_unless_accepted(
    world: World, store: Any, revisions: dict[str, int], named: str
) -> None:
    _, failed = failed_etl(world, store)
    changed = etl(world, **revisions)
    with pytest.raises(ConflictError) as caught:
        resume(changed, failed.run_id, store)
    assert caught.value.message == f"Since run {failed.run_id} the code has changed of: {named}."
    assert "--accept-code-change" in (caught.value.hint or "")
    assert world.called == []
    assert len(store.list_runs(limit=9)) == 1
    accepted = resume(changed, failed.run_id, store, accept_code_change=True)
    assert accepted.result() == [9, "beside"]
    assert world.called == ["clean", "report"]


def test_many_changes_are_counted(world: World, store: Any) -> None:
    def make(revision: int) -> Flow[..., Any]:
        tasks = []
        for number in range(8):

            def step(_: int = revision) -> None: ...

            tasks.append(task(step, name=f"t{number}"))

        @task
        def last(*_: Any) -> None:
            world.enter("last")

        @flow
        def f() -> None:
            last(*[each() for each in tasks])

        return f

    world.broken = {"last"}
    failed = run(make(1), store)
    with pytest.raises(ConflictError, match=r"task 't0', .*, task 't4' and 3 more\."):
        resume(make(2), failed.run_id, store)


def test_from_a_task_it_runs_again_with_all_that_builds_on_it(world: World, store: Any) -> None:
    of = etl(world)
    done = run(of, store)
    world.take_called()
    result = resume(of, done.run_id, store, from_task="clean")
    assert result.result() == [9, "beside"]
    assert world.take_called() == ["clean", "report"]
    revised = etl(world, clean=2)
    assert resume(revised, done.run_id, store, from_task="clean").status is RunStatus.SUCCEEDED


@pytest.mark.parametrize("task_id", ["nightly", "load[0]", "double[7]", "nightly[0]"])
def test_from_a_task_that_is_not_there(world: World, store: Any, task_id: str) -> None:
    of = mapped_flow(world, 3) if task_id.startswith("double") else etl(world)
    done = run(of, store)
    with pytest.raises(NotFoundError) as caught:
        resume(of, done.run_id, store, from_task=task_id)
    assert caught.value.message == f"Flow {of.name!r} has no task {task_id!r}."
    assert (caught.value.hint or "").startswith("Its tasks: ")
    assert len(store.list_runs(limit=9)) == 1


def test_from_a_mapped_child_its_siblings_are_reused(world: World, store: Any) -> None:
    of = mapped_flow(world, 5)
    done = run(of, store)
    world.take_called()
    result = resume(of, done.run_id, store, from_task="double[3]")
    assert result.result() == 20
    assert world.called == [3, "total"]
    assert {each for each, of in tasks_of(result, store).items() if of.origin} == {
        "numbers",
        *(f"double[{index}]" for index in (0, 1, 2, 4)),
    }


def test_only_failed_runs_what_failed_and_skips_what_never_started(
    world: World, store: Any
) -> None:
    of = etl(world)
    world.broken = {"load"}
    failed = run(of, store, fail_fast=True)
    assert statuses(failed, store)["aside"] is CANCELLED
    world.broken.clear()
    world.take_called()
    result = resume(of, failed.run_id, store, only_failed=True)
    assert result.result() == [9, None]
    assert world.called == ["load", "clean", "report"]
    aside = tasks_of(result, store)["aside"]
    assert (aside.status, aside.error) == (SKIPPED, "Left out: only what failed is run again.")


def test_only_failed_needs_something_that_failed(world: World, store: Any) -> None:
    of = etl(world)
    record_etl(of, store, {"clean": CANCELLED}, RunStatus.CANCELLED)
    with pytest.raises(ConflictError, match="No task of run earlier failed"):
        resume(of, "earlier", store, only_failed=True)


def test_only_failed_and_from_a_task_exclude_each_other(world: World, store: Any) -> None:
    of, failed = failed_etl(world, store)
    with pytest.raises(UsageError, match="cannot be used together"):
        resume(of, failed.run_id, store, from_task="load", only_failed=True)


def test_of_a_thousand_children_exactly_those_that_failed_run_again(
    world: World, store: Any
) -> None:
    """ORCH-06."""
    of = mapped_flow(world, 1000)
    broken = set(range(50, 1000, 100))
    world.broken = set(broken)
    failed = run(of, store)
    assert failed.status is RunStatus.FAILED
    world.broken.clear()
    world.take_called()
    result = resume(of, failed.run_id, store)
    assert result.result() == 999_000
    assert sorted(world.called[:-1]) == sorted(broken)
    assert world.called[-1] == "total"
    reused = [each for each in tasks_of(result, store).values() if each.origin]
    assert len(reused) == 991


def test_what_comes_after_a_map_without_items_is_taken_over_at_once(
    world: World, store: Any
) -> None:
    @task
    def nothing() -> list[int]:
        return []

    @task
    def each_of(item: int) -> int:
        return item

    @task
    def last(items: list[int]) -> int:
        world.enter("last")
        return len(items)

    @task
    def fail() -> None:
        raise ValueError("no")

    @flow(fail_fast=False, max_workers=1)
    def f() -> Any:
        return [last(each_of.map(nothing())), fail()]

    class Watching:
        batches: ClassVar[list[set[str]]] = []

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def record_tasks(self, run_id: str, transitions: Any) -> None:
            self.batches.append({each.task_id for each in transitions})
            store.record_tasks(run_id, transitions)

    failed = run(f, store)
    resume(f, failed.run_id, Watching())
    assert Watching.batches[0] == {"nothing", "each_of", "last"}
    assert world.called.count("last") == 1


def test_a_resumed_run_that_stops_at_once_still_holds_all_that_was_done(
    world: World, store: Any
) -> None:
    @task
    def number() -> int:
        return 3

    @task
    def each_of(item: Any) -> None: ...

    @task
    def first() -> int:
        world.enter("first")
        return 1

    @task
    def second(value: int) -> int:
        world.enter("second")
        return value + 1

    @flow(fail_fast=False)
    def f() -> Any:
        impossible = each_of.map(number())  # fails before anything runs
        return [impossible, second(first())]

    failed = run(f, store)
    assert statuses(failed, store)["second"] is SUCCEEDED
    world.take_called()
    again = resume(f, failed.run_id, store, fail_fast=True)
    assert statuses(again, store)["second"] is SUCCEEDED
    resume(f, again.run_id, store)
    assert world.called == []


@pytest.mark.parametrize("is_mapped", [True, False])
def test_what_was_done_is_taken_over_past_a_limit_that_is_used_up(
    world: World, store: Any, is_mapped: bool
) -> None:
    @task(concurrency_limit=1)
    def step(number: int) -> int:
        world.enter(number)
        return number

    @flow(fail_fast=False)
    def f() -> Any:
        return step.map([0, 1, 2]) if is_mapped else [step(number) for number in range(3)]

    world.broken = {0}
    failed = run(f, store)
    world.take_called()
    again = resume(f, failed.run_id, store, fail_fast=True)
    assert world.take_called() == [0]
    world.broken.clear()
    assert resume(f, again.run_id, store).result() == [0, 1, 2]
    assert world.called == [0]


def test_all_that_was_done_is_taken_over_in_one_transaction(world: World, store: Any) -> None:
    of = mapped_flow(world, 5000)
    world.broken = {4999}
    failed = run(of, store)
    world.take_called()

    class Dying:
        """Its process is killed after the first transaction of the run."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def record_tasks(self, run_id: str, transitions: Any) -> None:
            store.record_tasks(run_id, transitions)
            raise StoreError("killed")

    with pytest.raises(StoreError):
        resume(of, failed.run_id, Dying())
    newest = max(store.list_runs(limit=9), key=lambda each: each.resumed_from is not None)
    reused = [each for each in store.list_task_runs(newest.run_id) if each.origin is not None]
    assert len(reused) == 5000  # numbers, and all children but one


@pytest.mark.parametrize(
    ("others", "status", "reason"),
    [
        ({"clean": FAILED, "report": SKIPPED}, RunStatus.FAILED, None),
        ({"clean": CANCELLED, "report": CANCELLED}, RunStatus.CANCELLED, None),
        ({}, RunStatus.CANCELLED, None),
        ({"clean": FAILED}, RunStatus.FAILED, FailureReason.CRASHED),
        ({"clean": CANCELLED}, RunStatus.FAILED, FailureReason.TIMED_OUT),
        ({"clean": TIMED_OUT}, RunStatus.FAILED, None),
    ],
    ids=["failed", "cancelled", "cancelled-early", "crashed", "timed-out", "task-timed-out"],
)
def test_a_run_can_be_resumed_however_it_ended(
    world: World,
    store: Any,
    others: dict[str, TaskStatus],
    status: RunStatus,
    reason: FailureReason | None,
) -> None:
    """ORCH-07."""
    of = etl(world)
    record_etl(of, store, others, status, reason)
    result = resume(of, "earlier", store)
    assert result.result() == [9, "beside"]
    assert sorted(world.called) == ["aside", "clean", "report"]


def test_a_run_whose_process_died_can_be_resumed(world: World) -> None:
    of = etl(world)
    with LocalMetadataStore() as dying:
        record_etl(of, dying, {"clean": RUNNING}, None)
    with LocalMetadataStore() as store:
        result = resume(of, "earlier", store)
        assert store.get_run("earlier").reason is FailureReason.CRASHED
    assert result.result() == [9, "beside"]
    assert sorted(world.called) == ["aside", "clean", "report"]


def test_the_resume_of_a_resume_reuses_what_either_did(world: World, store: Any) -> None:
    of, first = failed_etl(world, store)
    world.broken = {"report"}
    second = resume(of, first.run_id, store)
    assert world.take_called() == ["clean", "report"]
    world.broken.clear()
    third = resume(of, second.run_id, store)
    assert world.called == ["report"]
    assert third.result() == [9, "beside"]
    origins = {each: of.origin for each, of in tasks_of(third, store).items()}
    assert origins == {
        "load": Origin(first.run_id, "load", ReuseReason.RESUMED),
        "clean": Origin(second.run_id, "clean", ReuseReason.RESUMED),
        "report": None,
        "aside": Origin(first.run_id, "aside", ReuseReason.RESUMED),
    }
    lineage = [store.get_run(each.run_id).resumed_from for each in (first, second, third)]
    assert lineage == [None, first.run_id, second.run_id]


def test_a_run_can_be_resumed_again_once_its_resume_has_ended(world: World, store: Any) -> None:
    of, failed = failed_etl(world, store)
    assert resume(of, failed.run_id, store).status is RunStatus.SUCCEEDED
    assert resume(of, failed.run_id, store).status is RunStatus.SUCCEEDED
    assert world.called == ["clean", "report"] * 2


def test_two_cannot_resume_a_run_at_once(world: World, store: Any) -> None:
    is_under_way, may_end = threading.Event(), threading.Event()
    is_first = True

    @task
    def step() -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            raise ValueError("no")
        is_under_way.set()
        assert may_end.wait(30)

    @flow(fail_fast=False)
    def f() -> None:
        step()

    failed = run(f, store)
    results: list[RunResult] = []
    one = threading.Thread(target=lambda: results.append(resume(f, failed.run_id, store)))
    one.start()
    assert is_under_way.wait(30)
    try:
        with pytest.raises(ConflictError, match="is being resumed already"):
            resume(f, failed.run_id, store)
    finally:
        may_end.set()
        one.join()
    [result] = results
    assert result.status is RunStatus.SUCCEEDED
    assert len(store.list_runs(limit=9)) == 2


def test_a_run_under_way_cannot_be_resumed(world: World, store: Any) -> None:
    of = etl(world)
    record_etl(of, store, {}, None)
    with pytest.raises(ConflictError) as caught:
        resume(of, "earlier", store)
    assert caught.value.message == "Run earlier is RUNNING and cannot be resumed."
    assert caught.value.hint == "Wait for its end: dagy runs watch earlier"


def test_a_run_that_succeeded_can_be_resumed_from_a_task_only(world: World, store: Any) -> None:
    of = etl(world)
    done = run(of, store)
    world.take_called()
    with pytest.raises(ConflictError, match="succeeded: there is nothing left to do"):
        resume(of, done.run_id, store)
    assert resume(of, done.run_id, store, from_task="report").status is RunStatus.SUCCEEDED
    assert world.called == ["report"]


def test_a_run_of_another_flow_is_refused(world: World, store: Any) -> None:
    _, failed = failed_etl(world, store)
    with pytest.raises(UsageError) as caught:
        resume(mapped_flow(world, 1), failed.run_id, store)
    assert caught.value.message == f"Run {failed.run_id} is one of flow 'etl', not of 'mapped'."


def test_a_run_that_is_not_there_is_told(world: World, store: Any) -> None:
    with pytest.raises(NotFoundError):
        resume(etl(world), "nothing", store)


def record_stillborn(of: Flow[..., Any], store: Any, resumed_from: str) -> None:
    """Record a run that resumed another, and died at once."""
    stillborn = Run(
        run_id="stillborn",
        flow_name=of.name,
        flow_version=of.version,
        status=RunStatus.RUNNING,
        created_at=NOW,
        resumed_from=resumed_from,
    )
    store.create_run(stillborn, of.trace({}).spec)
    crash = RunEnd(status=RunStatus.FAILED, ended_at=NOW, reason=FailureReason.CRASHED)
    store.finish_run("stillborn", crash)


def test_a_resume_that_died_before_it_took_over_anything_is_left_aside(
    world: World, store: Any
) -> None:
    of, failed = failed_etl(world, store)
    record_stillborn(of, store, failed.run_id)
    with pytest.raises(ConflictError, match="before it took over anything") as caught:
        resume(of, "stillborn", store)
    assert caught.value.hint == f"Resume that one: dagy runs resume {failed.run_id}"
    assert resume(of, failed.run_id, store).status is RunStatus.SUCCEEDED


def test_a_resume_that_had_nothing_to_take_over_can_be_resumed(world: World, store: Any) -> None:
    world.broken = {"load"}
    of = etl(world)
    failed = run(of, store, fail_fast=True)
    world.broken.clear()
    record_stillborn(of, store, failed.run_id)
    assert resume(of, "stillborn", store).result() == [9, "beside"]


def test_a_recorder_that_fails_leaves_a_run_that_can_be_resumed(world: World) -> None:
    class Full(LocalMetadataStore):
        def record_tasks(self, run_id: str, transitions: Any) -> None:
            if any(each.task_id == "report" for each in transitions):
                raise StoreError("The disk is full.")
            super().record_tasks(run_id, transitions)

    of = etl(world)
    with Full() as full, pytest.raises(StoreError):
        run(of, full)
    with LocalMetadataStore() as store:
        [crashed] = store.list_runs(limit=9)
        assert crashed.reason is FailureReason.CRASHED
        done = {
            each.task_id
            for each in store.list_task_runs(crashed.run_id)
            if each.status is SUCCEEDED
        }
        assert done >= {"load", "clean"}
        world.take_called()
        assert resume(of, crashed.run_id, store).status is RunStatus.SUCCEEDED
    assert not done.intersection(world.called)


def test_parameters_are_those_of_the_earlier_run(world: World, store: Any) -> None:
    @task
    def step(number: int) -> int:
        world.enter("step")
        return number

    @flow
    def f(number: int = 1) -> Any:
        return step(number)

    world.broken = {"step"}
    failed = run_flow(f, {"number": 7}, recorder=store, logger=QUIET)
    world.broken.clear()
    result = resume(f, failed.run_id, store)
    assert result.result() == 7
    assert store.get_run(result.run_id).parameters == {"number": 7}


def test_the_tasks_of_a_sub_flow_are_resumed_like_any_other(world: World, store: Any) -> None:
    @task
    def make(name: str) -> str:
        world.enter(name)
        return name

    @task
    def join(left: str, right: str) -> str:
        world.enter("join")
        return left + right

    @flow
    def inner(name: str) -> Any:
        return join(make(name), make(name + "!"))

    @flow(fail_fast=False)
    def outer() -> Any:
        return [inner("a"), inner("b")]

    world.broken = {"b!"}
    failed = run(outer, store)
    world.broken.clear()
    world.take_called()
    result = resume(outer, failed.run_id, store)
    assert result.result() == ["aa!", "bb!"]
    assert world.take_called() == ["b!", "join"]
    again = resume(outer, result.run_id, store, from_task="inner.join")
    assert again.result() == ["aa!", "bb!"]
    assert world.called == ["join"]


def conditional(world: World, answer: list[bool]) -> Flow[..., Any]:
    @task
    def check() -> bool:
        world.enter("check")
        return answer[0]

    @task
    def act() -> str:
        world.enter("act")
        return "acted"

    @task
    def other() -> None:
        world.enter("other")

    @flow(fail_fast=False)
    def f() -> Any:
        other()
        return act.run_if(check())()

    return f


def test_a_condition_that_was_decided_stays_decided(world: World, store: Any) -> None:
    of = conditional(world, [False])
    world.broken = {"other"}
    failed = run(of, store)
    world.broken.clear()
    world.take_called()
    result = resume(of, failed.run_id, store)
    assert result.result() is None
    assert world.called == ["other"]
    assert statuses(result, store)["act"] is SKIPPED


def test_a_condition_is_decided_again_when_what_it_asks_runs_again(
    world: World, store: Any
) -> None:
    answer = [True]
    of = conditional(world, answer)
    done = run(of, store)
    assert done.result() == "acted"
    answer[0] = False
    result = resume(of, done.run_id, store, from_task="check")
    assert result.result() is None
    answer[0] = True
    assert resume(of, result.run_id, store, from_task="check").result() == "acted"


def test_a_cached_output_keeps_the_origin_that_made_it(world: World, store: Any) -> None:
    @task(cache="inputs")
    def slow(number: int) -> int:
        world.enter("slow")
        return number * 10

    @task
    def last(number: int) -> int:
        world.enter("last")
        return number + 1

    @flow(fail_fast=False)
    def f() -> Any:
        return last(slow(4))

    maker = run(f, store)
    world.broken = {"last"}
    failed = run(f, store)
    assert tasks_of(failed, store)["slow"].origin == Origin(
        maker.run_id, "slow", ReuseReason.CACHED
    )
    world.broken.clear()
    world.take_called()
    result = resume(f, failed.run_id, store)
    assert result.result() == 41
    assert world.called == ["last"]
    assert tasks_of(result, store)["slow"].origin == Origin(
        maker.run_id, "slow", ReuseReason.RESUMED
    )


def test_what_runs_again_may_be_found_in_the_cache(world: World, store: Any) -> None:
    @task
    def first() -> int:
        world.enter("first")
        return 2

    @task(cache="inputs")
    def slow(number: int) -> int:
        world.enter("slow")
        return number * 10

    @flow
    def f() -> Any:
        return slow(first())

    done = run(f, store)
    world.take_called()
    result = resume(f, done.run_id, store, from_task="first")
    assert result.result() == 20
    assert world.called == ["first"]
    origin = Origin(done.run_id, "slow", ReuseReason.CACHED)
    assert tasks_of(result, store)["slow"].origin == origin


def test_the_flow_itself_resumes_a_run_of_the_local_store(world: World) -> None:
    with harness() as surroundings:
        of, failed = failed_etl(world, surroundings.store)
        assert of.resume(failed.run_id).result() == [9, "beside"]
        runs = surroundings.store.list_runs(limit=2)
    assert {each.resumed_from for each in runs} == {None, failed.run_id}
