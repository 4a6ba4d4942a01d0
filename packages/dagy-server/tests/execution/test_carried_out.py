"""Runs that a server carries out, from their trigger to their end."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dagy_types import FailureReason, ReuseReason, RunStatus

FLOWS = """
import json, logging, os, signal, subprocess, sys, time
from pathlib import Path
from dagy import flow, get_run_logger, task

print("imported by", os.getpid())

@task
def numbers(count: int) -> list[int]:
    get_run_logger().info("making %s", count)
    return list(range(count))

@task
def double(number: int) -> int:
    print("double", number)
    return 2 * number

@task
def total(values: list[int]) -> int:
    return sum(values)

@flow(version=VERSION)
def sums(count: int = 3) -> int:
    return total(double.map(numbers(count)))

@task
def step(number: int) -> int:
    return number

@flow(version=VERSION)
def steps(count: int = 1) -> list[int]:
    return [step(number) for number in range(count)]

@task
def counted(journal: str) -> int:
    with Path(journal).open("a") as file:
        file.write("x")
    return 1

@task
def needs(path: str, upstream: int) -> None:
    assert Path(path).exists(), "it is not there"

@flow(version=VERSION)
def mending(journal: str = "", path: str = "") -> None:
    needs(path, counted(journal))

@task
def spawns(journal: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path(journal).write_text(f"{os.getpid()} {child.pid}")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    while True:
        time.sleep(0.1)

@flow(version=VERSION)
def endless(journal: str = "") -> None:
    spawns(journal)

@task
def seen(journal: str) -> None:
    files = []
    for number in os.listdir("/proc/self/fd"):
        try:
            files.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            pass
    parent = Path(f"/proc/{os.getppid()}/cmdline").read_text()
    found = {"environ": dict(os.environ), "files": files, "argv": sys.argv, "parent": parent}
    Path(journal).write_text(json.dumps(found))

@flow(version=VERSION)
def looks(journal: str = "") -> None:
    seen(journal)

@task
def dies(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)

@flow(version=VERSION)
def deadly(path: str = "") -> None:
    dies(path)

@flow(version=VERSION, timeout_seconds=1)
def slow() -> None:
    sleeps()

@task
def sleeps() -> None:
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def deployed(site: Any) -> dict[str, str]:
    names = ("sums", "steps", "mending", "endless", "looks", "deadly", "slow")
    return {name: site.deploy(FLOWS, name) for name in names}


def test_a_run_is_carried_out_and_recorded(site: Any, deployed: dict[str, str]) -> None:
    run = site.run(deployed["sums"], count=2)
    assert (run.status, run.error, run.parameters) == (RunStatus.SUCCEEDED, None, {"count": 2})
    assert run.source == "src/flows.py:sums"
    assert set(run.environment) >= {"python", "platform"}
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.created_at <= run.started_at <= run.ended_at
    tasks = list(site.client.task_runs.list(run.run_id))
    assert [each.task_id for each in tasks] == [
        "numbers",
        "double",
        "double[0]",
        "double[1]",
        "total",
    ]
    for each in tasks:
        assert (each.status.value, each.attempt, each.origin) == ("SUCCEEDED", 1, None)
        assert each.started_at is not None
        assert run.started_at <= each.started_at <= run.ended_at
    assert tasks[1].map_size == 2
    assert sorted(site.messages(run.run_id)) == ["double 0", "double 1", "making 2"]


def test_the_graph_of_a_run_is_the_one_that_its_parameters_give(
    site: Any, deployed: dict[str, str]
) -> None:
    run = site.run(deployed["steps"], count=4)
    ids = ["step", "step-2", "step-3", "step-4"]
    assert list(site.statuses(run.run_id)) == ids
    assert [each.task_id for each in site.client.runs.flow_spec(run.run_id).tasks] == ids


def test_a_parameter_of_the_wrong_type_ends_the_run_with_the_reason(
    site: Any, deployed: dict[str, str]
) -> None:
    run = site.run(deployed["sums"], count="many")
    assert (run.status, run.reason) == (RunStatus.FAILED, None)
    assert "count" in (run.error or "")
    assert "many" in (run.error or "")


def test_a_file_that_cannot_be_imported_ends_the_run_with_the_reason(site: Any) -> None:
    source = "import os\nfrom dagy import flow\nif 'DAGY_TEST' not in os.environ:\n    1/0\n"
    os.environ["DAGY_TEST"] = "1"
    try:
        name = site.deploy(source + "@flow(version=VERSION)\ndef sample() -> None: ...\n")
    finally:
        del os.environ["DAGY_TEST"]
    run = site.run(name)
    assert run.status is RunStatus.FAILED
    assert "cannot be imported: ZeroDivisionError" in (run.error or "")
    assert "cannot be imported" in "\n".join(site.messages(run.run_id))


def test_a_retry_takes_over_what_was_done(
    site: Any, deployed: dict[str, str], tmp_path: Path
) -> None:
    journal, path = tmp_path / "journal", tmp_path / "path"
    failed = site.run(deployed["mending"], journal=str(journal), path=str(path))
    assert failed.status is RunStatus.FAILED
    assert "it is not there" in (failed.error or "")
    path.touch()
    run = site.ended(site.client.runs.retry(failed.run_id).run_id)
    assert (run.status, run.resumed_from) == (RunStatus.SUCCEEDED, failed.run_id)
    assert journal.read_text() == "x", "it ran twice"
    reused = next(each for each in site.client.task_runs.list(run.run_id))
    assert reused.origin is not None
    assert (reused.origin.run_id, reused.origin.reason) == (failed.run_id, ReuseReason.RESUMED)


def test_a_cancelled_run_ends_with_all_that_it_has_started(
    site: Any, deployed: dict[str, str], tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    run = site.client.runs.trigger(deployed["endless"], parameters={"journal": str(journal)})
    processes = site.wait_for(lambda: journal.exists() and journal.read_text().split())
    site.wait_for(lambda: site.statuses(run.run_id) == {"spawns": "RUNNING"})
    site.client.runs.cancel(run.run_id)
    site.wait_for(lambda: not any(map(_is_alive, processes)))
    assert site.ended(run.run_id).status is RunStatus.CANCELLED
    assert site.statuses(run.run_id) == {"spawns": "CANCELLED"}


def test_a_flow_that_takes_too_long_is_ended(site: Any, deployed: dict[str, str]) -> None:
    run = site.run(deployed["slow"])
    assert (run.status, run.reason) == (RunStatus.FAILED, FailureReason.TIMED_OUT)


def test_a_flow_that_kills_its_process_has_crashed(
    site: Any, deployed: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "path"
    triggered = site.client.runs.trigger(deployed["deadly"], parameters={"path": str(path)})
    site.wait_for(lambda: site.statuses(triggered.run_id) == {"dies": "RUNNING"})
    path.touch()
    run = site.ended(triggered.run_id)
    assert (run.status, run.reason) == (RunStatus.FAILED, FailureReason.CRASHED)
    assert site.statuses(run.run_id) == {"dies": "FAILED"}


def test_sec_23_a_flow_inherits_nothing_of_the_server(
    site: Any, deployed: dict[str, str], tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    assert site.run(deployed["looks"], journal=str(journal)).status is RunStatus.SUCCEEDED
    seen = json.loads(journal.read_text())
    usual = {"PATH", "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"}
    assert set(seen["environ"]) <= usual
    assert "s" * 40 not in journal.read_text()
    assert site.server.api_key not in journal.read_text()
    assert "dagy_wk_" not in journal.read_text()
    inside = [each for each in seen["files"] if str(site.server.directory) in each]
    assert all("/execution/runs/" in each for each in inside)


def test_sec_14_the_server_and_its_worker_import_nothing_of_a_flow(
    site: Any, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    source = f"""
import os
from pathlib import Path
from dagy import flow
with Path({str(canary)!r}).open("a") as file:
    file.write(f"{{os.getpid()}}\\n")
@flow(version=VERSION)
def sample() -> None: ...
"""
    name = site.deploy(source)  # which imports it here, once
    assert canary.read_text().split() == [str(os.getpid())]
    run = site.run(name)
    assert run.status is RunStatus.SUCCEEDED
    _, importer = canary.read_text().split()
    assert int(importer) not in (os.getpid(), site.server.process.pid)
    site.wait_for(lambda: not _is_alive(importer))


def test_what_a_flow_requires_is_installed_once_for_all_with_the_same_requirements(
    site: Any, tmp_path: Path
) -> None:
    wheel = tmp_path / "helper-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("helper.py", "ANSWER = 42\n")
        file.writestr("helper-1.0.dist-info/METADATA", "Name: helper\nVersion: 1.0\n")
        file.writestr("helper-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("helper-1.0.dist-info/RECORD", "")
    source = """
from dagy import flow, task
@task
def answer() -> int:
    import helper
    print("the answer", helper.ANSWER, helper.__file__)
    return helper.ANSWER
@flow(version=VERSION)
def sample() -> int:
    return answer()
"""
    places = set()
    for _ in range(2):
        name = site.deploy(source, requirements__txt=f"helper @ {wheel.as_uri()}\n")
        run = site.run(name)
        assert run.status is RunStatus.SUCCEEDED, (run.error, site.messages(run.run_id))
        (message,) = site.messages(run.run_id)
        assert message.startswith("the answer 42")
        places.add(message.split()[3])
    (place,) = places
    assert place.startswith(str(site.execution / "environments"))


def test_requirements_that_cannot_be_installed_end_the_run_with_the_reason(site: Any) -> None:
    source = "from dagy import flow\n@flow(version=VERSION)\ndef sample() -> None: ...\n"
    run = site.run(site.deploy(source, requirements__txt="./nowhere/absent.whl\n"))
    assert run.status is RunStatus.FAILED
    assert "requirements of the flow cannot be installed" in (run.error or "")
    assert "absent.whl" in (run.error or "")


def test_what_is_done_is_not_kept(site: Any, deployed: dict[str, str]) -> None:
    run = site.run(deployed["steps"])
    site.wait_for(lambda: not (site.execution / "runs" / run.run_id).exists())


def _is_alive(process_id: str) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
