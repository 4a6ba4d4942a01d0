from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_server.execution import dispatcher
from dagy_types import FailureReason, RunStatus

FLOWS = """
import os, time
from pathlib import Path
from dagy import flow, task

@task
def first(journal: str) -> int:
    with Path(journal).open("a") as file:
        file.write("x")
    return 1

@task
def waits(path: str, upstream: int) -> None:
    while not Path(path).exists():
        time.sleep(0.01)

@flow(version=VERSION)
def sample(journal: str = "", path: str = "") -> None:
    waits(path, first(journal))
"""


@pytest.fixture
def trigger(office: Any, clock: Any, tmp_path: Path) -> Callable[..., str]:
    """Trigger a run, a moment after the one before, which waits for a file of its number."""
    deployment = office.deploy(FLOWS)

    def trigger(number: int = 1) -> str:
        clock.advance(1)
        places = {
            "journal": str(tmp_path / f"journal{number}"),
            "path": str(tmp_path / f"path{number}"),
        }
        return str(office.client.runs.trigger(deployment, parameters=places).run_id)

    return trigger


def _is_waiting(office: Any, run_id: str) -> bool:
    return bool(office.statuses(run_id).get("waits") == "RUNNING")


def test_a_triggered_run_is_carried_out(
    office: Any, trigger: Callable[..., str], tmp_path: Path
) -> None:
    office.start_dispatcher()
    (tmp_path / "path1").touch()
    run_id = trigger()
    assert office.ended(run_id).status is RunStatus.SUCCEEDED
    office.wait_for(lambda: not office.queued())
    office.wait_for(lambda: not list((office.execution / "logs").iterdir()))


@pytest.mark.parametrize("max_runs", [1, 2])
def test_so_many_runs_are_carried_out_at_once(
    office: Any, trigger: Callable[..., str], tmp_path: Path, max_runs: int
) -> None:
    office.set(max_runs=max_runs)
    run_ids = [trigger(number) for number in (1, 2, 3)]
    office.start_dispatcher()
    for run_id in run_ids[:max_runs]:
        office.wait_for(lambda run_id=run_id: _is_waiting(office, run_id))
    status = office.client.runs.get(run_ids[max_runs]).status
    assert status is RunStatus.QUEUED
    for number in (1, 2, 3):
        (tmp_path / f"path{number}").touch()
    assert [office.ended(each).status for each in run_ids] == [RunStatus.SUCCEEDED] * 3


def test_the_next_run_begins_as_soon_as_a_worker_has_ended(
    office: Any, trigger: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_LOOK_SECONDS", 3600.0)
    monkeypatch.setattr(dispatcher, "_QUIET_SECONDS", 3600.0)
    office.set(max_runs=1)
    run_ids = [trigger(number) for number in (1, 2, 3)]
    office.start_dispatcher()
    for number in (1, 2, 3):
        (tmp_path / f"path{number}").touch()
    assert [office.ended(each).status for each in run_ids] == [RunStatus.SUCCEEDED] * 3


def test_many_triggers_are_one_look_and_a_server_that_stops_does_not_wait_for_the_next(
    office: Any, trigger: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    monkeypatch.setattr(dispatcher, "_SHORTEST_REST_SECONDS", 3600.0)
    monkeypatch.setattr(dispatcher.Dispatcher, "_look", lambda _: looks.append(None))
    office.start_dispatcher()
    office.wait_for(lambda: looks)
    for number in range(5):
        trigger(number)
    office.stop_dispatcher()
    assert len(looks) == 1


def test_a_server_without_workers_only_takes_runs_in(
    office: Any, trigger: Callable[..., str]
) -> None:
    office.set(max_runs=0)
    run_id = trigger()
    office.services.work_changed.set()
    office.start_dispatcher()
    office.wait_for(lambda: not office.services.work_changed.is_set())  # it has looked
    office.stop_dispatcher()
    assert office.client.runs.get(run_id).status is RunStatus.QUEUED


def test_after_a_killed_worker_the_next_one_goes_on_and_nothing_runs_twice_orch_03(
    office: Any, trigger: Callable[..., str], tmp_path: Path
) -> None:
    office.start_dispatcher()
    run_id = trigger()
    office.wait_for(lambda: _is_waiting(office, run_id))
    worker, _ = office.holders(run_id)
    os.kill(worker, signal.SIGKILL)
    office.wait_for(lambda: office.holders(run_id)[0] != worker)
    (tmp_path / "path1").touch()
    run = office.ended(run_id)
    assert (run.status, run.error) == (RunStatus.SUCCEEDED, None)
    assert (tmp_path / "journal1").read_text() == "x"
    attempts = {each.task_id: each.attempt for each in office.client.task_runs.list(run_id)}
    assert attempts == {"first": 1, "waits": 2}
    assert "run.worker_lost" in office.actions()


def test_a_worker_that_hangs_is_noticed_by_its_lease_orch_03(
    office: Any, trigger: Callable[..., str], tmp_path: Path, clock: Any
) -> None:
    office.start_dispatcher()
    run_id = trigger()
    office.wait_for(lambda: _is_waiting(office, run_id))
    worker, _ = office.holders(run_id)
    os.kill(worker, signal.SIGSTOP)
    _let_leases_end(office, clock, until=lambda: "run.worker_lost" in office.actions())
    office.wait_for(lambda: office.holders(run_id)[0] != worker)
    (tmp_path / "path1").touch()
    assert office.ended(run_id).status is RunStatus.SUCCEEDED
    assert (tmp_path / "journal1").read_text() == "x"


def test_a_run_whose_workers_are_all_killed_ends_as_crashed(
    office: Any, trigger: Callable[..., str]
) -> None:
    office.start_dispatcher()
    run_id = trigger()
    seen: set[int] = set()
    while len(seen) < 3:
        worker, _ = office.wait_for(
            lambda: next((each for each in [office.holders(run_id)] if each[0] not in seen), None)
        )
        seen.add(worker)
        os.kill(worker, signal.SIGKILL)
    run = office.ended(run_id)
    assert (run.status, run.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    assert "run.crashed" in office.actions()


def test_workers_go_on_while_the_server_is_away_orch_05(
    office: Any, trigger: Callable[..., str], tmp_path: Path, clock: Any
) -> None:
    office.start_dispatcher()
    run_id = trigger()
    office.wait_for(lambda: _is_waiting(office, run_id))
    office.stop_dispatcher()
    office.start_dispatcher()
    (tmp_path / "path1").touch()
    assert office.ended(run_id).status is RunStatus.SUCCEEDED
    assert [each.attempt for each in office.client.task_runs.list(run_id)] == [1, 1]
    # Nobody waits for that process.
    _let_leases_end(office, clock, until=lambda: not office.queued())


def _let_leases_end(office: Any, clock: Any, *, until: Callable[[], bool]) -> None:
    def is_noticed() -> bool:
        if until():
            return True
        # Once more each time: what a worker had sent before may have renewed its lease.
        clock.advance(office.services.settings.lease_seconds + 1)
        return False

    office.wait_for(is_noticed)
