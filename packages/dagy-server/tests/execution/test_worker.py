from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from dagy.artifacts import open_artifact
from dagy.unattended import Order
from dagy_server.execution.flow_process import environment_for
from dagy_server.execution.flow_processes import FlowProcesses
from dagy_server.execution.queue import LOST_MESSAGE, MOST_CLAIMS
from dagy_store import LocalMetadataStore
from dagy_types import FailureReason, Run, RunStatus

FLOWS = """
import os
from pathlib import Path
from dagy import flow, task

@task
def counted(journal: str) -> int:
    with Path(journal).open("a") as file:
        file.write("x")
    print("counted")
    return 1

@task
def needs(path: str, upstream: int) -> None:
    assert Path(path).exists(), "it is not there"

@flow(version=VERSION)
def sample(journal: str = "", path: str = "") -> None:
    needs(path, counted(journal))

@task
def dies(journal: str, upstream: int) -> None:
    if Path(journal).read_text() != "x" or not Path(journal + "-again").exists():
        Path(journal + "-again").touch()
        os.kill(os.getpid(), 9)

@flow(version=VERSION)
def dying(journal: str = "", path: str = "") -> None:
    dies(journal, counted(journal))
"""


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    return {"journal": str(tmp_path / "journal"), "path": str(tmp_path / "path")}


@pytest.fixture
def triggered(office: Any, places: dict[str, str]) -> Run:
    """A run that waits for a worker, and fails unless there is something at the path."""
    run: Run = office.client.runs.trigger(office.deploy(FLOWS), parameters=places)
    return run


def test_a_worker_carries_out_a_run_and_leaves_nothing(
    office: Any, triggered: Run, places: dict[str, str]
) -> None:
    Path(places["path"]).touch()
    order = office.claim()
    assert office.work(order) == 0
    assert office.client.runs.get(triggered.run_id).status is RunStatus.SUCCEEDED
    assert office.statuses(triggered.run_id) == {"counted": "SUCCEEDED", "needs": "SUCCEEDED"}
    assert office.messages(triggered.run_id) == ["counted"]
    assert not order.places.root.exists()


def test_a_run_that_has_failed_keeps_its_record_for_a_retry(
    office: Any, triggered: Run, places: dict[str, str]
) -> None:
    order = office.claim()
    assert office.work(order) == 0
    assert office.client.runs.get(triggered.run_id).status is RunStatus.FAILED
    Path(places["path"]).touch()
    retried = office.client.runs.retry(triggered.run_id)
    again = office.claim()
    assert again.places == order.places
    assert office.work(again) == 0
    assert office.client.runs.get(retried.run_id).status is RunStatus.SUCCEEDED
    assert Path(places["journal"]).read_text() == "x"


def test_a_retry_whose_record_is_gone_does_all_again(
    office: Any, triggered: Run, places: dict[str, str]
) -> None:
    order = office.claim()
    office.work(order)
    shutil.rmtree(order.places.root)
    Path(places["path"]).touch()
    retried = office.client.runs.retry(triggered.run_id)
    assert office.work(office.claim()) == 0
    assert office.client.runs.get(retried.run_id).status is RunStatus.SUCCEEDED
    assert Path(places["journal"]).read_text() == "xx"


def test_the_next_worker_tells_the_end_that_an_earlier_one_had_recorded(
    office: Any, triggered: Run, places: dict[str, str]
) -> None:
    order = office.claim()
    _record_alone(office, order, triggered)
    office.lose(triggered.run_id)
    assert office.client.runs.get(triggered.run_id).status is RunStatus.QUEUED
    assert office.work(office.claim()) == 0
    run = office.client.runs.get(triggered.run_id)
    assert run.status is RunStatus.FAILED
    assert "it is not there" in run.error
    assert office.messages(triggered.run_id)[0] == "counted"
    assert Path(places["journal"]).read_text() == "x"


def test_a_worker_whose_run_went_to_another_one_says_nothing_more(
    office: Any, triggered: Run, caplog: pytest.LogCaptureFixture
) -> None:
    order = office.claim()
    office.lose(triggered.run_id)
    assert office.work(order) == 1
    assert "another worker's now" in caplog.text
    assert office.client.runs.get(triggered.run_id).status is RunStatus.QUEUED


def test_a_flow_that_crashes_is_recorded_as_crashed_and_its_retry_goes_on(
    office: Any, places: dict[str, str]
) -> None:
    run = office.client.runs.trigger(office.deploy(FLOWS, "dying"), parameters=places)
    assert office.work(office.claim()) == 0
    crashed = office.client.runs.get(run.run_id)
    assert (crashed.status, crashed.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    retried = office.client.runs.retry(run.run_id)
    assert office.work(office.claim()) == 0
    assert office.client.runs.get(retried.run_id).status is RunStatus.SUCCEEDED
    assert Path(places["journal"]).read_text() == "x"


def test_a_run_that_loses_all_its_workers_has_crashed(office: Any, triggered: Run) -> None:
    for number in range(1, MOST_CLAIMS + 1):
        assert office.claim().number == number
        office.lose(triggered.run_id)
    run = office.client.runs.get(triggered.run_id)
    assert (run.status, run.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    assert run.error == LOST_MESSAGE


def test_a_flow_that_names_itself_otherwise_each_time_fails_with_the_reason(office: Any) -> None:
    source = "import os\nfrom dagy import flow\n@flow(version=f'v{os.getpid()}')\n"
    run = office.client.runs.trigger(office.deploy(source + "def sample() -> None: ...\n"))
    assert office.work(office.claim()) == 0
    ended = office.client.runs.get(run.run_id)
    assert ended.status is RunStatus.FAILED
    assert "and this is the graph of sample@v" in ended.error


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("os._exit(3)", "ended with status 3 before the run began"),
        ("os.kill(os.getpid(), 9)", "was killed by signal 9 (SIGKILL) before the run began"),
    ],
)
def test_a_file_that_ends_its_process_is_told(
    office: Any, tmp_path: Path, code: str, message: str
) -> None:
    mark = tmp_path / "mark"
    mark.touch()
    source = f"""
import os, sys
from dagy import flow
if not os.path.exists({str(mark)!r}):
    print("about to go", file=sys.stderr, flush=True)
    {code}
@flow(version=VERSION)
def sample() -> None: ...
"""
    deployment = office.deploy(source)
    mark.unlink()
    run = office.client.runs.trigger(deployment)
    assert office.work(office.claim()) == 0
    ended = office.client.runs.get(run.run_id)
    assert (ended.status, ended.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    assert message in ended.error
    (told,) = office.messages(run.run_id)
    assert "about to go" in told


def test_an_archive_that_was_changed_on_the_disk_is_not_run(
    office: Any, triggered: Run, places: dict[str, str]
) -> None:
    order = office.claim()
    archive = order.places.archive(order.sha256)
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"PK something else")
    assert office.work(order) == 0
    run = office.client.runs.get(triggered.run_id)
    assert run.status is RunStatus.FAILED
    assert "archive" in run.error or "ZIP" in run.error
    assert not Path(places["journal"]).exists()


def _record_alone(office: Any, order: Any, run: Run) -> None:
    """Let a flow run to its end in the record of a worker that tells nobody."""
    archive, flow = order.places.archive(order.sha256), order.places.flow(order.sha256)
    order.places.root.mkdir(parents=True)
    office.client.artifacts.download(order.artifact_id, archive)
    with open_artifact(archive) as artifact:
        artifact.unpack(flow)
        target = artifact.manifest.target
    order.places.home.mkdir()
    process = FlowProcesses(environment_for([])).start(sys.executable, order.places.output)
    process.carry_out(
        Order(
            target=str(flow / target),
            directory=str(flow),
            home=str(order.places.home),
            record=order.record,
            run_id=run.run_id,
            parameters=order.parameters,
        ),
        output=order.places.output,
        lock=0,
    )
    assert process.wait(60)
    process.kill()
    with LocalMetadataStore(order.record) as store:
        assert store.get_run(run.run_id).status is RunStatus.FAILED
