"""What is created once stays one, though answers get lost on their way."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random
from typing import Any

from control_plane import ControlPlane, running_control_plane
from installed import Environment
from lossy_proxy import LossyProxy

PROGRAM = Path(__file__).parent / "foreign" / "create_runs.py"
COUNT = 1_000


def test_a_thousand_creates_through_a_lossy_network_are_a_thousand_runs(
    client_environment: Environment,
    server_environment: Environment,
    environ: dict[str, str],
    tmp_path: Path,
) -> None:
    """HTTP-02: 30 % of the answers are lost after the server has committed."""
    with running_control_plane(server_environment, environ, tmp_path / "server") as server:
        server.deploy("nightly", "load")
        with LossyProxy(server.url, share_lost=0.3, random=Random(20261101)) as proxy:
            ended = subprocess.run(
                [client_environment.python, "-W", "error", PROGRAM, proxy.url, str(COUNT)],
                input=f"{server.api_key}\n",
                env=environ,
                capture_output=True,
                text=True,
                timeout=240,
            )
        assert ended.returncode == 0, ended.stderr
        numbers = {run["run_id"]: run["parameters"]["number"] for run in _runs(server)}
    assert proxy.passed == COUNT
    assert proxy.lost > COUNT / 4
    assert [numbers[run_id] for run_id in ended.stdout.split()] == list(range(COUNT))
    assert len(numbers) == COUNT


def _runs(server: ControlPlane) -> list[Any]:
    runs, cursor = [], ""
    while True:
        status, page = server.ask("GET", f"/runs?limit=200{cursor}")
        assert status == 200
        runs += page["items"]
        if page["next_cursor"] is None:
            return runs
        cursor = f"&cursor={page['next_cursor']}"
