"""Random flows with random failures and crashes, resumed until they succeed.

A recorder watches every call and every task function: what the engine promises must hold at each.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dagy import Flow, flow, task
from dagy.local import LocalLogger, RunResult, resume_flow, run_flow
from dagy.testing import Harness, MemoryStore, harness
from dagy_types import (
    FailureReason,
    FlowSpec,
    Run,
    RunEnd,
    RunStatus,
    TaskStatus,
    TaskTransition,
    mapped_position,
)

QUIET = LocalLogger(quiet=True)
RUNNING, SUCCEEDED, FAILED = TaskStatus.RUNNING, TaskStatus.SUCCEEDED, TaskStatus.FAILED
SKIPPED, CANCELLED = TaskStatus.SKIPPED, TaskStatus.CANCELLED
SKIP = object()
WORK_SECONDS = 0.0005  # so that what may run at once does


@dataclass(frozen=True)
class Node:
    """One task of a random flow; others are named by their position before it.

    Attributes:
        kind: ``number``, ``list`` (of ``size`` items) or ``mapped``.
        over: What a mapped task maps over; without one, a constant list of ``size`` items.
        condition: What it runs on, and whether that has to be true.
        failures: How many of its first calls fail, for each child in turn.
    """

    kind: str
    size: int
    upstream: tuple[int, ...]
    over: int | None
    after: tuple[int, ...]
    condition: tuple[int, bool] | None
    retries: int
    delay: float | None
    limit: int | None
    failures: tuple[int, ...]

    @property
    def needs(self) -> set[int]:
        asked = set() if self.condition is None else {self.condition[0]}
        return {*self.upstream, *self.after, *asked, *(() if self.over is None else (self.over,))}


@dataclass(frozen=True)
class Model:
    """A random flow, and how it is run.

    Attributes:
        returned: The tasks whose outputs are the flow's result.
    """

    nodes: tuple[Node, ...]
    returned: tuple[int, ...]
    fail_fast: bool
    max_workers: int
    repetitions: int

    @property
    def results(self) -> list[Any]:
        """What each task returns in the end, or `SKIP`."""
        results: list[Any] = []
        for node in self.nodes:
            results.append(SKIP if self._is_skipped(node, results) else _value(node, results))
        return results

    @property
    def result(self) -> list[Any]:
        """What the flow returns in the end."""
        results = self.results
        return [None if results[each] is SKIP else results[each] for each in self.returned]

    def calls_from(self, number: int) -> set[str]:
        """The tasks, children of mapped ones included, that need this one, itself included."""
        again = {number}
        for index, node in enumerate(self.nodes):
            if not again.isdisjoint(node.needs):
                again.add(index)
        calls = set()
        results = self.results
        for index in again:
            if self.nodes[index].kind != "mapped":
                calls.update([] if results[index] is SKIP else [f"t{index}"])
            elif results[index] is not SKIP:
                calls.update(f"t{index}[{position}]" for position in range(len(results[index])))
        return calls

    def _is_skipped(self, node: Node, results: list[Any]) -> bool:
        if any(results[each] is SKIP for each in node.needs):
            return True
        return node.condition is not None and bool(results[node.condition[0]]) != node.condition[1]


def _value(node: Node, results: list[Any]) -> Any:
    extra = total([results[each] for each in node.upstream])
    if node.kind == "number":
        return (1 + extra) % 3
    if node.kind == "list":
        return items(node.size, extra)
    over = items(node.size, 0) if node.over is None else results[node.over]
    return [[position, number + extra] for position, number in over]


def items(size: int, extra: int) -> list[list[int]]:
    return [[position, position + extra] for position in range(size)]


def total(values: Sequence[Any]) -> int:
    return sum(each if isinstance(each, int) else sum(item[1] for item in each) for each in values)


@st.composite
def models(draw: st.DrawFn) -> Model:
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 8))):
        earlier = st.integers(0, number - 1) if number else st.nothing()
        some = st.lists(earlier, max_size=2, unique=True).map(tuple) if number else st.just(())
        lists = [index for index, node in enumerate(nodes) if node.kind != "number"]
        kind = draw(st.sampled_from(["number", "list", "mapped", "mapped"]))
        condition = st.one_of(st.none(), st.tuples(earlier, st.booleans()))
        nodes.append(
            Node(
                kind=kind,
                size=draw(st.integers(0, 4)),
                upstream=draw(some),
                over=draw(st.sampled_from([None, *lists])) if kind == "mapped" else None,
                after=draw(some),
                condition=draw(condition) if draw(st.booleans()) else None,
                retries=draw(st.integers(0, 2)),
                delay=draw(st.sampled_from([None, 5.0])),
                limit=draw(st.sampled_from([None, None, 1, 2])),
                failures=draw(
                    st.lists(st.sampled_from([0, 0, 0, 1, 2, 4]), min_size=1, max_size=4).map(tuple)
                ),
            )
        )
    return Model(
        tuple(nodes),
        returned=draw(st.lists(st.integers(0, len(nodes) - 1), max_size=3).map(tuple)),
        fail_fast=draw(st.booleans()),
        max_workers=draw(st.integers(1, 4)),
        repetitions=draw(st.sampled_from([0, 0, 1])),
    )


class Killed(BaseException):
    """The process that runs the flow is killed."""


@dataclass
class Witness:
    """Sees every call of a task function and everything that is recorded; notes what is wrong."""

    model: Model
    wrong: list[str] = field(default_factory=list)
    committed: set[str] = field(default_factory=set)  # tasks whose success some run recorded
    calls: Counter[str] = field(default_factory=Counter)
    recorded: dict[str, TaskStatus] = field(default_factory=dict)  # of the run under way
    running: Counter[Any] = field(default_factory=Counter)
    is_dead: bool = False  # the process was killed: what its threads still do counts for nothing
    lock: threading.Lock = field(default_factory=threading.Lock)

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    @contextmanager
    def at_work(self, number: int, position: int | None) -> Iterator[None]:
        """Check that a task may run, let it fail if it is to, and count it meanwhile."""
        node = self.model.nodes[number]
        task_id = f"t{number}" if position is None else f"t{number}[{position}]"
        places = ["all"] if node.limit is None else ["all", (node.kind == "mapped", node.limit)]
        with self.lock:
            if self.is_dead:
                raise Killed
            self.running.update(places)
            self._check_start(node, task_id)
            self.calls[task_id] += 1
            count = self.calls[task_id]
        try:
            if count <= node.failures[(position or 0) % len(node.failures)]:
                raise ValueError(f"call {count} of {task_id} fails")
            time.sleep(WORK_SECONDS)
            yield
        finally:
            with self.lock:
                self.running.subtract(places)

    def _check_start(self, node: Node, task_id: str) -> None:
        self.require(task_id not in self.committed, f"{task_id} runs although it succeeded before")
        for each in node.needs:
            status = self.recorded.get(f"t{each}")
            self.require(status is SUCCEEDED, f"{task_id} starts while t{each} is {status}")
        parent = mapped_position(task_id)
        if parent is not None:
            status = self.recorded.get(parent[0])
            self.require(status is RUNNING, f"{task_id} starts while its map is {status}")
        for place, count in self.running.items():
            limit = self.model.max_workers if place == "all" else place[1]
            self.require(count <= limit, f"{count} run at once of {place}")


class Recorder:
    """A store whose process is killed at its n-th call, before or after that has its effect."""

    def __init__(
        self, store: MemoryStore, witness: Witness, dies_at: int | None, *, dies_late: bool
    ) -> None:
        self._store = store
        self._witness = witness
        self._left = dies_at
        self._dies_late = dies_late
        witness.recorded.clear()
        witness.running.clear()
        witness.is_dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        with self._step():
            self._store.create_run(run, spec)

    def record_tasks(self, run_id: str, transitions: Sequence[TaskTransition]) -> None:
        with self._step():
            self._store.record_tasks(run_id, transitions)
            for each in transitions:
                self._witness.recorded[each.task_id] = each.status
                if each.status is SUCCEEDED:
                    self._witness.committed.add(each.task_id)

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        with self._step():
            self._store.finish_run(run_id, end)

    @contextmanager
    def _step(self) -> Iterator[None]:
        if self._left is not None:
            self._left -= 1
        dies = self._left == 0
        if not dies or self._dies_late:
            yield
        if dies:
            with self._witness.lock:
                self._witness.is_dead = True
            raise Killed


def flow_of(model: Model, witness: Witness) -> Flow[..., Any]:
    @task
    def make(number: int, values: list[Any]) -> Any:
        with witness.at_work(number, None):
            node = model.nodes[number]
            extra = total(values)
            return items(node.size, extra) if node.kind == "list" else (1 + extra) % 3

    @task
    def child(item: list[int], *, number: int, values: list[Any]) -> list[int]:
        with witness.at_work(number, item[0]):
            return [item[0], item[1] + total(values)]

    @flow(fail_fast=model.fail_fast, max_workers=model.max_workers, retries=model.repetitions)
    def random_flow() -> Any:
        outputs: list[Any] = []
        for number, node in enumerate(model.nodes):
            step: Any = (child if node.kind == "mapped" else make).with_options(
                name=f"t{number}",
                retries=node.retries,
                retry_delay_seconds=node.delay,
                concurrency_limit=node.limit,
                after=[outputs[each] for each in node.after],
            )
            if node.condition is not None:
                asked, runs_when = node.condition
                step = (step.run_if if runs_when else step.skip_if)(outputs[asked])
            values = [outputs[each] for each in node.upstream]
            if node.kind == "mapped":
                over = items(node.size, 0) if node.over is None else outputs[node.over]
                outputs.append(step.map(over, number=number, values=values))
            else:
                outputs.append(step(number, values))
        return [outputs[each] for each in model.returned]

    return random_flow


def settle(store: MemoryStore, run_id: str) -> None:
    """End a run as the next reader of a store on disk ends one whose process died."""
    run = store.get_run(run_id)
    if run.status.is_terminal:
        return
    # A child changes while its mapped task is under way, so it comes first.
    left = [each for each in store.list_task_runs(run_id) if each.status is RUNNING]
    store.record_tasks(
        run_id,
        [
            TaskTransition(each.task_id, FAILED, run.created_at, each.attempt, "crashed")
            for each in reversed(left)
        ],
    )
    crash = RunEnd(status=RunStatus.FAILED, ended_at=run.created_at, reason=FailureReason.CRASHED)
    store.finish_run(run_id, crash)


def wait_for_threads() -> None:
    """A killed process has none; ours end as soon as they see that."""
    for thread in threading.enumerate():
        if thread.name.startswith("dagy-"):
            thread.join(30)


def newest_run(store: MemoryStore, before: set[str]) -> str | None:
    return next(
        (each.run_id for each in store.list_runs(limit=999) if each.run_id not in before), None
    )


def check_end(store: MemoryStore, run_id: str, model: Model) -> RunStatus:
    """Check what is recorded of a run that has ended by itself."""
    run = store.get_run(run_id)
    assert run.status.is_terminal
    statuses = {each.task_id: each.status for each in store.list_task_runs(run_id)}
    assert all(status.is_finished for status in statuses.values()), statuses
    if run.status is RunStatus.SUCCEEDED:
        skipped = {f"t{index}" for index, each in enumerate(model.results) if each is SKIP}
        assert {each for each, status in statuses.items() if status is SKIPPED} == skipped
        assert set(statuses.values()) <= {SUCCEEDED, SKIPPED}
    else:
        assert FAILED in statuses.values()
        assert model.fail_fast or CANCELLED not in statuses.values()
    return run.status


class Story:
    """A flow that is run, killed and resumed until it succeeds."""

    def __init__(self, surroundings: Harness, model: Model) -> None:
        self.store = surroundings.store
        self.model = model
        self.witness = Witness(model)
        self.flow = flow_of(model, self.witness)
        self.run_id: str | None = None  # the one to resume

    def go_on(
        self, dies_at: int | None = None, *, dies_late: bool = False, from_task: str | None = None
    ) -> RunResult | None:
        """Run or resume; return the result once the flow has succeeded."""
        recorder = Recorder(self.store, self.witness, dies_at, dies_late=dies_late)
        before = {each.run_id for each in self.store.list_runs(limit=999)}
        result = None
        try:
            result = self._start(recorder, from_task)
        except Killed:
            wait_for_threads()
        run_id = newest_run(self.store, before)
        if result is None and run_id is not None:
            settle(self.store, run_id)
        elif result is not None:
            check_end(self.store, result.run_id, self.model)
        # A run that was killed before it took over anything is of no use.
        if run_id is not None and any(
            each.status is not TaskStatus.PENDING for each in self.store.list_task_runs(run_id)
        ):
            self.run_id = run_id
        assert self.witness.wrong == []
        return result if result is not None and result.status is RunStatus.SUCCEEDED else None

    @property
    def has_succeeded(self) -> bool:
        run = None if self.run_id is None else self.store.get_run(self.run_id)
        return run is not None and run.status is RunStatus.SUCCEEDED

    def forget(self, task_ids: set[str]) -> None:
        """Tasks are to be called again although they succeeded."""
        self.witness.calls.clear()
        self.witness.committed -= task_ids

    def _start(self, recorder: Any, from_task: str | None) -> RunResult:
        if self.run_id is None:
            return run_flow(self.flow, {}, recorder=recorder, logger=QUIET)
        return resume_flow(
            self.flow,
            self.run_id,
            reader=recorder,
            recorder=recorder,
            logger=QUIET,
            from_task=from_task,
        )


crashes = st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=4)


@settings(max_examples=60, deadline=None)
@given(models(), crashes)
def test_every_promise_holds_in_every_run_and_the_result_is_as_if_nothing_had_happened(
    model: Model, kills: list[tuple[int, bool]]
) -> None:
    with harness() as surroundings:
        story = Story(surroundings, model)
        for dies_at, dies_late in kills:
            if story.has_succeeded:
                break
            story.go_on(dies_at, dies_late=dies_late)
        result = None
        # Each run that ends by itself uses up a failing call of some task.
        for _ in range(sum(max(1, node.size) * 16 for node in model.nodes) + 1):
            if story.has_succeeded:
                break
            result = story.go_on()
        assert story.has_succeeded
        assert story.run_id is not None
        check_end(surroundings.store, story.run_id, model)
    if result is not None:
        assert result.result() == model.result


@settings(max_examples=30, deadline=None)
@given(models(), st.data())
def test_a_resume_from_a_task_calls_that_and_what_needs_it_once(
    model: Model, data: st.DataObject
) -> None:
    calm = replace(model, nodes=tuple(replace(node, failures=(0,)) for node in model.nodes))
    number = data.draw(st.integers(0, len(model.nodes) - 1))
    with harness() as surroundings:
        story = Story(surroundings, calm)
        first = story.go_on()
        assert first is not None
        assert first.result() == calm.result
        assert set(story.witness.calls.values()) <= {1}
        story.forget(calm.calls_from(number))
        again = story.go_on(from_task=f"t{number}")
    assert again is not None
    assert again.result() == calm.result
    assert story.witness.calls == dict.fromkeys(calm.calls_from(number), 1)
