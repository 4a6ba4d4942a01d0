"""One story from laptop to server, played against installed wheels and a real server process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import FLOWS, Dagy, Environment, said
from person import Person
from server_command import log_in, started, url_of, without_desktop

PATIENCE_SECONDS = 120


@pytest.fixture
def dagy(together: Environment, environ: dict[str, str], tmp_path: Path) -> Iterator[Dagy]:
    """The command, logged in to a server of its own."""
    directory = tmp_path / "work"
    directory.mkdir()
    shutil.copy(FLOWS / "sales.py", directory)
    dagy = without_desktop(together, environ, directory)
    with started(dagy, f"--data-dir={tmp_path / 'server'}", "--port=0") as server:
        dagy.environ["DAGY_API_URL"] = url_of(server)
        person = Person(dagy.environ["DAGY_API_URL"])
        person.set_up(said(server, r"with this code: (\S+)"))
        log_in(dagy, person)
        yield dagy


def _built(dagy: Dagy, flow: str) -> str:
    return str(dagy.json("build", f"sales.py:{flow}")["path"])


def test_from_a_file_to_runs_at_a_server(dagy: Dagy) -> None:
    archive = _built(dagy, "sales")
    assert dagy("deploy", archive, "--deployment", "nightly", "--dry-run").returncode == 0
    assert dagy.json("deployments", "list") == []
    deployed = dagy("deploy", archive, "--deployment", "nightly", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    assert [each["deployment_name"] for each in dagy.json("deployments", "list")] == ["nightly"]

    ended = dagy("run", "nightly", "--param", "count=4")
    assert ended.returncode == 0, ended.stderr
    run_id = ended.stderr.split()[1]
    assert ended.stderr.splitlines()[0] == f"Run {run_id} (remote): sales as nightly"
    assert {f"loading day {day}" for day in range(4)} < set(ended.stderr.splitlines())
    assert "total 60" in ended.stderr

    ended = dagy("run", "nightly", "--param", "at_most=5")
    assert ended.returncode == 10, ended.stderr
    assert "30 is more than 5" in ended.stdout + ended.stderr

    statuses = [each["status"] for each in dagy.json("runs", "list", "--remote")]
    assert statuses == ["FAILED", "SUCCEEDED"]
    assert dagy.json("runs", "list") == []
    shown = dagy.json("runs", "show", run_id)
    assert {each["status"] for each in shown["tasks"]} == {"SUCCEEDED"}


def test_a_run_is_followed_by_its_log_and_cancelled(dagy: Dagy) -> None:
    archive = _built(dagy, "waiting")
    deployed = dagy("deploy", archive, "--deployment", "waiting", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    run_id = dagy.json("run", "waiting", "--detach")["run_id"]
    with dagy.start("logs", run_id, "-f") as follower:
        assert follower.stdout is not None
        assert any("waiting" in line for line in follower.stdout)
        ended = dagy("runs", "cancel", run_id)
        assert (ended.returncode, ended.stderr) == (0, f"Run {run_id} is CANCELLED.\n")
        follower.communicate(timeout=PATIENCE_SECONDS)
    assert follower.returncode == 0
    assert dagy("runs", "watch", run_id).returncode == 11
    ended = dagy("logout", "--require-revoke")
    assert (ended.returncode, ended.stdout) == (0, "Logged out.\n")
    assert dagy("runs", "list", "--remote").returncode == 3


@pytest.mark.parametrize(("parameters", "code"), [((), 0), (("--param", "at_most=5"), 10)])
def test_a_pushed_run_is_field_by_field_the_one_that_ran_here(
    dagy: Dagy, parameters: tuple[str, ...], code: int
) -> None:
    """ORCH-05: what is recorded here and what the server has are equal afterwards."""
    ended = dagy("run", "sales.py:sales", *parameters, "--format", "json")
    assert ended.returncode == code, ended.stderr
    run_id = json.loads(ended.stdout)["run_id"]
    for _ in range(2):  # the same again changes nothing
        pushed = dagy("runs", "push", run_id)
        assert pushed.returncode == 0, pushed.stderr
    both = [dagy.json("runs", "show", run_id, place) for place in ("--local", "--remote")]
    assert both[0] == both[1]
    assert len(both[0]["tasks"]) == 5 + 3
    logs = [dagy("logs", run_id, place, "--format", "jsonl") for place in ("--local", "--remote")]
    assert logs[0].returncode == logs[1].returncode == 0
    assert logs[0].stdout == logs[1].stdout != ""
