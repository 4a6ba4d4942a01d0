"""A disk that fills while a flow runs: the caller is told, and nothing recorded is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from dagy import flow, get_run_logger, task
from dagy.local import LocalLogger, run_flow
from dagy_store import LocalMetadataStore
from dagy_types import FailureReason, RunStatus, TaskStatus
from dagy_types.errors import StoreError

QUIET = LocalLogger(quiet=True)
RECORDING = ("create_run", "record_tasks", "append_logs", "finish_run", "find_cached")


class FillingDisk:
    """A store that takes so many calls and then refuses each."""

    def __init__(self, store: LocalMetadataStore, calls: int) -> None:
        self._store = store
        self._calls = calls
        self.is_full = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return self._refusing(method) if name in RECORDING else method

    def _refusing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._calls -= 1
            if self._calls < 0:
                self.is_full = True
                raise StoreError("The disk is full.")
            return method(*args, **kwargs)

        return call


def threads_left() -> list[str]:
    """Return which threads of a run do not end by themselves."""
    ours = [each for each in threading.enumerate() if each.name.startswith("dagy-")]
    for each in ours:
        each.join(1)  # what a task was doing when the error came ends at once
    return [each.name for each in ours if each.is_alive()]


class Work:
    """A small flow of every kind of task, and how often each was done."""

    def __init__(self, *, with_hooks: bool = False) -> None:
        self.done: dict[str, int] = {}
        self._lock = threading.Lock()
        hooks: Any = {"on_running": [lambda *_: None]} if with_hooks else {}

        @task(retries=1, **hooks)
        def step(name: str, *_: Any) -> str:
            get_run_logger().info("%s", name)
            with self._lock:
                self.done[name] = self.done.get(name, 0) + 1
            if name == "flaky" and self.done[name] == 1:
                raise ValueError("the first time")
            return name

        cached = step.with_options(name="cached", cache="inputs")

        @flow(name="small", **hooks)
        def small() -> Any:
            first = step("first")
            mapped = step.with_options(name="mapped").map(["one", "two"])
            return [step("flaky", first), cached("cached", first), step("last", mapped)]

        self.flow = small


EXPECTED = ["flaky", "cached", "last"]


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_wherever_the_disk_fills_the_error_reaches_the_caller_and_a_resume_goes_on(
    executor: str,
) -> None:
    for calls in count():
        work = Work()
        with LocalMetadataStore() as store:
            disk = FillingDisk(store, calls)
            try:
                run_flow(work.flow, {}, recorder=disk, logger=QUIET, executor=executor)
            except StoreError as error:
                assert error.message == "The disk is full."
            assert threads_left() == []
            if not disk.is_full:
                break
        with LocalMetadataStore() as store:
            runs = store.list_runs(limit=1)
            if calls == 0:
                assert runs == []
                continue
            assert (runs[0].status, runs[0].reason) == (RunStatus.FAILED, FailureReason.CRASHED)
            recorded = store.list_task_runs(runs[0].run_id)
        result = work.flow.resume(runs[0].run_id)
        assert result.result() == EXPECTED
        require_nothing_repeated(result.run_id, recorded)
    assert calls > 5  # else hardly anything was tried


def require_nothing_repeated(run_id: str, recorded: list[Any]) -> None:
    """Check that what was recorded as done was taken over."""
    with LocalMetadataStore() as store:
        reused = {each.task_id for each in store.list_task_runs(run_id) if each.origin}
    done = {
        each.task_id
        for each in recorded
        if each.status is TaskStatus.SUCCEEDED and each.map_size is None
    }
    assert done <= reused


def test_with_hooks_no_thread_is_left_either() -> None:
    work = Work(with_hooks=True)
    with LocalMetadataStore() as store, pytest.raises(StoreError):
        run_flow(work.flow, {}, recorder=FillingDisk(store, 2), logger=QUIET)
    assert threads_left() == []
